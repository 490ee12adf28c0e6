/** What is exported reads back as it was: CSV by an own reader, JSONL by JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLines, jsonLines } from '../../server/src/corpus/corpusExportText.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { anyFacts, anyRecord } from '../support/arbitraryScores.ts';
import { readCsv } from '../support/readExports.ts';

const corpora: fc.Arbitrary<ScoreCorpus> = fc.tuple(fc.array(anyFacts, { maxLength: 6 }), fc.array(anyRecord, { maxLength: 25 })).map(([facts, records]) => {
  const corpus = createCorpus();
  for (const one of facts) corpus.addScorable(one);
  for (const record of records) corpus.addScore(record);
  return corpus;
});

describe('exports', () => {
  it('CSV has every value of every record', () => {
    fc.assert(fc.property(corpora, (corpus) => {
      const { header, rows } = readCsv([...csvLines(corpus)].join(''));
      const list = corpus.toList();
      expect(rows).toHaveLength(list.length);
      for (const [i, row] of list.entries()) {
        const cells = new Map(header.map((name, k) => [name, rows[i]?.[k]]));
        for (const name of ['scorableId', 'file', 'traceId', 'stepId', 'goal', 'title', 'agent', 'nextStepType', 'dimension', 'scorer', 'rationale'] as const) expect(cells.get(name)).toBe(row[name]);
        for (const name of ['stepIndex', 'outcome', 'timeMs', 'line', 'score', 'weight'] as const) expect(cells.get(name)).toBe(row[name] === undefined || row[name] === null ? undefined : String(row[name]));
        expect(JSON.parse(cells.get('tools') ?? '')).toEqual(row.tools);
        const others = JSON.parse(cells.get('otherAttributes') ?? '{}') as object;
        const numbers = Object.entries(row.attributes).flatMap(([name]) => (Object.hasOwn(others, name) ? [] : [[name, Number(cells.get(`attr.${name}`) ?? 'missing')] as const]));
        expect(Object.fromEntries([...numbers, ...Object.entries(others)])).toEqual(row.attributes);
        for (const metric of corpus.metrics) if (metric !== 'score') expect(cells.get(`attr.${metric}`)).toBe(corpus.value(row.scorableId, row.dimension, row.scorer, metric)?.toString());
      }
    }));
  });

  it('JSONL has every record', () => {
    fc.assert(fc.property(corpora, (corpus) => {
      expect([...jsonLines(corpus)].map((line) => JSON.parse(line) as unknown)).toEqual(JSON.parse(JSON.stringify(corpus.toList())));
    }));
  });
});
