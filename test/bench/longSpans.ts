/** Writes a long OTLP trace. */
import { writeUntil } from '../support/claudeSession.ts';

const WORDS = 'The agent reads the file, compares both versions line by line, and writes down what differs. '.repeat(7);

/** Something that a rule finds. */
export const WRONG_SUM = 'There are 7 rows of 6 rolls, so 7 * 6 = 52, and all of them are sold.';

/** 33,000 spans of one trace, a hundred a line; a wrong sum in the second. */
export function writeSpans(path: string): void {
  const id = (i: number): string => i.toString(16).padStart(16, '0');
  const text = (i: number): object => ({ stringValue: JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: i === 1 ? WRONG_SUM : `${i} ${WORDS.slice(0, 600)}` }] }]) });
  let spans = 0;
  writeUntil(path, 33_000 * 1_020, {
    start: '', end: '',
    part: () => `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: 100 }, () => {
      const i = spans++;
      return {
        traceId: '0123456789abcdef0123456789abcdef', spanId: id(i + 1), ...(i === 0 ? {} : { parentSpanId: id(1) }), name: i === 0 ? 'invoke_agent run' : 'chat model', startTimeUnixNano: `${1_767_225_600_000_000_000n + BigInt(i) * 1_000_000n}`, endTimeUnixNano: `${1_767_225_600_000_500_000n + BigInt(i) * 1_000_000n}`,
        attributes: [{ key: 'gen_ai.operation.name', value: { stringValue: i === 0 ? 'invoke_agent' : 'chat' } }, ...(i === 0 ? [] : [{ key: 'gen_ai.output.messages', value: text(i) }])],
      };
    }) }] }] })}\n`,
  });
}
