/** What an expression comes to. */
import { CONNECTIVES, isOf, MATH_WORDS } from './arithmeticTokens.ts';
import type { Token } from './arithmeticTokens.ts';

/** One side of an equation. */
export interface Side {
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

/** Works out `tokens[start, end)`; undefined where it is no expression of plain numbers, or one that can be read in two ways. */
export function evaluate(tokens: readonly Token[], start: number, end: number): Side | undefined {
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
