/** Reads equations in prose, Markdown and LaTeX and works out both sides. Anything that may be algebra is passed over. */

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

type Token =
  | { readonly kind: 'number'; readonly value: number; readonly decimals: number; readonly text: string; readonly isSpaced: boolean }
  | { readonly kind: 'op'; readonly op: '+' | '-' | '*' | '/' | '^'; readonly isSpaced: boolean }
  | { readonly kind: 'open'; readonly text: string; readonly isSpaced: boolean }
  | { readonly kind: 'close' | 'percent' | 'factorial' | 'root' | 'equals' | 'approx' | 'stop'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

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

interface Side {
  readonly text: string;
  /** With a percent sign read as a hundredth, and where there is one, also as nothing. */
  readonly values: readonly number[];
  readonly operators: number;
  /** Decimals of a side that is one number. */
  readonly decimals: number;
  readonly hasDecimals: boolean;
  readonly hasDivision: boolean;
  readonly units: ReadonlySet<string>;
  /** Something added to something of another unit. */
  readonly mixesUnits: boolean;
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

/** Words that belong to the sum, so that what stands beside them is only a part of it. */
const MATH_WORDS: ReadonlySet<string> = new Set([
  'of', 'times', 'plus', 'minus', 'divided', 'by', 'multiplied', 'over', 'half', 'twice', 'double', 'triple', 'third', 'quarter', 'squared', 'cubed', 'power', 'root', 'sqrt', 'log', 'ln', 'lg', 'exp',
  'sin', 'cos', 'tan', 'cot', 'sec', 'csc', 'arcsin', 'arccos', 'arctan', 'max', 'min', 'gcd', 'lcm', 'floor', 'ceil', 'choose', 'factorial', 'sum', 'prod', 'lim', 'int', 'pi', 'theta', 'alpha', 'beta',
  'per', 'percent', 'degrees', 'hundred', 'thousand', 'million', 'billion', 'dozen', 'more', 'less', 'than', 'abs', 'det', 'product', 'difference', 'quotient', 'and', 'or', 'from', 'mod',
  'total', 'ways', 'st', 'nd', 'rd', 'th',
]);

/** A word after a number that is followed by an operator, a sign or a bracket, or ends the equation: "5 apples + 3 apples". */
function isUnitAt(tokens: readonly Token[], index: number): boolean {
  const word = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  if (word?.kind !== 'word' || word.text.length < 2 || MATH_WORDS.has(word.text.toLowerCase()) || CONNECTIVES.has(word.text.toLowerCase())) return false;
  if (before?.kind !== 'number' && before?.kind !== 'percent') return false;
  return after !== undefined && (after.kind === 'op' || after.kind === 'equals' || after.kind === 'close');
}

const CONNECTIVES: ReadonlySet<string> = new Set(['each', 'so', 'is', 'are', 'was', 'we', 'then', 'thus', 'hence', 'which', 'that', 'because', 'since', 'as', 'but', 'to', 'in', 'on', 'at', 'the', 'gives', 'get', 'equals', 'with', 'for', 'into', 'has', 'have']);

/** "20% of 50" and "1/2 of 10" multiply. */
function isOf(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  return token?.kind === 'word' && token.text.toLowerCase() === 'of' && (before?.kind === 'percent' || before?.kind === 'number') && (after?.kind === 'number' || after?.kind === 'open');
}

/** Works out `tokens[start, end)`; undefined where it is no expression of plain numbers, or one that can be read in two ways. */
function evaluate(tokens: readonly Token[], start: number, end: number): Side | undefined {
  const state: Reading = { tokens, end, at: start, percent: 0.01, operators: 0, depth: 0, hasDecimals: false, hasDivision: false, isAmbiguous: false, hasPercent: false, decimals: 0 };
  const value = readSum(state);
  if (value === undefined || state.at !== end || state.isAmbiguous) return undefined;
  const values = [value];
  if (state.hasPercent) {
    const plain = readSum({ ...state, at: start, percent: 1 });
    if (plain !== undefined) values.push(plain);
  }
  const units = new Set<string>();
  let adds = false;
  let bare = 0;
  for (let i = start; i < end; i++) {
    const token = tokens[i];
    if (token?.kind === 'word' && !isOf(tokens, i)) units.add(singular(token.text));
    if (token?.kind === 'op' && (token.op === '+' || token.op === '-')) adds = true;
    if (token?.kind === 'number' && tokens[i + 1]?.kind !== 'word') bare++;
  }
  const following = tokens[end];
  if (following?.kind === 'word' && tokens[end - 1]?.kind === 'number' && !CONNECTIVES.has(following.text.toLowerCase()) && !MATH_WORDS.has(following.text.toLowerCase())) units.add(singular(following.text));
  return {
    text: tokens.slice(start, end).map(tokenText).join(' ').replace(/\( /g, '(').replace(/ \)/g, ')').replace(/ %/g, '%').replace(/ !/g, '!').replace(/ \^ /g, '^').replace(/√ /g, '√'),
    values,
    operators: state.operators,
    decimals: state.decimals,
    hasDecimals: state.hasDecimals,
    hasDivision: state.hasDivision,
    units,
    mixesUnits: adds && (units.size > 1 || (units.size === 1 && bare > 0 && start < end - 3 && hasInnerUnit(tokens, start, end))),
  };
}

/** Whether a unit stands inside the expression rather than after it. */
function hasInnerUnit(tokens: readonly Token[], start: number, end: number): boolean {
  for (let i = start; i < end - 1; i++) if (tokens[i]?.kind === 'word' && !isOf(tokens, i)) return true;
  return false;
}

function singular(word: string): string {
  return word.toLowerCase().replace(/e?s$/, '');
}

function tokenText(token: Token): string {
  return token.kind === 'op' ? token.op : token.text;
}

interface Reading {
  readonly tokens: readonly Token[];
  readonly end: number;
  at: number;
  readonly percent: number;
  operators: number;
  depth: number;
  hasDecimals: boolean;
  hasDivision: boolean;
  isAmbiguous: boolean;
  hasPercent: boolean;
  decimals: number;
}

function peek(r: Reading): Token | undefined {
  return r.at < r.end ? r.tokens[r.at] : undefined;
}

function readSum(r: Reading): number | undefined {
  let value = readProduct(r);
  for (let token = peek(r); value !== undefined && token?.kind === 'op' && (token.op === '+' || token.op === '-'); token = peek(r)) {
    r.at++;
    r.operators++;
    const right = readProduct(r);
    if (right === undefined) return undefined;
    value = token.op === '+' ? value + right : value - right;
  }
  return value;
}

function readProduct(r: Reading): number | undefined {
  let value = readPower(r, false);
  let divided = false;
  let juxtaposed = false;
  while (value !== undefined) {
    const token = peek(r);
    let op: '*' | '/';
    if (token?.kind === 'op' && (token.op === '*' || token.op === '/')) {
      op = token.op;
      r.at++;
    } else if (token?.kind === 'word' && isOf(r.tokens, r.at)) {
      op = '*';
      r.at++;
    } else if (token?.kind === 'open' || token?.kind === 'root') {
      op = '*';
      juxtaposed = true;
    } else {
      break;
    }
    r.operators++;
    if (op === '/') {
      // "14 / 1 / 4" may mean 14 quarters.
      if (divided) r.isAmbiguous = true;
      r.hasDivision = true;
      divided = true;
    }
    const right = readPower(r, true);
    if (right === undefined) return undefined;
    value = op === '*' ? value * right : value / right;
  }
  // "8/2(4)" is read both ways.
  if (divided && juxtaposed) r.isAmbiguous = true;
  return value;
}

function readPower(r: Reading, isAfterOperator: boolean): number | undefined {
  const sign = peek(r);
  if (sign?.kind === 'op' && (sign.op === '-' || sign.op === '+')) {
    if (isAfterOperator && sign.op === '+') return undefined;
    r.at++;
    const before = r.at;
    const value = readPower(r, true);
    // "-3^2" is read both ways.
    for (let i = before; i < r.at; i++) {
      const token = r.tokens[i];
      if (token?.kind === 'op' && token.op === '^') r.isAmbiguous = true;
    }
    return value === undefined ? undefined : sign.op === '-' ? -value : value;
  }
  let base = readOperand(r);
  if (base === undefined) return undefined;
  while (peek(r)?.kind === 'factorial') {
    if (base < 0 || base > 20 || !Number.isInteger(base)) return undefined;
    r.at++;
    r.operators++;
    let product = 1;
    for (let i = 2; i <= base; i++) product *= i;
    base = product;
  }
  const token = peek(r);
  if (token?.kind === 'op' && token.op === '^') {
    r.at++;
    r.operators++;
    const exponent = readExponent(r);
    if (exponent === undefined) return undefined;
    const next = peek(r);
    if (next?.kind === 'op' && next.op === '^') return undefined;
    return base ** exponent;
  }
  return base;
}

function readExponent(r: Reading): number | undefined {
  const token = peek(r);
  if (token?.kind === 'op' && token.op === '-') {
    r.at++;
    const value = readOperand(r);
    return value === undefined ? undefined : -value;
  }
  return readOperand(r);
}

function readOperand(r: Reading): number | undefined {
  const token = peek(r);
  if (token === undefined) return undefined;
  r.at++;
  if (token.kind === 'number') {
    let { value } = token;
    if (token.decimals > 0) r.hasDecimals = true;
    r.decimals = token.decimals;
    const next = peek(r);
    if (next?.kind === 'percent') {
      r.at++;
      r.hasPercent = true;
      value *= r.percent;
      if (r.percent !== 1) r.decimals = token.decimals + 2;
    } else if (next?.kind === 'number') {
      // "2 1/2" is two and a half.
      const slash = r.tokens[r.at + 1];
      const below = r.tokens[r.at + 2];
      const isMixed = r.at + 2 < r.end && Number.isInteger(value) && slash?.kind === 'op' && slash.op === '/' && !slash.isSpaced && below?.kind === 'number' && next.value < below.value && next.decimals === 0 && below.decimals === 0;
      if (!isMixed || below?.kind !== 'number') return undefined;
      value += next.value / below.value;
      r.at += 3;
      r.operators++;
      r.hasDivision = true;
    }
    skipUnit(r);
    return value;
  }
  if (token.kind === 'root') {
    r.operators++;
    const value = readOperand(r);
    return value === undefined || value < 0 ? undefined : Math.sqrt(value);
  }
  if (token.kind !== 'open' || r.depth > 40) return undefined;
  r.depth++;
  const value = readSum(r);
  r.depth--;
  if (value === undefined || peek(r)?.kind !== 'close') return undefined;
  r.at++;
  if (peek(r)?.kind === 'percent') return undefined;
  if (peek(r)?.kind === 'number') return undefined;
  return value;
}

/** Passes over a unit after a number, with its exponent ("cm^3"). */
function skipUnit(r: Reading): void {
  if (peek(r)?.kind !== 'word' || isOf(r.tokens, r.at)) return;
  r.at++;
  const power = peek(r);
  const exponent = r.tokens[r.at + 1];
  if (power?.kind === 'op' && power.op === '^' && exponent?.kind === 'number' && r.at + 1 < r.end) r.at += 2;
}

/** LaTeX and typographic signs as plain ones; what is not known becomes "¿", which ends an expression. */
function plainMath(line: string): string {
  let text = line;
  if (text.includes('\\')) {
    text = text
      .replace(/\\(?:text|mathrm|mbox|textbf|mathbf|operatorname)\s*\{([^{}]*)\}/g, ' $1 ')
      .replace(/\\boxed\s*\{([^{}]*)\}/g, ' $1 ')
      .replace(/\^\s*\{?\s*\\circ\s*\}?/g, ' ')
      .replace(/\\(?:times|cdot|ast)(?![a-zA-Z])/g, ' * ')
      .replace(/\\div(?![a-zA-Z])/g, ' / ')
      .replace(/\\(?:left|right|big|Big|bigg|Bigg|displaystyle|quad|qquad)(?![a-zA-Z])/g, ' ')
      .replace(/\\(?:approx|sim|simeq)(?![a-zA-Z])/g, ' ≈ ')
      .replace(/\\(?:neq?|leq?|geq?|lt|gt)(?![a-zA-Z])/g, ' ¿ ')
      .replace(/\\[()[\]]/g, ' ; ')
      .replace(/\\[,;:! ]/g, ' ')
      .replace(/\\([%$#&])/g, '$1');
    for (let i = 0; i < 4 && /\\[dt]?frac/.test(text); i++) {
      text = text.replace(/(\d\s*)?\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, (_, before: string | undefined, a: string, b: string) => `${before === undefined ? '' : `${before}¿`}((${a})/(${b}))`);
      text = text.replace(/(\d\s*)?\\[dt]?frac\s*(\d)\s*(\d)/g, (_, before: string | undefined, a: string, b: string) => `${before === undefined ? '' : `${before}¿`}(${a}/${b})`);
      text = text.replace(/\\sqrt\s*\{([^{}]*)\}/g, '√($1)');
      text = text.replace(/\^\s*\{([^{}]*)\}/g, '^($1)');
    }
    text = text.replace(/\\sqrt\s*\{([^{}]*)\}/g, '√($1)').replace(/\\sqrt\s*(\d)/g, '√$1').replace(/\\[a-zA-Z]+/g, ' ¿ ');
  }
  return text
    .replace(/\^\s*\{([^{}]*)\}/g, '^($1)')
    .replace(/(\d)\{,\}(\d)/g, '$1,$2')
    .replace(/(\d|\))\*\*(\d|\()/g, '$1^$2')
    .replace(/\*\*|__/g, ' ')
    .replace(/[×✕⋅·∙]/g, '*')
    .replace(/÷/g, '/')
    .replace(/[−﹣]/g, '-')
    .replace(/(\d)\s*[xX]\s*(?=\d)/g, '$1 * ')
    .replace(/²/g, '^2')
    .replace(/³/g, '^3')
    .replace(/°\s*[CF]?/g, ' ')
    .replace(/[$€£¥]/g, ' ');
}

/** Units that may touch their number; other letters that do are variables ("2pq"). */
const UNITS: ReadonlySet<string> = new Set([
  'mm', 'cm', 'dm', 'km', 'ft', 'in', 'yd', 'mi', 'kg', 'mg', 'lb', 'lbs', 'oz', 'ml', 'cl', 'dl', 'mph', 'kmh', 'min', 'mins', 'hr', 'hrs', 'sec', 'secs', 'ms', 'hz', 'khz', 'mhz', 'kb', 'mb', 'gb', 'tb',
  'usd', 'eur', 'cents', 'pm', 'kw', 'kwh', 'mol', 'kj', 'kcal', 'pa', 'kpa', 'ev',
]);

const TOKEN = /(\s+)|(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|([A-Za-z]+(?:[-'’][A-Za-z]+)*)|(\.{3}|…)|(==|!=|<=|>=|:=|=>|<|>|≠|≤|≥)|([=+\-*/^()[\]{}%!√≈,;:.?"])|([\s\S])/g;

function tokenize(line: string): readonly Token[] {
  const tokens: Token[] = [];
  let isSpaced = true;
  let lastEnd = 0;
  let lastWasDigit = false;
  for (const match of line.matchAll(TOKEN)) {
    const [whole, blank, number, word, dots, comparison, sign] = match;
    const at = match.index;
    const after = line.charAt(at + whole.length);
    if (blank !== undefined) {
      isSpaced = true;
      lastWasDigit = false;
      continue;
    }
    const touches = !isSpaced && at === lastEnd;
    if (number !== undefined) {
      // 007, 3,5 (a decimal comma) and 12:30 are no plain numbers; neither is x2.
      const isOdd = /^0\d/.test(number) || (/^,\d/.test(line.slice(at + number.length, at + number.length + 2))) || /^[_]/.test(after) || (touches && /[A-Za-z_:'’#,]/.test(line.charAt(at - 1)) && !/^[,]/.test(line.charAt(at - 1) + ' ')) || /^:\d/.test(line.slice(at + number.length, at + number.length + 2));
      const plain = number.replaceAll(',', '');
      const point = plain.indexOf('.');
      if (isOdd) tokens.push({ kind: 'other', text: number });
      else tokens.push({ kind: 'number', value: Number(plain), decimals: point < 0 ? 0 : plain.length - point - 1, text: number, isSpaced });
    } else if (word !== undefined) {
      // 8x and 8km: a letter that touches a number is a variable, a longer word a unit.
      // "$139.60 a day": an article, which ends an expression as any word does.
      if ((word === 'a' || word === 'I') && /^ [a-z]{2}/.test(line.slice(at + 1, at + 4)) && !touches) tokens.push({ kind: 'word', text: word === 'a' ? 'each' : 'we' });
      else if (/(?:^|[-'’])[A-Za-z](?:$|-)/.test(word)) tokens.push({ kind: 'other', text: word });
      else if (lastWasDigit && touches && !UNITS.has(word.toLowerCase())) tokens.push({ kind: 'other', text: word });
      else tokens.push({ kind: 'word', text: word });
    } else if (dots !== undefined) {
      // "3.33..." only says that digits go on.
      if (!(lastWasDigit && touches && !/^\s*[+*]/.test(line.slice(at + whole.length)))) tokens.push({ kind: 'other', text: whole });
    } else if (comparison !== undefined) {
      tokens.push({ kind: 'other', text: whole });
    } else if (sign !== undefined) {
      tokens.push(sign === '(' ? { kind: 'open', text: '(', isSpaced } : signToken(sign, isSpaced && (after === ' ' || after === '')));
    } else {
      tokens.push({ kind: 'other', text: whole });
    }
    lastWasDigit = number !== undefined;
    lastEnd = at + whole.length;
    isSpaced = false;
  }
  return tokens;
}

function signToken(sign: string, isSpaced: boolean): Token {
  switch (sign) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '^':
      return { kind: 'op', op: sign, isSpaced };
    case '=':
      return { kind: 'equals', text: sign };
    case '≈':
      return { kind: 'approx', text: sign };
    case ')':
      return { kind: 'close', text: ')' };
    case '%':
      return { kind: 'percent', text: '%' };
    case '!':
      return { kind: 'factorial', text: '!' };
    case '√':
      return { kind: 'root', text: '√' };
    case ',':
    case ';':
    case ':':
    case '.':
    case '?':
    case '"':
      return { kind: 'stop', text: sign };
    default:
      return { kind: 'other', text: sign };
  }
}
