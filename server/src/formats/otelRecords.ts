/** One span or log record, as OTLP, the SDKs' own dumps and Phoenix write them, put into one shape. */
import type { OffsetRange } from '../core/planTrace.ts';
import { asArray, asRecord, asString, asText, asTimeMs, type JsonRecord } from './jsonFields.ts';
import { embeddedJson } from './spanMessages.ts';
import { hrTimeToMs, msInReach, nanosToMs, spanId, spanStatus, type SpanEvent, type SpanLink, type TraceSpan } from './spanTree.ts';

/** Where a record stands, and the process it came from. */
export interface RecordPlace {
  readonly range: OffsetRange;
  readonly pointer: string;
  readonly resource: JsonRecord;
}

/** A log record that belongs to a span, or stands alone. */
export interface OtelLog {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly timeMs: number | undefined;
  readonly attributes: JsonRecord;
  readonly body: JsonRecord | undefined;
  readonly range: OffsetRange;
  readonly pointer: string;
}

/** Member names that make an object a span, a log record, or measurements. */
export type RecordKind = 'span' | 'log' | 'metric' | 'attributes';

/** What an object with these member names is; undefined for anything else. */
export function recordKind(names: ReadonlySet<string>): RecordKind | undefined {
  const has = (keys: readonly string[]): boolean => keys.some((key) => names.has(key));
  if (has(['scopeMetrics', 'resourceMetrics', 'descriptor', 'dataPoints'])) return 'metric';
  if (has(['hrTime', 'hrTimeObserved', 'observedTimeUnixNano', 'observed_time_unix_nano', 'severityNumber', 'severity_number', 'observed_timestamp']) || (names.has('timeUnixNano') && names.has('body'))) return 'log';
  const isTimed = has(['startTimeUnixNano', 'start_time_unix_nano', 'startTime', 'start_time']);
  if (has(['spanId', 'span_id', 'context', '_spanContext', 'spanContext', 'context.span_id']) && (isTimed || has(['attributes', 'name']))) return 'span';
  if (isTimed && names.has('name') && names.has('attributes')) return 'span';
  for (const name of names) if (/^(?:gen_ai|openinference|llm)\./.test(name)) return 'attributes';
  return undefined;
}

/** A span from its record; one without ids, times or attributes has none. */
export function spanOfRecord(record: JsonRecord, place: RecordPlace): TraceSpan {
  const context = contextOf(record);
  const status = asRecord(record['status']);
  const attributes = attributesOf(record);
  const parent = record['parentSpanId'] ?? record['parent_span_id'] ?? record['parentId'] ?? record['parent_id'] ?? asRecord(record['parentSpanContext'])?.['spanId'];
  const parentId = spanId(parent);
  return {
    traceId: spanId(record['traceId'] ?? record['trace_id'] ?? context['traceId'] ?? context['trace_id'] ?? record['context.trace_id']),
    spanId: spanId(record['spanId'] ?? record['span_id'] ?? context['spanId'] ?? context['span_id'] ?? record['context.span_id']),
    parentId: parentId === '' ? undefined : parentId,
    name: asString(record['name']) ?? '',
    startMs: timeOf(record, ['startTimeUnixNano', 'start_time_unix_nano'], ['startTime', 'start_time']),
    endMs: timeOf(record, ['endTimeUnixNano', 'end_time_unix_nano'], ['endTime', 'end_time']),
    status: spanStatus(status?.['code'] ?? status?.['status_code'] ?? record['status_code'] ?? record['statusCode'] ?? asText(record['status'])),
    statusMessage: asText(status?.['message']) ?? asText(status?.['description']) ?? asText(record['status_message']) ?? asText(record['statusMessage']),
    attributes,
    events: asArray(record['events']).flatMap(spanEvent),
    resource: asRecord(record['resource']) === undefined ? place.resource : attributeMap(asRecord(record['resource'])?.['attributes']),
    links: asArray(record['links']).flatMap(spanLink),
    range: place.range,
    pointer: place.pointer,
  };
}

