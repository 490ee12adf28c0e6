/** Counts the records a reader does not understand, by kind. */

/** Adds one of that kind. Kinds come from the file, so they are kept to one short line. */
export function countUnknown(counts: Record<string, number>, kind: string): void {
  const line = kind.replace(/\s+/g, ' ').trim().slice(0, LONGEST_KIND);
  const name = line === '' || line === '__proto__' ? 'no kind' : line;
  counts[name] = (counts[name] ?? 0) + 1;
}

const LONGEST_KIND = 60;
