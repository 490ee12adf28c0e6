/** Readers against a bare JSON.parse of the same text, in the same run. */
import { performance } from 'node:perf_hooks';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { planTrace } from '../support/traces.ts';
import { median, report } from './report.ts';

const MEGABYTES = 48;
const filler = 'The agent reads the file, compares both versions line by line, and writes down what differs. '.repeat(12);

function timed(work: () => unknown): number {
  return median(Array.from({ length: 5 }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  }));
}

function grow(line: (i: number) => string, separator: string): string {
  const parts: string[] = [];
  for (let size = 0, i = 0; size < MEGABYTES * 1e6; i++) {
    const part = line(i);
    parts.push(part);
    size += part.length + separator.length;
  }
  return parts.join(separator);
}

const step = (i: number): string => JSON.stringify({ step_id: `s${i}`, step_type: 'action', description: 'read', output_text: `${i}: ${filler}` });
const large = `{"trace_id":"t","goal_text":"g","plan_signature":"p","execution_steps":[${grow(step, ',')}],"final_output_text":""}`;
const lines = grow((i) => JSON.stringify(planTrace(3, { id: `t${i}`, change: { 0: filler, 1: `${i} ${filler}`, 2: filler } })), '\n');
const session = grow((i) => JSON.stringify({
  type: i % 2 === 0 ? 'assistant' : 'user', uuid: `u${i}`, parentUuid: i === 0 ? null : `u${i - 1}`, sessionId: 's', timestamp: '2026-01-01T00:00:00.000Z',
  message: i % 2 === 0 ? { id: `m${i}`, role: 'assistant', content: [{ type: 'text', text: filler }, { type: 'tool_use', id: `c${i}`, name: 'Read', input: { file: `f${i}` } }] }
    : { role: 'user', content: [{ type: 'tool_result', tool_use_id: `c${i - 1}`, content: filler }] },
}), '\n');

const rows = [
  { what: 'PlanTrace, one large JSON', text: large, atLeast: 200, base: () => JSON.parse(large) as unknown },
  { what: 'PlanTrace, JSONL', text: lines, atLeast: 250, base: () => lines.split('\n').map((l) => JSON.parse(l) as unknown) },
  { what: 'Claude Code session, JSONL', text: session, atLeast: 250, base: () => session.split('\n').map((l) => JSON.parse(l) as unknown) },
].map(({ what, text, atLeast, base }) => {
  const ms = timed(() => readTraces({ path: 'x.trace.jsonl', text }));
  const baseMs = timed(base);
  return { what: `${what}, ${(text.length / 1e6).toFixed(0)} MB`, value: text.length / 1e3 / ms, unit: 'MB/s', budget: { atLeast }, baseline: `JSON.parse alone ${(text.length / 1e3 / baseMs).toFixed(0)} MB/s` };
});
report('Readers', rows);
