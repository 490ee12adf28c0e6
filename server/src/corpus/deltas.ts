/** How a score changed against its own history: by how much, whether that means anything, and what changed it. */
import type { DeltaCause, HistoryPoint, ScoreDelta, ScoreInputs } from './scoreMemory.ts';

export type ScoreChange = Pick<ScoreDelta, 'previousScore' | 'score' | 'delta' | 'cause' | 'changed' | 'isSignificant' | 'noise' | 'movedMost'>;

/** Nearer causes first: a step whose own words changed is told by them, whatever else changed. */
const CAUSES: readonly (keyof ScoreInputs)[] = ['text', 'context', 'model', 'calibration'];
const SIGNIFICANT_DELTA = 0.1;
const NOISE_FACTOR = 2;
/** So many earlier changes, or values of an attribute, make a usable standard deviation. */
const MIN_HISTORY = 3;
/** Keeps the relative movement of an attribute near 0 within bounds; in the attribute's own unit. */
const SMALL = 0.1;
/** 0.8 - 0.7 is more than 0.1 in binary. */
const ROUNDING = 1e-9;

/**
 * The change from the last point of one (scorable, dimension, scorer) to the current one. `previous` is oldest first and
 * without the current point. Scores are 0–1.
 * `cause` is 'unknown', with `changed` empty, where the score moved and no input did.
 * Undefined with nothing before it, and where neither score nor inputs changed.
 */
export function computeDelta(previous: readonly HistoryPoint[], current: HistoryPoint): ScoreChange | undefined {
  const last = previous.at(-1);
  if (last === undefined) return undefined;
  const changed: readonly DeltaCause[] = CAUSES.filter((input) => last.inputs[input] !== current.inputs[input]);
  const delta = current.score - last.score;
  if (delta === 0 && changed.length === 0) return undefined;
  const noise = noiseOf(previous);
  const bound = Math.max(SIGNIFICANT_DELTA, noise === null ? 0 : NOISE_FACTOR * noise);
  const movedMost = mostMoved(previous, last, current);
  return {
    previousScore: last.score, score: current.score, delta, cause: changed[0] ?? 'unknown', changed,
    isSignificant: Math.abs(delta) > bound + ROUNDING, noise,
    ...(movedMost === undefined ? {} : { movedMost }),
  };
}

export interface DropSummary {
  /** Deltas below 0. */
  readonly drops: number;
  /** By first cause, most frequent first. */
  readonly causes: readonly { readonly cause: DeltaCause; readonly drops: number }[];
  /** By the attribute that moved most, most frequent first: the answer to "what moved when performance dropped". `meanChange` is in the attribute's own unit. */
  readonly attributes: readonly { readonly scorer: string; readonly attribute: string; readonly drops: number; readonly meanChange: number; readonly meanDelta: number }[];
}

/** What the drops among some deltas have in common. */
export function summariseDrops(deltas: readonly ScoreDelta[]): DropSummary {
  const drops = deltas.filter((d) => d.delta < 0);
  const moved = drops.flatMap(({ scorer, delta, movedMost }) => (movedMost === undefined ? [] : [{ scorer, delta, attribute: movedMost.attribute, change: movedMost.value - movedMost.previous }]));
  const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  return {
    drops: drops.length,
    causes: [...Map.groupBy(drops, (d) => d.cause)].map(([cause, of]) => ({ cause, drops: of.length })).sort((a, b) => b.drops - a.drops || (a.cause < b.cause ? -1 : 1)),
    attributes: [...Map.groupBy(moved, (m) => `${m.scorer}.${m.attribute}`)].flatMap(([, of]) => of.slice(0, 1).map(({ scorer, attribute }) => ({
      scorer, attribute, drops: of.length, meanChange: mean(of.map((m) => m.change)), meanDelta: mean(of.map((m) => m.delta)),
    }))).sort((a, b) => b.drops - a.drops || (`${a.scorer}.${a.attribute}` < `${b.scorer}.${b.attribute}` ? -1 : 1)),
  };
}

/** Sample standard deviation of the changes from point to point; null with fewer than three changes. */
function noiseOf(points: readonly HistoryPoint[]): number | null {
  const changes = points.slice(1).map((point, i) => point.score - (points[i]?.score ?? point.score));
  return sampleDeviation(changes);
}

/**
 * The attribute with the largest change in units of its standard deviation over the history; where that is unknown or 0,
 * relative to its last value. First by name on a tie; undefined where no attribute of both points moved.
 */
function mostMoved(previous: readonly HistoryPoint[], last: HistoryPoint, current: HistoryPoint): ScoreDelta['movedMost'] {
  let best: { readonly attribute: string; readonly previous: number; readonly value: number; readonly movement: number } | undefined;
  for (const attribute of Object.keys(current.attributes).sort()) {
    const value = current.attributes[attribute];
    const before = last.attributes[attribute];
    if (value === undefined || before === undefined || !Number.isFinite(value) || !Number.isFinite(before)) continue;
    const usual = sampleDeviation(previous.flatMap((p) => p.attributes[attribute] ?? []));
    const scale = usual === null || usual === 0 ? Math.abs(before) + SMALL : usual;
    const movement = Math.abs(value - before) / scale;
    if (movement > (best?.movement ?? 0)) best = { attribute, previous: before, value, movement };
  }
  return best === undefined ? undefined : { attribute: best.attribute, previous: best.previous, value: best.value };
}

function sampleDeviation(values: readonly number[]): number | null {
  const known = values.filter(Number.isFinite);
  if (known.length < MIN_HISTORY) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
  return Math.sqrt(known.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (known.length - 1));
}
