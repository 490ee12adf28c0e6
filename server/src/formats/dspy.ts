/**
 * What DSPy leaves behind: the history of calls of a language model (a list, or one a line), predictions of ReAct with
 * their `trajectory`, and saved programs whose demonstrations hold such trajectories.
 */
import type { PlanTrace } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, type ObjectRead } from './fileRecords.ts';
import { dspyHistory, isHistoryEntry } from './dspyHistory.ts';
import { isTrajectory, predictionTrace } from './dspyReact.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asRecord, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { UniqueIds } from './traceAssembly.ts';

const ID = 'dspy';

export const dspyFormat: TraceFormat = {
  id: ID,
  title: 'DSPy history',
  detect(sniff: Sniff): number {
    const first = sniff.values[0];
    const values = Array.isArray(first) ? (first as unknown[]).slice(0, 5) : sniff.values.slice(0, 5);
    return values.reduce<number>((best, value) => Math.max(best, confidence(asRecord(value))), 0);
  },
  parse: parseDspy,
};

function confidence(record: JsonRecord | undefined): number {
  if (record === undefined) return 0;
  if (isHistoryEntry(record)) return 0.95;
  if (isTrajectory(record['trajectory'])) return typeof record['trajectory'] === 'string' ? 0.7 : 0.9;
  if (isTrajectory(record)) return 0.8;
  if (asArray(record['history']).some((entry) => isHistoryEntry(asRecord(entry) ?? {}))) return 0.9;
  // A program is no run: its demonstrations are looked at only when somebody asks.
  return demonstrated(record) ? 0.3 : 0;
}

/** Whether an object is a saved program with a demonstration that holds a trajectory. */
function demonstrated(program: JsonRecord): boolean {
  return Object.values(program).slice(0, 20).some((module) => {
    const fields = asRecord(module);
    return fields !== undefined && 'signature' in fields && asArray(fields['demos']).some((demo) => isTrajectory(asRecord(demo)?.['trajectory']));
  });
}

function parseDspy(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const traceIds = new UniqueIds();
  const traces: PlanTrace[] = [];
  const history = dspyHistory(text);
  const take = (cursor: JsonCursor, pointer: string, depth: number): void => {
    const readEntry = (index: number): void => {
      if (cursor.isObject()) history.read(readObject(cursor), `${pointer}/history/${index}`);
    };
    const object = readObject(cursor, { lists: new Map([['history', readEntry]]) });
    if (isHistoryEntry(object.fields)) return history.read(object, pointer);
    const trace = predictionTrace(text, object, { pointer, traceIds, isCut: irregularities.cutAt !== undefined });
    if (trace !== undefined) traces.push(trace);
    else if (depth === 0) readProgram(object, pointer);
  };
  const readProgram = (program: ObjectRead, pointer: string): void => {
    for (const [name, range] of program.ranges) {
      if (!('demos' in (asRecord(program.fields[name]) ?? {}))) continue;
      const cursor = new JsonCursor(text, range.start, range.end, new Irregularities());
      const readDemo = (index: number): void => {
        if (cursor.isObject()) take(cursor, `${pointer}/${name}/demos/${index}`, 1);
      };
      readObject(cursor, { lists: new Map([['demos', readDemo]]) });
    }
  };
  const walked = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) return take(cursor, pointer, 0);
    eachElement(cursor, (index) => {
      if (cursor.isObject()) take(cursor, `${pointer}/${index}`, 0);
    });
  });
  const all = [...history.traces(traceIds, irregularities.cutAt !== undefined), ...traces];
  return { format: ID, formatVersion: all[0]?.formatVersion ?? 'history', traces: all, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}
