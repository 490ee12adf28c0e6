/** Scores written into PlanTrace text: what is written, in what style, and that nothing else changes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeBackRefusal } from '../../server/src/features/writeBack.ts';
import { applyEdits } from '../../server/src/formats/jsonEdits.ts';
import { planTraceEdits } from '../../server/src/formats/planTraceWriteBack.ts';
import type { WrittenScores } from '../../server/src/formats/planTraceWriteBack.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { pretty } from '../support/traces.ts';
import { written } from '../support/writtenTrace.ts';

const SMALL: WrittenScores = { steps: [{ step_id: 's', n: 1.5 }], pipeline: { q: 40 }, meta: {}, mars: { a: [] } };
const ours = (pipeline: unknown): unknown => ({ ...(pipeline as object), _meta: { producer: 'stepscope' } });

/** The text after SMALL was written into the object that is all of it between `before` and `after`. */
function small(text: string, scores = SMALL): string | undefined {
  const edits = planTraceEdits(text, { start: text.indexOf('{'), end: text.lastIndexOf('}') + 1 }, scores);
  return edits === undefined ? undefined : applyEdits(text, edits);
}

describe('style', () => {
  it('follows an object over lines: indentation, line ends, colons', () => {
    expect(small('{\r\n\t"trace_id" : 1,\r\n\t"execution_steps" : []\r\n}\r\n')).toBe([
      '{', '\t"trace_id" : 1,', '\t"execution_steps" : [],',
      '\t"step_scores" : [', '\t\t{', '\t\t\t"step_id" : "s",', '\t\t\t"n" : 1.5', '\t\t}', '\t],',
      '\t"pipeline_score" : {', '\t\t"q" : 40,', '\t\t"_meta" : {', '\t\t\t"producer" : "stepscope"', '\t\t}', '\t},',
      '\t"mars_analysis" : {', '\t\t"a" : []', '\t}', '}', '',
    ].join('\r\n'));
  });

  const LINE = (s: string, c: string): string => `"step_scores"${c}[{"step_id"${c}"s"${s}"n"${c}1.5}]${s}"pipeline_score"${c}{"q"${c}40${s}"_meta"${c}{"producer"${c}"stepscope"}}${s}"mars_analysis"${c}{"a"${c}[]}`;
  it.each([
    ['no blanks', '{"trace_id":1,"execution_steps":[]}', `{"trace_id":1,"execution_steps":[],${LINE(',', ':')}}`],
    ['blanks of Python', '{"trace_id": 1, "execution_steps": []}\n', `{"trace_id": 1, "execution_steps": [], ${LINE(', ', ': ')}}\n`],
    ['blanks inside braces', '{ "trace_id": 1, "execution_steps": [] }', `{ "trace_id": 1, "execution_steps": [], ${LINE(', ', ': ')} }`],
    ['one member', '{"execution_steps": []}', `{"execution_steps": [], ${LINE(', ', ': ')}}`],
    ['a byte order mark', '\ufeff{"trace_id":1,"execution_steps":[]}', `\ufeff{"trace_id":1,"execution_steps":[],${LINE(',', ':')}}`],
    ['a trailing comma', '{"trace_id":1,"execution_steps":[],}', `{"trace_id":1,"execution_steps":[],${LINE(',', ':')},}`],
    ['a comment at the end', '{"trace_id":1,"execution_steps":[] /* "x": { */}', `{"trace_id":1,"execution_steps":[], /* "x": { */${LINE(',', ':')}}`],
    ['a line comment that ends on the next line', '{"trace_id":1,"execution_steps":[] // }\n}', `{"trace_id":1,"execution_steps":[], // }\n${LINE(',', ':')}}`],
    ['a comma before a comment', '{"trace_id":1,"execution_steps":[], // , \n}', `{"trace_id":1,"execution_steps":[], // , \n${LINE(',', ':')}}`],
  ])('follows an object on one line: %s', (_, text, after) => expect(small(text)).toBe(after));

  it('leaves a comment with the member it stands behind', () => {
    expect(small('{\n  "trace_id": 1,\n  "execution_steps": [] // none\n}')?.split('\n').slice(0, 4)).toEqual(['{', '  "trace_id": 1,', '  "execution_steps": [], // none', '  "step_scores": [']);
  });

  it('replaces values in their place, in their order, and of a repeated key the one that counts', () => {
    const text = '{\n "mars_analysis": null,\n "pipeline_score": null,\n "x": 1.50,\n "step_scores": null,\n "pipeline_score": null\n}';
    expect(small(text)).toBe([
      '{', ' "mars_analysis": {', '  "a": []', ' },', ' "pipeline_score": null,', ' "x": 1.50,', ' "step_scores": [', '  {', '   "step_id": "s",', '   "n": 1.5', '  }', ' ],',
      ' "pipeline_score": {', '  "q": 40,', '  "_meta": {', '   "producer": "stepscope"', '  }', ' }', '}',
    ].join('\n'));
  });
});

