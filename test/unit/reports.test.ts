/** From scored traces to records, and from records to the pages a person reads. */
import { describe, expect, it } from 'vitest';
import { buildLineIndex } from '../../server/src/core/lineIndex.ts';
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import type { ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import { agreementsOf, foundPatterns } from '../../server/src/corpus/findings.ts';
import { marsOfCorpus } from '../../server/src/corpus/marsOfCorpus.ts';
import { recommendPatterns } from '../../server/src/corpus/patternRecommendations.ts';
import { findPatterns } from '../../server/src/corpus/patterns.ts';
import { recommend } from '../../server/src/corpus/recommendations.ts';
import { reviewQueue } from '../../server/src/corpus/reviewQueue.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { Agreement, ScoreHistory, Seen } from '../../server/src/corpus/scoreMemory.ts';
import { conflictsReport } from '../../server/src/features/reports/conflicts.ts';
import { historyReport } from '../../server/src/features/reports/history.ts';
import { patternsReport } from '../../server/src/features/reports/patterns.ts';
import { reviewReport } from '../../server/src/features/reports/review.ts';
import { statisticsReport } from '../../server/src/features/reports/statistics.ts';
import { recordsOfTrace } from '../../server/src/features/scoreRecords.ts';
import type { ScoredStep, ScoredTrace } from '../../server/src/features/scoredTrace.ts';
import { plainTrace } from '../support/traceWork.ts';
import type { ScoreResult } from '../../server/src/core/scoreResult.ts';
import { bundleOf } from '../support/bundles.ts';

const CONTEXT = { linkOf: (file: string) => `/${file}` };

/** A trace whose steps are judged by svm and sicql; `types` names each step's kind. */
function scored(traceId: string, steps: readonly { readonly type?: string; readonly svm: number; readonly sicql: number; readonly uncertainty?: number; readonly isError?: boolean; readonly isStale?: boolean; readonly output?: string }[]): ScoredTrace {
  const plain = plainTrace('Find the cheapest flight', steps.map((s, i) => s.output ?? `words ${i}`));
  const trace: PlanTrace = {
    ...plain, traceId, steps: plain.steps.map((step, i): ExecutionStep => ({
      ...step, stepType: steps[i]?.type ?? 'thought', range: { start: i * 10, end: i * 10 + 9 }, durationMs: 100 * (i + 1),
      ...(steps[i]?.isError === true ? { error: { type: 'TimeoutError', message: 'late' } } : {}),
    })),
  };
  const states = steps.map((s): ScoredStep => {
    const judged = (scorer: 'svm' | 'sicql'): ScoreResult => ({ kind: 'scored', dimension: 'reasoning_quality', scorer, scorerVersion: '2', score: s[scorer], rationale: '', weight: 1, attributes: scorer === 'sicql' ? { q_value: s.sicql * 4 } : {} });
    const consensus = { score: (s.svm + s.sicql) / 2, uncertainty: s.uncertainty ?? 0.1, spread: Math.abs(s.svm - s.sicql), scorers: ['svm', 'sicql'] };
    return { bundle: bundleOf('', [judged('svm'), judged('sicql')], { reasoning_quality: consensus }), isStale: s.isStale === true, isPending: false };
  });
  return { trace, steps: states, traceResults: [], ruleFindings: [], problems: [] };
}

function corpusOf(...traces: readonly ScoredTrace[]): ScoreCorpus {
  const corpus = createCorpus();
  for (const [i, one] of traces.entries()) {
    for (const { scorable, records } of recordsOfTrace(`run${i}.json`, one, buildLineIndex('123456789\n'.repeat(9)))) {
      corpus.addScorable(scorable);
      records.forEach((r) => corpus.addScore(r));
    }
  }
  return corpus;
}

describe('records of a trace', () => {
  const found = recordsOfTrace('a.json', scored('t', [{ svm: 0.8, sicql: 0.6, isError: true }, { svm: 0.5, sicql: 0.5, isStale: true }]), buildLineIndex('123456789\n123456789\n'));
  it('hold each scorer, the consensus and what the file recorded, side by side', () => {
    expect(found.map((f) => f.scorable.id)).toEqual(['a.json::t#s1', 'a.json::t']);
    const rows = found[0]?.records.map((r: ScoreRecord) => [r.scorer, r.score, r.attributes]);
    expect(rows).toEqual([
      ['svm', 0.8, {}], ['sicql', 0.6, { q_value: 2.4 }],
      ['consensus', 0.7, { uncertainty: 0.1, spread: 0.20000000000000007, scorers: 2 }],
      ['trace', null, { duration_ms: 100, error_type: 'TimeoutError' }],
    ]);
  });
  it('know where the step stands, what it is and what it did', () => {
    expect(found[0]?.scorable).toMatchObject({ file: 'a.json', traceId: 't', stepId: 's1', stepIndex: 0, line: 0, isError: true, errorType: 'TimeoutError', nextStepType: 'thought', traceLength: 2, goal: 'Find the cheapest flight' });
    expect(found[0]?.scorable.previousStepType).toBeUndefined();
  });
});

describe('corpus statistics', () => {
  it('name the step type that is more uncertain than the others', () => {
    const text = statisticsReport(corpusOf(scored('a', [{ svm: 0.8, sicql: 0.8 }, { type: 'loader', svm: 0.5, sicql: 0.5, uncertainty: 0.5 }, { svm: 0.8, sicql: 0.8 }]), scored('b', [{ type: 'loader', svm: 0.5, sicql: 0.5, uncertainty: 0.4 }, { svm: 0.8, sicql: 0.8 }, { type: 'loader', svm: 0.5, sicql: 0.5, uncertainty: 0.6 }])), { badBelow: 0.3, firstErrorBelow: 0.3 });
    expect(text).toContain('6 steps of 2 traces');
    // Mean of 0.1, 0.5, 0.1, 0.4, 0.1, 0.6 is 0.3; loaders have 0.5: 1.67 times.
    expect(text).toContain('| loader | 3 | 50 | 0.50 | 1.67 | 0 | 100 |');
    expect(text).toContain('above 0.3) on 3 of 6 steps; on average 0.30');
    expect(text).toContain('| reasoning\\_quality | svm | 6 | 65 | 15 | 50 | 80 |');
  });
  it('teach where nothing is remembered', () => {
    expect(statisticsReport(createCorpus(), { badBelow: 0.3, firstErrorBelow: 0.3 })).toContain('Nothing is remembered yet');
  });
});

describe('conflicts', () => {
  it('name who is above whom, and link the steps', () => {
    const corpus = corpusOf(scored('a', Array.from({ length: 4 }, () => ({ svm: 0.9, sicql: 0.4 }))));
    const mars = marsOfCorpus(corpus);
    const text = conflictsReport(corpus, mars, { ...CONTEXT, recommendations: recommend(mars), agreements: [] });
    expect(text).toContain('Widest conflict: **svm** is 50 above **sicql** on average, over 4 steps.');
    expect(text).toContain('[run0\\.json \\#3 words 2](</run0.json#L3>)');
    expect(text).toContain('## What to do');
  });

  it('show how agreement went, once it has gone anywhere', () => {
    const corpus = corpusOf(scored('a', Array.from({ length: 4 }, () => ({ svm: 0.9, sicql: 0.4 }))));
    const mars = marsOfCorpus(corpus);
    const [now] = agreementsOf(mars);
    if (now === undefined) throw new Error('no agreement');
    // The sample deviation of 0.9 and 0.4 is 0.5 / sqrt 2 = 0.35355.
    expect(now).toEqual({ dimension: 'reasoning_quality', agreement_score: 0.6464, co_scored: 4, scorers: 2 });
    const page = (agreements: readonly (Agreement & Seen)[]): string => conflictsReport(corpus, mars, { ...CONTEXT, recommendations: [], agreements });
    const today = { ...now, firstSeenMs: Date.UTC(2026, 0, 2), lastSeenMs: Date.UTC(2026, 0, 3) };
    const before = { ...now, agreement_score: 0.8, co_scored: 3, firstSeenMs: Date.UTC(2026, 0, 1), lastSeenMs: Date.UTC(2026, 0, 1) };
    expect(page([today])).not.toContain('Over time');
    expect(page([today, { ...before, dimension: 'clarity' }])).not.toContain('Over time');
    expect(page([today, before])).toMatch(/Over time:\n\n.*found.*\n.*\n\| 2026-01-02 00:00:00 \| 65 \| 4 \| 2 \|\n\| 2026-01-01 00:00:00 \| 80 \| 3 \| 2 \|/);
  });
});

describe('patterns', () => {
  it('name the bottleneck and what to do', () => {
    const runs = Array.from({ length: 4 }, (_, i) => scored(`t${i}`, [{ svm: 0.9, sicql: 0.9 }, { type: 'loader', svm: 0.2, sicql: 0.2, uncertainty: 0.4 }, { svm: 0.9, sicql: 0.9 }]));
    const corpus = corpusOf(...runs);
    const found = findPatterns(corpus, { badBelow: 0.5, firstErrorBelow: 0.5 });
    const remembered = foundPatterns(found).map((p) => ({ ...p, firstSeenMs: Date.UTC(2026, 0, 2), lastSeenMs: Date.UTC(2026, 0, 3) }));
    expect(remembered.map((p) => p.id)).toContain('reasoning_quality:bad:step_type:loader');
    const text = patternsReport(corpus, found, { ...CONTEXT, recommendations: recommend(marsOfCorpus(corpus), recommendPatterns(found)), found: remembered });
    expect(text).toMatch(/## What to do\n\n- .*loader/);
    expect(text).toMatch(/\| loader steps \| 4 of 4 \| 20 \| 2\.00 \| 0 \(0 to 49\) \| uncertain, low score \| 2026-01-02 \|/);
    expect(text).toContain('4 runs failed');
  });
});

describe('review queue', () => {
  it('puts doubt first and escapes what traces say', () => {
    const corpus = corpusOf(scored('a', [{ svm: 0.9, sicql: 0.9 }, { svm: 0.9, sicql: 0.2, uncertainty: 0.5, output: '[x](command:y) | z' }]));
    const text = reviewReport(reviewQueue(corpus), { ...CONTEXT, isEmpty: false });
    expect(text.indexOf('\\#2')).toBeLessThan(text.indexOf('\\#1'));
    expect(text).toContain('\\[x\\]\\(command:y\\) \\| z');
  });
});

describe('score history', () => {
  const inputs = { text: 't', context: 'c', model: 'm', calibration: 'k' };
  const history: ScoreHistory = {
    dimension: 'reasoning_quality', scorer: 'consensus',
    points: [
      { evaluationId: 1, timeMs: 0, score: 0.62, scorerVersion: '', inputs, attributes: { uncertainty: 0.1 } },
      { evaluationId: 2, timeMs: 60_000, score: 0.31, scorerVersion: '', inputs: { ...inputs, text: 'u' }, attributes: { uncertainty: 0.3 } },
    ],
  };
  it('tells each change and its cause, the newest first', () => {
    const text = historyReport(undefined, [history], CONTEXT);
    expect(text).toContain('| 1970-01-01 00:01:00 | 31 | 31 down, significant \\(the step was edited; uncertainty moved most: 0\\.10 to 0\\.30\\) |');
    expect(text.indexOf('31 down')).toBeLessThan(text.indexOf('first score'));
  });
  it('says when nothing has changed yet, or nothing is remembered', () => {
    expect(historyReport(undefined, [{ ...history, points: history.points.slice(0, 1) }], CONTEXT)).toContain('nothing has changed since');
    expect(historyReport(undefined, [], CONTEXT)).toContain('No score of this step is remembered yet');
  });
});
