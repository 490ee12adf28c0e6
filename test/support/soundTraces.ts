/** What must hold of every parse, whatever the bytes. */
import { expect } from 'vitest';
import type { ParsedFile } from '../../server/src/formats/format.ts';
import { RULES } from '../../server/src/scoring/rules/index.ts';
import { composeStepText } from '../../server/src/scoring/stepText.ts';

/** Ids are unique, positions count up, ranges lie within the text and around their words, everything can be printed and judged. */
export function checkSound(parsed: ParsedFile, text: string): void {
  const traceIds = parsed.traces.map((trace) => trace.traceId);
  expect(new Set(traceIds).size).toBe(traceIds.length);
  for (const trace of parsed.traces) {
    const stepIds = trace.steps.map((step) => step.stepId);
    expect(new Set(stepIds).size).toBe(stepIds.length);
    trace.steps.forEach((step, i) => {
      expect(step.stepIndex).toBe(i);
      const { range, textRange } = step;
      if (range === null || textRange === null) throw new Error('a text format gave no range');
      expect(range.start >= 0 && range.start < range.end && range.end <= text.length).toBe(true);
      expect(textRange.start >= range.start && textRange.start < textRange.end && textRange.end <= text.length).toBe(true);
      for (const score of step.importedScores) expect(Number.isFinite(score.value)).toBe(true);
      composeStepText(step, 200);
    });
    const { goalRange } = trace;
    if (goalRange !== null) expect(goalRange.start >= 0 && goalRange.start < goalRange.end && goalRange.end <= text.length).toBe(true);
    for (const rule of RULES) for (const finding of rule.check(trace)) expect(finding.message).not.toContain('\n');
    JSON.stringify(trace);
  }
  for (const warning of parsed.warnings) expect(warning.message.length).toBeGreaterThan(0);
}
