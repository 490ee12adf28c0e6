/** Each file of spans of our own in `spans/`, read, against the committed result beside it. `UPDATE_GOLDEN=1` writes the results anew; read the diff. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OffsetRange } from '../../server/src/core/planTrace.ts';
import { copilotSpansFormat } from '../../server/src/formats/copilotSpans.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { otlpFormat } from '../../server/src/formats/otlp.ts';
import { phoenixFormat } from '../../server/src/formats/phoenix.ts';

const folder = join(import.meta.dirname, 'spans');
const fixtures = readdirSync(folder).filter((name) => !name.endsWith('.expected.json'));

describe('golden: spans', () => {
  it.each(fixtures)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const head = sniff(name, text);
    const [format] = [otlpFormat, phoenixFormat, copilotSpansFormat].filter((other) => other.detect(head) > 0);
    const shown = { detected: { format: format?.id, confidence: format?.detect(head) }, parsed: format?.parse({ path: name, text }) };
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
