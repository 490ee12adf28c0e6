/** Problem codes: stable names, default severities, one page each in server/docs. */
import type { OffsetRange } from './planTrace.ts';

export type Severity = 'error' | 'warning' | 'information' | 'hint' | 'off';

export interface ProblemCode {
  readonly code: string;
  /** For settings and documents; the message is made in features/problems.ts and scoring/rules. */
  readonly title: string;
  readonly severity: Exclude<Severity, 'off'>;
  /** 'score' codes need models; 'rule' codes do not. */
  readonly kind: 'score' | 'rule';
  /** What a threshold in the settings means for this code (0–100); undefined where it takes none. */
  readonly threshold?: string;
}

export const PROBLEM_CODES = [
  { code: 'low-score', title: 'The step scores below the false-alarm threshold', severity: 'warning', kind: 'score', threshold: 'consensus score, 0–100, under which a step is reported; default comes from the false-alarm rate' },
  { code: 'high-uncertainty', title: 'The consensus of this step is likely to be wrong', severity: 'information', kind: 'score', threshold: 'uncertainty, 0–100, above which a step is reported' },
  { code: 'scorer-conflict', title: 'Scorers contradict each other about this step', severity: 'information', kind: 'score', threshold: 'gap between two scorers, 0–100, from which a step is reported' },
  { code: 'first-bad-step', title: 'The step where the trace turned', severity: 'information', kind: 'score', threshold: 'consensus, 0–100, under which a step of a failing trace counts as its first error; default from the models' },
  { code: 'score-regression', title: 'The score of the step dropped since it was last scored', severity: 'information', kind: 'score', threshold: 'drop, 0–100, from which a step is reported' },
  { code: 'step-error-ignored', title: 'A tool failed and the next step goes on as if it had not', severity: 'warning', kind: 'rule' },
  { code: 'repeated-action', title: 'The same action again, or a loop', severity: 'warning', kind: 'rule' },
  { code: 'arithmetic-error', title: 'An equation in the step does not hold', severity: 'warning', kind: 'rule' },
  { code: 'unsupported-number', title: 'A figure that appears nowhere before', severity: 'information', kind: 'rule' },
  { code: 'tool-args-invalid', title: 'The arguments of a tool call are not valid', severity: 'warning', kind: 'rule' },
  { code: 'output-truncated', title: 'The text was cut off', severity: 'information', kind: 'rule' },
  { code: 'empty-step', title: 'The step says and does nothing', severity: 'information', kind: 'rule' },
  { code: 'content-not-captured', title: 'The text of the step was not recorded', severity: 'information', kind: 'rule' },
  { code: 'secret-in-trace', title: 'A credential stands in the trace', severity: 'warning', kind: 'rule' },
  { code: 'file-not-strict-json', title: 'The file is not strict JSON', severity: 'information', kind: 'rule' },
  { code: 'unknown-records', title: 'Records of the file were not understood', severity: 'information', kind: 'rule' },
] as const satisfies readonly ProblemCode[];

export type ProblemCodeId = (typeof PROBLEM_CODES)[number]['code'];

/** A finding before it has a severity: what a rule returns. */
export interface Finding {
  readonly code: ProblemCodeId;
  /** Step it stands on; undefined for the whole trace. */
  readonly stepIndex?: number;
  readonly range: OffsetRange | null;
  /** One short sentence, number first where there is one. */
  readonly message: string;
  /** Where the evidence stands. */
  readonly evidence: readonly { readonly message: string; readonly range: OffsetRange }[];
  /** Orders findings of equal severity, 0–1, 1 worst. */
  readonly weight: number;
  /** Numbers behind the finding. */
  readonly data?: Readonly<Record<string, number | string>>;
}

/** A finding the user sees. */
export interface Problem extends Finding {
  readonly severity: Exclude<Severity, 'off'>;
}

/** The registry entry of a code. */
export function problemCode(code: ProblemCodeId): ProblemCode {
  const entry = PROBLEM_CODES.find((p) => p.code === code);
  if (entry === undefined) throw new Error(`No such problem code: ${code}`);
  return entry;
}
