import { describe, expect, it } from 'vitest';
import { matchLabels, parseLabels, printLabel } from '../../server/src/core/labels.ts';
import type { LabelRecord } from '../../server/src/core/labels.ts';
import type { ExecutionStep } from '../../server/src/core/planTrace.ts';

const record = (over: Partial<LabelRecord>): LabelRecord => ({ file: 'a.trace.json', traceId: 't', stepId: 's1', stepIndex: 0, textHash: 'h:one', label: 'bad', author: 'Ada', time: '2026-01-01T00:00:00.000Z', ...over });
const step = (stepId: string, output: string): ExecutionStep => ({
  stepId, stepIndex: 0, stepType: 'action', description: '', depth: 0, output, tools: [], attributes: {}, importedScores: [], range: null, textRange: null, jsonPointer: '',
  isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
});
const match = (records: readonly LabelRecord[], steps: readonly ExecutionStep[]): Record<string, string | null> =>
  Object.fromEntries([...matchLabels(records, { file: 'a.trace.json', traceId: 't', steps, textHashOf: (s) => `h:${s.output ?? ''}` })].map(([id, r]) => [id, r.label]));

describe('label file', () => {
  it('reads back what it prints', () => {
    const given = record({ author: 'Zoë "z" \n' });
    expect(parseLabels(`${printLabel(given)}\n`)).toEqual({ records: [given], brokenLines: [] });
  });
  it('passes over merge markers and half lines and says where', () => {
    const text = `<<<<<<< ours\n${printLabel(record({}))}\n{"file":"a.tr`;
    expect(parseLabels(text)).toEqual({ records: [record({})], brokenLines: [1, 3] });
  });
  it('lets the last line about a step win', () => expect(match([record({}), record({ label: 'good' })], [step('s1', 'one')])).toEqual({ s1: 'good' }));
  it('forgets a label that was taken back', () => expect(match([record({}), record({ label: null })], [step('s1', 'one')])).toEqual({}));
  it('finds a step again by its words when its id is gone', () => expect(match([record({})], [step('new', 'one')])).toEqual({ new: 'bad' }));
  it('does not carry a label to other words', () => expect(match([record({})], [step('new', 'two')])).toEqual({}));
  it('keeps files and traces apart', () => expect(match([record({ file: 'b.json' }), record({ traceId: 'u' })], [step('s1', 'one')])).toEqual({}));
});
