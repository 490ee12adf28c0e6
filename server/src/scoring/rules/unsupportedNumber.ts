/** unsupported-number: a figure in the final answer that no earlier step, result or question holds, and that no simple sum gives. */
import type { ExecutionStep, PlanTrace } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { isRedacted } from '../../core/redacted.ts';
import { NUMBER, numbersIn, readNumber } from './numbers.ts';
import { inOwnWords, isCallRedacted, placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const unsupportedNumber: Rule = {
  code: 'unsupported-number',
  check(trace) {
    const steps = scoredSteps(trace);
    const last = steps.at(-1);
    if (last === undefined || steps.length < 2 || last.isProvisional || last.tools.length > 0) return [];
    // What was not recorded or was cut off may hold the figure.
    if (isRedacted(trace.goalText) || steps.some(isPartial)) return [];
    const said = inOwnWords(last).join('\n');
    const candidates = figuresIn(said);
    if (candidates.length === 0) return [];
    const known = knownNumbers(trace, steps, last);
    const inside = numbersIn(said);
    const missing = candidates.filter((figure) => !isSupported(figure, known, inside.filter((value) => value !== figure.value)));
    // An answer full of new figures comes from somewhere the trace does not show; one or two stand out.
    if (missing.length === 0 || missing.length > 2) return [];
    return missing.map(
      (figure): Finding => ({
        code: 'unsupported-number',
        stepIndex: last.stepIndex,
        range: placeOf(last),
        message: `${figure.text} appears in no earlier step, and no simple sum of earlier figures gives it.`,
        evidence: [],
        weight: 0.3,
        data: { value: figure.value },
      }),
    );
  },
};

interface Figure {
  readonly text: string;
  readonly value: number;
  readonly decimals: number;
}

function isPartial(step: ExecutionStep): boolean {
  const isTakenOut = [step.input, step.output, step.reasoning].some((text) => text !== undefined && isRedacted(text));
  return isTakenOut || step.contentNotCaptured || step.tools.some((tool) => tool.result === undefined || tool.result === '' || isCallRedacted(tool) || TRUNCATED.test(tool.result));
}

const TRUNCATED = /\btruncated\b|\bomitted\b|[[<]redacted|\[\.\.\.|<response clipped>|\[image\]/i;

/** Figures worth asking about: three digits or more, or decimals; no years, times, versions, list numbers, names or code. */
function figuresIn(text: string): readonly Figure[] {
  const figures: Figure[] = [];
  const plain = text.slice(0, 20_000).replace(/```[\s\S]*?(?:```|$)|`[^`\n]*`|https?:\/\/\S+|\S*[/\\]\S+/g, ' ');
  for (const match of plain.matchAll(NUMBER)) {
    const at = match.index;
    const [digits] = match;
    const before = plain.charAt(at - 1);
    const after = plain.slice(at + digits.length, at + digits.length + 2);
    if (/[\w.:#\-–_@^]/.test(before) || /^[A-Za-z_:\-–^]|^\.\d|^,\d/.test(after)) continue;
    const { value, decimals } = readNumber(digits);
    const significant = digits.replace(/\D/g, '').replace(/^0+/, '').replace(digits.includes('.') ? /$^/ : /0+$/, '').length;
    if (significant < 3 || (decimals === 0 && value >= 1800 && value <= 2100)) continue;
    figures.push({ text: digits, value, decimals });
  }
  return figures;
}

const MOST_NUMBERS = 200_000;
/** Pairs are tried among the numbers seen last, which bounds the work. */
const PAIRED = 150;

interface Known {
  readonly values: ReadonlySet<number>;
  readonly sorted: readonly number[];
  readonly paired: readonly number[];
}

function knownNumbers(trace: PlanTrace, steps: readonly ExecutionStep[], last: ExecutionStep): Known {
  const values = new Set<number>(numbersIn(trace.goalText));
  const add = (text: string | undefined): void => {
    if (text === undefined || values.size > MOST_NUMBERS) return;
    for (const value of numbersIn(text)) values.add(value);
  };
  for (const step of trace.steps) {
    add(step.input);
    if (step === last) continue;
    add(step.output);
    add(step.reasoning);
    add(step.description);
    for (const tool of step.tools) {
      add(tool.result);
      add(argumentText(tool.args));
    }
  }
  values.add(steps.length);
  return { values, sorted: [...values].sort((a, b) => a - b), paired: [...[...values].slice(0, PAIRED / 3), ...[...values].slice(-PAIRED)] };
}

function argumentText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

function isSupported(figure: Figure, known: Known, inside: readonly number[]): boolean {
  const { value, decimals } = figure;
  if (known.values.has(value)) return true;
  const step = 10 ** -decimals;
  // As a percentage, in thousands or millions, or rounded.
  for (const scale of [1, 100, 0.01, 1000, 0.001, 1e6, 1e-6, 60, 1 / 60]) if (hasNear(known.sorted, value / scale, (step / scale) * 1.0001)) return true;
  const near = (result: number): boolean => Math.abs(Math.abs(result) - value) <= step * 1.0001 || Math.abs(Math.abs(result) * 100 - value) <= step * 1.0001;
  const pool = [...new Set([...known.paired, ...inside])];
  for (const a of pool) {
    if (near(a * a) || near(Math.sqrt(a)) || near(1 - a) || near(100 - a)) return true;
    for (const b of pool) if (near(a + b) || near(a - b) || near(a * b) || (b !== 0 && (near(a / b) || near((a - b) / b)))) return true;
  }
  return near(inside.reduce((sum, other) => sum + other, 0));
}

function hasNear(sorted: readonly number[], target: number, tolerance: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < target - tolerance) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low];
  return found !== undefined && found <= target + tolerance;
}
