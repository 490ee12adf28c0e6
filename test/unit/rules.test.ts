/** Every rule through one `check`: a trace in few words in, the findings out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, PlanTrace, ToolCall } from '../../server/src/core/planTrace.ts';
import { PROBLEM_CODES } from '../../server/src/core/problems.ts';
import type { Finding, ProblemCodeId } from '../../server/src/core/problems.ts';
import { isRedacted } from '../../server/src/core/redacted.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { findWrongEquations } from '../../server/src/scoring/rules/arithmetic.ts';
import { RULES } from '../../server/src/scoring/rules/index.ts';

type LooseTool = Partial<ToolCall> & { readonly name: string };
type LooseStep = Partial<Omit<ExecutionStep, 'tools'>> & { readonly tools?: readonly LooseTool[] };

function trace(steps: readonly (LooseStep | string)[], more: Partial<PlanTrace> = {}): PlanTrace {
  return {
    traceId: 't', format: 'atif', formatVersion: '1', goalText: '', goalRange: null, planSignature: '', finalOutputText: '', importedScores: [], meta: {}, warnings: [], unknownRecordCounts: {}, range: null,
    steps: steps.map((given, i) => {
      const loose: LooseStep = typeof given === 'string' ? { output: given } : given;
      return {
        stepId: String(i), stepIndex: i, stepType: 'message', description: '', depth: 0, attributes: {}, importedScores: [], range: { start: i * 10, end: i * 10 + 9 }, textRange: { start: i * 10 + 1, end: i * 10 + 8 }, jsonPointer: '',
        isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
        ...loose,
        tools: (loose.tools ?? []).map((tool) => ({ args: {}, isError: false, ...tool })),
      };
    }),
    ...more,
  };
}

/** The steps (from 1) on which the rule finds something; 0 for the whole trace. */
function check(code: ProblemCodeId, steps: readonly (LooseStep | string)[], expected: readonly number[], more: Partial<PlanTrace> = {}): readonly Finding[] {
  const findings = RULES.find((rule) => rule.code === code)?.check(trace(steps, more)) ?? [];
  expect(findings.map((finding) => (finding.stepIndex ?? -1) + 1)).toEqual(expected);
  for (const finding of findings) expect(finding.code).toBe(code);
  return findings;
}

const bash = (command: string, result: string, isError = false): LooseTool => ({ name: 'Bash', args: { command }, result, isError });

describe('step-error-ignored', () => {
  const failed: LooseStep = { output: 'I run the tests.', tools: [bash('pytest', '1 failed', true)] };
  const good = (output: string): LooseStep => ({ output, tools: [{ name: 'Edit', result: 'ok' }] });

  it.each(['Great, that works. Next the changelog.', 'All tests pass now.', 'Done.', 'Now I will deploy it.', 'I fixed the failing import and all tests pass.'])('reports: %s', (words) => {
    const [finding] = check('step-error-ignored', [failed, good(words)], [2]);
    expect(finding?.evidence[0]?.range).toEqual({ start: 1, end: 8 });
    expect(finding?.message).toBe('1 failure is passed over: Bash failed in step 1, and this step goes on as if it had not.');
  });

  it.each(['The test failed because of an import.', 'I need to add the import.', 'Let me check the module.', 'Unfortunately that is not possible.', 'I will make the tests pass.', 'Here is the module.'])('leaves alone: %s', (words) => {
    check('step-error-ignored', [failed, good(words)], []);
  });

  it('takes another try with the same tool for an answer', () => void check('step-error-ignored', [failed, { output: 'Great.', tools: [bash('pip install x', 'ok')] }], []));
  it('finds the claim at the end when no later run went well', () => {
    check('step-error-ignored', [failed, { tools: [{ name: 'Edit', result: 'ok' }] }, 'The tests pass.'], [3]);
    check('step-error-ignored', [failed, { tools: [{ name: 'Edit', result: 'ok' }] }, { tools: [bash('pytest', '4 passed')] }, 'The tests pass.'], []);
  });
  it('reports a step of a plan that follows an error of its own', () => {
    check('step-error-ignored', [{ output: 'x', error: { type: 'Timeout', message: '' } }, 'The answer is 4.'], [2], { format: 'plan-trace' });
    check('step-error-ignored', [{ output: 'x', error: { type: 'Timeout', message: '' } }, 'The call failed, so I answer from memory.'], [], { format: 'plan-trace' });
  });
});

