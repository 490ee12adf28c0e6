/** What an editor shows of a scored trace; everything here is made by hand, no model runs. */
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import type { EffectiveSettings } from '../../server/src/core/effectiveSettings.ts';
import type { LabelValue } from '../../server/src/core/labels.ts';
import type { ExecutionStep, ImportedScore, PlanTrace } from '../../server/src/core/planTrace.ts';
import type { Finding, Problem } from '../../server/src/core/problems.ts';
import type { ScoreResult } from '../../server/src/core/scoreResult.ts';
import { chipLabel, chipsWithin, worstStep } from '../../server/src/features/chips.ts';
import { stepMarkdown } from '../../server/src/features/hover.ts';
import { importedResult } from '../../server/src/features/presentTrace.ts';
import { capProblems, traceProblems } from '../../server/src/features/problems.ts';
import { pageCount, pageOfStep, renderReadable } from '../../server/src/features/readable.ts';
import type { ScoreDelta } from '../../server/src/corpus/scoreMemory.ts';
import type { ScoredStep, ScoredTrace } from '../../server/src/features/scoredTrace.ts';
import { summaryText } from '../../server/src/features/traceSummary.ts';
import { bundleOf } from '../support/bundles.ts';

const THRESHOLDS = { lowScore: 0.5, highUncertainty: 0.3, scorerConflict: 0.2, firstError: 0.6, regression: 0.1 };

interface Given {
  readonly score?: number;
  readonly uncertainty?: number;
  /** Scores by scorer. */
  readonly by?: Readonly<Record<string, number>>;
  readonly label?: LabelValue;
  readonly isStale?: boolean;
  readonly delta?: ScoreDelta;
  readonly tool?: string;
  readonly text?: string;
}

function scoredTrace(given: readonly Given[], options: { readonly settings?: EffectiveSettings; readonly rules?: readonly Finding[] } = {}): ScoredTrace {
  const steps = given.map((g, i): ExecutionStep => ({
    stepId: `s${i}`, stepIndex: i, stepType: 'reasoning', description: '', depth: 0, output: g.text ?? `words ${i}`, attributes: {}, importedScores: [],
    tools: g.tool === undefined ? [] : [{ name: g.tool, args: {}, isError: false }],
    range: { start: i * 10, end: i * 10 + 9 }, textRange: { start: i * 10 + 2, end: i * 10 + 8 }, jsonPointer: '', isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
  }));
  const trace: PlanTrace = {
    traceId: 't', format: 'plan-trace', formatVersion: '1', goalText: 'the goal', goalRange: null, planSignature: '', steps, finalOutputText: '', importedScores: [], meta: {}, warnings: [], unknownRecordCounts: {}, range: { start: 0, end: given.length * 10 },
  };
  const states = given.map((g): ScoredStep => {
    const results = Object.entries(g.by ?? {}).map(([scorer, score]): ScoreResult => ({ kind: 'scored', dimension: 'reasoning_quality', scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes: {} }));
    const consensus = g.score === undefined ? {} : { reasoning_quality: { score: g.score, uncertainty: g.uncertainty ?? 0.1, spread: 0, scorers: ['svm'] } };
    const label = g.label === undefined ? {} : { label: { file: 'f', traceId: 't', stepId: 's', stepIndex: 0, textHash: '', label: g.label, author: 'Ada', time: '' } };
    return { bundle: bundleOf('t#s', results, consensus), isStale: g.isStale === true, isPending: false, ...label, ...(g.delta === undefined ? {} : { delta: g.delta }) };
  });
  const ruleFindings = options.rules ?? [];
  const problems = traceProblems({ trace, steps: states, ruleFindings, thresholds: THRESHOLDS, settings: options.settings ?? defaultSettings(), isExcluded: (globs) => globs.includes('**') });
  return { trace, steps: states, traceResults: [], ruleFindings, problems };
}

/** All but where the trace turned, which has its own tests. */
const said = (scored: ScoredTrace): readonly string[] => scored.problems.filter((p) => p.code !== 'first-bad-step').map((p) => `${p.severity} ${p.code} #${(p.stepIndex ?? -1) + 1}: ${p.message}`);
const withProblem = (code: string, value: EffectiveSettings['problems'][string]): EffectiveSettings => ({ ...defaultSettings(), problems: { [code]: value } });

