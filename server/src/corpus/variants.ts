/** Ways of doing the same thing held against each other: plan signatures, models or agents, goal by goal where they share goals. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { hashText } from '../core/hash.ts';
import { meanOf, traceTable } from './stepTable.ts';
import type { CorpusRows, TraceRow } from './stepTable.ts';

export const VARIANT_KINDS = ['planSignature', 'model', 'agent'] as const;
export type VariantKind = (typeof VARIANT_KINDS)[number];

export interface Variant {
  readonly variant: string;
  readonly traces: number;
  readonly goals: number;
  /** Mean over the traces that have one, 0–1, and how many do. */
  readonly outcome: { readonly mean: number | null; readonly n: number };
  readonly score: { readonly mean: number | null; readonly n: number };
}

export interface VariantComparison {
  readonly a: string;
  readonly b: string;
  /** Outcomes where at least half of the traces of both have one, else scores of the traces; never mixed. */
  readonly basis: 'outcome' | 'score';
  readonly isPaired: boolean;
  /** Goals that both tried. */
  readonly sharedGoals: number;
  readonly traces: { readonly a: number; readonly b: number };
  /** Paired: mean over the shared goals of the mean of each goal; else mean over traces. 0–1. */
  readonly means: { readonly a: number; readonly b: number };
  /** a - b. */
  readonly difference: number;
  /** 95 %, goals drawn as wholes; null with fewer than three. */
  readonly interval: readonly [low: number, high: number] | null;
  /** One sentence; says so where the goals differ. */
  readonly text: string;
}

export interface VariantReport {
  readonly by: VariantKind;
  /** Most traces first. */
  readonly variants: readonly Variant[];
  /** Traces that name no variant or have neither outcome nor score. */
  readonly leftOut: number;
  /** Pairs of the variants with the most traces; one run is no variant. */
  readonly comparisons: readonly VariantComparison[];
}

export interface VariantOptions {
  readonly by: VariantKind;
  readonly dimension?: string;
  /** Resamplings; 1000 unless told. */
  readonly draws?: number;
}

const SHOWN = 8;
const FEWEST_TRACES = 2;
const FEWEST_GOALS = 3;
const DRAWS = 1000;

/** Compares the variants two by two. Nothing hangs on the order of traces, and the same traces give the same interval. */
export function compareVariants(corpus: CorpusRows, options: VariantOptions): VariantReport {
  const runs = traceTable(corpus, options.dimension ?? PRIMARY_DIMENSION);
  const named = runs.flatMap((run): NamedRun[] => {
    const variant = variantOf(run, options.by);
    const { outcome, goal, file, traceId } = run.facts;
    if (variant === undefined || (outcome === undefined && run.score === undefined)) return [];
    // A run without a goal is comparable with none: it is a goal of its own.
    return [{ variant, goal: goal.trim() === '' ? `\u0000${file}\u0000${traceId}` : goal, outcome, score: run.score }];
  });
  const groups = [...Map.groupBy(named, (r) => r.variant)].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  const shown = groups.filter(([, of]) => of.length >= FEWEST_TRACES).slice(0, SHOWN).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    by: options.by,
    variants: groups.map(([variant, of]) => ({ variant, traces: of.length, goals: new Set(of.map((r) => r.goal)).size, outcome: meanAndCount(of.flatMap((r) => r.outcome ?? [])), score: meanAndCount(of.flatMap((r) => r.score ?? [])) })),
    leftOut: runs.length - named.length,
    comparisons: shown.flatMap(([a, first], i) => shown.slice(i + 1).flatMap(([b, second]) => compareTwo({ a, b, first, second, draws: options.draws ?? DRAWS }) ?? [])),
  };
}

interface NamedRun {
  readonly variant: string;
  readonly goal: string;
  readonly outcome: number | undefined;
  readonly score: number | undefined;
}

function compareTwo({ a, b, first, second, draws }: { readonly a: string; readonly b: string; readonly first: readonly NamedRun[]; readonly second: readonly NamedRun[]; readonly draws: number }): VariantComparison | undefined {
  const basis = [first, second].every((runs) => runs.filter((r) => r.outcome !== undefined).length * 2 >= runs.length) ? 'outcome' : 'score';
  const [valuesA, valuesB] = [valuesByGoal(first, basis), valuesByGoal(second, basis)];
  if (valuesA.size === 0 || valuesB.size === 0) return undefined;
  const shared = [...valuesA.keys()].filter((g) => valuesB.has(g)).sort();
  const isPaired = shared.length >= FEWEST_GOALS;
  const goals = isPaired ? shared : [...new Set([...valuesA.keys(), ...valuesB.keys()])].sort();
  const cells = goals.map((goal): Cell => ({ goal, a: valuesA.get(goal) ?? [], b: valuesB.get(goal) ?? [] }));
  const means = meansOf(cells, cells.map(() => 1), isPaired);
  if (means === undefined) return undefined;
  const enough = isPaired || Math.min(valuesA.size, valuesB.size) >= FEWEST_GOALS;
  const difference = means.a - means.b;
  const interval = enough ? bootstrapInterval(cells, { draws, isPaired }) : null;
  return {
    a, b, basis, isPaired, sharedGoals: shared.length, traces: { a: sum(cells.map((c) => c.a.length)), b: sum(cells.map((c) => c.b.length)) }, means, difference, interval,
    text: sentence({ a, b, basis, difference, interval, isPaired, shared: shared.length }),
  };
}

