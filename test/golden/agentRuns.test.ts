/** Runs of agents and benchmarks in `agentRuns/`, read by the format that is surest of them, against the committed result beside each. `UPDATE_GOLDEN=1` writes the results anew; read the diff. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OffsetRange } from '../../server/src/core/planTrace.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { AGENT_FORMATS } from '../support/agentFormats.ts';

const folder = join(import.meta.dirname, 'agentRuns');
const fixtures = readdirSync(folder).filter((name) => !name.endsWith('.expected.json'));

describe('golden: runs of agents', () => {
  it.each(fixtures)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const head = sniff(name, text);
    const [found] = AGENT_FORMATS.map((format) => ({ format, confidence: format.detect(head) })).sort((a, b) => b.confidence - a.confidence);
    if (found === undefined) throw new Error('there are no formats');
    const shown = { detected: { format: found.format.id, confidence: found.confidence }, parsed: found.format.parse({ path: name, text }) };
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
