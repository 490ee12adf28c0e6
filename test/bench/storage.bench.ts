/** The memory on disk at the size of a team's: taking scores in, and handing a million of them to the corpus. */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Evaluation } from '../../server/src/corpus/scoreMemory.ts';
import { recordsOf } from '../../server/src/corpus/scoreColumns.ts';
import { corpusOf } from '../../server/src/corpus/scoreCorpus.ts';
import { openDatabase } from '../../server/src/storage/database.ts';
import { openScoreMemory } from '../../server/src/storage/scoreMemory.ts';
import { evaluation, score } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';
import { report } from './report.ts';

const SCORERS = ['contrastive_ranker', 'ebt', 'hrm', 'mrq', 'sicql', 'svm'];
const DIMENSIONS = ['alignment', 'clarity', 'novelty', 'reasoning_quality', 'relevance'];
const SCORABLES = 33_334;
const AT_ONCE = 200;
const ROWS = SCORABLES * SCORERS.length * DIMENSIONS.length * 5;

let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

const evaluationAt = (i: number, text: string): Evaluation => evaluation(`traces/${i >> 4}.json::t${i >> 4}#s${i & 15}`, DIMENSIONS.flatMap((dimension) => SCORERS.map((scorer) => score(scorer, random(), {
  q_value: random(), v_value: random(), advantage: random(), entropy: random(), uncertainty: random(),
}, { dimension, rationale: `${scorer} ${random().toFixed(2)}, expected ${random().toFixed(2)}` }))), { inputs: { text }, facts: { file: `traces/${i >> 4}.json`, traceId: `t${i >> 4}`, goal: `goal ${i % 50}`, tools: ['Read'], title: `Step ${i} reads a file and looks for the value` } });

async function timed<T>(work: () => Promise<T> | T): Promise<{ readonly ms: number; readonly value: T }> {
  const began = performance.now();
  const value = await work();
  return { ms: performance.now() - began, value };
}

async function main(): Promise<void> {
  using workspace = testWorkspace();
  const path = workspace.path('memory.sqlite');
  const open = (): ReturnType<typeof openScoreMemory> => openScoreMemory({ path, workerFile: pathToFileURL(join(process.cwd(), 'dist/server/storageWorker.js')), onNotice: console.log, limits: { maxBytes: 4e9 } });

  const memory = open();
  let written = 0;
  for (let from = 0; from < SCORABLES; from += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, SCORABLES - from) }, (_, i) => evaluationAt(from + i, 'first'));
    written += (await timed(() => memory.record(batch, from))).ms;
  }
  const changed = Array.from({ length: AT_ONCE }, (_, i) => evaluationAt(i, 'second'));
  const again = await timed(() => memory.record(changed, SCORABLES));
  const same = await timed(() => memory.record(changed, SCORABLES + 1));
  await memory.close();

  const reader = open();
  await reader.load({ file: 'none' });
  const columns = await timed(() => reader.loadColumns({}));
  const records = await timed(() => recordsOf(columns.value));
  const corpus = await timed(() => corpusOf({ scorables: columns.value.scorables, records: records.value }));
  const file = await timed(() => reader.load({ file: 'traces/7.json' }));
  const history = await timed(() => reader.history('traces/0.json::t0#s3'));
  await reader.close();

  const { db } = openDatabase(path);
  const bare = await timed(() => {
    let n = 0;
    for (const row of db.prepare<[], [number, number, number]>('SELECT score_id, key_id, num_value FROM score_attributes').raw().iterate()) n += row.length;
    return n;
  });
  const sizeMb = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true })) / 1e6;
  db.exec('CREATE TEMP TABLE bare (score_id INTEGER, key TEXT, num_value REAL, PRIMARY KEY (score_id, key))');
  const insert = db.prepare('INSERT INTO bare VALUES (?, ?, ?)');
  const BARE_ROWS = 200_000;
  const inserts = await timed(() => db.transaction(() => {
    for (let i = 0; i < BARE_ROWS; i++) insert.run(Math.floor(i / 5), `key_${i % 5}`, i);
  })());
  db.close();

  report('Storage', [
    { what: `attribute rows written through the worker, ${ROWS / 1e6} M, with their scores, packed copies and disk syncs`, value: ROWS / written * 1000, unit: 'rows/s', budget: { atLeast: 50_000 }, baseline: `bare INSERT of key and value alone ${(BARE_ROWS / inserts.ms * 1000).toFixed(0)} rows/s` },
    { what: `${columns.value.scores.length / 1e6} M scores with 5 attributes from the file into the corpus`, value: (columns.ms + records.ms + corpus.ms) / 1000, unit: 's', budget: { atMost: 3 }, baseline: `reading the attribute rows alone, one by one ${(bare.ms / 1000).toFixed(2)} s` },
    { what: 'of these: from the file to columns in the asking thread', value: columns.ms / 1000, unit: 's' },
    { what: 'of these: columns to records', value: records.ms / 1000, unit: 's' },
    { what: 'of these: records to corpus', value: corpus.ms / 1000, unit: 's' },
    { what: `${AT_ONCE} changed evaluations of 30 scores, with their ${again.value.length} deltas`, value: again.ms, unit: 'ms' },
    { what: `${AT_ONCE} unchanged evaluations, nothing written`, value: same.ms, unit: 'ms', baseline: `${same.value.length} deltas` },
    { what: `one file's ${file.value.records.length} scores out of all`, value: file.ms, unit: 'ms' },
    { what: `history of one step, ${history.value.length} series`, value: history.ms, unit: 'ms' },
    { what: 'size of the file', value: sizeMb, unit: 'MB' },
  ]);
}

void main();
