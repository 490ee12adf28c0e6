/** Plain values as OTLP JSON writes them. */
import type { JsonRecord } from './jsonFields.ts';

/** A number that is written as a double even where it is whole. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Attributes as a list of keys and typed values; those without a value are left out. */
export function keyValues(attributes: JsonRecord): readonly unknown[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined || value === null ? [] : [{ key, value: anyValue(value) }]));
}

function anyValue(value: unknown): unknown {
  if (value instanceof Double) return { doubleValue: value.value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly unknown[]).map(anyValue) } };
  if (typeof value === 'object' && value !== null) return { kvlistValue: { values: keyValues(value as JsonRecord) } };
  return {};
}

const LAST_MS = 8.64e15;

/** Nanoseconds since the epoch as digits, exact to the microsecond; "0", which means unknown, for times no date can show. */
export function unixNanos(ms: number | undefined): string {
  return ms === undefined || !(ms > 0 && ms <= LAST_MS) ? '0' : `${BigInt(Math.round(ms * 1000))}000`;
}

/** OTLP's span kinds and status codes, as numbers. */
export const SPAN_KINDS = { internal: 1, client: 3 } as const;
export const STATUS_CODES = { ok: 1, error: 2 } as const;
