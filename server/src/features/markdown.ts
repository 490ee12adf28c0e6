/** Markdown made of text that nobody here wrote. */

/** The text with everything that means something in Markdown escaped, on one line: it can make no links and no images. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~&]/g, '\\$&').replace(/\r?\n/g, ' ');
}

/** Lines of a table; cells are Markdown already. Columns named with a leading `#` are numbers and stand to the right. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const titles = columns.map((c) => c.replace(/^#/, ''));
  return [`| ${titles.join(' | ')} |`, `|${columns.map((c) => (c.startsWith('#') ? '---:' : '---')).join('|')}|`, ...rows.map((r) => `| ${r.join(' | ')} |`)];
}
