/** What ATIF has no name for stands in its open dictionaries, and our reader finds it there again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, ImportedScore, JsonValue, PlanTrace } from '../../server/src/core/planTrace.ts';
import { atifFormat } from '../../server/src/formats/atif.ts';
import { printAtif } from '../../server/src/formats/printAtif.ts';

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== '' && text !== '__proto__');
const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.parse(JSON.stringify(json)) as JsonValue).filter((json) => json !== null && !JSON.stringify(json).includes('__proto__'));
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n));
const score: fc.Arbitrary<ImportedScore> = fc.record(
  { source: word, dimension: word, value: number, scale: fc.constantFrom<readonly [number, number]>([0, 1], [-1, 100]), rationale: word, attributes: fc.dictionary(word, number, { maxKeys: 2 }) },
  { requiredKeys: ['source', 'dimension', 'value', 'attributes'] },
);
const kept = fc.record(
  {
    stepType: word, description: fc.constantFrom('', 'reads the file'), depth: fc.nat(3), agentName: word, parentId: word, finishReason: word, output: word, isSidechain: fc.boolean(), contentNotCaptured: fc.boolean(),
    error: fc.record({ type: word, message: fc.constantFrom('', 'too slow'), traceback: word }, { requiredKeys: ['type', 'message'] }), importedScores: fc.array(score, { maxLength: 2 }), attributes: fc.dictionary(word, value, { maxKeys: 3 }),
  },
  { requiredKeys: ['stepType', 'description', 'depth', 'output', 'isSidechain', 'contentNotCaptured', 'importedScores', 'attributes'] },
);
const trace: fc.Arbitrary<PlanTrace> = fc.record(
  {
    format: fc.constantFrom('atif', 'test'), planSignature: word, finalOutputText: word, targetEpistemicQuality: number, targetEpistemicQualitySource: word, importedScores: fc.array(score, { maxLength: 2 }),
    meta: fc.record({ agent: word, outcome: fc.constantFrom(0, 1) }),
    steps: fc.uniqueArray(fc.tuple(word, kept), { selector: ([id]) => id, maxLength: 4 }).map((drafts) =>
      drafts.map(([stepId, draft], stepIndex): ExecutionStep => ({ tools: [], range: null, textRange: null, jsonPointer: '', isCopiedContext: false, isProvisional: false, ...draft, stepId, stepIndex }))),
  },
  { requiredKeys: ['format', 'planSignature', 'finalOutputText', 'importedScores', 'meta', 'steps'] },
).map((draft) => ({ traceId: 't', formatVersion: '1', goalText: 'Count the boats.', goalRange: null, warnings: [], unknownRecordCounts: {}, range: null, ...draft }));

/** The fields that travel in the dictionaries. */
function carried({ steps, planSignature, finalOutputText, targetEpistemicQuality, targetEpistemicQualitySource, importedScores, meta }: PlanTrace): unknown {
  return {
    planSignature, finalOutputText, targetEpistemicQuality, targetEpistemicQualitySource, importedScores, outcome: meta.outcome,
    steps: steps.map((step) => ({
      stepId: step.stepId, stepType: step.stepType, description: step.description, depth: step.depth, agentName: step.agentName ?? meta.agent, parentId: step.parentId, finishReason: step.finishReason, isSidechain: step.isSidechain,
      contentNotCaptured: step.contentNotCaptured, error: step.error, importedScores: step.importedScores,
    })),
  };
}

function printed(made: PlanTrace): { readonly lost: readonly string[]; readonly read: PlanTrace } {
  const { text, lost } = printAtif([made]);
  const read = atifFormat.parse({ path: '', text }).traces[0];
  if (read === undefined) throw new Error('no trace was read');
  return { lost, read };
}

describe('ATIF', () => {
  it('gives back what stands in its open dictionaries', () => fc.assert(fc.property(trace, (made) => {
    const { lost, read } = printed(made);
    expect(carried(read)).toEqual(carried(made));
    made.steps.forEach((step, i) => expect(read.steps[i]?.attributes).toMatchObject(step.attributes));
    expect(lost).toEqual([]);
  }), { numRuns: 300 }));

  it('and again, once the trace is one of its own', () => fc.assert(fc.property(trace, (made) => {
    const once = printed(made).read;
    const { lost, read } = printed(once);
    expect(carried(read)).toEqual(carried(once));
    expect(read.steps.map((step) => step.attributes)).toEqual(once.steps.map((step) => step.attributes));
    expect(lost).toEqual([]);
  }), { numRuns: 200 }));

  it('takes scores that were added for scores of the file', () => {
    const [made] = fc.sample(trace.filter(({ steps }) => steps.length > 0), 1);
    const step = made?.steps[0];
    if (made === undefined || step === undefined) throw new Error('no trace was made');
    const added = { scorableId: 'x', dimension: 'tone', scorer: 'svm', scorerVersion: '7', score: 0.25, rationale: 'flat', weight: 1, attributes: { margin: -1, word: 'x' } };
    const { text } = printAtif([{ ...made, importedScores: [] }], { scores: [{ byStepId: new Map([[step.stepId, [added, { ...added, score: null }]]]), ofTrace: [added] }] });
    const expected = { source: 'svm', dimension: 'tone', value: 0.25, scale: [0, 1], rationale: 'flat', attributes: { margin: -1 } };
    const read = atifFormat.parse({ path: '', text }).traces[0];
    expect(read?.importedScores).toEqual([expected]);
    expect(read?.steps[0]?.importedScores.slice(step.importedScores.length)).toEqual([expected]);
  });

  it('leaves the dictionaries of other programs alone', () => {
    const extra = { step_id: '9', step_type: 'odd', error: { type: 'E' }, attributes: { a: 1 }, stepscope: 'a word' };
    const [read] = atifFormat.parse({ path: '', text: JSON.stringify({ schema_version: 'ATIF-v1.7', agent: { name: 'a' }, steps: [{ step_id: 1, source: 'agent', message: 'x', extra }], extra }) }).traces;
    expect(read?.steps[0]).toMatchObject({ stepId: '1', stepType: 'message', attributes: { extra } });
    expect(read?.steps[0]?.error).toBeUndefined();
  });
});
