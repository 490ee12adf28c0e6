/** Which files the formats of agents and benchmarks take, and which they leave alone. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { AGENT_FORMATS } from '../support/agentFormats.ts';

const golden = join(import.meta.dirname, '../golden/agentRuns');
const samples = join(import.meta.dirname, '../../../shared/samples');
const fixtures = readdirSync(golden).filter((name) => !name.endsWith('.expected.json'));
const OURS = /^(?:codex|gemini-cli|sweagent-traj|mini-swe-agent|openhands|tau-bench|dspy-lats)\//;

function takers(path: string, text: string, isWhole = true): readonly string[] {
  const head = sniff(path, text, { isWhole });
  return AGENT_FORMATS.filter((format) => format.detect(head) > 0).map((format) => format.id);
}

describe('formats of agents', () => {
  it.each(fixtures)('know %s by its content, also from its beginning', (name) => {
    const text = readFileSync(join(golden, name), 'utf8');
    const whole = takers(name, text);
    expect(whole).toHaveLength(name === 'lats.log' ? 2 : 1);
    expect(takers('file', text)[0]).toBe(whole[0]);
    expect(takers(name, text.slice(0, Math.ceil(text.length * 0.8)), false)[0]).toBe(whole[0]);
  });

  it.each([
    ['an empty file', ''],
    ['package.json', '{"name":"x","version":"1.0.0","scripts":{"test":"x"},"dependencies":{"a":"1"}}'],
    ['a lock file', '{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"}}}'],
    ['tsconfig', '{ // options\n "compilerOptions": { "strict": true, }, "include": ["src"] }'],
    ['a notebook', '{"cells":[{"cell_type":"code","source":["1+1"],"outputs":[{"data":{}}],"metadata":{}}],"metadata":{"kernelspec":{}},"nbformat":4}'],
    ['a labelled data set', '{"dataset":"prm","id":"1","problem":"p","steps":["a","b"],"labels":[1,0]}\n{"dataset":"prm","id":"2","problem":"p","steps":["a"],"labels":[1]}'],
    ['a benchmark of tasks', '{"task_id":"HumanEval/0","prompt":"def f():","entry_point":"f","canonical_solution":"","test":""}\n{"task_id":"HumanEval/1","prompt":"def g():","entry_point":"g","canonical_solution":"","test":""}'],
    ['predictions', '{"instance_id":"a","model_patch":"diff","model_name_or_path":"m"}\n{"instance_id":"b","model_patch":"diff","model_name_or_path":"m"}'],
    ['a chat', '[{"role":"user","content":"q"},{"role":"assistant","content":"```python\\nprint(1)\\n```"},{"role":"user","content":"thanks"}]'],
    ['fine-tuning data', '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}\n{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}'],
    ['events of a web page', '{"type":"event","payload":{"x":1},"timestamp":"2026-01-01"}\n{"type":"click","payload":{"x":1},"timestamp":"2026-01-01"}'],
    ['a flight path', '{"trajectory":[{"x":1,"y":2},{"x":2,"y":3}],"info":{}}'],
    ['an undo history', '{"history":[{"action":"insert","text":"a"}]}'],
    ['a GitHub event', '[{"id":1,"kind":"PushEvent","source":"github","action":"push"}]'],
    ['simulation parameters', '{"simulations":[{"seed":1,"steps":100}],"name":"x"}'],
    ['GeoJSON', '{"type":"FeatureCollection","features":[]}'],
    ['OpenAPI', '{"openapi":"3.0.0","info":{"title":"t"},"paths":{}}'],
    ['a log', '2026-01-01 10:00:00 INFO Action: start\n2026-01-01 10:00:01 ERROR failed\n'],
    ['prose', 'Dear diary, {today} I [almost] wrote JSON.'],
  ])('pass over %s', (_, text) => {
    expect(takers('x.json', text)).toEqual([]);
    expect(takers('', text)).toEqual([]);
  });

  it.skipIf(!existsSync(samples))('leave real files of other formats alone', () => {
    const others = readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((name) => !OURS.test(name) && statSync(join(samples, name)).isFile());
    expect(others.filter((name) => takers(name, readFileSync(join(samples, name), 'latin1')).length > 0)).toEqual([]);
  });
});
