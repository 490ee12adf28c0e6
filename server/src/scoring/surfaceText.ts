/** What stands in one text: its signs, words, numbers and equations, read once for all surface features. */
import { checkEquations } from './rules/arithmetic.ts';
import type { CheckedEquations } from './rules/arithmetic.ts';
import { NUMBER, readNumber } from './rules/numbers.ts';
import type { WrittenNumber } from './rules/numbers.ts';

/** Kinds of words that are counted. */
export const WORD_KINDS = ['hedge', 'correction', 'conclusion', 'assumption', 'negation', 'error', 'firstPerson'] as const;
export type WordKind = (typeof WORD_KINDS)[number];

export interface SurfaceText {
  /** UTF-16 units of the whole text. */
  readonly chars: number;
  /** UTF-16 units that were read: beginning and end of a very long text. */
  readonly readChars: number;
  readonly digits: number;
  readonly newlines: number;
  readonly codeSigns: number;
  readonly latexChars: number;
  readonly hasQuestion: boolean;
  readonly hasToolCall: boolean;
  /** Numbers as often as they are written. */
  readonly numberCount: number;
  /** Numbers that differ, in order of their first use. */
  readonly numbers: readonly WrittenNumber[];
  readonly lastNumber: number | undefined;
  readonly wordCount: number;
  readonly contentWords: ReadonlySet<string>;
  readonly countByKind: Readonly<Record<WordKind, number>>;
  /** Hashes of three words in a row, sorted, each once. */
  readonly grams: Int32Array;
  readonly equations: CheckedEquations;
}

const MOST_CHARACTERS = 20_000;
const MOST_GRAMS = 400;
const NO_EQUATIONS: CheckedEquations = { right: 0, wrong: [] };
const NO_KINDS: Readonly<Record<WordKind, number>> = { hedge: 0, correction: 0, conclusion: 0, assumption: 0, negation: 0, error: 0, firstPerson: 0 };

/** Reads a text in time linear in its length. Equations are left alone where the task has an arithmetic of its own. */
export function readSurfaceText(whole: string, options: { readonly checksEquations: boolean }): SurfaceText {
  const part = whole.length > MOST_CHARACTERS ? `${whole.slice(0, MOST_CHARACTERS / 2)}\n${whole.slice(-MOST_CHARACTERS / 2)}` : whole;
  const text = part.replace(STEP_LABEL, '');
  return {
    chars: whole.length,
    readChars: text.length,
    ...readSigns(text),
    ...readWords(text),
    hasToolCall: (text.includes('-> ') || text.includes('({')) && TOOL_CALL.test(text),
    equations: options.checksEquations ? checkEquations(text, MOST_EQUATIONS) : NO_EQUATIONS,
  };
}

/** "Step 3:" and "3." count the steps; such a number says nothing. */
const STEP_LABEL = /^\s*(?:step\s*)?\d{1,4}\s*[:.)]\s+/i;
const MOST_EQUATIONS = 50;
/** A call and a result as stepText.ts composes them. */
const TOOL_CALL = /^(?:-> |[\p{L}_][\p{L}\p{N}_.:/-]*\(\{)/mu;

type Signs = Pick<SurfaceText, 'digits' | 'newlines' | 'codeSigns' | 'latexChars' | 'hasQuestion'>;

function readSigns(text: string): Signs {
  let digits = 0;
  let newlines = 0;
  let codeSigns = 0;
  let latexChars = 0;
  let hasQuestion = false;
  let isCommand = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isCommand && ((code >= 97 && code <= 122) || (code >= 65 && code <= 90))) {
      latexChars++;
      continue;
    }
    isCommand = false;
    if (code >= 48 && code <= 57) digits++;
    else if (code === 10) newlines++;
    else if (code === 63) hasQuestion = true;
    else if (code === 92) {
      // `\n` of an escaped string is one sign; `\frac` is six.
      latexChars++;
      isCommand = true;
    } else if (code === 36) latexChars++;
    else if (isCodeSign(code)) codeSigns++;
  }
  return { digits, newlines, codeSigns, latexChars, hasQuestion };
}

/** {}[]();=<>_ */
function isCodeSign(code: number): boolean {
  switch (code) {
    case 40: case 41: case 59: case 60: case 61: case 62: case 91: case 93: case 95: case 123: case 125:
      return true;
    default:
      return false;
  }
}

type Words = Pick<SurfaceText, 'numberCount' | 'numbers' | 'lastNumber' | 'wordCount' | 'contentWords' | 'countByKind' | 'grams'>;

const WORD_OR_NUMBER = new RegExp(`(\\p{L}+(?:['’]\\p{L}+)*)|${NUMBER.source}`, 'gu');