describe('problems', () => {
  it('reports a score under the threshold, number first, worst first', () => {
    // 0.49 and 0.2 are under 0.5; 0.5 is not.
    expect(said(scoredTrace([{ score: 0.49 }, { score: 0.5 }, { score: 0.2 }]))).toEqual(['warning low-score #3: 20: consensus is below 50.0', 'warning low-score #1: 49: consensus is below 50.0']);
  });
  it('says less of a tool call, which the models were not calibrated on', () => {
    expect(said(scoredTrace([{ score: 0.2, tool: 'bash' }]))).toEqual(['information low-score #1: 20: consensus is below 50.0 (calibrated on reasoning, not on tool calls)']);
  });
  it('only hints at doubt and conflict about a tool call', () => {
    expect(said(scoredTrace([{ score: 0.7, uncertainty: 0.41, tool: 'bash', by: { svm: 0.9, sicql: 0.6 } }])).map((s) => s.split(' ').slice(0, 2).join(' '))).toEqual(['hint high-uncertainty', 'hint scorer-conflict']);
  });
  it('reports a consensus that is likely wrong', () => {
    expect(said(scoredTrace([{ score: 0.6, uncertainty: 0.41 }]))).toEqual(['information high-uncertainty #1: 41 % chance that the consensus of 60 is wrong (threshold 30)']);
  });
  it('names the two of our scorers that contradict each other', () => {
    expect(said(scoredTrace([{ score: 0.7, by: { svm: 0.9, sicql: 0.6 } }]))).toEqual(['information scorer-conflict #1: 30 apart: svm 90, sicql 60 (threshold 20)']);
  });
  it('gives a judge from the file more room than our own scorers', () => {
    // 0.35 apart is a conflict among ours (0.2), not with a judge on a scale of its own (0.4).
    expect(said(scoredTrace([{ score: 0.7, by: { svm: 0.9, 'file:judge': 0.55 } }]))).toEqual([]);
    expect(said(scoredTrace([{ score: 0.7, by: { svm: 0.9, 'file:judge': 0.45 } }]))).toEqual(['information scorer-conflict #1: 45 apart: svm 90, file:judge 45 (threshold 40)']);
  });
  it('believes a person before any model', () => {
    expect(said(scoredTrace([{ score: 0.1, uncertainty: 0.9, label: 'good' }, { score: 0.9, label: 'first_bad' }]))).toEqual(['warning low-score #2: 0: human: labelled the first bad step by Ada']);
  });
  it('obeys severity, scorers and excluded files of the settings', () => {
    expect(said(scoredTrace([{ score: 0.2 }], { settings: withProblem('low-score', { severity: 'off' }) }))).toEqual([]);
    expect(said(scoredTrace([{ score: 0.2 }], { settings: withProblem('low-score', { exclude: ['**'] }) }))).toEqual([]);
    expect(said(scoredTrace([{ score: 0.9, by: { svm: 0.3 } }], { settings: withProblem('low-score', { scorers: ['svm'] }) }))).toEqual(['warning low-score #1: 30: svm is below 50.0']);
  });
  it('keeps the worst and says how many are left out', () => {
    const many = Array.from({ length: 10 }, (_, i): Problem => ({ code: 'low-score', severity: 'warning', range: null, message: String(i), evidence: [], weight: 1 }));
    // Four may stand: three of ten and one line about the other seven.
    expect(capProblems(many, 4).map((p) => p.message)).toEqual(['0', '1', '2', '7 more problems in this file are not listed; the worst 3 are.']);
    expect(capProblems(many, 10)).toHaveLength(10);
  });
});

describe('first bad step', () => {
  const turned = (scored: ScoredTrace): readonly string[] => scored.problems.flatMap((p) => (p.code === 'first-bad-step' ? [`${p.severity} ${p.message} [${p.evidence.map((e) => e.message).join(', ')}]`] : []));
  it('is the first one under the threshold of failing traces, not the one that raised the alarm', () => {
    // Suspect below 0.6, alarm below 0.5: step 2 is no alarm, steps 3 and 4 are.
    expect(turned(scoredTrace([{ score: 0.9 }, { score: 0.55 }, { score: 0.3 }, { score: 0.2 }]))).toEqual(['information #2: the trace turned here (consensus 55 is the first below 60), 2 bad steps after it [bad step #3, bad step #4]']);
  });
  it('is none where nothing is bad', () => {
    expect(turned(scoredTrace([{ score: 0.9 }, { score: 0.55 }]))).toEqual([]);
  });
  it('is what a person said, and never what a person called good', () => {
    expect(turned(scoredTrace([{ score: 0.3 }, { score: 0.9, label: 'first_bad' }, { score: 0.2 }]))).toEqual(['information #2: the trace turned here (labelled by Ada), 1 bad step after it [bad step #3]']);
    expect(turned(scoredTrace([{ score: 0.3, label: 'good' }, { score: 0.9 }, { score: 0.2 }]))).toEqual(['information #3: the trace turned here (consensus 20 is the first below 60) []']);
  });
  it('is at the latest the first step with a warning, and no tool call on the word of models alone', () => {
    const warned: Finding = { code: 'arithmetic-error', stepIndex: 1, range: null, message: 'm', evidence: [], weight: 1 };
    expect(turned(scoredTrace([{ score: 0.5, tool: 'bash' }, { score: 0.8 }, { score: 0.55 }], { rules: [warned] }))).toEqual(['information #2: the trace turned here (the first step with a warning) []']);
  });
});

