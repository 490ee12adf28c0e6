/** Finding words through their escapes, and the tree of spans. */
import { describe, expect, it } from 'vitest';
import { hrTimeToMs, nanosToMs, spanId, spanStatus, spanTrees, type TraceSpan } from '../../server/src/formats/spanTree.ts';
import { findWords } from '../../server/src/formats/spanWords.ts';

/** What was found, read back through its escapes. */
function found(text: string, words: string, keys: readonly string[] = ['out']): string | undefined {
  const range = findWords(text, { range: { start: 0, end: text.length }, keys }, words);
  return range === undefined ? undefined : text.slice(range.start, range.end);
}

const J = JSON.stringify;
/** As Python's json module writes it by default. */
const ascii = (value: unknown): string => J(value).replaceAll(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

describe('findWords', () => {
  const WORDS = ['plain words here', 'with "quotes" and \\back\\slashes\\', 'line\nbreak\r\n\tand tab', 'Köln kostet 40 € 🎯 am Tag', '日本語だけ', '"a"', 'C:\\new\\table "x"', '/slashes/and\u2028more', '"quoted from the start"', '\u{1F3AF}'];

  it.each(WORDS)('finds %j however often it is encoded, and whatever stands before it', (words) => {
    for (const write of [J, ascii]) {
      let value: string = words;
      for (let level = 1; level <= 4; level++) {
        // Each level wraps the one before into a message, as JSON in a string.
        const written = write(value);
        const text = `{"in":${written},"pad":"x","out":${written},"late":${written}}`;
        const range = findWords(text, { range: { start: 0, end: text.length }, keys: ['out'] }, words);
        const slice = text.slice(range?.start, range?.end);
        expect(range?.start).toBeGreaterThan(text.indexOf('"out"'));
        expect(range?.end).toBeLessThan(text.indexOf('"late"'));
        let read = slice;
        for (let i = 0; i < level; i++) read = JSON.parse(`"${read}"`) as string;
        expect(read.trim()).toBe(words.trim());
        value = write([{ role: 'assistant', parts: [{ type: 'text', content: value }] }]);
      }
    }
  });

  it('follows joined parts to the end of the first, and cut values as far as they go', () => {
    expect(found('{"out":["first line of it","second"]}', 'first line of it\nsecond')).toBe('first line of it');
    expect(found('{"out":"cut off in the mid', 'cut off in the mid')).toBe('cut off in the mid');
  });

  it('falls back to the value after the key, else to nothing', () => {
    expect(found('{"out":"something else"}', 'not there at all')).toBe('something else');
    expect(found('{"out":{"a":1}}', 'not there at all')).toBe('{"a":1}');
    expect(found('{"key":"out","value":{"stringValue":"words"}}', 'words')).toBe('words');
    expect(found('{"other":"x"}', 'not there at all')).toBeUndefined();
    expect(found('', '')).toBeUndefined();
    // A few letters only where they are all of a string.
    expect(found('{"a":"this is ok","b":"ok"}', 'ok', [])).toBe('ok');
    expect(found('{"a":"this is ok"}', 'ok', [])).toBeUndefined();
  });

  it('does not take a key inside a text for a key', () => {
    expect(found(J({ text: '"out":"wrong"', out: 'right' }), 'right')).toBe('right');
  });
});

describe('spans', () => {
  it('have times as numbers, digits, pairs, and nothing where there is none', () => {
    expect(nanosToMs('1760000000123456789')).toBe(1760000000123.456);
    expect(nanosToMs(1760000000123456800)).toBeCloseTo(1760000000123.456, 2);
    expect([nanosToMs('0'), nanosToMs(0), nanosToMs(''), nanosToMs(null), nanosToMs('9'.repeat(40)), nanosToMs(-5), nanosToMs({})]).toEqual(Array(7).fill(undefined));
    expect(nanosToMs('2025-10-09T08:53:20Z')).toBe(1760000000000);
    expect(hrTimeToMs([1760000000, 123456789])).toBe(1760000000123.456);
    expect([hrTimeToMs([0, 0]), hrTimeToMs([1]), hrTimeToMs('x'), hrTimeToMs([1e300, 0])]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('have ids in one spelling', () => {
    expect(spanId('0AF7651916CD43DD')).toBe('0af7651916cd43dd');
    expect(spanId('0xABC')).toBe('abc');
    // Base64 ids tell cases apart.
    expect(spanId('q83vEjRWeJA=')).toBe('q83vEjRWeJA=');
    expect(['0000000000000000', '', undefined, null, {}].map(spanId)).toEqual(['', '', '', '', '']);
    expect(spanId('Root')).toBe('Root');
    expect(['STATUS_CODE_ERROR', 'Error', 2, '2', 'ERROR', 'StatusCode.ERROR'].map(spanStatus)).toEqual(Array(6).fill('error'));
    expect([1, 'STATUS_CODE_OK', 'Ok', 0, undefined, 'x'].map(spanStatus)).toEqual(['ok', 'ok', 'ok', 'unset', 'unset', 'unset']);
  });

  const span = (id: string, parentId?: string, startMs?: number, more: Partial<TraceSpan> = {}): TraceSpan => ({ traceId: 't', spanId: id, parentId, name: id, startMs, endMs: undefined, status: 'unset', attributes: {}, events: [], resource: {}, range: { start: 0, end: 1 }, pointer: '', ...more });
  const ids = (spans: readonly TraceSpan[]): string => spanTrees(spans).map((tree) => tree.nodes.map((node) => node.span.spanId).join('')).join('|');

  it('stand before their children, siblings by start, else by file', () => {
    expect(ids([span('c', 'a', 3), span('b', 'a', 2), span('a', undefined, 1), span('d', 'b', 9)])).toBe('abdc');
    expect(ids([span('b', 'x'), span('c', 'x'), span('a', undefined)])).toBe('bca');
    expect(ids([span('a'), span('b', undefined, 1, { traceId: 'u' }), span('c', 'a')])).toBe('ac|b');
  });

  it('are kept once, and circles are cut', () => {
    expect(spanTrees([span('a', undefined, 1, { name: 'open' }), span('a', undefined, 1, { name: 'ended', endMs: 5 })]).map((tree) => [tree.repeated, tree.nodes[0]?.span.name])).toEqual([[1, 'ended']]);
    expect(ids([span('a', 'c', 1), span('b', 'a', 2), span('c', 'b', 3), span('d', 'd', 4)]).length).toBe(4);
    const chain = Array.from({ length: 50_000 }, (_, i) => span(`s${i}`, i === 0 ? 's49999' : `s${i - 1}`, i));
    expect(spanTrees(chain)[0]?.nodes.length).toBe(50_000);
  });
});
