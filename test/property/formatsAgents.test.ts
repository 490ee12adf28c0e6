/** The formats of agents and benchmarks are total and quick, whatever is done to their files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { AGENT_FORMATS } from '../support/agentFormats.ts';
import { checkSound } from '../support/soundTraces.ts';

const golden = join(import.meta.dirname, '../golden/agentRuns');
const samples = join(import.meta.dirname, '../../../shared/samples');
const fixtures = readdirSync(golden).filter((name) => !name.endsWith('.expected.json')).map((name) => readFileSync(join(golden, name), 'utf8'));
/** Real files where they are at hand; long ones would cost the tests minutes. */
const real = ['codex', 'gemini-cli', 'sweagent-traj', 'mini-swe-agent', 'openhands', 'tau-bench', 'dspy-lats']
  .flatMap((name) => (existsSync(join(samples, name)) ? readdirSync(join(samples, name)).map((file) => readFileSync(join(samples, name, file), 'utf8')) : []))
  .filter((text) => text.length < 40_000);

/** The format that is surest of the text reads it; with `all`, every format does. */
function checkTotal(text: string, all = false): void {
  const head = sniff('x.log', text);
  const sure = AGENT_FORMATS.map((format) => ({ format, confidence: format.detect(head) })).filter((found) => found.confidence > 0).map((found) => found.format);
  for (const format of all || sure.length === 0 ? AGENT_FORMATS : sure) checkSound(format.parse({ path: 'x.log', text }), text);
}

describe('formats of agents are total', () => {
  it('on their own files', () => {
    for (const text of [...fixtures, ...real]) checkTotal(text, true);
  });

  it('on files cut at every fiftieth', () => {
    for (const text of [...fixtures, ...real]) for (let i = 0; i < 50; i++) checkTotal(text.slice(0, Math.floor((text.length * i) / 50)));
  });

  it('on files with lines repeated, swapped or left out', () =>
    fc.assert(
      fc.property(fc.constantFrom(...fixtures, ...real), fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('repeat', 'swap', 'drop')), { minLength: 1, maxLength: 4 }), (fixture, edits) => {
        const lines = fixture.split('\n');
        for (const [a, b, kind] of edits) {
          const i = a % lines.length;
          const j = b % lines.length;
          if (kind === 'repeat') lines.splice(j, 0, lines[i] ?? '');
          else if (kind === 'drop') lines.splice(i, 1);
          else [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
        }
        checkTotal(lines.join('\n'));
      }),
      { numRuns: 150 },
    ));

  it('on files with pieces changed, cut out or repeated', () =>
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.string({ unit: 'binary', maxLength: 4 })), { minLength: 1, maxLength: 6 }), (fixture, edits) => {
        let text = fixture;
        for (const [at, length, put] of edits) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + put + text.slice(start + length);
        }
        checkTotal(text);
      }),
      { numRuns: 300 },
    ));

  it('on values of any kind in every place', () => {
    const strange = fc.oneof(fc.jsonValue(), fc.constantFrom(1e300, -1, 12345678901234567890, '1e999', '9223372036854775807', [], {}, [[]], [null], '', '<think>', '[[ ## thought_0 ## ]]'));
    fc.assert(
      fc.property(fc.constantFrom(...fixtures.filter((text) => /^[[{]/.test(text))), fc.nat(), strange, (fixture, seed, value) => {
        const isLines = fixture.startsWith('{"') && fixture.trimEnd().includes('\n{');
        const documents = isLines ? fixture.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown) : [JSON.parse(fixture) as unknown];
        const places = documents.flatMap((document) => placesIn(document));
        const place = places[seed % places.length];
        if (place === undefined) return;
        place.holder[place.key] = value;
        checkTotal(documents.map((document) => JSON.stringify(document)).join('\n'), seed % 7 === 0);
      }),
      { numRuns: 400 },
    );
  });

  it('on arbitrary text', () => fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => checkTotal(text, true)), { numRuns: 200 }));

  it.each([
    ['a hundred thousand open brackets', '['.repeat(100_000)],
    ['open histories', '{"instance_id":"a","history":['.repeat(30_000)],
    ['open simulations', '{"simulations":['.repeat(30_000)],
    ['open messages', '{"projectHash":"h","messages":['.repeat(30_000)],
    ['deep arguments', `{"type":"response_item","payload":{"type":"function_call","name":"f","call_id":"c","arguments":${'['.repeat(50_000)}${']'.repeat(50_000)}}}\n{}`],
    ['deep trajectories', `{"trajectory":{"thought_0":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)},"tool_name_0":"t"}}`],
    ['many thoughts in one response', Array.from({ length: 30_000 }, () => '{"type":"response_item","payload":{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}]}}').join('\n')],
    ['many calls in one response', Array.from({ length: 20_000 }, (_, i) => `{"type":"response_item","payload":{"type":"function_call","name":"f","arguments":"{}","call_id":"c${i}"}}`).join('\n')],
    ['many messages taken back', `{"projectHash":"h","sessionId":"s"}\n${Array.from({ length: 20_000 }, (_, i) => `{"id":"m${i}","type":"gemini","content":"a"}\n{"$rewindTo":"m${i}"}`).join('\n')}`],
    ['many observations without ids', `{"issue":{},"history":[{"action":"run","thought":"t"},${Array.from({ length: 20_000 }, () => '{"observation":"run","content":"c"}').join(',')}]}`],
    ['numbers beyond all bounds', '{"trajectory":[{"action":"a","observation":"b","thought":"c","execution_time":1e999}],"info":{"model_stats":{"instance_cost":99999999999999999999999}}}'],
  ])('and quick on %s', (_, text) => {
    for (const format of AGENT_FORMATS) {
      const start = process.cpuUsage();
      const parsed = format.parse({ path: 'x.json', text });
      expect(process.cpuUsage(start).user, format.id).toBeLessThan(3_000_000);
      for (const trace of parsed.traces) JSON.stringify(trace.steps.slice(0, 10));
    }
  });
});

interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
}

/** Every member and element of a value. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}
