/** What the words around an equation say about it: where its sides begin and end, and whether it is claimed at all. */
import { isOf, MATH_WORDS } from './arithmeticTokens.ts';
import type { Token } from './arithmeticTokens.ts';
import { SHORT_UNITS, unitOf } from './arithmeticUnits.ts';
import { isUnitAt } from './arithmeticValue.ts';
import type { Side } from './arithmeticValue.ts';

/** Whether the words around say that the equation is a question, an assumption, false or rounded. */
export function isDoubted(tokens: readonly Token[], firstSign: number, lastSign: number): boolean {
  let isInClause = true;
  const start = leftStart(tokens, firstSign);
  for (let i = firstSign - 1; i >= 0 && i >= firstSign - 40; i--) {
    const token = tokens[i];
    if (token?.kind === 'stop' && (token.text === '.' || token.text === ';')) break;
    if (token?.kind === 'stop' || (token?.kind === 'word' && OPENS_CLAUSE.test(token.text))) isInClause = false;
    if (token?.kind === 'word' && (DOUBTS.test(token.text) || (isInClause && DOUBTS_CLAUSE.test(token.text)) || (i >= start - 4 && NOT.test(token.text)))) return true;
  }
  for (let i = lastSign + 1; i < tokens.length && i <= lastSign + 40; i++) {
    const token = tokens[i];
    if (token?.kind === 'stop' && token.text === '?') return true;
    if (token?.kind === 'stop' && token.text === '.') break;
    if (token?.kind === 'word' && (REFUTES.test(token.text) || (NOT.test(token.text) && isDenial(tokens, i)))) return true;
  }
  return false;
}

const OPENS_CLAUSE = /^(?:because|since|so|then|thus|therefore|hence|but|while)$/i;
const DOUBTS = /^(?:suppose|assume|assuming|wrong|incorrect|claim|claims|try|trying|guess|whether|test|check|false|mistake|error)$/i;
const DOUBTS_CLAUSE = /^(?:if|when|unless|until|instead|want|let)$/i;
const REFUTES = /^(?:wrong|incorrect|false|mistake|error|contradiction|contradicts|impossible|round|rounded|rounds|rounding|approximately|approx|about|choose|nearest)$/i;
const NOT = /^(?:not|isn['’]t|doesn['’]t)$/i;

/** "is not true", "does not hold": the equation itself is meant. */
function isDenial(tokens: readonly Token[], at: number): boolean {
  for (let i = at + 1; i <= at + 3; i++) {
    const token = tokens[i];
    if (token?.kind === 'word' && /^(?:true|correct|right|possible|hold|match|work|satisfied|valid)$/i.test(token.text)) return true;
  }
  return false;
}

/** Whether the sentence before `at` puts a value into an equation. */
export function isTried(tokens: readonly Token[], at: number): boolean {
  for (let i = at - 1; i >= 0 && i >= at - 40; i--) {
    const token = tokens[i];
    if (token?.kind === 'stop' && token.text === '.') return false;
    if (token?.kind === 'word' && /^(?:plug|plugging|substitute|substituting|setting)$/i.test(token.text)) return true;
  }
  return false;
}

/** "(0 - 2), (5 - 2) = -2, 3" sets lists equal: the sides end at commas beyond which there is no sign of their own. */
export function isOfLists(tokens: readonly Token[], firstSign: number, lastSign: number): boolean {
  return isListed(tokens, firstSign, -1) && isListed(tokens, lastSign, 1);
}

/** Whether the first thing that ends the expression is a comma, and the next thing of that kind comes before another sign. */
function isListed(tokens: readonly Token[], sign: number, step: 1 | -1): boolean {
  let commas = 0;
  for (let i = sign + step; i >= 0 && i < tokens.length; i += step) {
    const token = tokens[i];
    if (token?.kind === 'stop') {
      if (token.text !== ',') return commas > 0 && hasNumberAt(tokens, i - step);
      if (++commas === 2) return true;
    } else if (token?.kind === 'equals' || token?.kind === 'word' || token?.kind === 'other') return false;
  }
  return commas > 0;
}

function hasNumberAt(tokens: readonly Token[], index: number): boolean {
  const kind = tokens[index]?.kind;
  return kind === 'number' || kind === 'close';
}

/** Words say less clearly than a sign what is equal: "adding 2 to 3 * 4 is 14". */
export function maySayEquals(left: Side, right: Side, place: { readonly tokens: readonly Token[]; readonly sign: number }): boolean {
  if (left.operators === 0 || right.operators > 0) return false;
  // "4/7 is equal to 24": of something that is not said.
  if (left.operators === 1 && left.hasDivision && Math.abs(left.values[0] ?? 0) < 1) return false;
  const before = place.tokens[leftStart(place.tokens, place.sign) - 1];
  return before === undefined || before.kind !== 'word' || LEADS_IN.has(before.text.toLowerCase());
}

