/** Real files of the four formats, where they are at hand; they are not part of the project. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const isHere = existsSync(folder);
const FORMAT_BY_FOLDER: Readonly<Record<string, string>> = { atif: 'atif', 'claude-code': 'claude-code', plantrace: 'plan-trace', 'openai-messages': 'openai-messages' };
/** Chats kept as one string, which is no list of messages. */
const NOT_TRACES = ['tau-bench-few_shot-first2.jsonl'];

if (!isHere) console.log(`Skipped: no sample files at ${folder}. They are the traces of other projects and not part of this one.`);

describe.skipIf(!isHere)('real files', () => {
  const files = isHere ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile() && !name.endsWith('README.md')) : [];
  const ours = files.filter((name) => FORMAT_BY_FOLDER[name.split('/')[0] ?? ''] !== undefined && !NOT_TRACES.some((other) => name.endsWith(other)));
  const others = files.filter((name) => FORMAT_BY_FOLDER[name.split('/')[0] ?? ''] === undefined);

  it.each(ours)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(detectFormat(sniff(name, text))?.format).toBe(FORMAT_BY_FOLDER[name.split('/')[0] ?? '']);
    const parsed = readTraces({ path: name, text });
    const steps = parsed?.traces.flatMap((trace) => trace.steps) ?? [];
    expect(steps.length).toBeGreaterThan(0);
    let end = 0;
    for (const step of parsed?.traces[0]?.steps ?? []) {
      if (step.range === null || step.isSidechain) continue;
      expect(step.range.start).toBeGreaterThanOrEqual(end);
      end = step.range.end;
      expect('{'.includes(text.charAt(step.range.start)) && text.charAt(end - 1) === '}').toBe(true);
    }
  });

  it.each(others)('%s is left to formats to come, or to messages it holds', (name) => {
    const text = readFileSync(join(folder, name), 'latin1');
    const found = detectFormat(sniff(name, text));
    // mini-swe-agent keeps its run as a list of chat messages.
    if (found !== undefined) expect([found.format, name.startsWith('mini-swe-agent/'), found.confidence < 0.5]).toEqual(['openai-messages', true, true]);
  });
});
