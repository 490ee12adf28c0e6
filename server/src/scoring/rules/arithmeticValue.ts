/** What an expression comes to. Tokens are written out as plain arithmetic, which mathjs reads and evaluates. */
import { addDependencies, create, divideDependencies, factorialDependencies, multiplyDependencies, parseDependencies, powDependencies, sqrtDependencies, subtractDependencies, unaryMinusDependencies } from 'mathjs/number';
import type { FunctionNode, MathNode, OperatorNode } from 'mathjs';
import { CONNECTIVES, isOf, MATH_WORDS } from './arithmeticTokens.ts';
import type { Token } from './arithmeticTokens.ts';
import { SHORT_UNITS, singular, unitOf } from './arithmeticUnits.ts';

/** One side of an equation. */
export interface Side {
  /** Its tokens: [start, end). */
  readonly start: number;
  readonly end: number;
  /** One a reading: a percent sign as a hundredth and as nothing, 2½ as two and a half and as two halves. */
  readonly values: readonly number[];
  readonly operators: number;
  /** Decimals of a side that is one number. */
  readonly decimals: number;
  readonly hasDecimals: boolean;
  readonly hasDivision: boolean;
  readonly hasRoot: boolean;
  /** Signs said in words. */
  readonly hasWordSign: boolean;
  readonly units: ReadonlySet<string>;
  /** Something added to something of another unit. */
  readonly mixesUnits: boolean;
  /** Where every term has a unit, and all convert into each other: the whole in the smallest of them, and the last term's unit. */
  readonly quantity?: { readonly kind: string; readonly value: number; readonly factor: number };
}

/** Works out `tokens[start, end)`; undefined where it is no expression of plain numbers, or one that can be read in two ways. */
export function evaluate(tokens: readonly Token[], start: number, end: number): Side | undefined {
  if (end - start > MOST_TOKENS) return undefined;
  const range: Range = { tokens, start, end };
  const facts = factsOf(range);
  const written = writeOut(range, { percent: 0.01, mixed: '+' });
  const read = written === undefined ? undefined : calculate(written);
  if (read === undefined || (facts.hasWordSign && read.hasMixedSigns) || (facts.hasWordFactor && read.operators > 1)) return undefined;
  const values = [read.value];
  if (facts.hasPercent || facts.hasMixed) {
    for (const reading of OTHER_READINGS) {
      const other = writeOut(range, reading);
      const value = other === undefined ? undefined : calculate(other)?.value;
      if (value !== undefined) values.push(value);
    }
  }
  const quantity = quantityOf(range);
  return { ...facts, ...read, values, start, end, ...(quantity === undefined ? {} : { quantity }) };
}

const MOST_TOKENS = 400;
const MOST_DEPTH = 40;

/** A word after a number that is followed by an operator, a sign or a bracket, or ends the equation: "5 apples + 3 apples". */
export function isUnitAt(tokens: readonly Token[], index: number): boolean {
  const word = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  if (word?.kind !== 'word' || !isUnitWord(word.text)) return false;
  if (before?.kind !== 'number' && before?.kind !== 'percent') return false;
  return after !== undefined && (after.kind === 'op' || after.kind === 'equals' || after.kind === 'close');
}

function isUnitWord(word: string): boolean {
  if (word.length < 2) return SHORT_UNITS.has(word);
  const lower = word.toLowerCase();
  return unitOf(lower) !== undefined || (!MATH_WORDS.has(lower) && !CONNECTIVES.has(lower));
}

interface Range {
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly end: number;
}

interface Reading {
  readonly percent: number;
  readonly mixed: '+' | '*';
  /** Each unit as a factor. */
  readonly hasUnits?: boolean;
}

const OTHER_READINGS: readonly Reading[] = [{ percent: 1, mixed: '+' }, { percent: 0.01, mixed: '*' }];