/** A span of which only the attributes were kept. */
export function spanOfAttributes(record: JsonRecord, place: RecordPlace): TraceSpan {
  return spanOfRecord({ name: asText(record['gen_ai.operation.name']) ?? asText(record['openinference.span.kind']) ?? '', attributes: record }, place);
}

function contextOf(record: JsonRecord): JsonRecord {
  return asRecord(record['context']) ?? asRecord(record['_spanContext']) ?? asRecord(record['spanContext']) ?? {};
}

/** A log record from its record. */
export function logOfRecord(record: JsonRecord, place: RecordPlace): OtelLog {
  const context = contextOf(record);
  const attributes = attributeMap(record['attributes']);
  const body = bodyOf(record['body']);
  return {
    traceId: spanId(record['traceId'] ?? record['trace_id'] ?? context['traceId'] ?? context['trace_id']),
    spanId: spanId(record['spanId'] ?? record['span_id'] ?? context['spanId'] ?? context['span_id']),
    name: asText(record['eventName']) ?? asText(record['event_name']) ?? asText(attributes['event.name']) ?? asText(body?.['event.name']) ?? '',
    timeMs: timeOf(record, ['timeUnixNano', 'time_unix_nano', 'observedTimeUnixNano'], ['hrTime', 'hrTimeObserved', 'timestamp', 'observed_timestamp']),
    attributes,
    body,
    range: place.range,
    pointer: place.pointer,
  };
}

function bodyOf(value: unknown): JsonRecord | undefined {
  const plain = embeddedJson(anyValue(value));
  return asRecord(plain) ?? (typeof plain === 'string' ? { content: plain } : undefined);
}

function timeOf(record: JsonRecord, nanoKeys: readonly string[], otherKeys: readonly string[]): number | undefined {
  for (const key of nanoKeys) if (record[key] !== undefined) return nanosToMs(record[key]);
  for (const key of otherKeys) if (record[key] !== undefined && record[key] !== null) return hrTimeToMs(record[key]) ?? timeOfText(record[key]);
  return undefined;
}

/** Digits enough for nanoseconds are read without loss. */
function timeOfText(value: unknown): number | undefined {
  return (typeof value === 'string' && /^\d{17,}$/.test(value)) || (typeof value === 'number' && value > 1e17) ? nanosToMs(value) : msInReach(asTimeMs(value));
}

function spanEvent(value: unknown): readonly SpanEvent[] {
  const record = asRecord(value);
  if (record === undefined) return [];
  const attributes: Record<string, unknown> = { ...attributeMap(record['attributes']) };
  // Phoenix once wrote what went wrong beside the attributes.
  for (const [key, name] of [['message', 'exception.message'], ['exception_type', 'exception.type'], ['exception_stacktrace', 'exception.stacktrace']] as const) {
    if (attributes[name] === undefined && asText(record[key]) !== undefined) attributes[name] = record[key];
  }
  return [{ name: asText(record['name']) ?? asText(attributes['event.name']) ?? '', timeMs: timeOf(record, ['timeUnixNano', 'time_unix_nano'], ['time', 'timestamp']), attributes }];
}

function spanLink(value: unknown): readonly SpanLink[] {
  const record = asRecord(value);
  if (record === undefined) return [];
  const context = contextOf(record);
  const link = { traceId: spanId(record['traceId'] ?? context['traceId'] ?? context['trace_id']), spanId: spanId(record['spanId'] ?? context['spanId'] ?? context['span_id']) };
  return link.spanId === '' ? [] : [link];
}

/** Attributes with what Phoenix keeps beside them: the kind of the span and its annotations. */
function attributesOf(record: JsonRecord): JsonRecord {
  const attributes: Record<string, unknown> = { ...attributeMap(record['attributes']) };
  // Tables of spans have one column an attribute.
  if (record['attributes'] === undefined) for (const key in record) if (key.startsWith('attributes.') && record[key] !== null) attributes[key.slice('attributes.'.length)] = record[key];
  const kind = asText(record['span_kind']) ?? asText(record['spanKind']);
  // Phoenix names the kinds of plain OpenTelemetry spans here, too.
  if (kind !== undefined && attributes['openinference.span.kind'] === undefined && OPEN_INFERENCE_KINDS.has(kind.toUpperCase())) attributes['openinference.span.kind'] = kind;
  asArray(record['annotations'] ?? record['span_annotations']).forEach((annotation, i) => {
    attributes[`annotations.${1000 + i}.annotation`] = annotation;
  });
  return attributes;
}

