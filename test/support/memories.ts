/** Evaluations and score memories for tests. */
import { pathToFileURL } from 'node:url';
import type { JsonValue } from '../../server/src/core/planTrace.ts';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import type { Evaluation, ScoreInputs } from '../../server/src/corpus/scoreMemory.ts';
import { recordsOf } from '../../server/src/corpus/scoreColumns.ts';
import { openDatabase } from '../../server/src/storage/database.ts';
import { openScoreMemory } from '../../server/src/storage/scoreMemory.ts';
import type { WorkspaceMemory } from '../../server/src/storage/scoreMemory.ts';
import { arrivedColumns, readColumns } from '../../server/src/storage/scoreReader.ts';
import { storeOf } from '../../server/src/storage/store.ts';
import type { Store, StoreLimits } from '../../server/src/storage/store.ts';

export function facts(id: string, over: Partial<ScorableFacts> = {}): ScorableFacts {
  return { id, file: 'a.json', traceId: 't', stepId: id, stepIndex: 0, goal: 'find it', planSignature: 'p', stepType: 'action', tools: [], isError: false, traceLength: 3, title: id, ...over };
}

export function score(scorer: string, value: number | null, attributes: Readonly<Record<string, JsonValue>> = {}, over: Partial<ScoreRecord> = {}): ScoreRecord {
  return { scorableId: 's', dimension: 'reasoning_quality', scorer, scorerVersion: '1', score: value, rationale: '', weight: 1, attributes, ...over };
}

export function evaluation(id: string, records: readonly ScoreRecord[], over: { readonly inputs?: Partial<ScoreInputs>; readonly facts?: Partial<ScorableFacts> } = {}): Evaluation {
  return { scorable: facts(id, over.facts), inputs: { text: 'T', context: 'C', model: 'M', calibration: 'K', ...over.inputs }, records: records.map((r) => ({ ...r, scorableId: id })) };
}

/** A store over a file, or in memory only. */
export function testStore(path = ':memory:', limits: StoreLimits = {}): Store {
  return storeOf(openDatabase(path).db, limits);
}

/** All that is current in a store. */
export function currentOf(store: Store): { readonly scorables: readonly ScorableFacts[]; readonly records: readonly ScoreRecord[] } {
  const columns = arrivedColumns(readColumns(store, {}));
  return { scorables: columns.scorables, records: recordsOf(columns) };
}

/** A memory behind a bundled worker, with what it told. */
export function testMemory(path: string, workerFile: string, limits: StoreLimits = {}): WorkspaceMemory & { readonly notices: readonly string[] } {
  const notices: string[] = [];
  const memory = openScoreMemory({ path, limits, workerFile: pathToFileURL(workerFile), onNotice: (message) => notices.push(message) });
  return { ...memory, notices };
}