type Facts = Pick<Side, 'decimals' | 'hasDecimals' | 'hasWordSign' | 'units' | 'mixesUnits'> & { readonly hasPercent: boolean; readonly hasMixed: boolean; readonly hasWordFactor: boolean };

function factsOf({ tokens, start, end }: Range): Facts {
  const units = new Set<string>();
  let [adds, hasInnerUnit, hasDecimals, hasPercent, hasMixed, hasWordSign, hasWordFactor] = [false, false, false, false, false, false, false];
  let [bare, decimals] = [0, 0];
  for (let i = start; i < end; i++) {
    const token = tokens[i];
    if (token?.kind === 'word' && !isOf(tokens, i)) {
      units.add(singular(token.text));
      if (i < end - 1) hasInnerUnit = true;
    } else if (token?.kind === 'op') {
      if (token.op === '+' || token.op === '-') adds = true;
      if (token.isWord === true) hasWordSign = true;
    } else if (token?.kind === 'number') {
      if (tokens[i + 1]?.kind !== 'word') bare++;
      if (token.decimals > 0) hasDecimals = true;
      if (token.isWord === true) hasWordFactor = true;
      decimals = token.decimals + (tokens[i + 1]?.kind === 'percent' ? 2 : 0);
    } else if (token?.kind === 'percent') hasPercent = true;
    else if (token?.kind === 'mixed') hasMixed = true;
  }
  const following = followingUnit({ tokens, start, end });
  if (following !== undefined) units.add(singular(following));
  return { decimals, hasDecimals, hasPercent, hasMixed, hasWordSign, hasWordFactor, units, mixesUnits: adds && (units.size > 1 || (units.size === 1 && bare > 0 && start < end - 3 && hasInnerUnit)) };
}

/** The word after a range that ends with a number. */
function followingUnit({ tokens, end }: Range): string | undefined {
  const word = tokens[end];
  return word?.kind === 'word' && tokens[end - 1]?.kind === 'number' && isUnitWord(word.text) ? word.text : undefined;
}

/** A side as written, LaTeX made plain. */
export function textOf(tokens: readonly Token[], side: Side): string {
  const words = tokens.slice(side.start, side.end).map((token) => (token.kind === 'op' ? token.op : token.text)).join(' ');
  return words.replace(/half of \*/g, 'half of').replace(/(twice|double|triple) \*/g, '$1').replace(/\( /g, '(').replace(/ \)/g, ')').replace(/ %/g, '%').replace(/ !/g, '!').replace(/ \^ /g, '^').replace(/√ /g, '√').replace(/ {2,}/g, ' ');
}

