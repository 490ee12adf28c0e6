/** What Copilot writes with its file exporter, in VS Code and on the command line: the SDK's spans, log records and measurements, one a line. */
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asRecord, recordsOf, type JsonRecord } from './jsonFields.ts';
import { hasAgentSigns } from './otelSigns.ts';
import { readOtelFile } from './otelFile.ts';

const ID = 'copilot-spans';

export const copilotSpansFormat: TraceFormat = {
  id: ID,
  title: 'GitHub Copilot spans',
  detect(sniff: Sniff): number {
    const records = recordsOf(sniff.values.flatMap((value): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]).slice(0, 5) : [value])));
    const spans = records.filter(isReadableSpan).length;
    const others = records.filter((record) => isReadableLog(record) || 'scopeMetrics' in record || record['type'] === 'metric').length;
    if (!records.some((record) => isReadableSpan(record) || isReadableLog(record)) || (spans + others) * 2 < records.length) return 0;
    if (!hasAgentSigns(sniff.head)) return sniff.isWhole ? 0.2 : 0.4;
    return spans > 0 ? 0.95 : 0.7;
  },
  parse(input: ParseInput): ParsedFile {
    return readOtelFile(input, ID);
  },
};

function isReadableSpan(record: JsonRecord): boolean {
  const hasId = 'spanId' in record || asRecord(record['_spanContext']) !== undefined || asRecord(record['spanContext']) !== undefined;
  return hasId && (isHrTime(record['startTime']) || isHrTime(record['endTime'])) && 'name' in record;
}

function isReadableLog(record: JsonRecord): boolean {
  return isHrTime(record['hrTime']) && 'attributes' in record;
}

function isHrTime(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'number';
}
