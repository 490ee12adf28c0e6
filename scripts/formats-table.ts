/** Reads a folder of trace files and writes docs/formats.md: what was understood of each. `node scripts/formats-table.ts <folder>` */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTraces } from '../server/src/formats/readTraces.ts';
import { FORMATS } from '../server/src/formats/registry.ts';
import { readText } from '../server/src/host/files.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder of trace files: node scripts/formats-table.ts <folder>');
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((n) => n.includes('/') && !/README/.test(n) && statSync(join(folder, n)).isFile()).sort();
const rows: string[] = [];
for (const name of names) {
  const read = await readText(join(folder, name), 1e9);
  const parsed = read.kind === 'text' ? parseTraces({ path: name, text: read.text }) : undefined;
  const traces = parsed?.traces ?? [];
  const steps = traces.flatMap((t) => t.steps);
  const calls = steps.flatMap((s) => s.tools);
  const unknown = traces.reduce((n, t) => n + Object.values(t.unknownRecordCounts).reduce((a, b) => a + b, 0), 0);
  const warnings = (parsed?.warnings.length ?? 0) + traces.reduce((n, t) => n + t.warnings.length, 0);
  const scores = traces.reduce((n, t) => n + t.importedScores.length, 0) + steps.reduce((n, s) => n + s.importedScores.length, 0);
  const goals = traces.filter((t) => t.goalText.trim() !== '').length;
  rows.push(`| ${name.length > 70 ? `${name.slice(0, 69)}…` : name} | ${parsed?.format ?? 'no trace'} | ${traces.length} | ${steps.length} | ${goals} | ${calls.filter((c) => c.result !== undefined).length} of ${calls.length} | ${scores} | ${warnings} | ${unknown} |`);
}
writeFileSync(join(import.meta.dirname, '../docs/formats.md'), [
  '# What is read of real files', '',
  `Written by \`scripts/formats-table.ts\` over ${names.length} files of other projects (not part of this one). Goals: traces whose goal was found. Answered: tool calls with their result. Scores: found in the file. Unknown: records that were not understood; they are counted, never dropped silently.`, '',
  `The ${FORMATS.length} formats: ${FORMATS.map((f) => `${f.title} (\`${f.id}\`)`).join(', ')}.`, '',
  '| file | format | traces | steps | goals | answered | scores | warnings | unknown |', '|---|---|---|---|---|---|---|---|---|', ...rows, '',
].join('\n'));
console.log(`docs/formats.md: ${names.length} files`);
