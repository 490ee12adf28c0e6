/**
 * Claude Code: session files (JSONL, or the web export `{loglines}`) and what the program streams (`--output-format stream-json`,
 * or the same messages in a list). One record is one content block, so assistant records are merged by `message.id`; a session
 * file is a tree (rewinds), of which the branch that ends in the last leaf is the trace.
 */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { assistantMessages, toolResults, userWords } from './claudeCodeMessages.ts';
import { runNotes, withRunNotes } from './claudeCodeRun.ts';
import { placeMessages, sessionSteps } from './claudeCodeSteps.ts';
import { markLive } from './claudeCodeTree.ts';
import { isTurnRecord, KNOWN_TYPES, turnOf, type Turn } from './claudeCodeTurns.ts';
import { recordWords } from './claudeCodeWords.ts';
import { isJsonLines, readLines, readWarnings, type FileRecord, type RecordsRead } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asRecord, asText, settled } from './jsonFields.ts';
import { Irregularities } from './jsonSpans.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';
import { countUnknown } from './unknownRecords.ts';

const ID = 'claude-code';
const UNKNOWN_VERSION = 'unknown';

export const claudeCodeFormat: TraceFormat = {
  id: ID,
  title: 'Claude Code session',
  windows: { kind: 'session', keep: ['"type":"result"'], isTree: true },
  detect(sniff: Sniff): number {
    const first = asRecord(sniff.values[0]);
    if (sniff.layout === 'json' && Array.isArray(first?.['loglines'])) return asArray(first['loglines']).some((entry) => isTurnRecord(asRecord(entry) ?? {})) ? 0.95 : 0;
    let known = 0;
    let records = 0;
    for (const value of sniff.values.flatMap((value): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]).slice(0, SNIFFED_ELEMENTS) : [value]))) {
      const record = asRecord(value);
      if (record === undefined) continue;
      records++;
      const type = asText(record['type']);
      if (type === undefined || !KNOWN_TYPES.has(type)) continue;
      // What the stream calls "system" and "result" others do, too; it says which kind.
      const isStreamed = 'session_id' in record && (type === 'stream_event' || asText(record['subtype']) !== undefined);
      if (isTurnRecord(record) || isStreamed || BOOKKEEPING_FIELDS.some((field) => field in record)) known++;
    }
    return known > 0 && known * 2 >= records ? 1 : 0;
  },
  parse: parseSession,
};

const SNIFFED_ELEMENTS = 40;
const BOOKKEEPING_FIELDS = ['sessionId', 'uuid', 'parentUuid', 'messageId', 'leafUuid'];

function parseSession(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const read = isJsonLines(text) ? readLines(text, irregularities) : readDocument(text, irregularities);
  const sessions = new Map<string, Turn[]>();
  const unknownRecordCounts: Record<string, number> = {};
  let version: string | undefined;
  for (const record of read.records) {
    const fields = asRecord(record.value);
    const type = fields === undefined ? 'not an object' : (asText(fields['type']) ?? 'no type');
    if (fields === undefined || !KNOWN_TYPES.has(type)) {
      countUnknown(unknownRecordCounts, type);
      continue;
    }
    version ??= asText(fields['version']) ?? asText(fields['claude_code_version']);
    const session = asText(fields['sessionId']) ?? asText(fields['session_id']) ?? '';
    if (session === '' && type !== 'user' && type !== 'assistant') continue;
    const turns = sessions.get(session) ?? [];
    if (turns.length === 0) sessions.set(session, turns);
    turns.push(turnOf(type, fields, record, turns.length));
  }
  const reader: Reader = { text, traceIds: new UniqueIds(), version: version ?? UNKNOWN_VERSION, isGrowing: read.hasOpenTail || irregularities.cutAt !== undefined };
  const traces: PlanTrace[] = [];
  for (const [session, turns] of sessions) {
    const trace = sessionTrace(reader, session, turns);
    if (trace.steps.length > 0 || trace.goalText !== '') traces.push(trace);
  }
  const first = traces[0];
  if (first !== undefined) traces[0] = { ...first, unknownRecordCounts };
  return { format: ID, formatVersion: reader.version, traces, warnings: readWarnings(text, irregularities, read.brokenLines) };
}

/** `{loglines: […]}`, an array of records, or a single record. */
function readDocument(text: string, irregularities: Irregularities): RecordsRead {
  const records: FileRecord[] = [];
  const walked = eachDocument(text, irregularities, (cursor) => {
    const take = (): void => void records.push(takeRecord(cursor, records.length));
    if (cursor.isArray()) {
      eachElement(cursor, take);
      return;
    }
    const known = records.length;
    const { fields, ranges, start, end } = readObject(cursor, { lists: new Map([['loglines', take]]) });
    if (records.length === known && ranges.size > 0) records.push({ value: fields, start, end, index: known });
  });
  return { records, ...walked };
}

interface Reader {
  readonly text: string;
  readonly traceIds: UniqueIds;
  readonly version: string;
  readonly isGrowing: boolean;
}

function sessionTrace(reader: Reader, session: string, turns: readonly Turn[]): PlanTrace {
  const spoken = turns.filter((turn) => turn.isSpoken);
  const isAllSidechain = spoken.every((turn) => turn.lane !== '');
  markLive(turns, spoken);
  const messages = assistantMessages(spoken);
  const results = toolResults(spoken);
  placeMessages(spoken, messages, results);
  const goal = findGoal(reader.text, spoken, isAllSidechain);
  const notes = runNotes(turns);
  const steps = withRunNotes(sessionSteps(messages, { text: reader.text, results, isGrowing: reader.isGrowing, hasEnded: notes.hasEnded }), notes);
  const models = messages.map(({ message }) => asText(message['model'])).filter((model) => model !== undefined && model !== '<synthetic>');
  const firstSpoken = spoken[0]?.fields ?? {};
  const first = turns[0];
  const last = turns.at(-1);
  const agentId = isAllSidechain ? asText(firstSpoken['agentId']) : undefined;
  const sessionName = session === '' ? undefined : session;
  return assembleTrace(
    {
      format: ID,
      formatVersion: reader.version,
      traceId: sessionName === undefined ? undefined : agentId === undefined ? sessionName : `${sessionName}/${agentId}`,
      goalText: goal?.text,
      goalRange: goal?.range,
      planSignature: ID,
      steps,
      finalOutputText: notes.finalOutputText,
      createdAt: asText(firstSpoken['timestamp']),
      meta: settled<TraceMeta>({ model: models[0] ?? notes.model, agent: ID, session: sessionName, cwd: asText(firstSpoken['cwd']) ?? notes.cwd, costUsd: notes.costUsd, outcome: undefined }),
      range: first === undefined || last === undefined ? null : { start: first.record.start, end: last.record.end },
    },
    reader.traceIds,
  );
}

interface Goal {
  readonly text: string;
  readonly range: OffsetRange;
}

/** The first words of the user; a summary of what was said before only where there are no others. */
function findGoal(fileText: string, spoken: readonly Turn[], isAllSidechain: boolean): Goal | undefined {
  let fallback: Goal | undefined;
  for (const turn of spoken) {
    if (turn.type !== 'user' || !turn.isLive || turn.fields['isMeta'] === true || (turn.lane !== '' && !isAllSidechain)) continue;
    const text = userWords(turn);
    if (text === '') continue;
    const { record } = turn;
    const words = recordWords(fileText, record);
    const goal = { text, range: { start: words?.start ?? record.start, end: words?.end ?? record.end } };
    if (turn.fields['isCompactSummary'] !== true) return goal;
    fallback ??= goal;
  }
  return fallback;
}
