/** The corpus at the size of a team's memory: taking it in, a filter, a matrix, one step scored again, exports. */
import { performance } from 'node:perf_hooks';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import { csvLines } from '../../server/src/corpus/corpusExportText.ts';
import { groupBy } from '../../server/src/corpus/corpusGroups.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { median, report } from './report.ts';

const SCORERS = ['contrastive_ranker', 'ebt', 'hrm', 'mrq', 'sicql', 'svm'];
const DIMENSIONS = ['alignment', 'clarity', 'novelty', 'reasoning_quality', 'relevance'];
const STEP_TYPES = ['action', 'message', 'retrieval', 'reasoning', 'tool', 'verification'];
const SCORABLES = 33_334;
const STEPS_OF_A_TRACE = 16;

let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

function factsOf(i: number): ScorableFacts {
  const trace = Math.floor(i / STEPS_OF_A_TRACE);
  const stepIndex = i % STEPS_OF_A_TRACE;
  return {
    id: `traces/${trace}.json::t${trace}#s${stepIndex}`, file: `traces/${trace}.json`, traceId: `t${trace}`, stepId: `s${stepIndex}`, stepIndex, goal: `goal ${trace % 50}`, planSignature: 'p',
    stepType: STEP_TYPES[i % STEP_TYPES.length] ?? '', agent: `agent ${trace % 5}`, tools: [], isError: i % 17 === 0, traceLength: STEPS_OF_A_TRACE, outcome: trace % 3 === 0 ? 0 : 1, title: `step ${i}`,
  };
}

function recordsOf(scorableId: string): ScoreRecord[] {
  return DIMENSIONS.flatMap((dimension) => SCORERS.map((scorer) => ({
    scorableId, dimension, scorer, scorerVersion: '1', score: random(), rationale: '', weight: 1,
    attributes: { q_value: random(), v_value: random(), advantage: random(), entropy: random(), uncertainty: random() },
  })));
}

/** Records are made before the clock starts. */
function load(scorables: number): { readonly corpus: ScoreCorpus; readonly ms: number } {
  const corpus = createCorpus();
  let ms = 0;
  for (let from = 0; from < scorables; from += 1000) {
    const facts = Array.from({ length: Math.min(1000, scorables - from) }, (_, i) => factsOf(from + i));
    const records = facts.flatMap((f) => recordsOf(f.id));
    const began = performance.now();
    for (const one of facts) corpus.addScorable(one);
    for (const record of records) corpus.addScore(record);
    ms += performance.now() - began;
  }
  return { corpus, ms };
}

function timed(work: () => unknown, times = 7): number {
  work();
  return median(Array.from({ length: times }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  }));
}

load(2000);
const { corpus, ms } = load(SCORABLES);
const size = corpus.size;
const view = timed(() => {
  const filtered = corpus.filter({ stepType: 'tool', outcome: [0, 0.4] });
  return DIMENSIONS.map((d) => filtered.getDimensionMatrix(d));
});
const wide = timed(() => {
  const filtered = corpus.filter({ isError: false });
  return DIMENSIONS.map((d) => filtered.getDimensionMatrix(d));
});
const pin = timed(() => {
  const pinned = corpus.filter({ scorers: ['sicql', 'ebt'] });
  return DIMENSIONS.map((d) => pinned.getDimensionMatrix(d));
});
const groups = timed(() => groupBy(corpus, 'stepType', { dimension: 'reasoning_quality', scorer: 'sicql', metric: 'uncertainty' }));
let again = 0;
const rescored = timed(() => {
  for (const record of recordsOf(corpus.scorableIds[again++ % 100] ?? '')) corpus.addScore(record);
  return corpus.getDimensionMatrix('reasoning_quality');
}, 25);
const { corpus: part } = load(Math.round(SCORABLES / 10));
const csv = timed(() => {
  let characters = 0;
  for (const line of csvLines(part)) characters += line.length;
  return characters;
}, 3);

report('Corpus', [
  { what: `${size} scores with 5 attributes taken in`, value: ms, unit: 'ms', budget: { atMost: 3000 } },
  { what: 'filter that keeps 1 scorable in 18, with its five matrices', value: view, unit: 'ms', budget: { atMost: 100 } },
  { what: 'filter that keeps 16 scorables in 17, with its five matrices', value: wide, unit: 'ms', budget: { atMost: 100 } },
  { what: 'two scorers pinned, with the five matrices', value: pin, unit: 'ms', budget: { atMost: 100 } },
  { what: 'an attribute by step type with lift', value: groups, unit: 'ms', budget: { atMost: 100 } },
  { what: 'one step scored again by all scorers, with the matrix of a dimension', value: rescored, unit: 'ms', budget: { atMost: 5 } },
  { what: `${part.size} records as CSV`, value: csv, unit: 'ms' },
]);
