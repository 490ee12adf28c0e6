/**
 * mini-swe-agent runs: `{info, messages, trajectory_format}`, or the bare list of messages early versions wrote to
 * `*.traj.json`. A message of the model with what its commands gave is a step; the observations are messages of the user.
 */
import type { PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asNumber, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, type JsonCursor } from './jsonSpans.ts';
import { contentText } from './messageContent.ts';
import { commandsIn, messageReader, type MessageReader } from './miniSweAgentSteps.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

const ID = 'mini-swe-agent';
const BARE = 'messages';

export const miniSweAgentFormat: TraceFormat = {
  id: ID,
  title: 'mini-swe-agent trajectory',
  detect(sniff: Sniff): number {
    const first = sniff.values[0];
    const isNamed = /\.traj\.json$/i.test(sniff.path);
    if (sniff.values.length !== 1) return 0;
    if (Array.isArray(first)) return looksLikeRun(first as unknown[]) ? (isNamed ? 0.9 : 0.45) : 0;
    const record = asRecord(first);
    if (record === undefined) return 0;
    if (/^mini-swe-agent/.test(asText(record['trajectory_format']) ?? '')) return 1;
    const messages = asArray(record['messages']);
    const info = asRecord(record['info']);
    if (info === undefined) return 0;
    // The mark comes last in the file, so the beginning of a long one shows only the rest.
    const isMarked = 'mini_version' in info || ('model_stats' in info && 'exit_status' in info);
    return isMarked && (messages.length > 0 || !sniff.isWhole) ? (isNamed ? 1 : 0.9) : looksLikeRun(messages) ? (isNamed ? 0.9 : 0.45) : 0;
  },
  parse: parseRuns,
};

/** Messages of which one of the model holds one command in a fence and the next one its observation. */
function looksLikeRun(items: readonly unknown[]): boolean {
  const messages = items.slice(0, 12).map(asRecord);
  return messages.some((message, i) => {
    if (message?.['role'] !== 'assistant' || commandsIn(contentText(message['content']) ?? '').length !== 1) return false;
    const next = messages[i + 1];
    return next === undefined ? i > 0 : next['role'] === 'user' && /^\s*(?:<(?:returncode|exception|output)>|Observation:|$)/.test(contentText(next['content']) ?? '');
  });
}

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const traceIds = new UniqueIds();
  const traces: PlanTrace[] = [];
  const add = (trace: PlanTrace): void => {
    if (trace.steps.length > 0) traces.push(trace);
  };
  const walked = eachDocument(text, irregularities, (cursor) => {
    if (cursor.isObject()) return add(readRun(text, cursor, traceIds));
    const reader = messageReader(text);
    const start = cursor.pos;
    eachElement(cursor, (index) => {
      const record = takeRecord(cursor, index);
      const inner = asRecord(record.value);
      if (inner !== undefined) reader.read(record, inner, `/${index}`);
    });
    add(traceOf(reader, {}, { start, end: cursor.pos, isCut: irregularities.cutAt !== undefined, traceIds }));
  });
  return { format: ID, formatVersion: traces[0]?.formatVersion ?? BARE, traces, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

function readRun(text: string, cursor: JsonCursor, traceIds: UniqueIds): PlanTrace {
  const reader = messageReader(text);
  const run = readObject(cursor, {
    lists: new Map([['messages', (index: number): void => {
      const record = takeRecord(cursor, index);
      const message = asRecord(record.value);
      if (message !== undefined) reader.read(record, message, `/messages/${index}`);
    }]]),
  });
  return traceOf(reader, run.fields, { start: run.start, end: run.end, isCut: cursor.irregularities.cutAt !== undefined, traceIds });
}

interface RunPlace {
  readonly start: number;
  readonly end: number;
  readonly isCut: boolean;
  readonly traceIds: UniqueIds;
}

function traceOf(reader: MessageReader, fields: JsonRecord, place: RunPlace): PlanTrace {
  const info = asRecord(fields['info']) ?? {};
  const config = asRecord(info['config']) ?? {};
  const { last } = reader.steps;
  const exitStatus = asText(info['exit_status']);
  if (last !== undefined && exitStatus !== undefined) last.finishReason = exitStatus;
  return assembleTrace(
    {
      format: ID,
      formatVersion: asText(fields['trajectory_format'])?.replace(/^mini-swe-agent-?/, '') || BARE,
      traceId: asText(fields['instance_id']) ?? asText(info['instance_id']),
      goalText: reader.goal?.text,
      goalRange: reader.goal?.range,
      planSignature: ID,
      steps: reader.steps.drafts(place.isCut),
      finalOutputText: asText(info['submission']),
      meta: settled<TraceMeta>({
        model: asText(asRecord(config['model'])?.['model_name']),
        agent: ID,
        session: undefined,
        cwd: asText(asRecord(config['environment'])?.['cwd']) || undefined,
        costUsd: asNumber(asRecord(info['model_stats'])?.['instance_cost']),
        outcome: undefined,
      }),
      unknownRecordCounts: reader.unknown,
      range: { start: place.start, end: place.end },
    },
    place.traceIds,
  );
}
