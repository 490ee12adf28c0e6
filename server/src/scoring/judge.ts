/** From the raw outputs of one step to its calibrated results and their consensus. */
import type { ScoreBundle, ScoreResult } from '../core/scoreResult.ts';
import { consensusByDimension } from './consensus.ts';
import type { ModelManifest } from './manifest.ts';
import { splitOutputs } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import { findScorer } from './registry.ts';
import { toResult } from './scorer.ts';

export type Judgement = Pick<ScoreBundle, 'results' | 'consensusByDimension'>;

interface JudgeOptions {
  readonly manifest: ModelManifest;
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
}

/** Judgements of raw outputs seen before: after an edit all steps but a few are the same. */
const known = new WeakMap<RawByScorer, { readonly manifest: ModelManifest; readonly asked: string; readonly judgement: Judgement }>();

/** Calibration is applied here, on reading, so that a new calibration needs no new run. */
export function judge(raw: RawByScorer, options: JudgeOptions): Judgement {
  const asked = `${options.scorers.join()}|${options.dimensions.join()}`;
  const before = known.get(raw);
  if (before !== undefined && before.manifest === options.manifest && before.asked === asked) return before.judgement;
  const judgement = judgeAfresh(raw, options);
  known.set(raw, { manifest: options.manifest, asked, judgement });
  return judgement;
}

function judgeAfresh(raw: RawByScorer, options: JudgeOptions): Judgement {
  const { manifest } = options;
  const results = manifest.scorers.flatMap((entry): ScoreResult[] => {
    const scorer = findScorer(entry.id);
    const values = raw.get(entry.id);
    if (scorer === undefined || values === undefined || !options.scorers.includes(entry.id)) return [];
    const row = splitOutputs(entry, values);
    return entry.dimensions.filter((d) => options.dimensions.includes(d)).map((dimension) => toResult({ scorer, entry, row, dimension }));
  });
  return { results, consensusByDimension: consensusByDimension(results, manifest) };
}
