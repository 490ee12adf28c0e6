/** Gemini CLI sessions: one object with `projectHash` and `messages`, or a line each for the head, the messages, their updates (`$set`) and rewinds. */
import type { PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readWarnings, type FileRecord } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord, type ObjectRead } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { geminiSteps, wordsOf } from './geminiCliSteps.ts';
import { asArray, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, type JsonCursor } from './jsonSpans.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords } from './wordRanges.ts';

const ID = 'gemini-cli';
const WHOLE = 'session';
const LINES = 'session-lines';

export const geminiCliFormat: TraceFormat = {
  id: ID,
  title: 'Gemini CLI session',
  windows: { kind: 'session', rewinds: ['"$rewindTo"', '"$set":{"messages"'] },
  detect(sniff: Sniff): number {
    const first = sniff.values[0];
    const records = (Array.isArray(first) ? (first as unknown[]) : sniff.values).slice(0, 40).map(asRecord);
    const isOurs = records.some((record) => asText(record?.['projectHash']) !== undefined || (sniff.layout === 'jsonl' && record !== undefined && ('$set' in record || '$rewindTo' in record)));
    const messages = records.flatMap((record) => [record, ...asArray(record?.['messages']).map(asRecord)]);
    if (isOurs && messages.some(isMessageRecord)) return 1;
    return records.some((record) => asText(record?.['projectHash']) !== undefined && asText(record?.['sessionId']) !== undefined) ? 0.9 : 0;
  },
  parse: parseSessions,
};

function isMessageRecord(record: JsonRecord | undefined): boolean {
  return record !== undefined && asText(record['id']) !== undefined && MESSAGE_TYPES.has(asText(record['type']) ?? '') && 'content' in record;
}

const MESSAGE_TYPES: ReadonlySet<string> = new Set(['user', 'gemini', 'info', 'warning', 'error']);

/** A session while it is read; of a message written again the last form counts, at the place of the first. */
interface Session {
  readonly head: Record<string, unknown>;
  readonly messages: Map<string, FileRecord>;
  /** Ids of the messages as they came; one that was taken back may stand here still. */
  order: string[];
  readonly unknown: Record<string, number>;
  readonly version: string;
  /** Leads to the list of messages; '' where each is a line. */
  readonly pointer: string;
  start: number;
  end: number;
}

