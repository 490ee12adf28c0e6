/** Writing scores back changes three fields and nothing else, whatever the trace and however it is written. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseTree } from 'jsonc-parser';
import type { Node } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { written } from '../support/writtenTrace.ts';
import type { Judged } from '../support/writtenTrace.ts';

const FIELDS: readonly string[] = ['step_scores', 'pipeline_score', 'mars_analysis'];
const folder = join(import.meta.dirname, '../golden/formats');
const fixtures = readdirSync(folder).filter((name) => name.startsWith('plan') && !name.endsWith('.expected.json')).map((name) => readFileSync(join(folder, name), 'utf8'));

const words = fc.string({ unit: 'grapheme', maxLength: 12 });
const step = fc.record({
  step_id: fc.oneof(words, fc.integer()), step_order: fc.option(fc.nat(9)), description: words, output_text: words, scores: fc.option(fc.dictionary(words, fc.record({ score: fc.double({ min: 0, max: 100, noNaN: true }), source: words }), { maxKeys: 2 })), 'x\u2028"y': fc.jsonValue(),
}, { requiredKeys: ['output_text'] });
const trace = fc.record({
  trace_id: words, goal_text: words, execution_steps: fc.array(step, { minLength: 1, maxLength: 4 }), extra_data: fc.jsonValue(), step_scores: fc.jsonValue(), pipeline_score: fc.oneof(fc.jsonValue(), fc.dictionary(words, fc.integer())), mars_analysis: fc.jsonValue(), '': fc.jsonValue(),
}, { requiredKeys: ['goal_text', 'trace_id', 'execution_steps'] });
/** The same members in any order. */
const shuffled = trace.chain((t) => fc.shuffledSubarray(Object.entries(t), { minLength: Object.keys(t).length }).map((members) => Object.fromEntries(members)));

const text = fc.record({ traces: fc.array(shuffled, { minLength: 1, maxLength: 3 }), shape: fc.constantFrom('object', 'array', 'lines', 'names'), indent: fc.constantFrom('', '  ', '\t', '    '), newline: fc.constantFrom('\n', '\r\n'), mark: fc.constantFrom('', '\ufeff'), tail: fc.constantFrom('', '\n', '\n\n') })
  .map(({ traces, shape, indent, newline, mark, tail }) => {
    const body = shape === 'lines' ? traces.map((t) => JSON.stringify(t)).join('\n')
      : JSON.stringify(shape === 'array' ? traces : shape === 'names' ? Object.fromEntries(traces.map((t, i) => [`n${i}`, t])) : traces[0], null, indent);
    return mark + (body + tail).replaceAll('\n', newline);
  });

const judgement = fc.array(fc.option(fc.record({ svm: fc.double({ min: 0, max: 1, noNaN: true }), mrq: fc.double({ min: 0, max: 1, noNaN: true }) }), { nil: undefined }), { minLength: 1, maxLength: 5 })
  .map((given) => (index: number, traceIndex: number): Judged => given[(index + traceIndex) % given.length]);

/** What stands outside the values of the three fields, by a parser that is not ours; members added at the end of an object are taken out whole. */
function outside(source: string, added: ReadonlyMap<number, ReadonlySet<string>> | undefined): string {
  const cuts: [number, number][] = [];
  traceNodes(source).forEach((node, at) => {
    for (const [i, member] of (node.children ?? []).entries()) {
      const [key, value] = member.children ?? [];
      if (key === undefined || value === undefined || !FIELDS.includes(String(key.value))) continue;
      const before = node.children?.[i - 1];
      if (added?.get(at)?.has(String(key.value)) === true && before !== undefined) cuts.push([before.offset + before.length, value.offset + value.length]);
      else cuts.push([value.offset, value.offset + value.length]);
    }
  });
  let left = '';
  let at = 0;
  for (const [start, end] of cuts.sort((a, b) => a[0] - b[0])) {
    left += source.slice(at, start);
    at = end;
  }
  return left + source.slice(at);
}

