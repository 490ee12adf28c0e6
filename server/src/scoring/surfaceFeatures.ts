/** Numbers about the surface of a step (length, numbers, equations, words) that need no model. Causal: goal, earlier steps, this step. */
import { reckonsOtherwise } from './rules/arithmetic.ts';
import type { WrittenNumber } from './rules/numbers.ts';
import { largestOverlap, readSurfaceText } from './surfaceText.ts';
import type { SurfaceText, WordKind } from './surfaceText.ts';

/** Names in the order of `surfaceFeatures`; heads are trained on this order. */
export const SURFACE_FEATURES = [
  'position', 'log_chars', 'log_chars_ratio', 'digit_share', 'log_newlines', 'log_numbers', 'new_number_share', 'underivable_share',
  'log_equations', 'wrong_equation', 'right_equation_share', 'goal_word_overlap', 'context_word_overlap', 'repeat_overlap',
  'hedge_rate', 'correction_rate', 'conclusion_rate', 'assumption_rate', 'negation_rate', 'question', 'latex_share', 'code_share', 'tool_call', 'error_words',
  'goal_log_chars', 'goal_log_numbers', 'goal_numbers_new_share', 'goal_numbers_used_share', 'first_person_rate', 'answer_number_seen',
] as const;

/** What is known before a step. Never changes; states share memory, so a trace of n steps costs O(n) of it. */
export interface SurfaceState {
  readonly goal: GoalFacts;
  /** Steps read so far. */
  readonly steps: number;
  readonly totalChars: number;
  /** Values used last, oldest first. */
  readonly recentValues: readonly number[];
  /** Word grams of the steps read last, oldest first. */
  readonly recentGrams: readonly Int32Array[];
  readonly store: Store;
}

interface GoalFacts {
  readonly text: SurfaceText;
  readonly values: readonly number[];
  readonly valueSet: ReadonlySet<number>;
  readonly checksEquations: boolean;
}

/**
 * First use of each word and number, by step. It grows along one line of steps; a state that is not the end of that line
 * sees only what was used before it, and takes a copy with it when it goes another way.
 */
interface Store {
  readonly stepByWord: Map<string, number>;
  readonly stepByValue: Map<number, number>;
  /** Steps written. */
  length: number;
  /** The text read last, and the state after the last step: asked for twice they are not made twice. */
  lastRead?: { readonly source: string; readonly text: SurfaceText };
  lastAdvance?: { readonly from: number; readonly source: string; readonly to: SurfaceState };
}

const RECENT_VALUES = 40;
const RECENT_STEPS = 64;
const MOST_GOAL_VALUES = 200;
/** Numbers of a step that are looked for among results of two known ones. */
const MOST_DERIVED = 100;
const PAIRED_GOAL_VALUES = 40;
const MOST_KEPT = 500_000;

/** The state before the first step. */
export function emptySurface(goalText: string): SurfaceState {
  const text = readSurfaceText(goalText, { checksEquations: false });
  const values = text.numbers.slice(0, MOST_GOAL_VALUES).map((number) => number.value);
  return {
    goal: { text, values, valueSet: new Set(text.numbers.map((number) => number.value)), checksEquations: !reckonsOtherwise(goalText) },
    steps: 0,
    totalChars: 0,
    recentValues: [],
    recentGrams: [],
    store: { stepByWord: new Map(), stepByValue: new Map(), length: 0 },
  };
}

