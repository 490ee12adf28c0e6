/** The body of an export request, in either encoding, as plain OTLP JSON. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { asRecord, recordsOf, type JsonRecord } from '../formats/jsonFields.ts';
import { ExportLogsServiceRequestSchema } from './generated/opentelemetry/proto/collector/logs/v1/logs_service_pb.ts';
import { ExportTraceServiceRequestSchema } from './generated/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts';

export type Encoding = 'json' | 'protobuf';
export type Signal = 'traces' | 'logs';

export interface Body {
  readonly bytes: Buffer;
  readonly isGzip: boolean;
  readonly encoding: Encoding;
  readonly signal: Signal;
}

export type Decoded =
  | { readonly kind: 'request'; readonly request: JsonRecord }
  | { readonly kind: 'unreadable'; readonly message: string }
  | { readonly kind: 'too-large'; readonly message: string };

/** Bytes of a body once unpacked. */
export const MOST_UNPACKED_BYTES = 33_554_432;
/** Values may nest some 80 deep in protobuf: more than any reader looks into. */
const DEEPEST_MESSAGE = 256;

const unpack = promisify(gunzip);

/** Never rejects: what cannot be read is an answer of its own. */
export async function decode(body: Body): Promise<Decoded> {
  let bytes = body.bytes;
  if (body.isGzip) {
    try {
      bytes = await unpack(bytes, { maxOutputLength: MOST_UNPACKED_BYTES });
    } catch (error) {
      if (error instanceof RangeError) return { kind: 'too-large', message: `The body is larger than ${MOST_UNPACKED_BYTES / 1_048_576} MB once unpacked.` };
      return { kind: 'unreadable', message: 'The body is not valid gzip.' };
    }
  }
  try {
    return body.encoding === 'json' ? fromJsonText(bytes, body.signal) : { kind: 'request', request: fromProtobuf(bytes, body.signal) };
  } catch (error) {
    return { kind: 'unreadable', message: `The body is no ${body.encoding === 'json' ? 'JSON' : 'OTLP protobuf message'} (${error instanceof Error ? error.message : String(error)}).` };
  }
}

function fromJsonText(bytes: Buffer, signal: Signal): Decoded {
  const value = parseExactly(bytes.toString('utf8'));
  const request = asRecord(value);
  const wanted = signal === 'traces' ? 'resourceSpans' : 'resourceLogs';
  if (request === undefined || (Object.keys(request).length > 0 && !Array.isArray(request[wanted]))) return { kind: 'unreadable', message: `The body is no OTLP request: ${wanted} is missing.` };
  return { kind: 'request', request };
}

/** Whole numbers that a double cannot hold, such as nanoseconds, stay as they are written, in a string as OTLP allows. */
function parseExactly(text: string): unknown {
  if (!/[:[,]\s*-?\d{16}/.test(text)) return JSON.parse(text);
  const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    (typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined && /^-?\d+$/.test(context.source) ? context.source : value);
  return JSON.parse(text, keepDigits);
}

/** OTLP's JSON is that of protobuf but for enumerations, which are numbers, and ids, which are hexadecimal. */
function fromProtobuf(bytes: Buffer, signal: Signal): JsonRecord {
  const options = { recursionLimit: DEEPEST_MESSAGE, readUnknownFields: false };
  const json = signal === 'traces'
    ? toJson(ExportTraceServiceRequestSchema, fromBinary(ExportTraceServiceRequestSchema, bytes, options), { enumAsInteger: true })
    : toJson(ExportLogsServiceRequestSchema, fromBinary(ExportLogsServiceRequestSchema, bytes, options), { enumAsInteger: true });
  const request = asRecord(json) ?? {};
  for (const group of recordsOf(request['resourceSpans'])) {
    for (const scope of recordsOf(group['scopeSpans'])) for (const span of recordsOf(scope['spans'])) {
      withHexIds(span);
      recordsOf(span['links']).forEach(withHexIds);
    }
  }
  for (const group of recordsOf(request['resourceLogs'])) {
    for (const scope of recordsOf(group['scopeLogs'])) recordsOf(scope['logRecords']).forEach(withHexIds);
  }
  return request;
}

function withHexIds(record: JsonRecord): void {
  const ids: Record<string, unknown> = record;
  for (const key of ['traceId', 'spanId', 'parentSpanId']) {
    const id = ids[key];
    if (typeof id === 'string') ids[key] = Buffer.from(id, 'base64').toString('hex');
  }
}