const LEADS_IN: ReadonlySet<string> = new Set(['so', 'that', 'since', 'because', 'then', 'thus', 'hence', 'therefore', 'know', 'as', 'but', 'now', 'and', 'which']);

/** Where the expression that ends at `end` begins; `end` where there is none. */
export function leftStart(tokens: readonly Token[], end: number): number {
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
  return depth === 0 ? at : end;
}

/** Whether an expression may begin at `at`, for all that stands before it. */
export function mayBeginAt(tokens: readonly Token[], at: number): boolean {
  const stop = tokens[at - 1];
  const before = tokens[at - 2];
  if (stop?.kind !== 'word') return isBoundary(stop);
  switch (stop.text.toLowerCase()) {
    case 'of':
      return before?.kind === 'word' && AMOUNTS.test(before.text);
    case 'and':
    case 'or':
    case 'more':
    case 'less':
      // "2 + 2 = 4 and 2 + 3 = 5", but not "4 and 2 + 3".
      return before === undefined || before.kind === 'word' || before.kind === 'stop' || (before.kind === 'number' && tokens[at - 3]?.kind === 'equals');
    case 'total':
    case 'ways':
      return true;
    default:
      return isBoundary(stop);
  }
}

/** What an "of" leaves as it is; half of a sum is another number. */
const AMOUNTS = /^(?:total|sum|cost|price|area|volume|amount|number|value|speed|profit|weight|length|distance|rate|perimeter|height|width|radius|time|age|score|bill|income|salary|loss|change|commission|balance|pressure|fee|tax|gain|savings|discount|count|sale|sales)$/i;

/** Whether an expression may end before `end`, for all that follows it. */
export function mayEndAt(tokens: readonly Token[], end: number): boolean {
  const stop = tokens[end];
  const after = tokens[end + 1];
  // "2²: 1² = 4: 1" is a ratio.
  if (stop?.kind === 'stop' && stop.text === ':' && after?.kind === 'number') return false;
  if (stop?.kind !== 'word') return isBoundary(stop);
  if (unitOf(stop.text) !== undefined && after?.kind !== 'open') return true;
  switch (stop.text.toLowerCase()) {
    case 'and':
      // "3 and 1/2" is a number.
      return after?.kind !== 'number' || isEquationAt(tokens, end + 1);
    case 'of':
    case 'times':
      return after?.kind !== 'number' && after?.kind !== 'open';
    case 'or':
    case 'more':
    case 'less':
    case 'than':
    case 'per':
    case 'from':
    case 'total':
    case 'ways':
    case 'percent':
    case 'degrees':
      return true;
    default:
      return isBoundary(stop);
  }
}

/** Whether an equation sign follows before the clause ends. */
function isEquationAt(tokens: readonly Token[], at: number): boolean {
  for (let i = at; i < tokens.length && i < at + 20; i++) {
    const kind = tokens[i]?.kind;
    if (kind === 'equals') return true;
    if (kind === 'stop' || kind === 'word' || kind === 'other') return false;
  }
  return false;
}

/** Whether an expression may begin after, or end before, this token. */
function isBoundary(token: Token | undefined): boolean {
  if (token === undefined) return true;
  if (token.kind === 'word') return (token.text.length > 1 || SHORT_UNITS.has(token.text)) && !MATH_WORDS.has(token.text.toLowerCase());
  return token.kind === 'stop' || token.kind === 'equals' || token.kind === 'approx' || token.kind === 'open' || token.kind === 'close';
}

/** Whether the number at `at` goes with what stands before it: "day 1 * 2", "weeks 3-4", "14, 400 / 80", ".8 + . 84". */
export function isCutOff(tokens: readonly Token[], at: number): boolean {
  const [before, stop, first] = [tokens[at - 2], tokens[at - 1], tokens[at]];
  if (stop === undefined) return false;
  // "into the equation: 3 * 2 - 8 = 0" puts it to the test.
  if (stop.kind === 'stop' && stop.text === ':' && before?.kind === 'word' && /^(?:equations?|inequality|condition|further)$/i.test(before.text)) return true;
  // A bracket that is not closed before the sign.
  if (stop.kind === 'open') return before?.kind === 'op';
  if (first?.kind !== 'number') return false;
  if (stop.kind === 'word') return COUNTED.test(stop.text);
  if (stop.kind !== 'stop') return false;
  return before?.kind === 'op' || (stop.text === ',' && before?.kind === 'number' && first.text.length === 3);
}

const COUNTED = /^(?:weeks?|days?|pages?|chapters?|hours?|months?|years?|ages?|aged|grades?|steps?|questions?|levels?|lines?|problems?|rows?|columns?|games?|rounds?|sections?|floors?|items?|cases?|parts?|choices?|options?|equations?|no|numbers?)$/i;
