import { describe, expect, it } from 'vitest';
import { compareOperands, findScorables, operandName, readCondition, readOperand } from '../../server/src/corpus/corpusQueries.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { DIMENSION, scored, step } from '../support/scores.ts';

/** Consensus on reasoning_quality alone; two judges of the file on alignment and clarity. */
function corpus(): ScoreCorpus {
  const made = createCorpus();
  const rows = [
    { uncertainty: 0.5, q: 1, alignment: [0.9, 0.7], clarity: [0.2, 0.4] }, { uncertainty: 0.1, q: 2, alignment: [0.9, 0.9], clarity: [0.9, 0.9] }, { uncertainty: 0.4, q: 3, alignment: [0.2, 0.2], clarity: [0.1, 0.1] },
  ];
  for (const [i, row] of rows.entries()) {
    const id = `t#${i}`;
    made.addScorable(step(id));
    made.addScore(scored(id, 'consensus', 0.5, { uncertainty: row.uncertainty }));
    made.addScore(scored(id, 'sicql', 0.5 + i / 10, { q_value: row.q, entropy: 1 }));
    made.addScore(scored(id, 'ebt', 0.6 - i / 10, { energy: -row.q, entropy: 2 }));
    for (const dimension of ['alignment', 'clarity'] as const) for (const [k, judge] of ['file:gpt-4.1', 'file:b:c'].entries()) made.addScore(scored(id, judge, row[dimension][k] ?? null, {}, dimension));
  }
  made.addScorable(step('t#bare'));
  return made;
}

const DEFAULTS = { dimension: DIMENSION };
const nameOf = (text: string, defaults: { readonly dimension: string; readonly scorer?: string } = DEFAULTS): string => {
  const operand = readOperand(text, corpus(), defaults);
  return 'problem' in operand ? operand.problem : operandName(operand);
};

describe('an operand', () => {
  it.each([
    ['uncertainty', 'reasoning_quality:consensus.uncertainty'], ['score', 'reasoning_quality:consensus.score'],
    ['q_value', 'reasoning_quality:sicql.q_value'], ['sicql.entropy', 'reasoning_quality:sicql.entropy'], ['mean.score', 'reasoning_quality:mean.score'],
    ['clarity:score', 'clarity:mean.score'], ['clarity:file:gpt-4.1.score', 'clarity:file:gpt-4.1.score'], ['alignment:file:b:c.score', 'alignment:file:b:c.score'],
  ])('%s is %s', (text, expected) => {
    expect(nameOf(text)).toBe(expected);
  });

  it('takes the scorer given before any other', () => {
    expect(nameOf('entropy', { ...DEFAULTS, scorer: 'ebt' })).toBe('reasoning_quality:ebt.entropy');
    expect(nameOf('sicql.entropy', { ...DEFAULTS, scorer: 'ebt' })).toBe('reasoning_quality:sicql.entropy');
  });

  it('that is not there is told with what is', () => {
    expect(nameOf('entropy')).toBe('ebt, sicql all have entropy in reasoning_quality: name one, as in ebt.entropy.');
    expect(nameOf('qvalue')).toBe('Nothing called qvalue is known in reasoning_quality. Metrics there: energy, entropy, q_value, score, uncertainty. Scorers: consensus, ebt, sicql.');
    expect(nameOf('sicql.energy')).toBe('sicql has no energy in reasoning_quality; it has entropy, q_value, score.');
    expect(nameOf('score', { ...DEFAULTS, scorer: 'hrm' })).toBe('hrm has no score in reasoning_quality; scorers there: consensus, ebt, sicql.');
    expect(nameOf('score', { dimension: 'novelty' })).toBe('There are no scores in the dimension novelty; there are some in alignment, clarity, reasoning_quality.');
  });
});

describe('a condition', () => {
  it('is an operand, an operator and a number', () => {
    const operand = { dimension: DIMENSION, scorer: 'consensus', metric: 'uncertainty' };
    for (const operator of ['>', '>=', '<', '<=', '=', '!=']) expect(readCondition(`uncertainty ${operator} -3e-1`, corpus(), DEFAULTS)).toEqual({ operand, operator, value: -0.3 });
    for (const text of ['uncertainty', '>0.3', 'uncertainty>', 'uncertainty>high', 'uncertainty>0.3x']) expect(readCondition(text, corpus(), DEFAULTS)).toEqual({ problem: `"${text}" is no condition; it should read like uncertainty>0.3 or sicql.q_value<=0.` });
  });

  const found = (...conditions: readonly string[]): readonly (readonly [string, readonly number[]])[] => findScorables(corpus(), conditions.map((text) => {
    const read = readCondition(text, corpus(), DEFAULTS);
    if ('problem' in read) throw new Error(read.problem);
    return read;
  })).map((f) => [f.scorableId, Object.values(f.values)]);

  it('finds scorables, the furthest beyond it first', () => {
    expect(found('uncertainty>0.3')).toEqual([['t#0', [0.5]], ['t#2', [0.4]]]);
    expect(found('uncertainty<=0.4')).toEqual([['t#1', [0.1]], ['t#2', [0.4]]]);
    expect(found('q_value=2')).toEqual([['t#1', [2]]]);
  });

  it('is not met by a missing value, whatever it asks', () => {
    expect(found('uncertainty!=0.1').map(([id]) => id)).toEqual(['t#0', 't#2']);
    expect(found('uncertainty<1')).toHaveLength(3);
  });

  it('beside others must hold with them: high alignment but low clarity', () => {
    expect(found('alignment:score>=0.8', 'clarity:score<0.4')).toEqual([['t#0', [0.8, expect.closeTo(0.3, 12)]]]);
    expect(found('alignment:file:b:c.score>0.6', 'clarity:file:b:c.score<0.4')).toEqual([]);
  });
});

describe('how two scorers differ', () => {
  it('is told over what both scored', () => {
    const at = (scorer: string): { readonly dimension: string; readonly scorer: string; readonly metric: string } => ({ dimension: DIMENSION, scorer, metric: 'score' });
    // ebt .6 .5 .4, sicql .5 .6 .7: differences .1 -.1 -.3, from their mean -.1: .2 0 -.2, squares .08.
    expect(compareOperands(corpus(), at('ebt'), at('sicql'))).toEqual({
      n: 3, meanA: expect.closeTo(0.5, 12) as number, meanB: expect.closeTo(0.6, 12) as number, meanDifference: expect.closeTo(-0.1, 12) as number, meanAbsDifference: expect.closeTo(0.5 / 3, 12) as number,
      stdDifference: expect.closeTo(0.2, 12) as number, r: expect.closeTo(-1, 12) as number, oppositeShare: expect.closeTo(1 / 3, 12) as number,
      rows: [['t#2', 0.4, 0.7], ['t#0', 0.6, 0.5], ['t#1', 0.5, 0.6]].map(([scorableId, a, b]) => ({ scorableId, a: expect.closeTo(Number(a), 12) as number, b: expect.closeTo(Number(b), 12) as number, difference: expect.closeTo(Number(a) - Number(b), 12) as number })),
    });
    expect(compareOperands(corpus(), at('ebt'), at('gone'))).toEqual({ n: 0, meanA: null, meanB: null, meanDifference: null, meanAbsDifference: null, stdDifference: null, r: null, oppositeShare: null, rows: [] });
  });
});