describe('a score that dropped', () => {
  const delta = { id: 1, scorable: { id: 't#s0', file: '', traceId: 't', stepId: 's0', stepIndex: 0, stepType: 'reasoning', goal: '', title: '' }, dimension: 'reasoning_quality', scorer: 'consensus', scorerVersion: '', previousScore: 0.9, score: 0.7, delta: -0.2, cause: 'text', changed: ['text'], isSignificant: true, noise: null, movedMost: { attribute: 'sicql.q_value', previous: 1.2, value: -0.35 }, timeMs: 0 } as const;
  it('is reported with what it was, its cause and what moved most', () => {
    expect(said(scoredTrace([{ score: 0.7, delta }]))).toEqual(['information score-regression #1: 20 down: 90 before, 70 now (the step was edited; sicql.q_value moved most: 1.20 to -0.35)']);
    expect(stepMarkdown(scoredTrace([{ score: 0.7, delta }]), 0)).toContain('Since it was last scored: **20 down**, 90 before');
  });

  it('shows what sicql expected before the step as an outlook', () => {
    const scored = scoredTrace([{ score: 0.7 }]);
    const sicql: ScoreResult = { kind: 'scored', dimension: 'reasoning_quality', scorer: 'sicql', scorerVersion: '1', score: 0.7, rationale: '', weight: 1, attributes: { v_value: Math.log(4) } };
    // σ(ln 4) = 0.8.
    expect(stepMarkdown({ ...scored, steps: scored.steps.map((s) => ({ ...s, bundle: bundleOf('t#s', [sicql]) })) }, 0)).toContain('Outlook before the step: **80**');
    expect(stepMarkdown(scored, 0)).not.toContain('Outlook');
  });
  it('is not reported when it rose, is within noise or under the threshold of the settings', () => {
    expect(said(scoredTrace([{ score: 0.7, delta: { ...delta, previousScore: 0.5, delta: 0.2 } }]))).toEqual([]);
    expect(said(scoredTrace([{ score: 0.7, delta: { ...delta, isSignificant: false } }]))).toEqual([]);
  });
});

describe('chips', () => {
  it('show score, trouble, staleness and labels', () => {
    const scored = scoredTrace([{ score: 0.876 }, { score: 0.2 }, { score: 0.7, by: { svm: 0.9, sicql: 0.6 } }, { score: 0.5, isStale: true }, { score: 0.9, label: 'bad' }, {}, { label: 'good' }]);
    expect(scored.steps.map((_, i) => chipLabel(scored, i))).toEqual(['88', '20 ▼', '70 ≷', '↻ 50', '90 ▼ ✗', undefined, '✓']);
  });
  it('stay within the asked stretch, the asked number, and the bad ones where asked', () => {
    const scored = scoredTrace([{ score: 0.9 }, { score: 0.2 }, { score: 0.8 }, { score: 0.1 }]);
    const at = (range: { start: number; end: number; max: number; onlyBad: boolean }): readonly number[] => chipsWithin(scored, range).map((c) => c.offset);
    expect(at({ start: 12, end: 25, max: 200, onlyBad: false })).toEqual([10, 20]);
    expect(at({ start: 0, end: 99, max: 3, onlyBad: false })).toEqual([0, 10, 20]);
    expect(at({ start: 0, end: 99, max: 200, onlyBad: true })).toEqual([10, 30]);
  });
  it('put a label before a warning before a low score as the worst step', () => {
    const warned: Finding = { code: 'arithmetic-error', stepIndex: 2, range: null, message: 'm', evidence: [], weight: 1 };
    expect(worstStep(scoredTrace([{ score: 0.9 }, { score: 0.6 }, { score: 0.8 }]))).toBe(1);
    expect(worstStep(scoredTrace([{ score: 0.9 }, { score: 0.6 }, { score: 0.8 }], { rules: [warned] }))).toBe(2);
    expect(worstStep(scoredTrace([{ score: 0.9, label: 'bad' }, { score: 0.6 }, { score: 0.8 }], { rules: [warned] }))).toBe(0);
    expect(worstStep(scoredTrace([{}, {}]))).toBeUndefined();
  });
});