interface Cell {
  readonly goal: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Each goal counts `weights[i]` times. Undefined where one side comes to nothing. */
function meansOf(cells: readonly Cell[], weights: readonly number[], isPaired: boolean): { readonly a: number; readonly b: number } | undefined {
  const side = (of: 'a' | 'b'): number => {
    let [total, weight] = [0, 0];
    for (const [i, cell] of cells.entries()) {
      const values = cell[of];
      const w = (weights[i] ?? 0) * (isPaired ? 1 : values.length);
      if (w === 0 || values.length === 0) continue;
      total += w * (meanOf(values) ?? 0);
      weight += w;
    }
    return total / weight;
  };
  const [a, b] = [side('a'), side('b')];
  return Number.isNaN(a) || Number.isNaN(b) ? undefined : { a, b };
}

/** Poisson bootstrap: how often a goal is drawn hangs on its words alone. Middle 95 % of the differences. */
function bootstrapInterval(cells: readonly Cell[], { draws, isPaired }: { readonly draws: number; readonly isPaired: boolean }): readonly [number, number] | null {
  const weights = cells.map((c) => poissonDraws(c.goal, draws));
  const differences: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const means = meansOf(cells, weights.map((w) => w[draw] ?? 0), isPaired);
    if (means !== undefined) differences.push(means.a - means.b);
  }
  differences.sort((x, y) => x - y);
  const at = (q: number): number => differences[Math.round(q * (differences.length - 1))] ?? Number.NaN;
  return differences.length === 0 ? null : [at(0.025), at(0.975)];
}

/** `draws` numbers of a Poisson distribution with mean 1, the same for the same seed text (mulberry32, Knuth's product). */
function poissonDraws(seed: string, draws: number): Uint8Array {
  let state = Number.parseInt(hashText(seed).slice(0, 8), 16);
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const limit = Math.exp(-1);
  return Uint8Array.from({ length: draws }, () => {
    let count = 0;
    for (let product = random(); product > limit; product *= random()) count++;
    return count;
  });
}

function variantOf({ facts, steps }: TraceRow, by: VariantKind): string | undefined {
  // Facts of a run without a scorable of its own are those of its first step.
  const own = facts.stepId === '' ? facts[by] : undefined;
  if (own !== undefined && own !== '') return own;
  const counts = [...Map.groupBy(steps.flatMap((s) => s.facts[by] ?? []).filter((v) => v !== ''), (v) => v)];
  return counts.sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))[0]?.[0];
}

function valuesByGoal(runs: readonly NamedRun[], basis: 'outcome' | 'score'): ReadonlyMap<string, readonly number[]> {
  const known = runs.flatMap(({ goal, [basis]: value }) => (value === undefined ? [] : [{ goal, value }]));
  return new Map([...Map.groupBy(known, (r) => r.goal)].map(([goal, of]) => [goal, of.map((r) => r.value)]));
}

function sentence(found: Pick<VariantComparison, 'a' | 'b' | 'basis' | 'difference' | 'interval' | 'isPaired'> & { readonly shared: number }): string {
  const { a, b, difference, interval } = found;
  const [better, worse, sign] = difference >= 0 ? [a, b, 1] : [b, a, -1];
  const bounds = interval === null ? null : sign > 0 ? interval : [-interval[1], -interval[0]] as const;
  const range = bounds === null ? 'too few goals for an interval' : `95 % ${bounds[0].toFixed(2)} to ${bounds[1].toFixed(2)}`;
  const sure = interval !== null && (interval[0] > 0 || interval[1] < 0) ? '' : '; this may be chance';
  const head = difference === 0 ? `"${a}" and "${b}" do equally well by ${found.basis}` : `"${better}" is ${Math.abs(difference).toFixed(2)} above "${worse}" by ${found.basis} (${range}${sure})`;
  if (found.isPaired) return `${head}, goal by goal over ${found.shared} shared goals.`;
  const goals = found.shared === 0 ? 'They share no goals' : `They share only ${found.shared} ${found.shared === 1 ? 'goal' : 'goals'}`;
  return `${head}. ${goals}: goals of different difficulty may be all there is to it.`;
}

function meanAndCount(values: readonly number[]): Variant['outcome'] {
  return { mean: meanOf(values) ?? null, n: values.length };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, v) => total + v, 0);
}
