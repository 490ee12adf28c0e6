/**
 * Corpus and MARS against pandas on the same numbers: times, and that both find the same. Dev only. MARS does more here
 * (who stands apart in each step, independent scorers, correlations of metrics): the ratio says the least.
 *
 *     node scripts/pandas/ratio.ts [python3]     (any Python with numpy and pandas)
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { groupBy } from '../../server/src/corpus/corpusGroups.ts';
import { mars } from '../../server/src/corpus/mars.ts';
import type { MarsInput } from '../../server/src/corpus/mars.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';

interface Answer {
  readonly pandas: string;
  readonly mars_ms: number;
  readonly filter_ms: number;
  readonly group_ms: number;
  readonly mars: Readonly<Record<string, Readonly<Record<string, number | Readonly<Record<string, number>>>>>>;
  readonly filter_sum: number;
  readonly lifts: Readonly<Record<string, number>>;
}

const DIMENSIONS = ['alignment', 'clarity', 'novelty', 'reasoning_quality', 'relevance'];
const SCORERS = ['contrastive_ranker', 'ebt', 'hrm', 'mrq', 'sicql', 'svm'];
const STEP_TYPES = ['action', 'message', 'retrieval', 'reasoning', 'tool', 'verification'];
const METRICS = ['score', 'uncertainty'];
const MARS_ROWS = 100_000;
const CORPUS_ROWS = 33_334;
const REPEATS = 5;
const TOLERANCE = 1e-9;

let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  let result = work();
  const times = Array.from({ length: REPEATS }, () => {
    const began = performance.now();
    result = work();
    return performance.now() - began;
  });
  return { ms: times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN, result };
}

const folder = mkdtempSync(join(tmpdir(), 'stepscope-pandas-'));
try {
  const inputs: MarsInput[] = DIMENSIONS.map((dimension) => {
    const quality = Float64Array.from({ length: MARS_ROWS }, random);
    const columns = SCORERS.map((scorer, s) => ({
      scorer, range: [0, 1] as const, metrics: new Map<string, Float64Array>(), scores: quality.map((q) => (random() < 0.05 ? Number.NaN : Math.min(1, Math.max(0, 0.8 * q + 0.02 * s + 0.2 * random())))),
    }));
    return { dimension, rowIds: Array.from({ length: MARS_ROWS }, (_, i) => `t${i >> 4}#s${i & 15}`), columns };
  });
  const all = new Float64Array(DIMENSIONS.length * SCORERS.length * MARS_ROWS);
  inputs.flatMap((i) => i.columns).forEach((c, k) => all.set(c.scores, k * MARS_ROWS));
  writeFileSync(join(folder, 'mars.f64'), all);

  const corpus = createCorpus();
  const codes = { scorable: [] as number[], stepType: [] as number[], dimension: [] as number[], scorer: [] as number[] };
  const values = { score: [] as number[], uncertainty: [] as number[] };
  for (let i = 0; i < CORPUS_ROWS; i++) {
    const id = `t${i >> 4}#s${i & 15}`;
    const type = Math.floor(random() * STEP_TYPES.length);
    corpus.addScorable({ id, file: '', traceId: `t${i >> 4}`, stepId: `s${i & 15}`, stepIndex: i & 15, goal: '', planSignature: '', stepType: STEP_TYPES[type] ?? '', tools: [], isError: false, traceLength: 16, title: '' });
    for (const [d, dimension] of DIMENSIONS.entries()) for (const [s, scorer] of SCORERS.entries()) {
      const [score, uncertainty] = [random(), random() * (1 + type)];
      corpus.addScore({ scorableId: id, dimension, scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes: { uncertainty } });
      codes.scorable.push(i);
      codes.stepType.push(type);
      codes.dimension.push(d);
      codes.scorer.push(s);
      values.score.push(score);
      values.uncertainty.push(uncertainty);
    }
  }
  for (const [name, column] of Object.entries(codes)) writeFileSync(join(folder, `${name}.i32`), Int32Array.from(column));
  for (const [name, column] of Object.entries(values)) writeFileSync(join(folder, `${name}.f64`), Float64Array.from(column));
  writeFileSync(join(folder, 'mars.json'), JSON.stringify({ dimensions: DIMENSIONS, scorers: SCORERS, rows: MARS_ROWS, metrics: METRICS, axes: { scorable: corpus.scorableIds, stepType: STEP_TYPES, dimension: DIMENSIONS, scorer: SCORERS } }));

  const answer = JSON.parse(execFileSync(process.argv[2] ?? 'python3', [join(import.meta.dirname, 'ratio.py'), folder], { encoding: 'utf8', maxBuffer: 2 ** 28 })) as Answer;
  const points = timed(() => mars(inputs));
  const filtered = timed(() => {
    const part = corpus.filter({ stepType: 'tool' });
    return DIMENSIONS.map((d) => part.getDimensionMatrix(d));
  });
  const grouped = timed(() => groupBy(corpus, 'stepType', { dimension: 'reasoning_quality', scorer: 'sicql', metric: 'uncertainty' }));

  const wrong: string[] = [];
  const same = (what: string, ours: number | null | undefined, theirs: unknown): void => {
    if (typeof ours !== 'number' || typeof theirs !== 'number' || !(Math.abs(ours - theirs) <= TOLERANCE * Math.max(1, Math.abs(theirs)))) wrong.push(`${what}: ${String(ours)} here, ${String(theirs)} in pandas`);
  };
  for (const dimension of DIMENSIONS) {
    const [ours, theirs] = [points.result.dimensions[dimension], answer.mars[dimension] ?? {}];
    for (const name of ['std_dev', 'std_dev_population', 'agreement_score', 'score_spread_mean_col_std', 'average_score', 'krippendorff_alpha'] as const) same(`${dimension} ${name}`, ours?.[name], theirs[name]);
    same(`${dimension} delta`, ours?.primary_conflict?.delta, theirs['delta']);
    same(`${dimension} mean_abs_diff`, ours?.primary_conflict?.mean_abs_diff, theirs['mean_abs_diff']);
    // Only conflicts above the threshold are told.
    if ((ours?.step_conflicts.length ?? 0) > 0) same(`${dimension} widest`, ours?.step_conflicts[0]?.spread, theirs['widest']);
    same(`${dimension} high`, ours?.high_disagreement_scorables.length, theirs['high']);
    for (const scorer of SCORERS) for (const [name, found] of [['reliability', ours?.reliability[scorer]], ['distance', ours?.distance[scorer]], ['bias', ours?.bias[scorer]?.mean], ['stds', ours?.scorer_metrics[scorer]?.['score']?.std]] as const) same(`${dimension} ${scorer} ${name}`, found, (theirs[name] as Readonly<Record<string, number>> | undefined)?.[scorer]);
  }
  same('sum of the filtered scores', filtered.result.reduce((sum, m) => sum + m.columns.reduce((s, c) => s + c.reduce((x, y) => x + (Number.isNaN(y) ? 0 : y), 0), 0), 0), answer.filter_sum);
  for (const row of grouped.result.rows) same(`lift of ${row.key ?? ''}`, row.lift, answer.lifts[row.key ?? '']);

  const line = (what: string, ours: number, theirs: number): string => `| ${what} | ${ours.toFixed(1)} ms | ${theirs.toFixed(1)} ms | ${(theirs / ours).toFixed(1)}x |`;
  console.log([
    `| what | here | pandas ${answer.pandas} | ratio |`, '|---|---|---|---|',
    line(`MARS points, ${MARS_ROWS} steps x ${SCORERS.length} scorers x ${DIMENSIONS.length} dimensions`, points.ms, answer.mars_ms),
    line(`filter of ${corpus.size} scores by step type, with its five matrices`, filtered.ms, answer.filter_ms), line('an attribute by step type with lift', grouped.ms, answer.group_ms),
  ].join('\n'));
  console.log(wrong.length === 0 ? 'Both find the same to 1e-9.' : `They differ:\n${wrong.join('\n')}`);
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
