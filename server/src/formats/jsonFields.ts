/** Reads fields of parsed JSON whose shape nobody promised. */
import type { JsonValue } from '../core/planTrace.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

export function asRecord(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The members of a list that are objects. */
export function recordsOf(value: unknown): JsonRecord[] {
  const records: JsonRecord[] = [];
  for (const item of asArray(value)) {
    const record = asRecord(item);
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** The string, or undefined for anything else. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The string unless it is empty. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A finite number, also one written as a string; undefined for anything else. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** An identifier given as a string or a number; undefined when there is none. */
export function asId(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return asText(value);
}

/**
 * Milliseconds since the epoch from a time in words, or from a number of seconds, milliseconds, micro- or nanoseconds. A time
 * without a zone is in UTC, so that a file means the same on every machine. Undefined for zero, and for what no date can show.
 */
export function asTimeMs(value: unknown): number | undefined {
  if (typeof value === 'string' && !PLAIN_NUMBER.test(value)) {
    const ms = Date.parse(withZone(value));
    if (Number.isFinite(ms)) return ms;
  }
  const number = asNumber(value);
  if (number === undefined || number <= 0) return undefined;
  if (number < 1e11) return number * 1000;
  if (number < 1e14) return number;
  const ms = number < 1e17 ? number / 1e3 : number / 1e6;
  return ms <= LAST_DATE_MS ? ms : undefined;
}

/** The last time a date can show, either way from the epoch. */
export const LAST_DATE_MS = 8.64e15;

/** Four digits are a year. */
const PLAIN_NUMBER = /^\s*\d{5,}(?:\.\d+)?\s*$/;

function withZone(text: string): string {
  if (text.endsWith('Z')) return text;
  const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)$/.exec(text);
  if (iso !== null) return `${iso[1] ?? ''}T${(iso[2] ?? '').replace(',', '.')}Z`;
  // Days of ISO 8601 are in UTC already; whatever else ends without a zone would be read in that of the machine.
  return /^\d{4}(?:-\d\d){0,2}$|[+-]\d\d:?\d\d$/.test(text) || !/(?:\d|\s[ap]m)$/i.test(text) ? text : `${text} UTC`;
}

/** Printing deeper values as JSON could exhaust the stack. */
const MAX_DEPTH = 400;

/** Names a parsed value as JSON; it came out of a JSON reader, so it is one. One nested too deep to print becomes a remark. */
export function asJson(value: unknown): JsonValue {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  return isTooDeep(value) ? `[nested deeper than ${MAX_DEPTH}]` : (value as JsonValue);
}

function isTooDeep(value: object): boolean {
  const stack: object[] = [value];
  const depths = [1];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const depth = depths.pop() ?? 0;
    if (depth > MAX_DEPTH) return true;
    for (const key in item) {
      const inner = (item as JsonRecord)[key];
      if (typeof inner !== 'object' || inner === null) continue;
      stack.push(inner);
      depths.push(depth + 1);
    }
  }
  return false;
}

const NO_MEMBERS: Readonly<Record<string, JsonValue>> = {};

/** The members of a record except those named, after those of `more`; undefined and null members are left out. */
export function membersExcept(record: JsonRecord, known: ReadonlySet<string>, more: Readonly<Record<string, JsonValue>> = NO_MEMBERS): Readonly<Record<string, JsonValue>> {
  // Most records hold nothing unknown: those share one empty object.
  let rest: Record<string, JsonValue> | undefined;
  for (const key in record) {
    const value = record[key];
    if (value === undefined || value === null || known.has(key) || key === '__proto__') continue;
    rest ??= { ...more };
    rest[key] = asJson(value);
  }
  return rest ?? more;
}

/** The draft without its undefined members. */
export function settled<T extends object>(draft: { [K in keyof T]: T[K] | undefined }): T {
  const result: Record<string, unknown> = {};
  for (const key in draft) {
    const value = draft[key];
    if (value !== undefined) result[key] = value;
  }
  return result as T;
}
