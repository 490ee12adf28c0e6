/**
 * Windows: how goal and steps are laid out before the backbone reads them. Python twin: models/windows.py.
 *
 * A step is cut into units (chunk + marker). A window holds the goal, a carry of the most recent units and then new
 * units; each unit is read in the window where it is first placed. So the layout is a pure function of what came
 * before, and one more step touches the last window alone.
 */

/** Tokens at both ends of the goal. */
export const CLS = 101;
export const SEP = 102;

export interface WindowRules {
  /** Longest window, in tokens. */
  readonly tokens: number;
  /** Word pieces kept of a goal: the first `goalHead`, then the last ones. */
  readonly goalTokens: number;
  readonly goalHead: number;
  /** Word pieces of a chunk. */
  readonly chunkTokens: number;
  /** Most tokens of earlier units that a new window repeats. */
  readonly carryTokens: number;
  /** Token that ends a step. */
  readonly stepEnd: number;
  /** Token that ends a chunk that is not its step's last. */
  readonly chunkEnd: number;
}

/** One window: the units `firstCarried`, … , `end` − 1 of the trace after the goal; those from `firstRead` on are read here. */
export interface Window {
  readonly firstCarried: number;
  readonly firstRead: number;
  end: number;
  /** Tokens, the goal's among them. */
  length: number;
}

export interface WindowLayout {
  /** Grows as units are added; only the last one ever changes. */
  readonly windows: readonly Window[];
  /** Places the next unit, of this many tokens with its marker. */
  add(unitLength: number): void;
}

/** An empty layout behind a goal of `headLength` tokens, [CLS] and [SEP] counted. */
export function createLayout(rules: WindowRules, headLength: number): WindowLayout {
  const windows: Window[] = [];
  const lengths: number[] = [];
  return {
    windows,
    add(unitLength) {
      const last = windows.at(-1);
      const unit = lengths.length;
      lengths.push(unitLength);
      if (last !== undefined && last.length + unitLength <= rules.tokens) {
        last.end = unit + 1;
        last.length += unitLength;
        return;
      }
      let firstCarried = unit;
      let carried = 0;
      while (firstCarried > 0 && carried + (lengths[firstCarried - 1] ?? 0) <= rules.carryTokens) {
        firstCarried--;
        carried += lengths[firstCarried] ?? 0;
      }
      windows.push({ firstCarried, firstRead: unit, end: unit + 1, length: headLength + carried + unitLength });
    },
  };
}

/** [CLS] goal [SEP]; a long goal keeps its beginning and its end. */
export function goalHead(pieces: ArrayLike<number>, rules: WindowRules): readonly number[] {
  const all = Array.from(pieces);
  const kept = all.length <= rules.goalTokens ? all : [...all.slice(0, rules.goalHead), ...all.slice(all.length - (rules.goalTokens - rules.goalHead))];
  return [CLS, ...kept, SEP];
}

/** Tokens of each unit of a step of this many word pieces, markers counted; a step without any is one marker. */
export function unitLengths(pieceCount: number, rules: WindowRules): readonly number[] {
  const lengths: number[] = [];
  for (let at = 0; at === 0 || at < pieceCount; at += rules.chunkTokens) lengths.push(Math.min(rules.chunkTokens, pieceCount - at) + 1);
  return lengths;
}

/** The tokens of a step's n-th unit. */
export function unitTokens(pieces: ArrayLike<number>, n: number, rules: WindowRules): readonly number[] {
  const from = n * rules.chunkTokens;
  const to = Math.min(from + rules.chunkTokens, pieces.length);
  return [...Array.from({ length: to - from }, (_, i) => pieces[from + i] ?? 0), to >= pieces.length ? rules.stepEnd : rules.chunkEnd];
}
