/** OpenTelemetry protocol files: export requests as JSON, whole or one a line, with the spans or log records of agents. */
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asRecord, recordsOf, type JsonRecord } from './jsonFields.ts';
import { hasAgentSigns } from './otelSigns.ts';
import { readOtelFile } from './otelFile.ts';

const ID = 'otlp';

export const otlpFormat: TraceFormat = {
  id: ID,
  title: 'OpenTelemetry (OTLP JSON)',
  detect(sniff: Sniff): number {
    const requests = recordsOf(sniff.values.flatMap((value): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]).slice(0, 5) : [value])));
    const taken = requests.filter(isRequest).length;
    if (taken === 0 || taken * 2 < requests.length) return 0;
    if (hasAgentSigns(sniff.head)) return 0.95;
    // Spans of an agent may come later; those of a web server alone are no trace of one.
    return sniff.isWhole ? 0.2 : 0.4;
  },
  parse(input: ParseInput): ParsedFile {
    return readOtelFile(input, ID);
  },
};

const REQUEST_MEMBERS = ['resourceSpans', 'resource_spans', 'resourceLogs', 'resource_logs'];
const GROUP_MEMBERS = ['scopeSpans', 'scope_spans', 'instrumentationLibrarySpans', 'scopeLogs'];

/** An export request, bare or as query services wrap it. */
function isRequest(record: JsonRecord): boolean {
  if (REQUEST_MEMBERS.some((key) => Array.isArray(record[key]))) return true;
  const group = asRecord(asArray(record['batches'])[0]);
  if (group !== undefined && GROUP_MEMBERS.some((key) => key in group)) return true;
  if (GROUP_MEMBERS.some((key) => Array.isArray(record[key])) && 'resource' in record) return true;
  if ('spanId' in record && 'startTimeUnixNano' in record) return true;
  const inner = asRecord(record['trace']) ?? asRecord(record['data']) ?? asRecord(record['result']);
  return inner !== undefined && (REQUEST_MEMBERS.some((key) => Array.isArray(inner[key])) || Array.isArray(inner['batches']));
}
