import { describe, expect, it } from 'vitest';
import { applyProjectFile, defaultSettings, severityOf } from '../../server/src/core/effectiveSettings.ts';

const apply = (value: unknown) => applyProjectFile(defaultSettings(), typeof value === 'string' ? value : JSON.stringify(value));

describe('.stepscope.json', () => {
  it('lays nested and dotted keys over the defaults', () => {
    expect(apply({ limits: { maxFileSizeMB: 7 } }).settings.limits).toEqual({ ...defaultSettings().limits, maxFileSizeMB: 7 });
    expect(apply({ 'limits.maxFileSizeMB': 8 }).settings.limits.maxFileSizeMB).toBe(8);
  });
  it('switches one code off and leaves the others', () => {
    const { settings } = apply({ problems: { 'repeated-action': { severity: 'off' } } });
    expect([severityOf(settings, 'repeated-action'), severityOf(settings, 'low-score')]).toEqual(['off', 'warning']);
  });
  it.each([
    ['{"falseAlarmRate": 50}', 'must be at most 20'],
    ['{"falseAlarmRate": "5"}', 'must be a number'],
    ['{"nonsense": 1}', 'is no setting of StepScope'],
    ['{"inlineScores": "off"}', "can only be set in VS Code's settings"],
    ['{"problems": {"no-such-code": {}}}', 'which is no problem code'],
    ['{"problems": {"low-score": {"threshold": 101}}}', 'needs a threshold from 0 to 100'],
    ['{"importedScales": {"judge": [5, 1]}}', 'must map a source to [lowest, highest]'],
    ['[]', 'must hold one JSON object'],
    ['{', 'is not valid JSON'],
  ])('%s keeps the old value and says why', (text, sentence) => {
    const { settings, problems } = apply(text);
    expect(settings).toEqual(defaultSettings());
    expect(problems.join()).toContain(sentence);
  });
  it('does not change the settings it was given', () => {
    const base = defaultSettings();
    applyProjectFile(base, '{"limits":{"maxFileSizeMB":7}}');
    expect(base).toEqual(defaultSettings());
  });
});
