/** Spans as Phoenix exports them and the Python SDK prints them: lists, one a line, bundles by name, traces of the `px` command. */
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asRecord, asText, recordsOf, type JsonRecord } from './jsonFields.ts';
import { hasAgentSigns } from './otelSigns.ts';
import { readOtelFile } from './otelFile.ts';
import { OPEN_INFERENCE_KINDS } from './otelRecords.ts';

const ID = 'phoenix';

export const phoenixFormat: TraceFormat = {
  id: ID,
  title: 'Phoenix (OpenInference) spans',
  detect(sniff: Sniff): number {
    const records = sniff.values.flatMap(candidates);
    let best = 0;
    let taken = 0;
    for (const record of records) {
      const confidence = spanConfidence(record, sniff.head);
      if (confidence > 0) taken++;
      best = Math.max(best, confidence);
    }
    return taken * 2 >= records.length ? best : 0;
  },
  parse(input: ParseInput): ParsedFile {
    return readOtelFile(input, ID);
  },
};

const MOST_LOOKED_AT = 5;

/** The records a value may hold: itself, the elements of a list, the spans of a trace, the traces of a bundle. */
function candidates(value: unknown): readonly JsonRecord[] {
  if (Array.isArray(value)) return recordsOf((value as unknown[]).slice(0, MOST_LOOKED_AT)).flatMap(ownOrSpans);
  const record = asRecord(value);
  if (record === undefined) return [];
  const own = ownOrSpans(record);
  if (own[0] !== record || isSpan(record) || isFragment(record)) return own;
  const members = Object.values(record).slice(0, MOST_LOOKED_AT).flatMap((item): readonly unknown[] => (Array.isArray(item) ? (item as unknown[]).slice(0, MOST_LOOKED_AT) : [item]));
  const bundled = recordsOf(members).flatMap(ownOrSpans);
  return bundled.some(isSpan) ? bundled : own;
}

function ownOrSpans(record: JsonRecord): readonly JsonRecord[] {
  const spans = isSpan(record) ? [] : asArray(record['spans'] ?? record['data']);
  const found = recordsOf(spans.slice(0, MOST_LOOKED_AT)).filter(isSpan);
  return found.length > 0 ? found : [record];
}

function isSpan(record: JsonRecord): boolean {
  const context = asRecord(record['context']);
  const hasId = (context !== undefined && ('span_id' in context || 'spanId' in context)) || 'context.span_id' in record;
  return hasId && 'name' in record && ('start_time' in record || 'startTime' in record);
}

function isFragment(record: JsonRecord): boolean {
  return FRAGMENT_MARKS.some((mark) => mark in record);
}

const FRAGMENT_MARKS = ['openinference.span.kind', 'gen_ai.operation.name', 'gen_ai.output.messages', 'gen_ai.completion'];

function spanConfidence(record: JsonRecord, head: string): number {
  // The attributes of one span without the span: data sets of attributes look the same.
  if (!isSpan(record)) return isFragment(record) ? 0.4 : 0;
  if (JSON_KEY_OF_MLFLOW.test(head)) return 0;
  if (OPEN_INFERENCE_KINDS.has((asText(record['span_kind']) ?? asText(record['spanKind']) ?? '').toUpperCase())) return 0.95;
  return hasAgentSigns(head) ? 0.9 : 0.2;
}

/** MLflow's second version has the same members around attributes of its own. */
const JSON_KEY_OF_MLFLOW = /"mlflow\.(?:spanType|spanInputs|traceRequestId)/;