describe('repeated-action', () => {
  const times = (count: number, step: LooseStep): LooseStep[] => Array.from({ length: count }, () => step);
  const ok: LooseStep = { tools: [bash('ls', 'a b')] };
  const bad: LooseStep = { tools: [bash('make', 'Error 2', true)] };

  it('reports the third call that gives the same, and the second that fails the same', () => {
    check('repeated-action', times(2, ok), []);
    expect(check('repeated-action', times(4, ok), [3])[0]?.message).toBe('4 times Bash was called with the same arguments and gave the same result, in steps 1 to 4.');
    check('repeated-action', [ok, ...times(2, bad)], [3]);
  });
  it('sees no repetition where something changed in between', () => {
    check('repeated-action', [bad, { tools: [{ name: 'Edit', args: { n: 1 } }] }, bad, { tools: [{ name: 'Edit', args: { n: 2 } }] }, bad], []);
    check('repeated-action', [ok, { tools: [bash('ls', 'a b c')] }, ok], []);
  });
  it('finds a loop of two calls', () => {
    const other: LooseStep = { tools: [bash('cat a', 'x')] };
    expect(check('repeated-action', [ok, other, ok, other, ok, other], [5])[0]?.message).toContain('3 times the same 2 calls');
  });
  it('looks past thoughts in between, times in results, and a word of the user', () => {
    check('repeated-action', [bad, 'Let me try again.', bad], [3]);
    check('repeated-action', [12, 13, 14].map((minute) => ({ tools: [bash('date', `2026-01-01 10:${minute}:00 up 3.2s`)] })), [3]);
    check('repeated-action', [ok, ok, { ...ok, input: 'again, please' }], []);
  });
  it('allows polling, though not for ever', () => {
    const poll: LooseStep = { tools: [bash('gh run status 1', 'in_progress')] };
    check('repeated-action', times(9, poll), []);
    check('repeated-action', times(10, poll), [10]);
  });
  it('reports repeated words where no tools are used', () => {
    const words = 'We know that the angle at the centre is twice the angle at the edge.';
    check('repeated-action', [words, 'Something else is said in this step, and it is long enough.', words], [3]);
    check('repeated-action', ['We add the next odd number to the sum and so get 3 more.', 'We add the next odd number to the sum and so get 5 more.'], []);
    check('repeated-action', ['Short words.', 'Short words.'], []);
    check('repeated-action', [words, ok, words], []);
  });
  it('skips copied context', () => void check('repeated-action', times(4, { ...ok, isCopiedContext: true }), []));
});