describe('a second writing', () => {
  const first = small('{"trace_id": 1, "execution_steps": []}') ?? '';

  it('changes nothing when nothing changed, also after somebody formatted the file', () => {
    expect(small(first)).toBe(first);
    const formatted = JSON.stringify(JSON.parse(first), null, 4).replace('1.5', '1.50');
    expect(small(formatted)).toBe(formatted);
  });

  it('changes only the values that changed', () => {
    expect(small(first, { ...SMALL, steps: [{ step_id: 's', n: 2 }] })).toBe(first.replace('1.5', '2'));
    expect(small(first, { ...SMALL, pipeline: { q: null } })).toBe(first.replace('"q": 40', '"q": null'));
    expect(small(first, { ...SMALL, steps: [] })).toBe(first.replace('[{"step_id": "s", "n": 1.5}]', '[]'));
    expect(small(first, { ...SMALL, mars: { a: [], b: 'x' } })).toBe(first.replace('{"a": []}', '{"a": [], "b": "x"}'));
  });
});

describe('what another program wrote', () => {
  const text = '{"execution_steps": [{"step_id": "s", "output_text": "one"}], "trace_id": "t", "goal_text": "g", "pipeline_score": {"novelty": 4.00e1}, "mars_analysis": {"n": 12345678901234567890}}';
  const after = written(text, () => ({ svm: 0.5 })).text;

  it('is kept to the byte', () => {
    expect(after).toContain('"replaced": {"pipeline_score": {"novelty": 4.00e1}, "mars_analysis": {"n": 12345678901234567890}}');
    expect(written(after, () => ({ svm: 0.5 })).edits).toEqual([]);
  });
  it('is still read as a score of the file, ours is not', () => {
    const novelty = { source: 'unnamed', dimension: 'novelty', value: 40, scale: [0, 100], attributes: {} };
    expect(readTraces({ path: '', text })?.traces[0]?.importedScores).toEqual([novelty]);
    expect(readTraces({ path: '', text: after })?.traces[0]?.importedScores).toEqual([novelty]);
  });
  it('is not taken for foreign when only our pipeline score was taken out', () => {
    const { pipeline_score: taken, ...rest } = JSON.parse(written('{"execution_steps":[{"step_id":"s","output_text":"one"}],"trace_id":"t","goal_text":"g"}', () => ({ svm: 0.5 })).text) as Record<string, unknown>;
    expect(taken).toBeDefined();
    expect(written(JSON.stringify(rest), () => ({ svm: 0.5 })).text).not.toContain('replaced');
  });
});

describe('what is written', () => {
  const text = JSON.stringify({
    trace_id: 't', goal_text: 'g',
    execution_steps: [
      { step_id: 7, step_order: 3, step_type: 'plan', agent_name: 'Ada', description: 'd', output_text: 'one', scores: { clarity: { score: 80.5, source: 'judge', rationale: 'clear' } } },
      { step_id: 'b', output_text: 'two' },
    ],
  });
  // svm 0.6 and mrq 0.2 on step 1 (mean 0.4, 40 apart), nothing on step 2.
  const after = JSON.parse(written(text, (i) => (i === 0 ? { svm: 0.6, mrq: 0.2 } : undefined)).text) as { step_scores: unknown[]; pipeline_score: Record<string, unknown>; mars_analysis: { dimensions: Record<string, Record<string, unknown>>; aggregate: number } };

  it('holds for each step the displayed score and everyone behind it, with attributes', () => {
    expect(after.step_scores).toEqual([
      {
        step_id: 7, step_order: 3, step_type: 'plan', agent: 'Ada', description: 'd',
        scores: {
          reasoning_quality: {
            score: 40, rationale: '40: svm and mrq disagree by 40', source: 'consensus', attributes: { uncertainty: 0.25, spread: 0.39999999999999997, scorers: 2 },
            by_scorer: {
              svm: { score: 60, source: 'svm', rationale: 'svm says so', weight: 1, attributes: { energy: 0.3 } },
              mrq: { score: 20, source: 'mrq', rationale: 'mrq says so', weight: 1, attributes: { energy: 0.1 } },
            },
          },
          clarity: { score: null, rationale: '', source: 'consensus', attributes: {}, by_scorer: { 'file:judge': { score: 80.5, source: 'file:judge', rationale: 'clear', weight: 1, attributes: {} } } },
        },
      },
      { step_id: 'b', step_order: 2, step_type: 'action', agent: null, description: '', scores: {} },
    ]);
  });
  it('holds the whole with what it rests on and who judged', () => {
    expect(after.pipeline_score).toMatchObject({ reasoning_quality: 40, _meta: { producer: 'stepscope', basis: { reasoning_quality: 'lowest-step' }, scorer_versions: { mrq: '7', svm: '7' } } });
    expect(Object.keys(after.pipeline_score)).toEqual(['reasoning_quality', '_meta']);
  });
  it('holds the agreement of the scorers over the steps of this trace', () => {
    const mars = after.mars_analysis.dimensions['reasoning_quality'];
    // Two scores 0.6 and 0.2: mean 0.4; sample deviation 0.4 / √2 = 0.2828.
    expect(mars?.['scorers']).toEqual(['mrq', 'svm']);
    expect(mars?.['average_score']).toBeCloseTo(0.4, 12);
    expect(mars?.['row_std']).toEqual({ 't#7': expect.closeTo(0.4 / Math.SQRT2, 12) as number });
    expect(mars?.['primary_conflict']).toMatchObject({ pair: ['svm', 'mrq'], delta: expect.closeTo(0.4, 12) as number });
    expect(after.mars_analysis.dimensions['clarity']?.['scorers']).toEqual(['file:judge']);
  });
});

