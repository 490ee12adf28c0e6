/** From an export request to lines of the files: one span or GenAI event a line, each a whole OTLP request, by trace. */
import { asRecord, asText, recordsOf, type JsonRecord } from '../formats/jsonFields.ts';
import { hasAgentSigns } from '../formats/otelSigns.ts';
import type { Signal } from './exportRequest.ts';

/** What one request holds of one trace. */
export interface TraceLines {
  /** 32 hexadecimal digits; '' for events outside any trace. */
  readonly traceId: string;
  readonly lines: string[];
  /** Whether a line names an attribute of the conventions for agents. */
  isAgent: boolean;
}

export interface RequestLines {
  readonly traces: readonly TraceLines[];
  /** Records taken. */
  readonly accepted: number;
  /** Records left out, and why. */
  readonly rejected: number;
  readonly reason: string;
  /** Of all lines. */
  readonly characters: number;
}

const BAD_IDS = 'A span needs a trace id of 32 and a span id of 16 hexadecimal digits, not all zero.';
const NO_EVENT = 'Of log records only GenAI events (gen_ai.*) are taken.';
/** Every line repeats what its process says of itself: a small request could become a huge file. */
const MOST_CHARACTERS = 67_108_864;
const MEMBERS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
} as const;

/** Undefined where the lines would be too many characters. Throws where values nest too deep. */
export function linesOf(request: JsonRecord, signal: Signal): RequestLines | undefined {
  const byTrace = new Map<string, TraceLines>();
  let accepted = 0;
  let rejected = 0;
  let characters = 0;
  const [groups, scopes, records] = MEMBERS[signal];
  for (const group of recordsOf(request[groups])) {
    const ofGroup = `{"${groups}":[{${membersOf(group, scopes)}"${scopes}":[{`;
    for (const scope of recordsOf(group[scopes])) {
      const head = `${ofGroup}${membersOf(scope, records)}"${records}":[`;
      for (const record of recordsOf(scope[records])) {
        const traceId = signal === 'traces' ? traceOfSpan(record) : traceOfEvent(record);
        if (traceId === undefined) {
          rejected++;
          continue;
        }
        const line = `${head}${JSON.stringify(record)}]}]}]}\n`;
        characters += line.length;
        if (characters > MOST_CHARACTERS) return undefined;
        let trace = byTrace.get(traceId);
        if (trace === undefined) byTrace.set(traceId, trace = { traceId, lines: [], isAgent: false });
        trace.lines.push(line);
        trace.isAgent ||= hasAgentSigns(line);
        accepted++;
      }
    }
  }
  return { traces: [...byTrace.values()], accepted, rejected, reason: signal === 'traces' ? BAD_IDS : NO_EVENT, characters };
}

/** The members of a record but one, as JSON without braces, ready for another member to follow. */
function membersOf(record: JsonRecord, left: string): string {
  const text = JSON.stringify({ ...record, [left]: undefined }).slice(1, -1);
  return text === '' ? '' : `${text},`;
}

function traceOfSpan(span: JsonRecord): string | undefined {
  const traceId = hexId(span['traceId'], 32);
  return hexId(span['spanId'], 16) === undefined ? undefined : traceId;
}

function traceOfEvent(record: JsonRecord): string | undefined {
  const attributes = recordsOf(record['attributes']);
  const name = asText(record['eventName']) ?? asText(asRecord(attributes.find((a) => a['key'] === 'event.name')?.['value'])?.['stringValue']) ?? '';
  return name.startsWith('gen_ai.') ? hexId(record['traceId'], 32) ?? '' : undefined;
}

function hexId(value: unknown, digits: number): string | undefined {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/i.test(value) && /[^0]/.test(value) ? value.toLowerCase() : undefined;
}
