/**
 * Language Agent Tree Search: the results of its programming runs, one a line (`implementations`, `reflections`,
 * `test_feedback`), and its logs of searches, in which each new node of the tree is a step.
 */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readWarnings, type FileRecord } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asRecord, asString, asText, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, type JsonCursor } from './jsonSpans.ts';
import { latsSearches } from './latsLog.ts';
import { OBSERVATION, OpenSteps } from './openSteps.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

const ID = 'lats';

export const latsFormat: TraceFormat = {
  id: ID,
  title: 'LATS run',
  detect(sniff: Sniff): number {
    if (!/^\s*[[{]/.test(sniff.head.slice(0, 1000))) return /NEW NODE: Node\(depth=\d/.test(sniff.head) ? 0.8 : 0;
    const first = sniff.values[0];
    const values = Array.isArray(first) ? (first as unknown[]) : sniff.values;
    return values.some((value) => isRun(asRecord(value))) ? 0.9 : 0;
  },
  parse: parseRuns,
};

function isRun(record: JsonRecord | undefined): boolean {
  if (record === undefined || typeof record['prompt'] !== 'string') return false;
  return asArray(record['implementations']).some((code) => typeof code === 'string') && ('reflections' in record || 'is_solved' in record);
}

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const traceIds = new UniqueIds();
  if (!/^\s*[[{]/.test(text.slice(0, 1000))) return { format: ID, formatVersion: 'log', traces: latsSearches(text, traceIds), warnings: [] };
  const irregularities = new Irregularities();
  const traces: PlanTrace[] = [];
  const take = (cursor: JsonCursor, pointer: string): void => {
    const trace = programTrace(text, cursor, pointer, traceIds);
    if (trace.steps.length > 0) traces.push(trace);
  };
  const walked = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) return take(cursor, pointer);
    eachElement(cursor, (index) => {
      if (cursor.isObject()) take(cursor, `${pointer}/${index}`);
    });
  });
  return { format: ID, formatVersion: 'programming', traces, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

/** Each implementation is a step; its tests are what the environment said. */
function programTrace(text: string, cursor: JsonCursor, pointer: string, traceIds: UniqueIds): PlanTrace {
  const implementations: FileRecord[] = [];
  const object = readObject(cursor, { lists: new Map([['implementations', (index: number): void => {
    implementations.push(takeRecord(cursor, index));
  }]]) });
  const { fields, ranges } = object;
  const feedback = asArray(fields['test_feedback']);
  const reflections = asArray(fields['reflections']);
  // A search reflects on many candidates but keeps few: then it is not known which reflection led where.
  const isPaired = reflections.length <= implementations.length;
  const steps = new OpenSteps();
  for (const record of implementations) {
    const code = asString(record.value);
    if (code === undefined || record.end <= record.start) continue;
    const step = steps.begin(record, `${pointer}/implementations/${record.index}`);
    step.output = code;
    step.textRange = insideQuotes(text, record.start, record.end);
    if (isPaired) step.reasoning = asText(reflections[record.index - 1]);
    const tests = asText(feedback[record.index]);
    if (tests !== undefined) steps.addCall(step, { name: OBSERVATION, args: null, result: tests, isError: /Tests failed:\s*\S/.test(tests) });
  }
  const { last } = steps;
  if (last !== undefined && !isPaired) last.attributes = { reflections: reflections.length };
  const prompt = ranges.get('prompt');
  const solved = fields['is_solved'];
  return assembleTrace(
    {
      format: ID,
      formatVersion: 'programming',
      traceId: asId(fields['name']) ?? asId(fields['task_id']),
      goalText: asString(fields['prompt']),
      goalRange: prompt === undefined ? null : goalRange(text, prompt),
      planSignature: ID,
      steps: steps.drafts(cursor.irregularities.cutAt !== undefined),
      finalOutputText: asText(fields['solution']),
      meta: settled<TraceMeta>({ model: undefined, agent: ID, session: undefined, cwd: undefined, costUsd: undefined, outcome: typeof solved === 'boolean' ? (solved ? 1 : 0) : undefined }),
      range: { start: object.start, end: object.end },
    },
    traceIds,
  );
}

function goalRange(text: string, range: OffsetRange): OffsetRange {
  return insideQuotes(text, range.start, range.end) ?? range;
}
