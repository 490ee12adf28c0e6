/** A line of prose and formulas as tokens: numbers, signs, words, and what ends an expression. */
import { SHORT_UNITS, TOUCHING_UNITS, writesUnits } from './arithmeticUnits.ts';

export type Token =
  | { readonly kind: 'number'; readonly value: number; readonly decimals: number; readonly text: string; readonly isSpaced: boolean; readonly isWord?: boolean }
  /** A sign, or a word for one: "3 times 4". */
  | { readonly kind: 'op'; readonly op: '+' | '-' | '*' | '/' | '^'; readonly isSpaced: boolean; readonly isWord?: boolean }
  | { readonly kind: 'open'; readonly text: string; readonly isSpaced: boolean }
  | { readonly kind: 'equals'; readonly text: string; readonly isWord: boolean }
  /** `mixed` stands between a whole number and a LaTeX fraction: two and a half, or two times a half. */
  | { readonly kind: 'close' | 'percent' | 'factorial' | 'root' | 'approx' | 'stop' | 'mixed'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

/** LaTeX and typographic signs as plain ones; what is not known becomes "¿", which ends an expression. */
export function plainMath(line: string): string {
  let text = line;
  if (text.includes('\\')) {
    text = text
      .replace(/\\\\\s*&?\s*=/g, ' = ')
      .replace(/\\\\/g, ' ; ')
      .replace(/&/g, ' ')
      .replace(/(\d)\\,(?=\d{3}(?!\d))/g, '$1,')
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
      .replace(/\\([%$#&*])/g, '$1');
    for (let i = 0; i < 4 && /\\[dt]?frac/.test(text); i++) {
      text = text.replace(/(\d\s*)?\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, (_, before: string | undefined, a: string, b: string) => `${before === undefined ? '' : `${before}⊞`}((${a})/(${b}))`);
      text = text.replace(/(\d\s*)?\\[dt]?frac\s*(\d)\s*(\d)/g, (_, before: string | undefined, a: string, b: string) => `${before === undefined ? '' : `${before}⊞`}(${a}/${b})`);
      text = text.replace(BINOMIAL, '(($1)!/(($2)!*(($1)-($2))!))').replace(/\\sqrt\s*\{([^{}]*)\}/g, '√($1)').replace(/\\sqrt\s*\[(\d)\]\s*\{([^{}]*)\}/g, '(($2)^(1/$1))').replace(/\\sqrt\s*\[(\d)\]\s*\{([^{}]*)\}/g, '(($2)^(1/$1))');
      text = text.replace(/\^\s*\{([^{}]*)\}/g, '^($1)');
    }
    text = text.replace(BINOMIAL, '(($1)!/(($2)!*(($1)-($2))!))').replace(/\\sqrt\s*\{([^{}]*)\}/g, '√($1)').replace(/\\sqrt\s*\[(\d)\]\s*\{([^{}]*)\}/g, '(($2)^(1/$1))').replace(/\\sqrt\s*(\d)/g, '√$1').replace(/\\[a-zA-Z]+/g, ' ¿ ');
  }
  return text
    .replace(/\^\s*\{([^{}]*)\}/g, '^($1)')
    .replace(/(\d)\{,\}(\d)/g, '$1,$2')
    .replace(/(\d|\))\*\*(\d|\()/g, '$1^$2')
    .replace(/\*\*|__/g, ' ')
    .replace(/[×✕⋅·∙]/g, '*')
    .replace(/÷/g, '/')
    .replace(/[−﹣]/g, '-')
    .replace(/(\d) : (?=\d)/g, '$1 ¿ ')
    .replace(/([\d)%]) – (?=[$\d(])/g, '$1 - ')
    // "16x2" may be a square that lost its height.
    .replace(/(\d)[xX](?=[23](?![\d.,]))/g, '$1 ¿ ')
    .replace(/(\d)\s*[xX]\s*(?=\d)/g, '$1 * ')
    .replace(/([\d)%])\s+[xX]\s+(?=[$€£¥(.]*\d)/g, '$1 * ')
    .replace(/²/g, '^2')
    .replace(/³/g, '^3')
    .replace(/°\s*[CF]?/g, ' ')
    .replace(/[$€£¥]/g, ' ');
}

const BINOMIAL = /\\[dt]?binom\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g;

const TOKEN = /(\s+)|(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|([A-Za-z]+(?:[-'’][A-Za-z]+)*)|(\.{3}|…)|(==|!=|<=|>=|:=|=>|<|>|≠|≤|≥)|([=+\-*/^()[\]{}%!√≈⊞,;:.?"])|([\s\S])/g;

/** Tokens of one line in order. */
export function tokenize(line: string): readonly Token[] {
  const tokens: Token[] = [];
  let isSpaced = true;
  let lastEnd = 0;
  let lastWasDigit = false;
  const hasUnits = writesUnits(line);
  const hasFactorials = /[\d)]! *[-+*/^()\d}]/.test(line);
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
      const plain = number.replaceAll(',', '');
      const point = plain.indexOf('.');
      if (isOdd(line, at, number) || isBinary(number)) tokens.push({ kind: 'other', text: number });
      else tokens.push({ kind: 'number', value: Number(plain), decimals: point < 0 ? 0 : plain.length - point - 1, text: number, isSpaced });
    } else if (word !== undefined) {
      // 8x and 8km: a letter that touches a number is a variable, a longer word a unit.
      // "$139.60 a day": an article, which ends an expression as any word does.
      if ((word === 'a' || word === 'I') && /^ [a-z]{2}/.test(line.slice(at + 1, at + 4)) && !touches) tokens.push({ kind: 'word', text: word === 'a' ? 'each' : 'we' });
      else if (hasUnits && SHORT_UNITS.has(word) && tokens.at(-1)?.kind === 'number') tokens.push({ kind: 'word', text: word });
      else if (/(?:^|-)[A-Za-z](?:$|-)/.test(word)) tokens.push({ kind: 'other', text: word });
      else if (lastWasDigit && touches && !TOUCHING_UNITS.has(word.toLowerCase())) tokens.push({ kind: 'other', text: word });
      else tokens.push({ kind: 'word', text: word });
    } else if (dots !== undefined) {
      // "3.33..." only says that digits go on.
      if (!(lastWasDigit && touches && !/^\s*[+*]/.test(line.slice(at + whole.length)))) tokens.push({ kind: 'other', text: whole });
    } else if (comparison !== undefined) {
      tokens.push({ kind: 'other', text: whole });
    } else if (sign === '!' && (!touches || !(hasFactorials || /^!* *=/.test(line.slice(at))))) {
      // "That makes 4!" may be no factorial.
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
  return WORD_SIGNS.test(line) ? withWordSigns(tokens) : tokens;
}

/** 007, 3,5 (a decimal comma) and 12:30 are no plain numbers; neither is x2. */
function isOdd(line: string, at: number, number: string): boolean {
  const end = at + number.length;
  return /^0\d/.test(number) || /^(?:[,:]\d|_)/.test(line.slice(end, end + 2)) || /(?:[A-Za-z_'’#]|\d:)$/.test(line.slice(Math.max(0, at - 2), at));
}

/** Six digits and more of nothing but 0 and 1, several of them 1, are rarely meant to be decimal. */
function isBinary(number: string): boolean {
  return number.length >= 6 && /^1[01]*1[01]*$/.test(number);
}

const WORD_SIGNS = /\b(?:times|plus|minus|multiplied|divided|half|twice|double|triple|is|are|equals?|gives|makes|yields)\b/i;

/** Words between numbers that say what a sign says, as signs: "3 times 4 is 12", "half of 8". */
function withWordSigns(tokens: readonly Token[]): readonly Token[] {
  const signs: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    const found = token.kind === 'word' ? wordSign(tokens, i, signs) : undefined;
    if (found === undefined) signs.push(token);
    else {
      signs.push(...found.tokens);
      i += found.words - 1;
    }
  }
  return signs;
}

interface WordSign {
  readonly tokens: readonly Token[];
  /** Words it stands for. */
  readonly words: number;
}

function wordSign(tokens: readonly Token[], at: number, before: readonly Token[]): WordSign | undefined {
  const word = (index: number): string => {
    const token = tokens[index];
    return token?.kind === 'word' ? token.text.toLowerCase() : '';
  };
  const op = (sign: '+' | '-' | '*' | '/'): Token => ({ kind: 'op', op: sign, isSpaced: true, isWord: true });
  const isNumberNext = (index: number): boolean => tokens[index]?.kind === 'number';
  const last = before.at(-1);
  const isAfterValue = last?.kind === 'number' || last?.kind === 'close' || last?.kind === 'percent' || last?.kind === 'factorial';
  const first = word(at);
  const factor = FACTOR_BY_WORD[first];
  if (factor !== undefined) {
    const words = first === 'half' ? (word(at + 1) === 'of' ? 2 : 0) : 1;
    return words > 0 && isNumberNext(at + words) ? { tokens: [{ kind: 'number', value: factor, decimals: 0, text: first === 'half' ? 'half of' : first, isSpaced: true, isWord: true }, op('*')], words } : undefined;
  }
  const sign = SIGN_BY_WORD[first];
  if (sign !== undefined) {
    const words = word(at + 1) === 'by' ? 2 : 1;
    const isWhole = (first === 'multiplied' || first === 'divided') === (words === 2);
    return isAfterValue && isWhole && isNumberNext(at + words) ? { tokens: [op(sign)], words } : undefined;
  }
  const words = equalityWords(word, at);
  if (words === 0 || !(isAfterValue || isUnitBefore(before))) return undefined;
  const start = at + words;
  const second = tokens[start];
  const value = second?.kind === 'op' && second.op === '-' ? start + 1 : start;
  if (!isNumberNext(value)) return undefined;
  // What follows may make it another number: "is 5 more than", "is 3 and a half", "is 2, 3 or 4".
  let end = value + 1;
  if (tokens[end]?.kind === 'percent') end++;
  const stop = tokens[end];
  if (stop !== undefined && !(stop.kind === 'stop' && stop.text !== '?' && stop.text !== ':' && tokens[end + 1]?.kind !== 'number')) return undefined;
  return { tokens: [{ kind: 'equals', text: '=', isWord: true }], words };
}

const FACTOR_BY_WORD: Readonly<Record<string, number>> = { half: 0.5, twice: 2, double: 2, triple: 3 };
const SIGN_BY_WORD: Readonly<Record<string, '+' | '-' | '*' | '/'>> = { plus: '+', minus: '-', times: '*', multiplied: '*', divided: '/' };

/** How many words from `at` on say "equals"; 0 for none. */
function equalityWords(word: (index: number) => string, at: number): number {
  switch (word(at)) {
    case 'is':
    case 'are':
      return word(at + 1) === 'equal' && word(at + 2) === 'to' ? 3 : 1;
    case 'equals':
      return word(at + 1) === 'to' ? 2 : 1;
    case 'gives':
    case 'makes':
    case 'yields':
      return word(at + 1) === 'us' ? 2 : 1;
    default:
      return 0;
  }
}

function isUnitBefore(before: readonly Token[]): boolean {
  const number = before.at(-2);
  const unit = before.at(-1);
  return unit?.kind === 'word' && (number?.kind === 'number' || number?.kind === 'percent') && !MATH_WORDS.has(unit.text.toLowerCase()) && !CONNECTIVES.has(unit.text.toLowerCase());
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
      return { kind: 'equals', text: sign, isWord: false };
    case '≈':
      return { kind: 'approx', text: sign };
    case ')':
      return { kind: 'close', text: ')' };
    case '%':
      return { kind: 'percent', text: '%' };
    case '!':
      return { kind: 'factorial', text: '!' };
    case '⊞':
      return { kind: 'mixed', text: '' };
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

export const CONNECTIVES: ReadonlySet<string> = new Set(['each', 'so', 'is', 'are', 'was', 'we', 'then', 'thus', 'hence', 'which', 'that', 'because', 'since', 'as', 'but', 'to', 'in', 'on', 'at', 'the', 'gives', 'get', 'equals', 'with', 'for', 'into', 'has', 'have']);

/** Words that belong to the sum, so that what stands beside them is only a part of it. */
export const MATH_WORDS: ReadonlySet<string> = new Set([
  'of', 'times', 'plus', 'minus', 'divided', 'by', 'multiplied', 'over', 'half', 'twice', 'double', 'triple', 'third', 'quarter', 'squared', 'cubed', 'power', 'root', 'sqrt', 'log', 'ln', 'lg', 'exp',
  'sin', 'cos', 'tan', 'cot', 'sec', 'csc', 'arcsin', 'arccos', 'arctan', 'max', 'min', 'gcd', 'lcm', 'floor', 'ceil', 'choose', 'factorial', 'sum', 'prod', 'lim', 'int', 'pi', 'theta', 'alpha', 'beta',
  'per', 'percent', 'degrees', 'hundred', 'thousand', 'million', 'billion', 'dozen', 'more', 'less', 'than', 'abs', 'det', 'product', 'difference', 'quotient', 'and', 'or', 'from', 'mod',
  'total', 'ways', 'st', 'nd', 'rd', 'th',
]);

/** "20% of 50" and "1/2 of 10" multiply. */
export function isOf(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  const before = tokens[index - 1];
  const after = tokens[index + 1];
  return token?.kind === 'word' && token.text.toLowerCase() === 'of' && (before?.kind === 'percent' || before?.kind === 'number') && (after?.kind === 'number' || after?.kind === 'open');
}
