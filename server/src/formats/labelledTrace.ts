/** Labelled traces, one a line: `{dataset, id, problem, steps[], labels[]}`, or `outcome` for the run as a whole. They measure scorers; nobody reads them as traces. */
import type { PlanTrace } from '../core/planTrace.ts';
import { asId, asRecord, asString } from './jsonFields.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

/** 1 good, 0 bad, 0.5 neutral (not wrong, does not help), null not annotated. */
export type StepRating = 1 | 0 | 0.5 | null;

export interface LabelledTrace {
  /** As the row names it; '' where it does not. */
  readonly dataset: string;
  readonly id: string;
  readonly problem: string;
  readonly steps: readonly string[];
  /** One a step. */
  readonly labels: readonly StepRating[];
  /** Reward of the whole run, 0–1. */
  readonly outcome?: number;
}

export type LabelledLine =
  | { readonly kind: 'trace'; readonly trace: LabelledTrace }
  /** `message` is one sentence, without the line's number. */
  | { readonly kind: 'broken'; readonly message: string };

/** Reads one line. Total: any text gives an answer. */
export function readLabelledTrace(line: string): LabelledLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return broken(`This is no JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
  const row = asRecord(value);
  if (row === undefined) return broken('This is no JSON object.');
  const problem = asString(row['problem']);
  const steps = row['steps'];
  if (problem === undefined) return broken('"problem" is missing or no text.');
  if (!Array.isArray(steps) || steps.length === 0) return broken('"steps" is missing, empty or no list.');
  const stranger = steps.findIndex((s) => typeof s !== 'string');
  if (stranger >= 0) return broken(`Step ${stranger + 1} is no text.`);
  const outcome = row['outcome'];
  const given = row['labels'];
  if (given === undefined && outcome === undefined) return broken('There are neither "labels" nor an "outcome".');
  if (outcome !== undefined && !(typeof outcome === 'number' && outcome >= 0 && outcome <= 1)) return broken(`"outcome" is ${said(outcome)}; it must be a number from 0 to 1.`);
  const labels: readonly unknown[] = given === undefined ? steps.map(() => null) : Array.isArray(given) ? given as unknown[] : [];
  if (labels.length !== steps.length) return broken(`${steps.length} steps have ${Array.isArray(given) ? labels.length : 'no list of'} labels; each step needs one (null where nobody judged it).`);
  const odd = labels.findIndex((l) => !isRating(l));
  if (odd >= 0) return broken(`The label of step ${odd + 1} is ${said(labels[odd])}; it must be 1 (good), 0 (bad), 0.5 (neutral) or null.`);
  return {
    kind: 'trace',
    trace: {
      dataset: asString(row['dataset']) ?? '', id: asId(row['id']) ?? '', problem, steps: steps as readonly string[], labels: labels.filter(isRating),
      ...(outcome === undefined ? {} : { outcome }),
    },
  };
}

/** The trace as the engine reads it: what the models see of a step is exactly the step's text. */
export function labelledPlanTrace(labelled: LabelledTrace): PlanTrace {
  return assembleTrace({
    traceId: labelled.id, format: 'labelled', formatVersion: '1', goalText: labelled.problem, range: null,
    steps: labelled.steps.map((output, i) => ({ stepId: String(i + 1), stepType: 'message', output, range: null, jsonPointer: `/steps/${i}` })),
  }, new UniqueIds());
}

function isRating(value: unknown): value is StepRating {
  return value === 1 || value === 0 || value === 0.5 || value === null;
}

function broken(message: string): LabelledLine {
  return { kind: 'broken', message };
}

function said(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