/** The objects that hold steps, in order; a document a line is parsed line by line. */
function traceNodes(source: string): readonly Node[] {
  const found: Node[] = [];
  const visit = (node: Node | undefined, by: number): void => {
    if (node === undefined) return;
    const keys = node.type === 'object' ? (node.children ?? []).map((m) => m.children?.[0]?.value as unknown) : [];
    if (keys.includes('execution_steps')) found.push(moved(node, by));
    else for (const child of node.children ?? []) visit(child, by);
  };
  const lines = source.split('\n');
  const isLines = lines.every((line) => /^\ufeff?\{.*\}\r?$|^\s*$/s.test(line));
  let at = 0;
  for (const part of isLines ? lines : [source]) {
    visit(parseTree(part.replace('\ufeff', ' ')), at);
    at += part.length + 1;
  }
  return found;
}

function moved(node: Node, by: number): Node {
  return { ...node, offset: node.offset + by, ...(node.children === undefined ? {} : { children: node.children.map((c) => moved(c, by)) }) };
}

/** A trace without where it stands. */
const content = (t: PlanTrace): unknown => JSON.parse(JSON.stringify({ ...t, range: null, goalRange: null, warnings: [], steps: t.steps.map((s) => ({ ...s, range: null, textRange: null })) }));
const contents = (source: string): unknown => readTraces({ path: '', text: source })?.traces.map(content);

describe('writing back', () => {
  it('leaves every byte outside the three values', () => fc.assert(fc.property(text, judgement, (source, judged) => {
    const after = written(source, judged);
    const kept = traceNodes(source);
    const added = new Map(traceNodes(after.text).map((node, at) => {
      const had = new Set((kept[at]?.children ?? []).map((m) => String(m.children?.[0]?.value)));
      return [at, new Set((node.children ?? []).map((m) => String(m.children?.[0]?.value)).filter((k) => !had.has(k)))] as const;
    }));
    expect(outside(after.text, added)).toBe(outside(source, undefined));
  }), { numRuns: 100 }));

  it('is read as the same trace afterwards, scores of the file included', () => fc.assert(fc.property(text, judgement, (source, judged) => {
    expect(contents(written(source, judged).text)).toEqual(contents(source));
  }), { numRuns: 100 }));

  it('twice is once', () => fc.assert(fc.property(text, judgement, (source, judged) => {
    expect(written(written(source, judged).text, judged).edits).toEqual([]);
  }), { numRuns: 100 }));

  it('over earlier scores ends where writing the later ones alone does', () => fc.assert(fc.property(text, judgement, judgement, (source, first, second) => {
    const isScored = (judged: typeof first): boolean => written(source, judged).left.length === 0;
    fc.pre(isScored(first) && isScored(second));
    const values = (t: string): unknown => traceNodes(t).map((n) => JSON.parse(t.slice(n.offset, n.offset + n.length)) as unknown);
    expect(values(written(written(source, first).text, second).text)).toEqual(values(written(source, second).text));
  }), { numRuns: 60 }));

  it('into broken text loses no step, or does not happen', () => fc.assert(fc.property(
    fc.constantFrom(...fixtures), fc.array(fc.tuple(fc.nat(), fc.nat(12), fc.oneof(fc.constantFrom('}', ']', '{', '[', '"', ',', ':', '//', '/*', '...', '\n', '\\'), fc.string({ unit: 'binary', maxLength: 3 }))), { minLength: 1, maxLength: 4 }),
    (fixture, changes) => {
      let source = fixture;
      for (const [at, length, put] of changes) {
        const start = at % (source.length + 1);
        source = source.slice(0, start) + put + source.slice(start + length);
      }
      expect(contents(written(source, () => ({ svm: 0.5 })).text)).toEqual(contents(source));
    },
  ), { numRuns: 200 }));
});