/** The state after one more step; costs the step, or the whole prefix where another step already followed this state. */
export function advanceSurface(state: SurfaceState, stepText: string): SurfaceState {
  const { lastAdvance } = state.store;
  if (lastAdvance !== undefined && lastAdvance.from === state.steps && lastAdvance.source === stepText) return lastAdvance.to;
  const text = readStep(state, stepText);
  const store = state.store.length === state.steps ? state.store : forkAt(state);
  for (const word of text.contentWords) if (!store.stepByWord.has(word) && store.stepByWord.size < MOST_KEPT) store.stepByWord.set(word, state.steps);
  for (const { value } of text.numbers) if (!store.stepByValue.has(value) && store.stepByValue.size < MOST_KEPT) store.stepByValue.set(value, state.steps);
  store.length = state.steps + 1;
  const used = new Set(text.numbers.slice(-RECENT_VALUES).map((number) => number.value));
  const next: SurfaceState = {
    goal: state.goal,
    steps: state.steps + 1,
    totalChars: state.totalChars + text.chars,
    recentValues: used.size === 0 ? state.recentValues : [...state.recentValues.filter((value) => !used.has(value)), ...used].slice(-RECENT_VALUES),
    recentGrams: [...(state.recentGrams.length < RECENT_STEPS ? state.recentGrams : state.recentGrams.slice(1)), text.grams],
    store,
  };
  store.lastAdvance = { from: state.steps, source: stepText, to: next };
  return next;
}

function forkAt(state: SurfaceState): Store {
  const before = <K>(map: ReadonlyMap<K, number>): Map<K, number> => {
    const kept = new Map<K, number>();
    // In order of first use: what follows came later still.
    for (const [key, step] of map) {
      if (step >= state.steps) break;
      kept.set(key, step);
    }
    return kept;
  };
  return { stepByWord: before(state.store.stepByWord), stepByValue: before(state.store.stepByValue), length: state.steps };
}

function readStep(state: SurfaceState, source: string): SurfaceText {
  const { store } = state;
  if (store.lastRead?.source === source) return store.lastRead.text;
  const text = readSurfaceText(source, { checksEquations: state.goal.checksEquations });
  store.lastRead = { source, text };
  return text;
}

/** (K) values of the step that follows `state`, in the order of SURFACE_FEATURES; all finite and within [-3, 3]. */
export function surfaceFeatures(state: SurfaceState, stepText: string): readonly number[] {
  const text = readStep(state, stepText);
  const { goal } = state;
  const rate = (kind: WordKind): number => (text.wordCount === 0 ? 0 : Math.min(1, (5 * Math.max(0, text.countByKind[kind])) / text.wordCount));
  const numbers = numberShares(state, text);
  const usage = goalNumberShares(state, text);
  const wrong = text.equations.wrong.length;
  const checked = text.equations.right + wrong;
  const { contentWords } = text;
  const values: Record<(typeof SURFACE_FEATURES)[number], number> = {
    position: Math.min(state.steps, 50) / 50,
    log_chars: Math.log1p(text.chars) / 10,
    log_chars_ratio: state.steps === 0 ? 0 : Math.log((text.chars + 1) / (state.totalChars / state.steps + 1)),
    digit_share: share(text.digits, text.readChars),
    log_newlines: Math.log1p(text.newlines) / 5,
    log_numbers: Math.log1p(text.numberCount) / 3,
    new_number_share: numbers.unseen,
    underivable_share: numbers.underivable,
    log_equations: Math.log1p(checked) / 2,
    wrong_equation: wrong > 0 ? 1 : 0,
    right_equation_share: share(text.equations.right, checked),
    goal_word_overlap: share(countWhere(contentWords, (word) => goal.text.contentWords.has(word)), contentWords.size),
    context_word_overlap: share(countWhere(contentWords, (word) => (state.store.stepByWord.get(word) ?? state.steps) < state.steps), contentWords.size),
    repeat_overlap: largestOverlap(text.grams, state.recentGrams),
    hedge_rate: rate('hedge'),
    correction_rate: rate('correction'),
    conclusion_rate: rate('conclusion'),
    assumption_rate: rate('assumption'),
    negation_rate: rate('negation'),
    question: text.hasQuestion ? 1 : 0,
    latex_share: share(text.latexChars, text.readChars),
    code_share: share(text.codeSigns, text.readChars),
    tool_call: text.hasToolCall ? 1 : 0,
    error_words: rate('error'),
    goal_log_chars: Math.log1p(goal.text.chars) / 10,
    goal_log_numbers: Math.log1p(goal.text.numberCount) / 3,
    goal_numbers_new_share: usage.first,
    goal_numbers_used_share: usage.used,
    first_person_rate: rate('firstPerson'),
    answer_number_seen: text.lastNumber !== undefined && isSeen(state, text.lastNumber) ? 1 : 0,
  };
  return SURFACE_FEATURES.map((name) => Math.max(-3, Math.min(3, values[name])));
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function countWhere<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let count = 0;
  for (const item of items) if (holds(item)) count++;
  return count;
}

