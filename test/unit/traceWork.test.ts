/** The keys of a trace's work name cached scores on users' disks: they never change by accident. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sha256 } from '../../server/src/host/files.ts';
import type { ModelManifest } from '../../server/src/scoring/manifest.ts';
import { createTracePreparation, modelsKeyOf, prepareTrace } from '../../server/src/scoring/traceWork.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { CLAUDE_START, claudeTurn } from '../support/claudeSession.ts';

const manifest = JSON.parse(readFileSync('models/artifacts/manifest.json', 'utf8')) as ModelManifest;
const trace = readTraces({ path: 'x.jsonl', text: CLAUDE_START + [0, 1, 2].map((i) => claudeTurn(i)).join('') })?.traces[0];

it('makes each key of what it names', () => {
  if (trace === undefined) throw new Error('no trace');
  const { goalKey, steps } = prepareTrace(trace, { manifest, maxStepCharacters: 500, sha256 });
  const { backbone, tokenizer, headInput } = manifest;
  const models = sha256([backbone.sha256, tokenizer.sha256, JSON.stringify(backbone.window), headInput.version, ...headInput.scalars].join('|'));
  expect(goalKey).toBe(sha256(trace.goalText));
  let context = sha256(`goal|${goalKey}`);
  for (const step of steps) {
    expect([step.textKey, step.contextKey, step.isShortened]).toEqual([sha256(step.text), context, true]);
    context = sha256(`${context}|${step.textKey}`);
    expect(step.chainKey).toBe(sha256(`${models}|${context}`));
  }
});

it('goes on from a step as if it had never stopped', () => {
  if (trace === undefined) throw new Error('no trace');
  const options = { goalText: trace.goalText, modelsKey: modelsKeyOf(manifest, sha256), maxStepCharacters: 500, sha256 };
  const whole = prepareTrace(trace, { manifest, maxStepCharacters: 500, sha256 }).steps.map((s) => s.chainKey);
  const first = createTracePreparation(options);
  const begun = trace.steps.slice(0, 2).map((step) => first.add(step).chainKey);
  const rest = createTracePreparation({ ...options, contextKey: first.contextKey });
  expect([...begun, ...trace.steps.slice(2).map((step) => rest.add(step).chainKey)]).toEqual(whole);
});