describe('arithmetic-error', () => {
  // The value each side comes to was worked out by hand.
  it.each<[text: string, left: number, right: number]>([
    ['So 324 × 0.40 = $139.60 a day.', 129.6, 139.6],
    ['$5 \\cdot 7 = 36$', 35, 36],
    ['Then 2 + 3 = 6.', 5, 6],
    ['\\frac{1}{2} + \\frac{1}{3} = \\frac{2}{5}', 5 / 6, 2 / 5],
    ['1,200 + 350 = 1,650', 1550, 1650],
    ['20% of 50 = 12', 10, 12],
    ['3 + 4 = 7 = 2 * 4', 7, 8],
    ['x = 12 * 12 = 154', 144, 154],
    ['We get 100 / 7 = 15.2 apples', 100 / 7, 15.2],
    ['5 apples + 3 apples = 9 apples', 8, 9],
    ['5! = 100', 120, 100],
    ['2^10 = 1000', 1024, 1000],
    ['**3 + 4 = 8**', 7, 8],
    ['- 5 + 3 = 9', 8, 9],
    ['\\(\\sqrt{16} + 1 = 6\\)', 5, 6],
    ['2 1/2 + 1 = 5', 3.5, 5],
    ['3(4) + 1 = 14', 13, 14],
  ])('finds %s', (text, left, right) => {
    const [equation] = findWrongEquations(text);
    expect(equation?.leftValue).toBeCloseTo(left, 9);
    expect(equation?.rightValue).toBeCloseTo(right, 9);
  });

  it.each([
    'So 324 × 0.40 = $129.60.', '10 / 3 = 3.33', '10 / 3 = 3.3333...', '2/3 = 66.7%', '50 * 20% = 10', '7 / 2 = 3.5', '1/3 + 1/3 = 0.67', '22/7 = 3.14', '100/7 = 14',
    'x + 3 = 5', '2x + 3 = 7', '3 + 4y = 8', 'f(3) + 1 = 9', 'a = 3 + 4', 'n = n + 1', '7 + 8 = 3 (mod 12)', '1 + 1 = 10 in binary', '101_2 + 1 = 6', '3 hours = 3 * 60 minutes', '2 hours + 30 minutes = 150 minutes',
    '$1 / 4 = 25 cents', '1 + 2 + ... + 10 = 55', 'Is 2 + 2 = 5?', 'If 2 + 2 = 5 were true', '2 + 2 = 5 is wrong', '`2 + 2 = 5`', '```\n1 + 1 = 3\n```', 'half of 10 + 2 = 7', '2 + 2 == 5', '2 + 2 != 5', '2 + 2 ≈ 4.1', '2 + 2 ≠ 5', 'log 10 + 1 = 2',
    '3:4 = 6:8', '10:30 + 45 = 11:15', '2024-01-05 = 3', 'x = 5', '5 choose 2 = 10', '|3 - 5| = 2', '3,5 + 1,5 = 5', '12 / 3 / 2 = 8', 'A = 1/2 * 5 * h = 20', '= 5 + 3x', '3 + 4 = 7 + x', 'cos(60) = 1/2', '\\sin 30 = 0.5', 'C(5, 2) = 10', '8/2(2+2) = 1', '-3^2 = 9', '2pq = 2(0.9)(0.1)', '120 m / 60 s = 2 m/s',
  ])('passes over %s', (text) => expect(findWrongEquations(text)).toEqual([]));

  it('names the right value, once for an equation said twice', () => {
    const [finding] = check('arithmetic-error', ['12 * 12 = 154', 'As said, 12 * 12 = 154.'], [1]);
    expect(finding?.message).toBe('144, not 154, is what 12 × 12 comes to.');
    expect(finding?.data).toMatchObject({ expected: 144, written: 154 });
  });
  it('leaves tasks with another arithmetic, given text and results alone', () => {
    check('arithmetic-error', ['8 + 8 = 6'], [], { goalText: 'Let S be the integers modulo 10.' });
    check('arithmetic-error', [{ input: '1 + 1 = 3', tools: [bash('x', '1 + 1 = 3')] }, { output: '1 + 1 = 3', isCopiedContext: true }], []);
  });
  it('takes time that grows with the text only', () => {
    expect(findWrongEquations(`${'(1+'.repeat(50_000)}=${'='.repeat(50_000)}`)).toEqual([]);
    expect(findWrongEquations('1 + 1 = 2 = '.repeat(10_000))).toEqual([]);
  });
});

describe('unsupported-number', () => {
  const look = (result: string): LooseStep => ({ tools: [{ name: 'get', result }] });
  it('reports a figure out of nowhere', () => {
    const [finding] = check('unsupported-number', [look('goods 318.00, express 29.00'), 'You paid €412.50 in total.'], [2]);
    expect(finding?.message).toContain('412.50');
  });
  it.each(['You paid 347.00.', 'You paid 318.', 'That is 8.36% of it.', 'In 2024 it was paid.', 'At 10:45 it was paid.', 'See /orders/4711 and v1.2.3.', 'Goods were 289 more.', 'You paid 412 in `412.50`.'.replace('412 in', '318 in')])('leaves alone: %s', (answer) => {
    // 318 + 29 = 347; 29 / 347 = 8.357 %; 318 - 29 = 289.
    check('unsupported-number', [look('goods 318.00, express 29.00, total 347.00'), answer], []);
  });
  it('says nothing where a result was cut off', () => void check('unsupported-number', [look('318 [truncated]'), 'You paid 412.50.'], []));
});

describe('tool-args-invalid', () => {
  it('reports what is no JSON and what is no object', () => {
    const findings = check('tool-args-invalid', [{ tools: [{ name: 'a', args: '{"x":', argsError: 'the JSON is cut off' }, { name: 'b', args: [1] }, { name: 'c', args: 3 }, { name: 'd', args: {} }, { name: 'e', args: 'free text' }, { name: 'f', args: null }] }], [1, 1, 1]);
    expect(findings[0]?.message).toBe('The arguments of a are not valid: the JSON is cut off.');
  });
  it('waits for a step that is still being written', () => void check('tool-args-invalid', [{ isProvisional: true, tools: [{ name: 'a', args: '{', argsError: 'x' }] }], []));
});

