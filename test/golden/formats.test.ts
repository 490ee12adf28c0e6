/** Each trace file of our own, read as the product reads it, against the committed result beside it. `UPDATE_GOLDEN=1` writes the results anew; read the diff. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OffsetRange } from '../../server/src/core/planTrace.ts';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';

const FOLDERS = ['formats', 'agentRuns', 'spans', 'responses'];

describe.each(FOLDERS)('golden: %s', (folderName) => {
  const folder = join(import.meta.dirname, folderName);
  const fixtures = readdirSync(folder).filter((name) => !name.endsWith('.expected.json'));

  it.each(fixtures)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const shown = { detected: detectFormat(sniff(name, text)), parsed: readTraces({ path: name, text }) };
    const actual = `${JSON.stringify(shown, (_key, value: unknown) => (isRange(value) ? excerpt(text, value) : value), 2)}\n`;
    const file = join(folder, `${name}.expected.json`);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual);
    expect(existsSync(file), `No expected result for ${name}: run UPDATE_GOLDEN=1 npx vitest run test/golden and read what it wrote.`).toBe(true);
    expect(actual).toBe(readFileSync(file, 'utf8'));
  });
});

function isRange(value: unknown): value is OffsetRange {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'start,end';
}

/** The offsets, with the text they stand for, so that a person can check them. */
function excerpt(text: string, range: OffsetRange): string {
  const slice = text.slice(range.start, range.end);
  return `${range.start}–${range.end} ${slice.length > 60 ? `${slice.slice(0, 30)} … ${slice.slice(-25)}` : slice}`;
}
