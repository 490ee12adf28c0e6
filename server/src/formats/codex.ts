/** Codex sessions: rollout files (`{timestamp, type, payload}` a line, also the bare items of early versions) and the event stream of `codex exec --json`. */
import type { PlanTrace } from '../core/planTrace.ts';
import { readCodexExec } from './codexExec.ts';
import { readCodexRollout } from './codexRollout.ts';
import { readWarnings } from './documents.ts';
import { eachRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { Irregularities } from './jsonSpans.ts';
import { UniqueIds } from './traceAssembly.ts';

const ID = 'codex';

export const codexFormat: TraceFormat = {
  id: ID,
  title: 'Codex session',
  windows: { kind: 'session', keep: ['"turn_context"', '"token_count"', '"user_message"', '"response_item"'], rewinds: ['"thread_rolled_back"'] },
  detect(sniff: Sniff): number {
    const records = recordsIn(sniff.values);
    if (records.length === 0) return 0;
    const known = records.filter((record) => isRolloutRecord(record) || isExecRecord(record)).length;
    if (known * 2 < records.length) return isEarlyRollout(records) ? 0.9 : 0;
    // One stray record of a known type in another log is not enough.
    return known > 1 || records.some((record) => record['type'] === 'session_meta' || record['type'] === 'thread.started') ? 1 : 0.6;
  },
  parse: parseCodex,
};

function recordsIn(values: readonly unknown[]): readonly JsonRecord[] {
  const list = values.length === 1 && Array.isArray(values[0]) ? (values[0] as unknown[]).slice(0, 40) : values;
  return list.flatMap((value): readonly JsonRecord[] => {
    const record = asRecord(value);
    return record === undefined ? [] : [record];
  });
}

function isRolloutRecord(record: JsonRecord): boolean {
  const type = asText(record['type']);
  return type !== undefined && ROLLOUT_TYPES.has(type) && asRecord(record['payload']) !== undefined;
}

const ROLLOUT_TYPES: ReadonlySet<string> = new Set(['session_meta', 'turn_context', 'response_item', 'event_msg', 'compacted']);

/** A record of `codex exec --json`. */
function isExecRecord(record: JsonRecord): boolean {
  const type = asText(record['type']);
  if (type === undefined) return false;
  if (type.startsWith('item.')) return asText(asRecord(record['item'])?.['type']) !== undefined;
  return type === 'thread.started' ? asText(record['thread_id']) !== undefined : type === 'turn.started' || type === 'turn.completed' || type === 'turn.failed';
}

/** Rollouts of 2025's first half: a head with `instructions`, then bare items and `record_type` lines. */
function isEarlyRollout(records: readonly JsonRecord[]): boolean {
  const first = records[0];
  const hasHead = first !== undefined && first['type'] === undefined && asText(first['id']) !== undefined && asText(first['timestamp']) !== undefined && 'instructions' in first;
  return hasHead && records.slice(1).some((record) => record['record_type'] === 'state' || EARLY_ITEMS.has(asText(record['type']) ?? ''));
}

const EARLY_ITEMS: ReadonlySet<string> = new Set(['message', 'reasoning', 'function_call', 'function_call_output', 'local_shell_call']);

function parseCodex(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const rollout = readCodexRollout(text);
  const exec = readCodexExec(text);
  const walked = eachRecord(text, irregularities, (record) => {
    const fields = asRecord(record.value);
    const type = fields === undefined ? undefined : asText(fields['type']);
    if (fields !== undefined && type !== undefined && (isExecRecord(fields) || (type === 'error' && fields['payload'] === undefined))) exec.read(record, fields, type);
    else rollout.read(record, fields);
  });
  const isGrowing = walked.hasOpenTail || irregularities.cutAt !== undefined;
  const traceIds = new UniqueIds();
  const traces: readonly PlanTrace[] = [...rollout.traces(traceIds, isGrowing), ...exec.traces(traceIds, isGrowing)];
  return { format: ID, formatVersion: traces[0]?.formatVersion ?? 'rollout', traces, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}