describe('output-truncated', () => {
  it.each(['length', 'max_tokens', 'MAX_TOKENS'])('reports the finish reason %s', (finishReason) => void check('output-truncated', [{ output: 'x', finishReason }], [1]));
  it.each(['stop', 'end_turn', 'tool_use'])('leaves %s alone', (finishReason) => void check('output-truncated', [{ output: 'x', finishReason }], []));
  it.each(['abc\n[... 5,000 characters truncated ...]', '<response clipped>', `${'x'.repeat(5000)}\n[Output truncated]\n${'y'.repeat(5000)}`, 'lines\n... 120 lines omitted'])('reports a cut result', (result) => void check('output-truncated', [{ tools: [{ name: 'a', result }] }], [1]));
  it('leaves a result that talks about truncation alone', () => void check('output-truncated', [{ tools: [{ name: 'a', result: 'def truncate(text): return text[:10]' }] }], []));
});

describe('empty-step', () => {
  it('reports a step without anything', () => {
    expect(check('empty-step', [{ output: ' \n', usage: { outputTokens: 58 } }], [1])[0]?.message).toBe('58 tokens were spent on this step, and it says and does nothing.');
    expect(check('empty-step', Array.from({ length: 4 }, () => ({ output: '' })), [1])[0]?.message).toBe('4 steps of this trace say and do nothing, this one first.');
    check('empty-step', ['words', { reasoning: 'thought' }, { tools: [{ name: 'a' }] }, { error: { type: 'E', message: '' } }, { contentNotCaptured: true }, { isProvisional: true }, { isCopiedContext: true }], []);
  });
});

describe('content-not-captured', () => {
  it('reports the flag', () => void check('content-not-captured', ['x', { contentNotCaptured: true }], [2]));
  it('says it once where a whole run was taken out', () => {
    const [finding] = check('content-not-captured', Array.from({ length: 4 }, () => ({ contentNotCaptured: true })), [1]);
    expect(finding?.message).toContain('The text of 4 steps');
    expect(finding?.evidence).toHaveLength(3);
  });
});

describe('placeholders for what was taken out', () => {
  it.each(['[REDACTED]', '[REDACTED_ARGUMENTS len=46 sha=4cb9a2fc]', '[redacted: secret]', '<redacted>', '***REDACTED***', '__REDACTED__', '{{REDACTED}}', 'REDACTED', '[Filtered]', " [Scrubbed due to 'password'] "])('are known: %s', (text) =>
    void expect(isRedacted(text)).toBe(true));
  it.each(['', '***', '[REDACTED] and more', '{"key":"[REDACTED]"}', '[redactedness]', 'The key was redacted.', '[masking]', '(filtered list)', '[REDACTED] [REDACTED]', '<redacted>x</redacted>'])('are told from words: %s', (text) =>
    void expect(isRedacted(text)).toBe(false));

  const hidden: LooseTool = { name: 'Bash', args: '[REDACTED]', result: '[REDACTED]' };
  it('are no arguments to find fault with, nor equal to each other', () => {
    check('tool-args-invalid', [{ tools: [hidden] }], []);
    check('repeated-action', Array.from({ length: 4 }, () => ({ tools: [hidden] })), []);
    check('repeated-action', Array.from({ length: 4 }, () => ({ tools: [{ ...hidden, result: 'ok' }] })), []);
    check('repeated-action', Array.from({ length: 4 }, () => ({ output: '[REDACTED]', tools: [{ name: 'observation', args: null, result: 'ok' }] })), []);
  });
  it('are not the words of the agent', () => {
    const failed: LooseStep = { output: 'x', error: { type: 'Timeout', message: '' } };
    check('step-error-ignored', [failed, '[REDACTED]'], [], { format: 'plan-trace' });
    check('unsupported-number', ['We look at the list.', '[REDACTED_TEXT len=647 sha=10502814]'], []);
  });
  it('may hold the figure that is asked for', () => {
    const answer = 'It costs 48213 in all.';
    check('unsupported-number', ['We look at the list.', answer], [2]);
    check('unsupported-number', ['[REDACTED]', answer], []);
    check('unsupported-number', [{ output: 'We look.', tools: [hidden] }, answer], []);
    check('unsupported-number', ['We look at the list.', answer], [], { goalText: '[REDACTED]' });
  });
});