function isSeen(state: SurfaceState, value: number): boolean {
  return state.goal.valueSet.has(value) || (state.store.stepByValue.get(value) ?? state.steps) < state.steps;
}

/** Shares of the step's numbers, each value once: not seen before; neither seen nor one operation away from what was. */
function numberShares(state: SurfaceState, text: SurfaceText): { readonly unseen: number; readonly underivable: number } {
  const { numbers } = text;
  if (numbers.length === 0) return { unseen: 0, underivable: 0 };
  let unseen = 0;
  let tried = 0;
  let underivable = 0;
  const pool = new Float64Array(PAIRED_GOAL_VALUES + RECENT_VALUES);
  let known = 0;
  for (const value of state.goal.values) if (known < PAIRED_GOAL_VALUES) pool[known++] = value;
  const goalValues = known;
  const most = goalValues + RECENT_VALUES;
  for (const value of state.recentValues) pool[known++] = value;
  for (const number of numbers) {
    const isNew = !isSeen(state, number.value);
    if (isNew) unseen++;
    if (tried < MOST_DERIVED) {
      tried++;
      if (isNew && !isDerived(number, pool, known)) underivable++;
    }
    if (!isNew) continue;
    // The latest values count; a long step pushes the oldest out.
    if (known === most) pool.copyWithin(goalValues, goalValues + 1, known);
    else known++;
    pool[known - 1] = number.value;
  }
  return { unseen: unseen / numbers.length, underivable: underivable / tried };
}

/** Whether one operation on two of the first `count` values of `pool` gives the number, as exactly as it is written. */
function isDerived(number: WrittenNumber, pool: Float64Array, count: number): boolean {
  const gap = Math.max(1e-6 * number.value, number.decimals === 0 ? 1e-9 : 0.5000001 * 10 ** -Math.min(number.decimals, 12));
  const low = number.value - gap;
  const high = number.value + gap;
  for (let i = 0; i < count; i++) {
    const a = pool[i] ?? 0;
    for (let j = i; j < count; j++) {
      const b = pool[j] ?? 0;
      const sum = a + b;
      if (sum >= low && sum <= high) return true;
      const difference = a > b ? a - b : b - a;
      if (difference >= low && difference <= high) return true;
      const product = a * b;
      if ((product >= low && product <= high) || (product >= 100 * low && product <= 100 * high)) return true;
      // a / b within [low, high], without dividing; also as a percentage.
      if (b !== 0 && ((a >= low * b && a <= high * b) || (100 * a >= low * b && 100 * a <= high * b))) return true;
      if (a !== 0 && ((b >= low * a && b <= high * a) || (100 * b >= low * a && 100 * b <= high * a))) return true;
    }
  }
  return false;
}

/** Shares of the goal's numbers: first used in this step; used by the end of it. */
function goalNumberShares(state: SurfaceState, text: SurfaceText): { readonly first: number; readonly used: number } {
  const { values } = state.goal;
  if (values.length === 0) return { first: 0, used: 0 };
  const inStep = new Set(text.numbers.map((number) => number.value));
  let first = 0;
  let used = 0;
  for (const value of values) {
    if ((state.store.stepByValue.get(value) ?? state.steps) < state.steps) used++;
    else if (inStep.has(value)) {
      first++;
      used++;
    }
  }
  return { first: first / values.length, used: used / values.length };
}
