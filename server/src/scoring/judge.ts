/** From the raw outputs of one step to its calibrated results and their consensus. */
import type { Finding } from '../core/problems.ts';
import type { Consensus, ScoreResult } from '../core/scoreResult.ts';
import { consensusOn } from './consensus.ts';
import type { ModelManifest } from './manifest.ts';
import { splitOutputs } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import { findScorer } from './registry.ts';
import { toResult } from './scorer.ts';
import { judgeRules } from './scorers/rules.ts';

/** What was said of one step on one dimension. */
export interface DimensionJudgement {
  readonly results: readonly ScoreResult[];
  readonly consensus: Consensus | undefined;
}

/** What was said of one step; a dimension is judged when it is first asked for. */
export interface Judgement {
  readonly dimensions: readonly string[];
  on(dimension: string): DimensionJudgement;
  /** The same, without keeping what was not judged before. */
  once(dimension: string): DimensionJudgement;
}

interface JudgeOptions {
  readonly manifest: ModelManifest;
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
  /** What the rules found on the step; undefined where they do not take part. */
  readonly findings: readonly Finding[] | undefined;
}

const NOTHING_SAID: DimensionJudgement = { results: [], consensus: undefined };

/** Judgements of raw outputs seen before: after an edit all steps but a few are the same. */
const known = new WeakMap<RawByScorer, { readonly manifest: ModelManifest; readonly asked: string; readonly judgement: Judgement }>();

/** Calibration is applied here, on reading, so that a new calibration needs no new run. */
export function judge(raw: RawByScorer, options: JudgeOptions): Judgement {
  const asked = [options.scorers.join(), options.dimensions.join(), ...(options.findings ?? ['-']).map((f) => (typeof f === 'string' ? f : `${f.code}: ${f.message}`))].join('|');
  const before = known.get(raw);
  if (before !== undefined && before.manifest === options.manifest && before.asked === asked) return before.judgement;
  const judgement = judgeAfresh(raw, options);
  known.set(raw, { manifest: options.manifest, asked, judgement });
  return judgement;
}

function judgeAfresh(raw: RawByScorer, options: JudgeOptions): Judgement {
  const judged = new Map<string, DimensionJudgement>();
  const once = (dimension: string): DimensionJudgement => judged.get(dimension) ?? (options.dimensions.includes(dimension) ? judgeOn(dimension, raw, options) : NOTHING_SAID);
  return {
    dimensions: options.dimensions, once,
    on(dimension) {
      const found = once(dimension);
      judged.set(dimension, found);
      return found;
    },
  };
}

function judgeOn(dimension: string, raw: RawByScorer, { manifest, scorers, findings }: JudgeOptions): DimensionJudgement {
  const results = manifest.scorers.flatMap((entry): readonly ScoreResult[] => {
    const scorer = findScorer(entry.id);
    if (scorer === undefined || !scorers.includes(entry.id) || !entry.dimensions.includes(dimension)) return [];
    const values = raw.get(entry.id);
    if (values !== undefined) return [toResult({ scorer, entry, row: splitOutputs(entry, values), dimension })];
    // A recurrent scorer may not have read the steps before yet.
    return entry.calibration[dimension] === undefined ? [] : [{ kind: 'unscored', dimension, scorer: entry.id, scorerVersion: entry.version, reason: 'pending' }];
  });
  if (findings !== undefined) results.push(...judgeRules({ findings, dimensions: [dimension] }, manifest.rules ?? {}));
  return { results, consensus: consensusOn(dimension, results, manifest) };
}