describe('secret-in-trace', () => {
  // Put together here so that no scanner of this repository takes them for real.
  const random = 'q7Rk2Zt9Lw4Xc8Vb5Nm3Hj6Gf1Ds0PaYuIoEyTrW';
  const aws = `AKIA${'Q7RKZTLWXCVBNMHJ'}`;
  const key = `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${random}${random}\n${random}${random}\n`;
  it.each([
    ['AWS access key', `export AWS_ACCESS_KEY_ID=${aws}`],
    ['GitHub token', `ghp_${random.slice(0, 36)}`],
    ['OpenAI key', `sk-proj-${random}${random.slice(0, 10)}`],
    ['Anthropic key', `sk-ant-api03-${random}${random}${random.slice(0, 13)}`],
    ['Slack token', `xoxb-482915736204-${random.slice(0, 24)}`],
    ['private key', key],
    ['JSON Web Token', `eyJ${random.slice(0, 20)}.eyJ${random}.${random}`],
  ])('finds a %s and never repeats it', (kind, secret) => {
    const [finding] = check('secret-in-trace', [{ tools: [{ name: 'Bash', args: { command: `run ${secret} now` }, result: 'ok' }] }], [1]);
    expect(finding?.message).toContain(kind);
    expect(JSON.stringify(finding)).not.toContain(secret.slice(-12, -2));
    check('secret-in-trace', [{ tools: [{ name: 'Bash', result: secret }] }], [1]);
    check('secret-in-trace', [{ output: `It is ${secret}.` }], [1]);
  });
  it.each([`AKIA${'IOSFODNN7EXAMPLE'}`, 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'sk-...', `ghp_${'A'.repeat(36)}`, 'task-force and risk-averse', '-----BEGIN RSA PRIVATE KEY-----\n...\n', 'eyJhbGciOiJIUzI1NiJ9'])('leaves %s alone', (text) => void check('secret-in-trace', [text], []));
  it('looks at the goal', () => void check('secret-in-trace', ['x'], [0], { goalText: `use ${aws}` }));
});

describe('file-not-strict-json and unknown-records', () => {
  it('repeat the warnings of the trace', () => {
    check('file-not-strict-json', ['x'], [0], { warnings: [{ code: 'duplicate-step-id', message: 'm', range: null }] });
    const [finding] = check('unknown-records', ['x'], [0], { unknownRecordCounts: { b: 1, a: 3 } });
    expect(finding?.message).toBe('4 records were not understood and left out (a 3, b 1).');
    expect(check('unknown-records', ['x'], [])).toEqual([]);
  });
});

describe('all rules', () => {
  it('stand for the rule codes, one each, and every code has its page', () => {
    expect(RULES.map((rule) => rule.code).sort()).toEqual(PROBLEM_CODES.filter((entry) => entry.kind === 'rule').map((entry) => entry.code).sort());
    const pages = readdirSync(join(import.meta.dirname, '../../server/docs')).filter((name) => name.endsWith('.md'));
    for (const { code } of PROBLEM_CODES) expect(pages, `Write server/docs/${code}.md: what it says, an example, why it matters, how it is decided, how to switch it off.`).toContain(`${code}.md`);
  });

  it('check 10,000 steps in seconds, not minutes', () => {
    const steps = Array.from({ length: 10_000 }, (_, i): LooseStep => ({ output: `Step ${i}: the sum of what we have so far is ${i} + ${i} = ${2 * i}, which goes on for a while.`, tools: i % 3 === 0 ? [bash(`echo ${i % 7}`, `out ${i % 7}`)] : [] }));
    const long = trace(steps);
    const started = process.cpuUsage();
    for (const rule of RULES) rule.check(long);
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(10);
    for (const rule of RULES) rule.check(trace(steps.map((step) => ({ ...step, tools: [] }))));
  });
});

describe('the samples', () => {
  const folder = join(import.meta.dirname, '../../client/samples');
  const found = (name: string): string[] => {
    const parsed = readTraces({ path: name, text: readFileSync(join(folder, name), 'utf8') });
    expect(parsed?.warnings).toEqual([]);
    return (parsed?.traces ?? []).flatMap((t) => RULES.flatMap((rule) => rule.check(t).map((f) => `${f.code} ${(f.stepIndex ?? -1) + 1}`)));
  };
  it.each([
    ['wrong-step.trace.json', ['arithmetic-error 5']],
    ['loop.trajectory.json', ['repeated-action 4']],
    ['ignored-error.session.jsonl', ['step-error-ignored 5']],
    ['contested.trace.jsonl', []],
    ['support.messages.json', ['step-error-ignored 6', 'tool-args-invalid 3']],
    ['one-line.trace.json', []],
    ['supervisor.trace.jsonl', []],
  ])('%s shows what its README says', (name, expected) => expect(found(name)).toEqual(expected));
});
