/** What is a trace and what is not, by content. */
import { describe, expect, it } from 'vitest';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';

function check(text: string, expected: string | undefined, path = 'file.json'): void {
  expect(detectFormat(sniff(path, text))?.format).toBe(expected);
}

const user = { role: 'user', content: 'q' };
const assistant = { role: 'assistant', content: 'a' };

describe('detectFormat', () => {
  it('knows the four formats by their content, whatever the name', () => {
    check('{"trace_id":"t","goal_text":"g","execution_steps":[]}', 'plan-trace', 'x.txt');
    check('[{"trace_id":"t","goal_text":"g","execution_steps":[]}]', 'plan-trace');
    check('{"trace_id":"t","execution_steps":[]}\n{"trace_id":"u","execution_steps":[]}\n', 'plan-trace');
    check('{"schema_version":"ATIF-v1.0","steps":[]}', 'atif');
    check('{"parent":{"schema_version":"ATIF-v1.6","steps":[]}}', 'atif');
    check('{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"hi"}}\n{"type":"progress","uuid":"v","sessionId":"s"}', 'claude-code');
    check('{"loglines":[{"type":"user","timestamp":"2025-01-01T00:00:00Z","message":{"content":"hi"}}]}', 'claude-code');
    check(JSON.stringify([user, assistant]), 'openai-messages');
    check(JSON.stringify({ messages: [user, assistant] }), 'openai-messages');
    check(`${JSON.stringify(user)}\n${JSON.stringify(assistant)}`, 'openai-messages');
    check('{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"a"}}]}', 'openai-messages');
  });

  it('is unsure of bare messages, so that data sets need a glob or a click', () => {
    expect(detectFormat(sniff('', JSON.stringify([user, assistant])))?.confidence).toBeLessThan(0.5);
    expect(detectFormat(sniff('', '{"schema_version":"ATIF-v1.0","steps":[]}'))?.confidence).toBe(1);
  });

  it.each([
    ['an empty file', ''],
    ['blanks', ' \n\t\r\n'],
    ['a prompt without an answer', JSON.stringify([{ role: 'system', content: 's' }, user])],
    ['package.json', '{"name":"x","version":"1.0.0","dependencies":{"a":"1"}}'],
    ['tsconfig with comments', '{ // options\n "compilerOptions": { "strict": true, }, "include": ["src"] }'],
    ['a lock file', '{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"}}}'],
    ['a notebook', '{"cells":[{"cell_type":"code","source":["1+1"],"outputs":[]}],"metadata":{},"nbformat":4}'],
    ['a labelled data set', '{"dataset":"prm","id":"1","problem":"p","steps":["a","b"],"labels":[1,0]}\n{"dataset":"prm","id":"2","problem":"p","steps":["a"],"labels":[1]}'],
    ['CI steps', '{"steps":[{"name":"build","run":"make"}]}'],
    ['a list of numbers', '[1,2,3]'],
    ['log records with types', '{"type":"user","name":"x"}\n{"type":"admin","name":"y"}'],
    ['GeoJSON', '{"type":"FeatureCollection","features":[]}'],
    ['prose', 'Dear diary, {today} I [almost] wrote JSON.'],
    ['a number', '42'],
  ])('passes over %s', (_, text) => check(text, undefined));

  it('recognises a file from its first 64 KB alone', () => {
    const step = `{"step_id":"1","output_text":"${'x'.repeat(300_000)}"}`;
    check(`{"trace_id":"t","goal_text":"g","execution_steps":[${step}]}`, 'plan-trace');
    check(`\ufeff{"trace_id":"t","goal_text":"g","execution_steps":[`, 'plan-trace');
  });

  it('gives no traces where no step can be read', () => {
    expect(readTraces({ path: '', text: '{"trace_id":"t","goal_text":"g","execution_steps":[]}' })).toBeUndefined();
    expect(readTraces({ path: '', text: '' })).toBeUndefined();
    expect(readTraces({ path: '', text: '{"a":1}' }, 'atif')).toBeUndefined();
    expect(readTraces({ path: '', text: '{"a":1}' }, 'no-such-format')).toBeUndefined();
  });
});
