/** A line of prose and formulas as tokens: numbers, signs, words, and what ends an expression. */

export type Token =
  | { readonly kind: 'number'; readonly value: number; readonly decimals: number; readonly text: string; readonly isSpaced: boolean }
  | { readonly kind: 'op'; readonly op: '+' | '-' | '*' | '/' | '^'; readonly isSpaced: boolean }
  | { readonly kind: 'open'; readonly text: string; readonly isSpaced: boolean }
  | { readonly kind: 'close' | 'percent' | 'factorial' | 'root' | 'equals' | 'approx' | 'stop'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

/** LaTeX and typographic signs as plain ones; what is not known becomes "¿", which ends an expression. */
export function plainMath(line: string): string {
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

/** Tokens of one line in order. */
export function tokenize(line: string): readonly Token[] {
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
