/** What a sender is told, in the encoding it speaks. */
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import type { Encoding, Signal } from './exportRequest.ts';
import { StatusSchema } from './generated/google/rpc/status_pb.ts';
import { ExportLogsServiceResponseSchema } from './generated/opentelemetry/proto/collector/logs/v1/logs_service_pb.ts';
import { ExportTraceServiceResponseSchema } from './generated/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts';

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = { json: 'application/json', protobuf: 'application/x-protobuf' };

/** The answer to a request that was written; names what was left out, where something was. */
export function success(signal: Signal, encoding: Encoding, left: { readonly rejected: number; readonly reason: string }): Uint8Array | string {
  if (signal === 'traces') {
    const answer = create(ExportTraceServiceResponseSchema, left.rejected === 0 ? {} : { partialSuccess: { rejectedSpans: BigInt(left.rejected), errorMessage: left.reason } });
    return encoding === 'json' ? toJsonString(ExportTraceServiceResponseSchema, answer) : toBinary(ExportTraceServiceResponseSchema, answer);
  }
  const answer = create(ExportLogsServiceResponseSchema, left.rejected === 0 ? {} : { partialSuccess: { rejectedLogRecords: BigInt(left.rejected), errorMessage: left.reason } });
  return encoding === 'json' ? toJsonString(ExportLogsServiceResponseSchema, answer) : toBinary(ExportLogsServiceResponseSchema, answer);
}

/** The answer to a request that was not taken. */
export function failure(encoding: Encoding, message: string): Uint8Array | string {
  const status = create(StatusSchema, { message });
  return encoding === 'json' ? toJsonString(StatusSchema, status) : toBinary(StatusSchema, status);
}
