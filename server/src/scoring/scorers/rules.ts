/** The rules as a scorer: where a check was measured to say something about a dimension it gives a score, elsewhere it abstains. */
import { PRIMARY_DIMENSION } from '../../core/dimensions.ts';
import { PROBLEM_CODES } from '../../core/problems.ts';
import type { Finding } from '../../core/problems.ts';
import type { ScoreResult } from '../../core/scoreResult.ts';

export const RULES_SCORER = 'rules';
/** Changes with what a check finds or with the table. */
export const RULES_VERSION = '1';

/** How many of the steps a check found fault with were good all the same. */
export interface RuleEvidence {
  /** (good + 1) / (n + 2), 0–1: the chance that such a step is good. */
  readonly score: number;
  readonly n: number;
  readonly good: number;
}

/** Evidence by check and dimension; measured by models/rulesTable.ts, shipped as `rules` of the manifest. */
export type RuleTable = Readonly<Record<string, Readonly<Record<string, RuleEvidence>>>>;

export interface RuleInput {
  /** What the rules found on this step. */
  readonly findings: readonly Finding[];
  /** Dimensions to be judged. */
  readonly dimensions: readonly string[];
}

/** Checks of a single step, as the table and the attributes name them: `arithmetic_error`. */
export const RULE_CHECKS: readonly string[] = PROBLEM_CODES.filter(({ code, kind }) => kind === 'rule' && code !== 'file-not-strict-json' && code !== 'unknown-records').map(({ code }) => checkName(code));

/** Most steps. */
const NOTHING_FOUND = countsOf([]);

/** Fewer cases say too little. */
const LEAST_CASES = 20;

/**
 * One result for each dimension a check of the table can speak to, and always one for reasoning_quality: the lowest score among the
 * checks that found something, or unscored ('abstained'), which is no praise. Attributes count the findings, one a rule. Causal as
 * far as the table goes: arithmetic_error looks at the step and those before it.
 */
export function judgeRules(input: RuleInput, table: RuleTable): readonly ScoreResult[] {
  const attributes = input.findings.length === 0 ? NOTHING_FOUND : countsOf(input.findings);
  return input.dimensions.filter((dimension) => dimension === PRIMARY_DIMENSION || Object.values(table).some((byDimension) => byDimension[dimension] !== undefined)).map((dimension): ScoreResult => {
    const base = { dimension, scorer: RULES_SCORER, scorerVersion: RULES_VERSION, attributes };
    const worst = input.findings.flatMap((finding) => {
      const evidence = table[checkName(finding.code)]?.[dimension];
      return evidence !== undefined && evidence.n >= LEAST_CASES ? [{ finding, evidence }] : [];
    }).reduce<{ readonly finding: Finding; readonly evidence: RuleEvidence } | undefined>((low, next) => (low === undefined || next.evidence.score < low.evidence.score ? next : low), undefined);
    if (worst === undefined) return { kind: 'unscored', ...base, reason: 'abstained' };
    return { kind: 'scored', ...base, score: worst.evidence.score, rationale: `${worst.finding.message} Of ${worst.evidence.n} such steps with a label ${worst.evidence.good} were good.`, weight: 1 };
  });
}

/** How often each check found something, and all of them. */
function countsOf(findings: readonly Finding[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...RULE_CHECKS.map((check) => [check, findings.filter(({ code }) => checkName(code) === check).length] as const), ['findings', findings.length] as const]);
}

/** A problem code as the name of a number. */
export function checkName(code: string): string {
  return code.replaceAll('-', '_');
}
