/** Reads equations in prose, Markdown and LaTeX and works out both sides. Anything that may be algebra is passed over. */
import { comparable, holds } from './arithmeticCompare.ts';
import { isCutOff, isDoubted, isOfLists, isTried, leftStart, mayBeginAt, mayEndAt, maySayEquals } from './arithmeticPlace.ts';
import { CONNECTIVES, isOf, plainMath, tokenize } from './arithmeticTokens.ts';
import type { Token } from './arithmeticTokens.ts';
import { evaluate, isUnitAt, textOf } from './arithmeticValue.ts';
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

/** Equations that do not hold, in order, each once; at most `limit`. Time is linear in the text. */
export function findWrongEquations(text: string, limit = 5): readonly WrongEquation[] {
  return checkEquations(text, limit).wrong;
}

/** What came of checking a text. */
export interface CheckedEquations {
  /** Equations whose sides agree, counted as often as they are written. */
  readonly right: number;
  /** Those that do not hold, in order, each once. */
  readonly wrong: readonly WrongEquation[];
}

/** Checks every equation between plain numbers; stops at `limit` wrong ones. Time is linear in the text. */
export function checkEquations(text: string, limit = 5): CheckedEquations {
  if (!mayHoldEquation(text)) return NOTHING_TO_CHECK;
  const wrong: WrongEquation[] = [];
  let right = 0;
  const seen = new Set<string>();
  const plain = withoutCode(text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) : text);
  for (const line of plain.split('\n')) {
    if (!mayHoldEquation(line) || !/\d/.test(line) || line.length > MAX_LINE || OTHER_ARITHMETIC.test(line)) continue;
    for (const equation of lineEquations(line)) {
      if (equation === 'right') {
        right++;
        continue;
      }
      const key = `${equation.left}=${equation.right}`;
      if (seen.has(key)) continue;
      seen.add(key);
      wrong.push(equation);
      if (wrong.length >= limit) return { right, wrong };
    }
  }
  return { right, wrong };
}

const NOTHING_TO_CHECK: CheckedEquations = { right: 0, wrong: [] };

function mayHoldEquation(text: string): boolean {
  return text.includes('=') || WORD_EQUATION.test(text);
}

const WORD_EQUATION = /[\d)%](?: [a-z]+)? (?:is|are|equals?|gives|makes|yields) (?:equal to |to |us )?[-$€£]{0,2}\d/i;

