/** Writes a Claude Code session of any size: a question, then turns of one call and its result. */
import { closeSync, openSync, writeSync } from 'node:fs';

const SENTENCE = 'The agent reads the file, compares both versions line by line, and writes down what differs. ';

/** The records of turn `i`: what the assistant says and calls, and the result. */
export function claudeTurn(i: number, words = SENTENCE.repeat(12)): string {
  const time = (offset: number): string => new Date(1_767_225_600_000 + (2 * i + offset) * 1000).toISOString();
  const assistant = {
    type: 'assistant', uuid: `a${i}`, parentUuid: i === 0 ? 'start' : `r${i - 1}`, sessionId: 'session', timestamp: time(0),
    message: { id: `m${i}`, role: 'assistant', content: [{ type: 'text', text: `${i} ${words}` }, { type: 'tool_use', id: `c${i}`, name: 'Read', input: { file: `f${i}` } }], usage: { input_tokens: 10, output_tokens: 20 } },
  };
  const result = { type: 'user', uuid: `r${i}`, parentUuid: `a${i}`, sessionId: 'session', timestamp: time(1), message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: `c${i}`, content: `${i} ${words}` }] } };
  return `${JSON.stringify(assistant)}\n${JSON.stringify(result)}\n`;
}

export const CLAUDE_START = `${JSON.stringify({ type: 'user', uuid: 'start', parentUuid: null, sessionId: 'session', timestamp: '2026-01-01T00:00:00.000Z', message: { role: 'user', content: 'Find out what differs between the two versions of the file.' } })}\n`;

/** Writes a session of about that size; answers how many turns it has. */
export function writeClaudeSession(path: string, bytes: number): number {
  return writeUntil(path, bytes, { start: CLAUDE_START, end: '', part: claudeTurn });
}

/** Writes parts until the file has about that size; answers how many. */
export function writeUntil(path: string, bytes: number, text: { readonly start: string; readonly end: string; part(i: number): string }): number {
  const file = openSync(path, 'w');
  let written = writeSync(file, text.start);
  let parts = 0;
  while (written < bytes) {
    let batch = '';
    while (batch.length < 4_000_000 && written + batch.length < bytes) batch += text.part(parts++);
    written += writeSync(file, batch);
  }
  writeSync(file, text.end);
  closeSync(file);
  return parts;
}