/** The range as arithmetic that any calculator reads; undefined where a token has no place in it. */
function writeOut({ tokens, start, end }: Range, reading: Reading): string | undefined {
  let written = '';
  let depth = 0;
  /** Depths at which the fraction of a mixed number ends. */
  const closings: number[] = [];
  let previous: Token['kind'] | undefined;
  for (let i = start; i < end; i++) {
    const token = tokens[i];
    if (token === undefined) return undefined;
    switch (token.kind) {
      case 'number': {
        if (previous === 'number' || previous === 'close' || previous === 'percent' || previous === 'mixed') return undefined;
        const mixed = mixedNumber(tokens, i, end);
        if (mixed !== undefined) {
          written += mixed;
          i += 3;
        } else if (tokens[i + 1]?.kind === 'mixed') {
          if (!Number.isInteger(token.value) || isPower(tokens[i - 1])) return undefined;
          closings.push(depth);
          written += `(${token.value}${reading.mixed}`;
        } else if (isExponentOfTen(tokens, i) || (isPower(tokens[i - 1]) && token.value >= 100)) {
          return undefined;
        } else {
          written += `${tokens[i + 1]?.kind === 'percent' && i + 1 < end ? token.value * reading.percent : token.value}`;
        }
        break;
      }
      case 'word': {
        const unit = i === end - 1 || isUnitAt(tokens, i) ? unitOf(token.text) : undefined;
        if (isOf(tokens, i)) written += '*';
        else if (!(previous === 'number' || previous === 'percent') || !(i === end - 1 ? isUnitWord(token.text) : isUnitAt(tokens, i))) return undefined;
        else if (reading.hasUnits === true) written += `*${unit?.factor ?? Number.NaN}`;
        // "cm^3" is a unit too.
        else if (isPower(tokens[i + 1]) && tokens[i + 2]?.kind === 'number' && i + 2 < end) i += 2;
        break;
      }
      case 'op':
        if (token.op === '+' && previous === 'op') return undefined;
        written += token.op;
        break;
      case 'open':
        if (token.text !== '(' || ++depth > MOST_DEPTH) return undefined;
        written += '(';
        break;
      case 'close':
        depth--;
        written += ')';
        if (closings.at(-1) === depth) {
          closings.pop();
          written += ')';
        }
        if (tokens[i + 1]?.kind === 'percent' && i + 1 < end) return undefined;
        break;
      case 'root': {
        const operand = tokens[i + 1];
        if (i + 1 >= end || (operand?.kind !== 'open' && operand?.kind !== 'number')) return undefined;
        written += operand.kind === 'open' ? 'sqrt' : `sqrt(${operand.value})`;
        if (operand.kind === 'number') i++;
        break;
      }
      case 'factorial':
        written += '!';
        break;
      case 'percent':
        if (previous !== 'number') return undefined;
        break;
      case 'mixed':
        if (tokens[i + 1]?.kind !== 'open') return undefined;
        break;
      default:
        return undefined;
    }
    previous = token.kind;
  }
  return depth === 0 ? written : undefined;
}

function isPower(token: Token | undefined): boolean {
  return token?.kind === 'op' && token.op === '^';
}

/** "2 1/2" is two and a half. */
function mixedNumber(tokens: readonly Token[], at: number, end: number): string | undefined {
  const [whole, above, slash, below] = [tokens[at], tokens[at + 1], tokens[at + 2], tokens[at + 3]];
  if (at + 3 >= end || whole?.kind !== 'number' || above?.kind !== 'number' || below?.kind !== 'number' || slash?.kind !== 'op' || slash.op !== '/' || slash.isSpaced) return undefined;
  return Number.isInteger(whole.value) && above.decimals === 0 && below.decimals === 0 && above.value < below.value ? `(${whole.value}+${above.value}/${below.value})` : undefined;
}

/** "1.25 * 10-5" lost its superscript. */
function isExponentOfTen(tokens: readonly Token[], at: number): boolean {
  const [mantissa, times, ten, minus, exponent] = [tokens[at - 2], tokens[at - 1], tokens[at], tokens[at + 1], tokens[at + 2]];
  return ten?.kind === 'number' && ten.value === 10 && times?.kind === 'op' && times.op === '*' && mantissa?.kind === 'number' && mantissa.decimals > 0 && minus?.kind === 'op' && minus.op === '-' && !minus.isSpaced && exponent?.kind === 'number' && !exponent.isSpaced;
}

function quantityOf(range: Range): Side['quantity'] {
  const { tokens, start, end } = range;
  const names: string[] = [];
  let count = 0;
  let hasTerm = false;
  for (let i = start; i < end; i++) {
    const token = tokens[i];
    if (token === undefined || token.kind === 'open' || token.kind === 'root' || token.kind === 'percent' || (token.kind === 'op' && token.op === '/')) return undefined;
    if (token.kind === 'op' && (token.op === '+' || token.op === '-') && hasTerm) {
      // A term ends with its one unit.
      if (names.length !== ++count || tokens[i - 1]?.kind !== 'word') return undefined;
      hasTerm = false;
    } else if (token.kind === 'word') {
      if (names.length > count) return undefined;
      names.push(token.text);
    } else if (token.kind === 'number') hasTerm = true;
  }
  const following = followingUnit(range);
  if (following !== undefined) names.push(following);
  else if (tokens[end - 1]?.kind !== 'word') return undefined;
  if (names.length !== count + 1) return undefined;
  const units = names.map(unitOf);
  const kind = units[0]?.kind;
  const factor = units.at(-1)?.factor;
  if (kind === undefined || factor === undefined || units.some((unit) => unit?.kind !== kind)) return undefined;
  const written = writeOut(range, { percent: 0.01, mixed: '+', hasUnits: true });
  const value = written === undefined ? undefined : calculate(following === undefined ? written : `${written}*${factor}`)?.value;
  return value === undefined ? undefined : { kind, value, factor };
}