/** The kinds of spans OpenInference tells apart. */
export const OPEN_INFERENCE_KINDS: ReadonlySet<string> = new Set(['LLM', 'EMBEDDING', 'CHAIN', 'RETRIEVER', 'RERANKER', 'TOOL', 'AGENT', 'GUARDRAIL', 'EVALUATOR', 'PROMPT']);

/** Attributes by their dotted names: from a list of keys and values, from nested records, or from a record as JSON in a string. */
export function attributeMap(value: unknown): JsonRecord {
  const given = embeddedJson(value);
  if (Array.isArray(given)) {
    const map: Record<string, unknown> = {};
    for (const item of given as unknown[]) {
      const entry = asRecord(item);
      const key = asText(entry?.['key']);
      if (entry !== undefined && key !== undefined && key !== '__proto__') map[key] = anyValue(entry['value']);
    }
    return map;
  }
  const record = asRecord(given);
  return record === undefined ? {} : flattened(record);
}

const DEEPEST_VALUE = 64;

/** The value inside OTLP's wrapping by type; one that is not wrapped as it is. */
function anyValue(value: unknown, depth = 0): unknown {
  const record = asRecord(value);
  if (record === undefined || depth > DEEPEST_VALUE) return value;
  for (const key in record) {
    const inner = record[key];
    switch (key) {
      case 'stringValue':
      case 'string_value':
      case 'boolValue':
      case 'bool_value':
      case 'bytesValue':
      case 'bytes_value':
      case 'doubleValue':
      case 'double_value':
        return inner;
      case 'intValue':
      case 'int_value':
        return typeof inner === 'string' && Number.isSafeInteger(Number(inner)) && inner.trim() !== '' ? Number(inner) : inner;
      case 'arrayValue':
      case 'array_value':
        return asArray(asRecord(inner)?.['values']).map((item) => anyValue(item, depth + 1));
      case 'kvlistValue':
      case 'kvlist_value': {
        const map: Record<string, unknown> = {};
        for (const item of asArray(asRecord(inner)?.['values'])) {
          const entry = asRecord(item);
          const name = asText(entry?.['key']);
          if (entry !== undefined && name !== undefined && name !== '__proto__') map[name] = anyValue(entry['value'], depth + 1);
        }
        return map;
      }
      default:
        break;
    }
  }
  return Object.keys(record).length === 0 ? undefined : value;
}

/** Nested namespaces become dotted names; values that are structures by themselves stay whole. */
function flattened(record: JsonRecord): JsonRecord {
  const flat: Record<string, unknown> = {};
  const stack: { readonly prefix: string; readonly value: unknown; readonly depth: number }[] = [];
  for (const key in record) {
    const value = record[key];
    if (key.includes('.') || typeof value !== 'object' || value === null) setFlat(flat, key, value);
    else stack.push({ prefix: key, value, depth: 0 });
  }
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { prefix, value, depth } = item;
    const isList = Array.isArray(value) && (value as unknown[]).some((inner) => asRecord(inner) !== undefined);
    const isWhole = WHOLE.has(prefix.slice(prefix.lastIndexOf('.') + 1)) || depth > MOST_NAMESPACES || (Array.isArray(value) && !isList);
    if (isWhole || typeof value !== 'object' || value === null) {
      setFlat(flat, prefix, value);
      continue;
    }
    const inner = value as JsonRecord;
    for (const key in inner) stack.push({ prefix: `${prefix}.${key}`, value: inner[key], depth: depth + 1 });
  }
  return flat;
}

const WHOLE: ReadonlySet<string> = new Set(['messages', 'system_instructions', 'definitions', 'arguments', 'result', 'value', 'parameters', 'invocation_parameters', 'metadata', 'annotation']);
const MOST_NAMESPACES = 12;

function setFlat(flat: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__' && value !== undefined) flat[key] = value;
}