function parseSessions(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const sessions: Session[] = [];
  let hasOpenTail = false;
  const walked = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isArray()) {
      eachElement(cursor, (index) => {
        if (cursor.isObject()) readDocument(sessions, cursor, `${pointer}/${index}`);
      });
    } else if (!readDocument(sessions, cursor, pointer) && cursor.end === text.length) {
      // A last line that is still being written is no fault.
      irregularities.cutAt = undefined;
      hasOpenTail = true;
    }
  });
  const traceIds = new UniqueIds();
  const isCut = hasOpenTail || irregularities.cutAt !== undefined;
  const traces = sessions.map((session, i) => traceOf(text, session, traceIds, isCut && i === sessions.length - 1)).filter((trace) => trace.steps.length > 0 || trace.goalText !== '');
  return { format: ID, formatVersion: sessions[0]?.version ?? WHOLE, traces, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

/** A whole session, or one line of the session that grows; false for a line that is cut off, which is left out. */
function readDocument(sessions: Session[], cursor: JsonCursor, pointer: string): boolean {
  const listed: FileRecord[] = [];
  let hasList = false;
  const object = readObject(cursor, {
    lists: new Map([['messages', (index: number): void => {
      hasList = true;
      listed.push(takeRecord(cursor, index));
    }]]),
  });
  const { fields } = object;
  if (hasList || asArray(fields['messages']).length > 0 || ('messages' in fields && 'projectHash' in fields)) {
    const session = begin(sessions, object, { version: WHOLE, pointer: `${pointer}/messages` });
    Object.assign(session.head, fields);
    listed.forEach((record) => keep(session, record));
    return true;
  }
  if (cursor.irregularities.cutAt !== undefined) return false;
  if (asText(fields['projectHash']) !== undefined && asText(fields['sessionId']) !== undefined && fields['type'] === undefined) {
    const last = sessions.at(-1);
    const isAgain = last !== undefined && last.version === LINES && last.head['sessionId'] === fields['sessionId'];
    Object.assign((isAgain ? last : begin(sessions, object, { version: LINES, pointer: '' })).head, fields);
    return true;
  }
  const session = sessions.at(-1) ?? begin(sessions, object, { version: LINES, pointer: '' });
  session.end = object.end;
  readLine(session, object, Number(pointer.slice(1)) || 0);
  return true;
}

function begin(sessions: Session[], object: ObjectRead, kind: { readonly version: string; readonly pointer: string }): Session {
  const session: Session = { head: {}, messages: new Map(), order: [], unknown: {}, ...kind, start: object.start, end: object.end };
  sessions.push(session);
  return session;
}

function readLine(session: Session, object: ObjectRead, index: number): void {
  const { fields, start, end } = object;
  const update = asRecord(fields['$set']);
  const rewindTo = asText(fields['$rewindTo']);
  if (rewindTo !== undefined) {
    // That message and all after it are taken back; all of them when it is not known.
    for (let id = session.order.pop(); id !== undefined; id = session.order.pop()) {
      session.messages.delete(id);
      if (id === rewindTo) break;
    }
  } else if (update !== undefined) {
    const { messages, ...head } = update;
    Object.assign(session.head, head);
    if (Array.isArray(messages)) replaceMessages(session, object);
  } else {
    keep(session, { value: fields, start, end, index });
  }
}

/** An update that writes the whole conversation anew: what it does not name is gone, what it names keeps its place in the file if it has one. */
function replaceMessages(session: Session, object: ObjectRead): void {
  const known = new Map(session.messages);
  session.messages.clear();
  session.order = [];
  const update = asRecord(object.fields['$set']);
  asArray(update?.['messages']).forEach((value, i) => {
    const id = asText(asRecord(value)?.['id']);
    const place = id === undefined ? undefined : known.get(id);
    const { start, end } = place ?? object;
    keep(session, { value, start, end, index: place?.index ?? i });
  });
}

function keep(session: Session, record: FileRecord): void {
  const fields = asRecord(record.value);
  const type = fields === undefined ? 'not an object' : (asText(fields['type']) ?? 'no type');
  if (fields === undefined || !MESSAGE_TYPES.has(type)) {
    countUnknown(session.unknown, type);
    return;
  }
  const id = asText(fields['id']) ?? `at ${record.start}`;
  if (!session.messages.has(id)) session.order.push(id);
  session.messages.set(id, record);
}

function traceOf(text: string, session: Session, traceIds: UniqueIds, isCut: boolean): PlanTrace {
  const { head } = session;
  const messages = [...session.messages.values()];
  const goal = messages.find((message) => asRecord(message.value)?.['type'] === 'user' && wordsOf(asRecord(message.value) ?? {}) !== '');
  const models = messages.flatMap((message) => asText(asRecord(message.value)?.['model']) ?? []);
  const sessionId = asText(head['sessionId']);
  return assembleTrace(
    {
      format: ID,
      formatVersion: session.version,
      traceId: sessionId,
      goalText: goal === undefined ? '' : wordsOf(asRecord(goal.value) ?? {}),
      goalRange: goal === undefined ? null : findWords(text, goal, [['content', EACH, 'text'], ['content']]),
      planSignature: ID,
      steps: geminiSteps(text, messages, { isCut, pointer: session.pointer }),
      createdAt: asText(head['startTime']),
      meta: settled<TraceMeta>({ model: models[0], agent: head['kind'] === 'subagent' ? `${ID} subagent` : ID, session: sessionId, cwd: undefined, costUsd: undefined, outcome: undefined }),
      unknownRecordCounts: session.unknown,
      range: { start: session.start, end: session.end },
    },
    traceIds,
  );
}