type Calculated = Pick<Side, 'operators' | 'hasDivision' | 'hasRoot'> & {
  readonly value: number;
  /** Signs of more than one kind. */
  readonly hasMixedSigns: boolean;
};

let parse: ((expression: string) => MathNode) | undefined;

/** A parser that knows numbers and seven signs: no names, no functions but the root, nothing that could call or loop. */
function parser(): (expression: string) => MathNode {
  parse ??= create({ ...parseDependencies, ...addDependencies, ...subtractDependencies, ...multiplyDependencies, ...divideDependencies, ...powDependencies, ...unaryMinusDependencies, ...sqrtDependencies, ...factorialDependencies }).parse;
  return parse;
}

/** The value of plain arithmetic; undefined where it is none, or can be read in two ways. */
function calculate(expression: string): Calculated | undefined {
  // Most sides are one number.
  if (/^-?\d+(?:\.\d+)?$/.test(expression)) return { value: Number(expression), operators: 0, hasDivision: false, hasRoot: false, hasMixedSigns: false };
  try {
    const node = parser()(expression);
    const shape = shapeOf(node);
    if (shape === undefined) return undefined;
    const value: unknown = node.compile().evaluate();
    return typeof value === 'number' && Number.isFinite(value) ? { value, ...shape } : undefined;
  } catch {
    // Not an expression after all.
    return undefined;
  }
}

function shapeOf(root: MathNode): Omit<Calculated, 'value'> | undefined {
  const signs = new Set<string>();
  let [operators, hasDivision, hasRoot, isAmbiguous] = [0, false, false, false];
  root.traverse((node, _path, parent) => {
    if (isFunction(node)) {
      hasRoot = true;
      operators++;
    }
    if (!isOperator(node)) return;
    // "-3^2" and "2^3^2" are read both ways.
    if (node.op === '^' && isOperator(node.args[1]) && node.args[1].op === '^') isAmbiguous = true;
    if (node.fn === 'unaryMinus') {
      if (isOperator(node.args[0]) && node.args[0].op === '^') isAmbiguous = true;
      return;
    }
    operators++;
    signs.add(node.op);
    if (node.op === '/') hasDivision = true;
    if (isProduct(node) && !isProduct(parent) && isAmbiguousProduct(node)) isAmbiguous = true;
  });
  return isAmbiguous ? undefined : { operators, hasDivision, hasRoot, hasMixedSigns: signs.size > 1 };
}

/** "14 / 1 / 4" may mean 14 quarters, and "8/2(4)" is read both ways. */
function isAmbiguousProduct(product: OperatorNode): boolean {
  let divisions = 0;
  let isJuxtaposed = false;
  const visit = (node: MathNode | undefined): void => {
    if (!isProduct(node)) return;
    if (node.op === '/') divisions++;
    else if (node.implicit) isJuxtaposed = true;
    node.args.forEach(visit);
  };
  visit(product);
  return divisions > 1 || (divisions === 1 && isJuxtaposed);
}

function isOperator(node: MathNode | undefined | null): node is OperatorNode {
  return node?.type === 'OperatorNode';
}

function isProduct(node: MathNode | undefined | null): node is OperatorNode {
  return isOperator(node) && (node.fn === 'multiply' || node.fn === 'divide');
}

function isFunction(node: MathNode): node is FunctionNode {
  return node.type === 'FunctionNode';
}