describe('shapes', () => {
  const judged = (index: number): { svm: number } => ({ svm: 0.25 * (index + 1) });
  const trace = (id: string): string => `{"trace_id":"${id}","goal_text":"g","execution_steps":[{"step_id":"1","output_text":"eins"},{"step_id":"2","output_text":"zwei"}]}`;

  it.each([
    ['one trace a line', `${trace('a')}\n\n${trace('b')}\r\n${trace('c')}`],
    ['an array', `[\n  ${trace('a')},\n  ${trace('b')}\n]\n`],
    ['traces by name', `{"first": ${trace('a')},\n "second": ${trace('b')}}`],
    ['one document after another', `${pretty(JSON.parse(trace('a')))}${pretty(JSON.parse(trace('b')))}`],
  ])('%s: every trace gets its own scores, the lines stay', (_, text) => {
    const after = written(text, judged);
    const before = readTraces({ path: '', text })?.traces ?? [];
    expect(before.length).toBeGreaterThan(1);
    const traces = readTraces({ path: '', text: after.text })?.traces ?? [];
    expect(traces.map((t) => [t.traceId, t.steps.map((s) => s.output)])).toEqual(before.map((t) => [t.traceId, t.steps.map((s) => s.output)]));
    expect(after.text.match(/"mars_analysis": ?\{/g)).toHaveLength(before.length);
    expect(text.includes('{\n') || after.text.split('\n').length === text.split('\n').length).toBe(true);
    expect(written(after.text, judged).edits).toEqual([]);
  });

  it('JSON with comments and trailing commas, which stay', () => {
    const text = `// runs of today\n[\n  ${trace('a').slice(0, -1)}, /* no scores yet */},\n  ${trace('b')}, // the last\n]`;
    const after = written(text, judged);
    expect(after.left).toEqual([]);
    expect(after.text).toMatch(/^\/\/ runs of today\n\[\n {2}\{"trace_id":"a".*, \/\* no scores yet \*\/"step_scores".*\},\n {2}\{"trace_id":"b".*\}, \/\/ the last\n\]$/);
    expect(written(after.text, judged).edits).toEqual([]);
  });

  it('a sample that ships with the product reads the same afterwards', () => {
    const text = readFileSync(join(import.meta.dirname, '../../client/samples/wrong-step.trace.json'), 'utf8');
    const after = written(text, judged).text;
    const { step_scores: steps, pipeline_score: pipeline, mars_analysis: mars, ...rest } = JSON.parse(after) as Record<string, unknown>;
    expect(rest).toEqual(JSON.parse(text));
    expect([Array.isArray(steps), typeof pipeline, typeof mars]).toEqual([true, 'object', 'object']);
    // Two spaces throughout: what a formatter of JSON would print.
    expect(after).toBe(`${JSON.stringify(JSON.parse(after), null, 2)}\n`);
  });
});

describe('what is left alone', () => {
  it('a trace of which nothing is scored', () => {
    const { edits, left } = written('{"trace_id":"t","goal_text":"g","execution_steps":[{"step_id":"s","output_text":"one"}]}', () => undefined);
    expect({ edits, left }).toEqual({ edits: [], left: ['No step of trace "t" is scored: nothing was written into it.'] });
  });
  it.each([
    '{"trace_id":"t","goal_text":"g","execution_steps":[{"step_id":"s","output_text":"one"}]',
    '[{"trace_id":"t","goal_text":"g","execution_steps":[{"step_id":"s","output_text":"one"}],"extra_data":{"a":{}}]',
    '{"trace_id":"t","goal_text":"g","execution_steps":[{"step_id":"s","output_text":"one"}],"pipeline_score":{"a":1]}',
  ])('a trace without an end, or with a bracket too few: %s', (text) => {
    const { edits, left } = written(text, () => ({ svm: 0.5 }));
    expect(edits).toEqual([]);
    expect(left[0]).toBe('The JSON of trace "t" is cut off or broken: nothing was written into it. Repair it and write again.');
  });
  it('files of other formats, which are told what they are', () => {
    expect(writeBackRefusal('plan-trace')).toBeUndefined();
    expect(writeBackRefusal('atif')).toMatch(/^This is a .*ATIF.* file\. Scores are written into PlanTrace JSON only/);
  });
});

it('marks its own values so that they are told from those of others', () => {
  expect((JSON.parse(small('{"execution_steps":[]}') ?? '') as Record<string, unknown>)['pipeline_score']).toEqual(ours({ q: 40 }));
});
