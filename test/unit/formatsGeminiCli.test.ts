/** Gemini CLI sessions, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { geminiCliFormat } from '../../server/src/formats/geminiCli.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const head = { sessionId: 's', projectHash: 'p', startTime: '2026-01-01T00:00:00Z', lastUpdated: '2026-01-01T00:00:00Z' };
const message = (id: string, type: string, content: unknown, more: object = {}): object => ({ id, type, timestamp: '2026-01-01T00:00:01Z', content, ...more });
const tool = (id: string, more: object): object => ({ id, name: 'run_shell_command', args: { command: 'x' }, status: 'success', timestamp: '2026-01-01T00:00:02Z', ...more });
const session = (...messages: object[]): string => JSON.stringify({ ...head, messages });
const response = (value: object): object[] => [{ functionResponse: { response: value } }];

describe('Gemini CLI sessions', () => {
  it('are known by the project hash and their messages', () => {
    expect(geminiCliFormat.detect(sniff('x', session(message('1', 'user', 'q'))))).toBe(1);
    expect(geminiCliFormat.detect(sniff('x', jsonLinesOf(head, message('1', 'user', 'q'))))).toBe(1);
    expect(geminiCliFormat.detect(sniff('x', '{"projectHash":"p","files":[]}'))).toBe(0);
    expect(geminiCliFormat.detect(sniff('x', '{"id":"1","type":"info","content":"x"}'))).toBe(0);
  });

  it('count thoughts into the output and zeros as not counted', () => {
    const { step } = readAs(geminiCliFormat, session(message('1', 'user', 'q'), message('2', 'gemini', 'a', { tokens: { input: 10, output: 3, cached: 4, thoughts: 5, tool: 0, total: 18 } }), message('3', 'gemini', 'b', { tokens: { input: 0, output: 0, cached: 0, thoughts: 0, tool: 0, total: 0 } })));
    expect(step(0).usage).toEqual({ inputTokens: 10, outputTokens: 8, cachedTokens: 4 });
    expect(step(1).usage).toBeUndefined();
  });

  it('join calls to the words that announce them where a notice came between', () => {
    const bare = message('4', 'gemini', '', { toolCalls: [tool('c', { result: response({ output: 'o' }) })], thoughts: [], tokens: { input: 0, output: 0, cached: 0, thoughts: 0 } });
    const { steps } = readAs(geminiCliFormat, session(message('1', 'user', 'q'), message('2', 'gemini', 'a'), message('3', 'info', 'update'), bare));
    expect(steps.map((step) => [step.stepId, step.output, step.tools[0]?.result])).toEqual([['2', 'a', 'o']]);
    const after = readAs(geminiCliFormat, session(message('1', 'user', 'q'), message('2', 'gemini', 'a'), message('3', 'user', 'go on'), bare));
    expect(after.steps.map((step) => [step.stepId, step.input])).toEqual([['2', 'q'], ['4', 'go on']]);
    const thought = readAs(geminiCliFormat, session(message('2', 'gemini', 'a'), { ...bare, thoughts: [{ subject: 't', description: 'd' }] }));
    expect(thought.steps).toHaveLength(2);
  });

  it.each([
    ['an output', { result: response({ output: 'o' }) }, 'o', false],
    ['an error', { status: 'error', result: response({ error: 'e' }) }, 'e', true],
    ['a shell command that failed', { result: response({ output: 'Output: x\nExit Code: 2\nSignal: 0\nProcess Group PGID: 1' }) }, 'Output: x\nExit Code: 2\nSignal: 0\nProcess Group PGID: 1', true],
    ['a shell command that did not', { result: response({ output: 'Exit Code: 0\nSignal: 0' }) }, 'Exit Code: 0\nSignal: 0', false],
    ['an object', { result: response({ items: [1] }) }, '{"items":[1]}', false],
    ['what is shown', { result: null, resultDisplay: 'shown' }, 'shown', false],
  ])('read a result that is %s', (_, more, text, isError) => {
    const [call] = readAs(geminiCliFormat, session(message('1', 'gemini', '', { toolCalls: [tool('c', more)] }))).step(0).tools;
    expect([call?.result, call?.isError]).toEqual([text, isError]);
  });

  it('take an error message for the step before unless the user spoke since', () => {
    const { step } = readAs(geminiCliFormat, session(message('1', 'gemini', 'a'), message('2', 'error', 'quota')));
    expect(step(0).error).toEqual({ type: 'error', message: 'quota' });
    expect(readAs(geminiCliFormat, session(message('1', 'gemini', 'a'), message('2', 'user', 'q'), message('3', 'error', 'quota'))).step(0).error).toBeUndefined();
  });

  it('of a message written again keep the last form, and take back what was rewound', () => {
    const { steps, trace } = readAs(geminiCliFormat, jsonLinesOf(head, message('u', 'user', [{ text: 'q' }]), message('g', 'gemini', 'h'), message('g', 'gemini', 'hello'), message('v', 'user', 'more'), message('w', 'gemini', 'gone'), { $rewindTo: 'v' }, { $set: { summary: 'x' } }, message('z', 'gemini', 'kept')));
    expect(steps.map((step) => [step.output, step.input])).toEqual([['hello', 'q'], ['kept', undefined]]);
    expect([trace.goalText, trace.formatVersion]).toEqual(['q', 'session-lines']);
  });

  it('read a conversation that an update writes anew', () => {
    const { steps } = readAs(geminiCliFormat, jsonLinesOf(head, message('u', 'user', 'q'), message('g', 'gemini', 'long'), { $set: { messages: [message('u', 'user', 'q'), message('g', 'gemini', 'short'), message('n', 'gemini', 'new')] } }));
    expect(steps.map((step) => step.output)).toEqual(['short', 'new']);
  });

  it('tell thoughts among the parts from words, and point at the words', () => {
    const text = session(message('1', 'user', [{ text: 'q' }]), message('2', 'gemini', [{ text: 'hm', thought: true }, { text: 'a “b”' }]));
    const { step, trace } = readAs(geminiCliFormat, text);
    expect([step(0).reasoning, step(0).output, textAt(text, step(0).textRange), textAt(text, trace.goalRange)]).toEqual(['hm', 'a “b”', 'a “b”', 'q']);
  });

  it('show the readable half of half a file, and leave out a line still being written', () => {
    const whole = session(message('1', 'user', 'q'), message('2', 'gemini', 'first'), message('3', 'gemini', 'second'));
    const half = readAs(geminiCliFormat, whole.slice(0, whole.indexOf('second') + 3));
    expect([half.steps.map((step) => [step.output, step.isProvisional]), half.codes]).toEqual([[['first', false], ['sec', true]], ['truncated-file']]);
    const lines = readAs(geminiCliFormat, jsonLinesOf(head, message('1', 'gemini', 'first'), message('2', 'gemini', 'second')).slice(0, -30));
    expect([lines.steps.map((step) => [step.output, step.isProvisional]), lines.codes]).toEqual([[['first', true]], []]);
  });
});
