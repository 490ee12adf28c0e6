/** secret-in-trace: credentials in what was asked, said, called or returned. The message never repeats them. */
import type { ExecutionStep, PlanTrace } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { placeOf } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const secretInTrace: Rule = {
  code: 'secret-in-trace',
  check(trace) {
    const findings: Finding[] = [];
    const inGoal = secretsIn([trace.goalText]);
    if (inGoal.length > 0) findings.push(finding(inGoal, { range: trace.goalRange, where: 'the goal' }));
    for (const step of trace.steps) {
      if (step.isCopiedContext) continue;
      const kinds = secretsIn(textsOf(trace, step));
      if (kinds.length > 0) findings.push({ ...finding(kinds, { range: placeOf(step), where: 'this step' }), stepIndex: step.stepIndex });
    }
    return findings;
  },
};

function finding(kinds: readonly string[], place: { readonly range: Finding['range']; readonly where: string }): Finding {
  const what = kinds.length === 1 ? `1 credential (${kinds[0] ?? ''}) stands` : `${kinds.length} kinds of credentials (${kinds.join(', ')}) stand`;
  return { code: 'secret-in-trace', range: place.range, message: `${what} in ${place.where}: revoke it, and clean the file before sharing it.`, evidence: [], weight: 0.8, data: { kinds: kinds.join(', ') } };
}

function textsOf(trace: PlanTrace, step: ExecutionStep): readonly string[] {
  const texts: string[] = [];
  for (const text of [step.output, step.reasoning, step.input === trace.goalText ? undefined : step.input]) if (text !== undefined) texts.push(text);
  for (const tool of step.tools) {
    if (tool.result !== undefined) texts.push(tool.result);
    collectStrings(tool.args, texts);
  }
  return texts;
}

/** Strings inside arguments, without printing them as JSON; iterative, so that depth is no danger. */
function collectStrings(value: unknown, texts: string[]): void {
  const stack: unknown[] = [value];
  for (let seen = 0; stack.length > 0 && seen < 10_000; seen++) {
    const item = stack.pop();
    if (typeof item === 'string') texts.push(item);
    else if (typeof item === 'object' && item !== null) stack.push(...Object.values(item).slice(0, 1000));
  }
}

interface Kind {
  readonly name: string;
  /** Text that every credential of the kind holds; looked for first because that is fast. */
  readonly marks: readonly string[];
  readonly pattern: RegExp;
}

const KINDS: readonly Kind[] = [
  { name: 'AWS access key', marks: ['AKIA', 'ASIA'], pattern: /(?<![A-Za-z0-9/+])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9/+=])/g },
  { name: 'GitHub token', marks: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'], pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b/g },
  { name: 'Anthropic key', marks: ['sk-ant-'], pattern: /\bsk-ant-[a-z]+\d{2}-[A-Za-z0-9_-]{80,120}(?![A-Za-z0-9_-])/g },
  { name: 'OpenAI key', marks: ['sk-'], pattern: /(?<![A-Za-z0-9_-])sk-(?!ant-)(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,200}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48})(?![A-Za-z0-9_-])/g },
  { name: 'Slack token', marks: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxs-', 'xoxr-', 'hooks.slack.com/services/'], pattern: /\bxox[abprs]-\d{6,}-[A-Za-z0-9-]{10,250}|hooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{24}/g },
  { name: 'private key', marks: ['PRIVATE KEY-----'], pattern: /-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY-----(?:\\n|\s)+(?:[A-Za-z-]+: [^\n]*(?:\\n|\s)+)*(?:[A-Za-z0-9+/=]{16,}(?:\\n|\s)*){2}/g },
  { name: 'JSON Web Token', marks: ['eyJ'], pattern: /\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000}(?![A-Za-z0-9_-])/g },
];

function secretsIn(texts: readonly string[]): readonly string[] {
  const kinds = new Set<string>();
  for (const text of texts) {
    for (const kind of KINDS) {
      if (kinds.has(kind.name) || !kind.marks.some((mark) => text.includes(mark))) continue;
      for (const match of text.matchAll(kind.pattern)) {
        if (isMadeUp(match[0])) continue;
        kinds.add(kind.name);
        break;
      }
    }
  }
  return [...kinds];
}

/** Documentation's own examples, placeholders, and runs of one character or of the alphabet. */
function isMadeUp(secret: string): boolean {
  if (/example|sample|placeholder|your[-_]?|dummy|fake|redacted|changeme|xxxx|\.\.\.|\*\*\*|test[-_]?(?:key|token)|0123456789|1234567890|abcdefgh|SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c/i.test(secret)) return true;
  return new Set(secret.slice(-30)).size < 8;
}