describe('summary', () => {
  it('says how far the scorers agree', () => {
    // Sample deviation of 0.9 and 0.7: 0.1414; of 0.6 alone there is none.
    expect(summaryText(scoredTrace([{ score: 0.8, by: { svm: 0.9, sicql: 0.7 } }, { score: 0.6, by: { svm: 0.6 } }]))).toBe('2 steps · worst #2 at 60 · average 70 · agreement 86');
  });
  it('counts, names the worst, averages', () => {
    // (0.9 + 0.6) / 2 = 0.75
    expect(summaryText(scoredTrace([{ score: 0.9 }, { score: 0.6 }]))).toBe('2 steps · worst #2 at 60 · average 75');
    expect(summaryText(scoredTrace([{ score: 0.9 }, {}]))).toBe('2 steps · worst #1 at 90 · average 90 · 1 scored');
    expect(summaryText(scoredTrace([{}]))).toBe('1 step · not scored yet');
  });
});

describe('hover', () => {
  it('makes no links, images or HTML of trace text', () => {
    const text = stepMarkdown(scoredTrace([{ score: 0.5, text: '[click](command:x) ![i](http://x) <img src=x>' }]), 0);
    expect(text).not.toMatch(/\[click\]\(|!\[i\]\(|(?<!\\)<img/);
    expect(text).toContain('\\[click\\]');
  });
});

describe('scores found in a file', () => {
  const score = (value: number, scale?: readonly [number, number]): ImportedScore => ({ source: 'judge', dimension: 'clarity', value, attributes: {}, ...(scale === undefined ? {} : { scale }) });
  it('are brought to 0–1 by the scale of the format or of the settings', () => {
    expect(importedResult(score(80, [0, 100]), defaultSettings())).toMatchObject({ kind: 'scored', scorer: 'file:judge', score: 0.8 });
    // 4 on 1..5 is three quarters of the way.
    expect(importedResult(score(4), { ...defaultSettings(), importedScales: { judge: [1, 5] } })).toMatchObject({ score: 0.75 });
  });
  it('take no part where nobody says what they are measured on', () => {
    expect(importedResult(score(4), defaultSettings())).toMatchObject({ kind: 'unscored', reason: 'unknown-scale', rawValue: 4 });
  });
});

describe('readable text', () => {
  it('puts every step where it says it is', () => {
    const { trace } = scoredTrace([{ text: 'one' }, { text: 'two\r\nlines', tool: 'bash' }]);
    const { text, traces } = renderReadable([trace]);
    const slices = traces[0]?.steps.map((s) => (s.range === null ? '' : text.slice(s.range.start, s.range.end)));
    expect(slices).toEqual(['#1 reasoning\none', '#2 reasoning\ntwo\nlines\n→ bash({})']);
  });

  it('turns a long file into pages: every step on one of them, in its place, with links to the pages beside it', () => {
    const traces = [scoredTrace(Array.from({ length: 700 }, () => ({}))).trace, scoredTrace(Array.from({ length: 500 }, () => ({}))).trace];
    expect(pageCount(traces)).toBe(3);
    const seen = [1, 2, 3].flatMap((page) => {
      const { text, traces: placed, links } = renderReadable(traces, page);
      for (const link of links) expect(text.slice(link.range.start, link.range.end)).toBe(link.page < page ? 'Previous page' : 'Next page');
      expect(new Set(links.map((l) => l.page))).toEqual(new Set([page - 1, page + 1].filter((p) => p >= 1 && p <= 3)));
      return placed.flatMap((trace, traceIndex) => trace.steps.flatMap((step, stepIndex) => {
        if (step.range === null) return [];
        expect(text.slice(step.range.start, step.range.end)).toBe(`#${stepIndex + 1} reasoning\nwords ${stepIndex}`);
        expect(pageOfStep(traces, { traceIndex, stepIndex })).toBe(page);
        return [`${traceIndex} ${stepIndex}`];
      }));
    });
    expect(seen).toEqual([...Array.from({ length: 700 }, (_, i) => `0 ${i}`), ...Array.from({ length: 500 }, (_, i) => `1 ${i}`)]);
    expect(renderReadable(traces, 2).text.startsWith('Page 2 of 3: steps 501 to 1000 of 1200 · Previous page · Next page\n')).toBe(true);
  });

  it('touches no words of the steps of other pages', () => {
    const { trace } = scoredTrace(Array.from({ length: 1100 }, () => ({})));
    let reads = 0;
    const steps = trace.steps.map((step) => Object.defineProperty({ ...step }, 'output', { enumerable: true, get: () => `words ${reads++}` }));
    renderReadable([{ ...trace, steps }], 2);
    expect(reads).toBeLessThanOrEqual(1000);
    expect(reads).toBeGreaterThanOrEqual(500);
  });
});
