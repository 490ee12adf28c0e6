/**
 * tau-bench runs: the first version's list of `{task_id, reward, traj}`, the second's results with `simulations`, or one
 * simulation. A message of the agent with the results of its calls is a step; the user is simulated.
 */
import type { PlanTrace } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { Irregularities, type JsonCursor } from './jsonSpans.ts';
import { tauMessages } from './tauBenchSteps.ts';
import { taskGoal, tracesOf, type TauGoal, type TauRun } from './tauBenchTraces.ts';
import { UniqueIds } from './traceAssembly.ts';

const ID = 'tau-bench';

export const tauBenchFormat: TraceFormat = {
  id: ID,
  title: 'tau-bench run',
  detect(sniff: Sniff): number {
    const first = sniff.values[0];
    const values = Array.isArray(first) ? (first as unknown[]).slice(0, 3) : sniff.values.slice(0, 3);
    return values.reduce<number>((best, value) => Math.max(best, confidence(asRecord(value), sniff.isWhole)), 0);
  },
  parse: parseRuns,
};

function confidence(record: JsonRecord | undefined, isWhole: boolean): number {
  if (record === undefined) return 0;
  const info = asRecord(record['info']);
  if ('task_id' in record && 'reward' in record && hasMessages(record['traj'])) return 1;
  if (Array.isArray(record['simulations'])) return asArray(record['simulations']).some((item) => isSimulation(asRecord(item))) || info !== undefined ? 1 : 0;
  // In the beginning of a long file the tasks come before the simulations.
  if (!isWhole && info !== undefined && 'user_info' in info && 'agent_info' in info) return 0.9;
  return isSimulation(record) ? 0.95 : 0;
}

function isSimulation(record: JsonRecord | undefined): boolean {
  return record !== undefined && 'task_id' in record && asText(record['id']) !== undefined && ('termination_reason' in record || 'reward_info' in record || 'start_time' in record) && ('messages' in record || 'ticks' in record || 'trial' in record);
}

function hasMessages(value: unknown): boolean {
  return asArray(value).some((item) => asText(asRecord(item)?.['role']) !== undefined);
}

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const traceIds = new UniqueIds();
  const traces: PlanTrace[] = [];
  const take = (cursor: JsonCursor, pointer: string): void => {
    for (const trace of tracesOf(readRun(text, cursor, { pointer, isNested: false }), traceIds)) if (trace.steps.length > 0) traces.push(trace);
  };
  const walked = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) return take(cursor, pointer);
    eachElement(cursor, (index) => {
      if (cursor.isObject()) take(cursor, `${pointer}/${index}`);
    });
  });
  return { format: ID, formatVersion: traces[0]?.formatVersion ?? '2', traces, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

/** A run of either version, or results that hold simulations with the tasks they refer to. */
function readRun(text: string, cursor: JsonCursor, at: { readonly pointer: string; readonly isNested: boolean }): TauRun {
  const messages = tauMessages(text);
  const tasks = new Map<string, TauGoal>();
  const simulations: TauRun[] = [];
  let list: string | undefined;
  const readMessage = (name: string): [string, (index: number) => void] => [name, (index): void => {
    list = name;
    messages.read(takeRecord(cursor, index), `${at.pointer}/${name}/${index}`);
  }];
  const readTask = (index: number): void => {
    const record = takeRecord(cursor, index);
    const id = asId(asRecord(record.value)?.['id']);
    const goal = taskGoal(text, record);
    if (id !== undefined && goal !== undefined) tasks.set(id, goal);
  };
  const readSimulation = (index: number): void => {
    if (cursor.isObject()) simulations.push(readRun(text, cursor, { pointer: `${at.pointer}/simulations/${index}`, isNested: true }));
  };
  const lists = new Map([readMessage('traj'), readMessage('messages')]);
  if (!at.isNested) lists.set('tasks', readTask).set('simulations', readSimulation);
  const object = readObject(cursor, { lists });
  return { text, object, messages, list, isCut: cursor.irregularities.cutAt !== undefined, tasks, simulations };
}