function readWords(text: string): Words {
  const byValue = new Map<number, WrittenNumber>();
  const contentWords = new Set<string>();
  const countByKind: Record<WordKind, number> = { ...NO_KINDS };
  const hashes: number[] = [];
  let numberCount = 0;
  let wordCount = 0;
  let lastNumber: number | undefined;
  let before = '';
  let beforeThat = '';
  const lower = text.toLowerCase();
  WORD_OR_NUMBER.lastIndex = 0;
  for (let match = WORD_OR_NUMBER.exec(lower); match !== null; match = WORD_OR_NUMBER.exec(lower)) {
    const [token, found] = match;
    if (hashes.length < MOST_GRAMS + 2) hashes.push(hashOf(token));
    if (found === undefined) {
      const number = readNumber(token);
      numberCount++;
      lastNumber = number.value;
      if (!byValue.has(number.value)) byValue.set(number.value, number);
      continue;
    }
    if (lower.charCodeAt(match.index - 1) === 92) {
      if (token === 'boxed') countByKind.conclusion++;
      continue;
    }
    const word = token.includes('’') ? token.replaceAll('’', "'") : token;
    wordCount++;
    if (word.length >= 3 && !STOP_WORDS.has(word)) contentWords.add(word);
    const kind = KIND_BY_WORD.get(word);
    if (kind !== undefined) countByKind[kind]++;
    else if (word.endsWith("n't")) countByKind.negation++;
    countPhrase(countByKind, word, before, beforeThat);
    beforeThat = before;
    before = word;
  }
  return { numberCount, numbers: [...byValue.values()], lastNumber, wordCount, contentWords, countByKind, grams: gramsOf(hashes) };
}

/** Counts the phrases that end with `word`. */
function countPhrase(countByKind: Record<WordKind, number>, word: string, before: string, beforeThat: string): void {
  switch (before) {
    case 'let':
      // "Let me" and "let us" assume nothing.
      if (word === 'me' || word === 'us') countByKind.assumption--;
      return;
    case 'me':
      if (beforeThat === 'let' && REDOES.test(word)) countByKind.correction++;
      return;
    case 'answer':
      if (word === 'is') countByKind.conclusion++;
      return;
    case 'not':
      if (word === 'found') countByKind.error++;
      else if (word === 'sure') countByKind.hedge++;
      return;
    case 'i':
      if (word === 'think' || word === 'guess' || word === 'believe') countByKind.hedge++;
      return;
    default:
  }
}

const REDOES = /^(?:re(?:$|check|comp|calc|do|cons|think|exam|vis|work|try|start|eval|phrase|view)|correct|fix)/;

function hashOf(token: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193);
  return hash;
}

/** Three in a row; the whole where there are fewer. */
function gramsOf(hashes: readonly number[]): Int32Array {
  if (hashes.length === 0) return new Int32Array(0);
  const grams = new Int32Array(Math.max(1, hashes.length - 2));
  for (let i = 0; i < grams.length; i++) {
    let gram = hashes[i] ?? 0;
    for (let j = i + 1; j < i + 3 && j < hashes.length; j++) gram = Math.imul(gram ^ (gram >>> 15), 0x2c1b3c6d) ^ (hashes[j] ?? 0);
    grams[i] = gram;
  }
  grams.sort();
  let kept = 0;
  for (let i = 0; i < grams.length; i++) {
    const gram = grams[i] ?? 0;
    if (kept === 0 || gram !== grams[kept - 1]) grams[kept++] = gram;
  }
  return grams.slice(0, kept);
}

/** Largest Jaccard overlap of `grams` with one of the other lists; 0 where nothing is shared. All are sorted, each value once. */
export function largestOverlap(grams: Int32Array, others: readonly Int32Array[]): number {
  if (grams.length === 0 || others.length === 0) return 0;
  // Most grams are not shared: one mark each tells so without a search.
  const marks = new Uint8Array(MARKS);
  for (const gram of grams) marks[gram & (MARKS - 1)] = 1;
  let best = 0;
  for (const other of others) {
    let shared = 0;
    for (let i = 0; i < other.length; i++) {
      const gram = other[i] ?? 0;
      if (marks[gram & (MARKS - 1)] === 1 && has(grams, gram)) shared++;
    }
    if (shared > 0) best = Math.max(best, shared / (grams.length + other.length - shared));
  }
  return best;
}

const MARKS = 4096;

function has(sorted: Int32Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}

const WORDS_BY_KIND: Readonly<Record<WordKind, string>> = {
  hedge: 'perhaps maybe might may could possibly probably likely unlikely seems seem appears apparently presumably somewhat roughly unsure uncertain',
  correction: 'wait actually mistake mistakes mistaken mistakenly oops incorrect incorrectly wrong correction correcting hmm sorry apologize apologies',
  conclusion: 'therefore thus hence consequently conclude conclusion',
  assumption: 'assume assumes assuming assumed assumption suppose supposing supposed let presume hypothesis hypothetically',
  negation: "not no never none cannot nor neither nothing without nobody can't won't",
  error: 'error errors exception exceptions traceback failed fails failure failing invalid denied',
  firstPerson: "i i'm i'll i've i'd me my mine we we'll we've we're our us ours let's",
};

const KIND_BY_WORD: ReadonlyMap<string, WordKind> = new Map(WORD_KINDS.flatMap((kind) => WORDS_BY_KIND[kind].split(' ').map((word) => [word, kind] as const)));

const STOP_WORDS: ReadonlySet<string> = new Set(
  ("the and for are was were has have had his her its their our your you this that these those with from into onto than then there here which who whom whose what when where why how will would can could should shall may might must " +
    'not but all any each both some more most such only own same too very just also been being does did doing done about after before between out over under again once per let use using get gets got one two since because thus hence therefore').split(' '),
);
