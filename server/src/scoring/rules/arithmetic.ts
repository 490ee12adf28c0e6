/** Reads equations in prose, Markdown and LaTeX and works out both sides. Anything that may be algebra is passed over. */
import { CONNECTIVES, isOf, MATH_WORDS, plainMath, tokenize } from './arithmeticTokens.ts';
import type { Token } from './arithmeticTokens.ts';
import { evaluate } from './arithmeticValue.ts';
import type { Side } from './arithmeticValue.ts';

/** An equation between plain numbers whose sides differ. */
export interface WrongEquation {
  /** Both sides as written, LaTeX made plain. */
  readonly left: string;
  readonly right: string;
  readonly leftValue: number;
  readonly rightValue: number;
  /** Whether the right (left) side is one number, so that the other side says what it should have been. */
  readonly isRightPlain: boolean;
  readonly isLeftPlain: boolean;
}

const MAX_CHARACTERS = 200_000;
const MAX_LINE = 20_000;

/** Equations that do not hold, in order; at most `limit`. Time is linear in the text. */
export function findWrongEquations(text: string, limit = 5): readonly WrongEquation[] {
  if (!text.includes('=')) return [];
  const found: WrongEquation[] = [];
  const seen = new Set<string>();
  const plain = withoutCode(text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) : text);
  for (const line of plain.split('\n')) {
    if (!line.includes('=') || !/\d/.test(line) || line.length > MAX_LINE || OTHER_ARITHMETIC.test(line)) continue;
    for (const equation of lineEquations(line)) {
      const key = `${equation.left}=${equation.right}`;
      if (seen.has(key)) continue;
      seen.add(key);
      found.push(equation);
      if (found.length >= limit) return found;
    }
  }
  return found;
}

