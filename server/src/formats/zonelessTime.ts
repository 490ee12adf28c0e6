/** Times that programs in Python write without a zone; read as UTC, so that a file means the same on every machine. */
import { asTimeMs } from './jsonFields.ts';

/** Milliseconds since the epoch, as `asTimeMs`, but an ISO time without a zone counts as UTC. */
export function asZonelessTimeMs(value: unknown): number | undefined {
  return asTimeMs(typeof value === 'string' && ZONELESS.test(value) ? `${value}Z` : value);
}

const ZONELESS = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;