/** Lines that reckon otherwise (remainders, other bases), or talk about code. */
const OTHER_ARITHMETIC = /\bmod(?:ulo|ular)?\b|\\[bp]?mod|\bmod\d|\\equiv|≡|\bin base\b|\bbase[- ](?:two|three|four|five|six|seven|eight|nine|ten|\d+ (?:rep|num|dig|exp|sys|add|val))|\bbinary\b|\bhex\b|\bhexadec|\boctal\b|\bbits\b|\bXOR\b|\bcongruent|\bremainder (?:of |is )?\d|\bclock\b|⊕|\boperat(?:ion|or) (?:is )?defined|\b(?:int|const|var|def)\s+\w+\s*[=(]|\breturn\s+\w+\s*[;(]|[;{]\s*$|=>|\bp\.m\b|\ba\.m\b/i;

/** Whether a task is about another arithmetic than that of plain numbers, where 8 + 8 may be 6. */
export function reckonsOtherwise(goal: string): boolean {
  return /\bmodulo\b|\bmod\b|\\[bp]?mod\b|\bbase[- ](?:\d|two|three|five|six|seven|eight|nine)|\bbinary (?:number|operation|digit)|\bhexadecimal|\bclock arithmetic|Z_\{?\d|\bdefine[sd]? (?:the |an |a )?operation|\boperation \$?[^a-z\s]{1,8}\$? is defined/i.test(goal.slice(0, 20_000));
}

function withoutCode(text: string): string {
  if (!text.includes('`')) return text;
  return text.replace(/```[\s\S]*?(?:```|$)/g, '\n').replace(/`[^`\n]*`/g, ' ¿ ');
}

function* lineEquations(raw: string): Generator<'right' | WrongEquation> {
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
  if (kind === 'word') return isUnitAt(tokens, index) || isOf(tokens, index);
  return kind !== undefined && kind !== 'stop' && kind !== 'approx' && kind !== 'equals' && kind !== 'other';
}

function* chainEquations(tokens: readonly Token[], signs: readonly number[]): Generator<'right' | WrongEquation> {
  const firstSign = signs[0] ?? 0;
  const lastSign = signs.at(-1) ?? firstSign;
  const sides: (Side | undefined)[] = [leftSide(tokens, firstSign)];
  for (let i = 0; i + 1 < signs.length; i++) sides.push(wholeSide(tokens, (signs[i] ?? 0) + 1, signs[i + 1] ?? 0));
  sides.push(rightSide(tokens, lastSign + 1));
  if (isDoubted(tokens, firstSign, lastSign) || isOfLists(tokens, firstSign, lastSign)) return;
  for (let i = 0; i + 1 < sides.length; i++) {
    const left = sides[i];
    const right = sides[i + 1];
    if (left === undefined || right === undefined) continue;
    const sign = tokens[signs[i] ?? 0];
    if (sign?.kind === 'equals' && sign.isWord && !maySayEquals(left, right, { tokens, sign: signs[i] ?? 0 })) continue;
    const pair = comparable(left, right);
    if (pair === undefined) continue;
    if (holds(pair, { left, right })) yield 'right';
    else yield { left: textOf(tokens, left), right: textOf(tokens, right), leftValue: pair.left[0] ?? 0, rightValue: pair.right[0] ?? 0, isRightPlain: right.operators === 0, isLeftPlain: left.operators === 0 };
  }
}

/** The expression that ends before the sign at `end`; undefined where it may be part of something that is no plain sum. */
function leftSide(tokens: readonly Token[], end: number): Side | undefined {
  const at = leftStart(tokens, end);
  if (at === end) return undefined;
  const stop = tokens[at - 1];
  const first = tokens[at];
  if (!mayBeginAt(tokens, at) || first === undefined) return undefined;
  const isAtLineStart = stop === undefined;
  // "- 5 + 3" and "* 5 + 3" at the start of a line are list items.
  if (first.kind === 'op' && isAtLineStart && (first.op === '*' || first.op === '-' || first.op === '+') && first.isSpaced) return evaluate(tokens, at + 1, end);
  // A minus after a word may be a dash or go with it, a plus goes with what stands before it, and a word that touches a bracket is a function.
  if (first.kind === 'op' && (first.op === '+' || (stop?.kind === 'word' && (first.isSpaced || !(CONNECTIVES.has(stop.text.toLowerCase()) || /^(?:obtain|obtains|becomes|be|find|obtained)$/i.test(stop.text)))))) return undefined;
  if (first.kind === 'open' && !first.isSpaced && stop?.kind === 'word') return undefined;
  // The distance AD in "AD√2" is a factor.
  if (first.kind === 'root' && stop?.kind === 'word' && /^[A-Z]{2,}$/.test(stop.text)) return undefined;
  if (isCutOff(tokens, at)) return undefined;
  const side = evaluate(tokens, at, end);
  // "Plugging in 1 we get 1 = √9 + 4" tries the 1.
  if (side?.operators === 0 && isTried(tokens, at)) return undefined;
  // "14 hours = 14 * 60" converts, and in "Remaining 10 = 620 / 62" the number belongs to the word.
  if (side !== undefined && side.operators === 0 && side.quantity === undefined && (side.units.size > 0 || (stop?.kind === 'word' && !CONNECTIVES.has(stop.text.toLowerCase())))) return undefined;
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
  if (!mayEndAt(tokens, end)) return undefined;
  return evaluate(tokens, start, end);
}
