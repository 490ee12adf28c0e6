/** The records of a Claude Code session: which there are, and what each says of its place. */
import type { OffsetRange } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asRecord, asText, type JsonRecord } from './jsonFields.ts';

/** One record of a session. What its neighbours make of it is filled in while the session is read. */
export interface Turn {
  readonly type: string;
  readonly fields: JsonRecord;
  readonly message: JsonRecord | undefined;
  readonly record: FileRecord;
  /** Among the records of the session. */
  readonly position: number;
  /** Of the user or the assistant. */
  readonly isSpoken: boolean;
  /** '' for the main conversation; for a subagent what tells it from others: the call that began it, or its id. */
  readonly lane: string;
  /** Stands on a branch that was not given up. */
  isLive: boolean;
  /** Its `uuid` is not its own alone. */
  hasTwin: boolean;
  /** The message of the assistant it belongs to, as part or as result of a call. */
  owner: AssistantMessage | undefined;
}

/** The records of one message of the assistant. */
export interface AssistantMessage {
  readonly id: string | undefined;
  /** As its first record has it. */
  readonly message: JsonRecord;
  readonly turns: Turn[];
  readonly callIds: string[];
  /** What the user said since the message before. */
  readonly input: string;
  /** The first run of its records and results that no other turn interrupts. */
  range: OffsetRange | undefined;
}

export function turnOf(type: string, fields: JsonRecord, record: FileRecord, position: number): Turn {
  const isSpoken = type === 'user' || type === 'assistant';
  return { type, fields, message: asRecord(fields['message']), record, position, isSpoken, lane: laneOf(fields), isLive: false, hasTwin: false, owner: undefined };
}

function laneOf(fields: JsonRecord): string {
  return asText(fields['parent_tool_use_id']) ?? (fields['isSidechain'] === true ? (asText(fields['agentId']) ?? SOME_SUBAGENT) : '');
}

const SOME_SUBAGENT = 'subagent';

/** Whether a record is what the user or the assistant said. */
export function isTurnRecord(record: JsonRecord): boolean {
  const type = record['type'];
  return (type === 'user' || type === 'assistant') && 'message' in record && TURN_FIELDS.some((field) => field in record);
}

const TURN_FIELDS = ['sessionId', 'uuid', 'timestamp', 'session_id', 'parent_tool_use_id'];

/** Types of record that are not unknown: of session files, then of the stream. */
export const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'user', 'assistant', 'system', 'summary', 'progress', 'file-history-snapshot', 'queue-operation', 'attachment', 'mode', 'permission-mode', 'last-prompt',
  'ai-title', 'custom-title', 'worktree-state', 'pr-link', 'agent-name', 'agent-color', 'agent-setting', 'tag', 'content-replacement', 'marble-origami-commit', 'marble-origami-snapshot',
  'result', 'stream_event', 'tool_progress', 'rate_limit_event', 'auth_status', 'control_request', 'control_response', 'keep_alive',
]);