/** Lines that reckon otherwise (remainders, other bases), or talk about code. */
const OTHER_ARITHMETIC = /\bmod(?:ulo|ular)?\b|\\[bp]?mod|\bmod\d|\\equiv|≡|\bbase\b|\bbinary\b|\bhex|\boctal\b|\bbits?\b|\bXOR\b|\bcongruent|\bremainder|\bclock\b|⊕|\boperat(?:ion|or) (?:is )?defined|\b(?:int|let|const|var|def|return)\s|[;{]\s*$|=>|\bp\.m\b|\ba\.m\b/i;

/** Whether a task is about another arithmetic than that of plain numbers, where 8 + 8 may be 6. */
export function reckonsOtherwise(goal: string): boolean {
  return /\bmodulo\b|\bmod\b|\\[bp]?mod\b|\bbase[- ](?:\d|two|three|five|six|seven|eight|nine)|\bbinary (?:number|operation|digit)|\bhexadecimal|\bclock arithmetic|Z_\{?\d|\bdefine[sd]? (?:the |an |a )?operation|\boperation \$?[^a-z\s]{1,8}\$? is defined/i.test(goal.slice(0, 20_000));
}

function withoutCode(text: string): string {
  if (!text.includes('`')) return text;
  return text.replace(/```[\s\S]*?(?:```|$)/g, '\n').replace(/`[^`\n]*`/g, ' ¿ ');
}

function* lineEquations(raw: string): Generator<WrongEquation> {
  const line = plainMath(raw);
  const tokens = tokenize(line);
  let at = 0;
  while (at < tokens.length) {
    const first = indexOfKind(tokens, 'equals', at);
    if (first < 0) return;
    // A chain: a = b = c; what stands between two signs must be an expression from end to end.
    const signs = [first];
    let next = first + 1;
    while (next < tokens.length && isExpressionPart(tokens, next)) {
      next++;
      if (tokens[next]?.kind === 'equals') {
        signs.push(next);
        next++;
      }
    }
    yield* chainEquations(tokens, signs);
    at = Math.max(next, (signs.at(-1) ?? first) + 1);
  }
}

function indexOfKind(tokens: readonly Token[], kind: Token['kind'], from: number): number {
  for (let i = from; i < tokens.length; i++) if (tokens[i]?.kind === kind) return i;
  return -1;
}

function isExpressionPart(tokens: readonly Token[], index: number): boolean {
  const kind = tokens[index]?.kind;
  return kind !== undefined && kind !== 'stop' && kind !== 'approx' && kind !== 'equals' && kind !== 'other';
}

function* chainEquations(tokens: readonly Token[], signs: readonly number[]): Generator<WrongEquation> {
  const firstSign = signs[0] ?? 0;
  const lastSign = signs.at(-1) ?? firstSign;
  const sides: (Side | undefined)[] = [leftSide(tokens, firstSign)];
  for (let i = 0; i + 1 < signs.length; i++) sides.push(wholeSide(tokens, (signs[i] ?? 0) + 1, signs[i + 1] ?? 0));
  sides.push(rightSide(tokens, lastSign + 1));
  if (isDoubted(tokens, firstSign, lastSign)) return;
  for (let i = 0; i + 1 < sides.length; i++) {
    const left = sides[i];
    const right = sides[i + 1];
    if (left === undefined || right === undefined || (left.operators === 0 && right.operators === 0)) continue;
    if (!mayCompare(left, right) || holds(left, right)) continue;
    const [leftValue, rightValue] = [left.values[0] ?? 0, right.values[0] ?? 0];
    yield { left: left.text, right: right.text, leftValue, rightValue, isRightPlain: right.operators === 0, isLeftPlain: left.operators === 0 };
  }
}

/** Whether the words around say that the equation is a question, an assumption or false. */
function isDoubted(tokens: readonly Token[], firstSign: number, lastSign: number): boolean {
  let before = 0;
  for (let i = firstSign - 1; i >= 0 && before < 40; i--, before++) {
    const token = tokens[i];
    if (token?.kind === 'word' && /^(?:if|suppose|assume|assuming|instead|wrong|incorrect|claim|claims|try|trying|guess|whether|not|isn|can|could|would|should|want|need|let|find|test|check|when|than|false|mistake|error)$/i.test(token.text)) return true;
    if (token?.kind === 'stop' && token.text === '.') break;
  }
  let after = 0;
  for (let i = lastSign + 1; i < tokens.length && after < 40; i++, after++) {
    const token = tokens[i];
    if (token?.kind === 'word' && /^(?:wrong|incorrect|not|isn|doesn|false|mistake|error|contradiction|contradicts|impossible|too|solve|solving|round|rounded|rounds|rounding|approximately|approx|about|choose|nearest)$/i.test(token.text)) return true;
    if (token?.kind === 'stop' && token.text === '?') return true;
    if (token?.kind === 'stop' && token.text === '.') break;
  }
  return false;
}

/** Unlike units on the two sides may be a conversion. */
function mayCompare(left: Side, right: Side): boolean {
  if (left.mixesUnits || right.mixesUnits) return false;
  const units = new Set([...left.units, ...right.units]);
  return units.size <= 1;
}

function holds(left: Side, right: Side): boolean {
  for (const a of left.values) for (const b of right.values) if (agree(a, b, { left, right })) return true;
  return false;
}

function agree(a: number, b: number, sides: { readonly left: Side; readonly right: Side }): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return true;
  const size = Math.max(Math.abs(a), Math.abs(b));
  if (size > 2 ** 52) return Math.abs(a - b) <= 1e-6 * size;
  const gap = Math.abs(a - b);
  if (gap <= 1e-9 * Math.max(1, size)) return true;
  // Off by exactly 100 or 1000 is a change of unit (dollars and cents, thousands) more often than a slip.
  if (SCALES.some((scale) => Math.abs(Math.min(Math.abs(a), Math.abs(b)) * scale - size) <= 1e-9 * size)) return true;
  const { left, right } = sides;
  const isRounded = left.hasDecimals || right.hasDecimals || left.hasDivision || right.hasDivision || hasRoot(left) || hasRoot(right);
  if (!isRounded) return false;
  // Rounded or cut off to the digits written.
  if (right.operators === 0 && !fits(a, right.decimals) && gap < 10 ** -right.decimals) return true;
  if (left.operators === 0 && !fits(b, left.decimals) && gap < 10 ** -left.decimals) return true;
  const isInexact = left.hasDecimals || right.hasDecimals || hasRoot(left) || hasRoot(right) || !fits(a, 0) || !fits(b, 0);
  return isInexact && gap <= 0.01 * size;
}

const SCALES = [100, 1000, 1_000_000];

function hasRoot(side: Side): boolean {
  return side.text.includes('√');
}

/** Whether a value can be written exactly with so many decimals. */
function fits(value: number, decimals: number): boolean {
  const scaled = value * 10 ** decimals;
  return Math.abs(scaled - Math.round(scaled)) < 1e-7 * Math.max(1, Math.abs(scaled));
}

/** The expression that ends before the sign at `end`; undefined where it may be part of something that is no plain sum. */
function leftSide(tokens: readonly Token[], end: number): Side | undefined {
  let at = end;
  let depth = 0;
  while (at > 0) {
    const token = tokens[at - 1];
    if (token === undefined) break;
    if (token.kind === 'close') depth++;
    else if (token.kind === 'open') {
      if (depth === 0) break;
      depth--;
    } else if (token.kind === 'word') {
      if (!isUnitAt(tokens, at - 1) && !isOf(tokens, at - 1)) break;
    } else if (token.kind === 'stop' || token.kind === 'other' || token.kind === 'equals' || token.kind === 'approx') {
      break;
    }
    at--;
  }
  if (depth !== 0 || at === end) return undefined;
  const stop = tokens[at - 1];
  const first = tokens[at];
  if (!isBoundary(stop) || first === undefined) return undefined;
  const isAtLineStart = stop === undefined;
  // "- 5 + 3" and "* 5 + 3" at the start of a line are list items.
  if (first.kind === 'op' && isAtLineStart && (first.op === '*' || first.op === '-' || first.op === '+') && first.isSpaced) return evaluate(tokens, at + 1, end);
  // A minus after a word may be a dash, a plus goes with what stands before it, and a word that touches a bracket is a function.
  if (first.kind === 'op' && (first.op === '+' || (first.isSpaced && stop?.kind === 'word'))) return undefined;
  if (first.kind === 'open' && !first.isSpaced && stop?.kind === 'word') return undefined;
  const side = evaluate(tokens, at, end);
  // "14 hours = 14 * 60" converts, and in "Remaining 10 = 620 / 62" the number belongs to the word.
  if (side !== undefined && side.operators === 0 && (side.units.size > 0 || (stop?.kind === 'word' && !CONNECTIVES.has(stop.text.toLowerCase())))) return undefined;
  return side;
}

function wholeSide(tokens: readonly Token[], start: number, end: number): Side | undefined {
  return end > start ? evaluate(tokens, start, end) : undefined;
}

/** The expression that starts at `start`, up to where the sentence goes on. */
function rightSide(tokens: readonly Token[], start: number): Side | undefined {
  let at = start;
  let depth = 0;
  let end = start;
  for (; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind === 'open') depth++;
    else if (token.kind === 'close') {
      if (depth === 0) break;
      depth--;
    } else if (token.kind === 'word') {
      if (!isUnitAt(tokens, at)) break;
    } else if (token.kind === 'stop' || token.kind === 'other' || token.kind === 'equals' || token.kind === 'approx') {
      break;
    }
    end = at + 1;
  }
  if (depth !== 0) {
    // "= 8 (since …": what follows in brackets is a remark.
    for (end = start; end < at && tokens[end]?.kind !== 'open'; end++);
    if (end === start) return undefined;
    const opened = tokens[end + 1];
    return opened?.kind === 'word' && opened.text.length > 1 ? evaluate(tokens, start, end) : undefined;
  }
  const stop = tokens[end];
  const last = tokens[end - 1];
  if (end === start || last === undefined) return undefined;
  // "= 8 - which is": a dash.
  if (last.kind === 'op' && last.op === '-' && last.isSpaced && stop?.kind === 'word' && stop.text.length > 1) return evaluate(tokens, start, end - 1);
  if (last.kind === 'op' && last.op === '*' && stop === undefined) return evaluate(tokens, start, end - 1);
  if (!isBoundary(stop)) return undefined;
  return evaluate(tokens, start, end);
}

/** Whether an expression may begin after, or end before, this token. */
function isBoundary(token: Token | undefined): boolean {
  if (token === undefined) return true;
  if (token.kind === 'word') return token.text.length > 1 && !MATH_WORDS.has(token.text.toLowerCase());
  return token.kind === 'stop' || token.kind === 'equals' || token.kind === 'approx' || token.kind === 'open' || token.kind === 'close';
}

/** A word after a number that is followed by an operator, a sign or a bracket, or ends the equation: "5 apples + 3 apples". */
function isUnitAt(tokens: readonly Token[], index: number): boolean {
  const word = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  if (word?.kind !== 'word' || word.text.length < 2 || MATH_WORDS.has(word.text.toLowerCase()) || CONNECTIVES.has(word.text.toLowerCase())) return false;
  if (before?.kind !== 'number' && before?.kind !== 'percent') return false;
  return after !== undefined && (after.kind === 'op' || after.kind === 'equals' || after.kind === 'close');
}

