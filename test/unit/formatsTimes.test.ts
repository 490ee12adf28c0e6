/** Times as files write them: one reader for all formats, the same answer on every machine. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asTimeMs } from '../../server/src/formats/jsonFields.ts';

const zone = process.env['TZ'];
// Five hours from UTC, so that a time read in the machine's zone shows.
beforeAll(() => {
  process.env['TZ'] = 'America/New_York';
});
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const NEW_YEAR = Date.UTC(2026, 0, 1, 10);

describe('a time', () => {
  it('is read in a zone other than UTC by these tests', () => void expect(new Date(NEW_YEAR).getTimezoneOffset()).toBe(300));

  it.each<[written: unknown, ms: number | undefined]>([
    ['2026-01-01T10:00:00Z', NEW_YEAR],
    ['2026-01-01T10:00:00.000', NEW_YEAR],
    ['2026-01-01T10:00', NEW_YEAR],
    ['2026-01-01 10:00:00', NEW_YEAR],
    ['2026-01-01 10:00:00,250', NEW_YEAR + 250],
    ['2026-01-01T10:00:00.250000', NEW_YEAR + 250],
    ['2026-01-01T10:00:00.250999', NEW_YEAR + 250],
    ['2026-01-01T11:00:00+01:00', NEW_YEAR],
    ['2026-01-01 11:00:00+01:00', NEW_YEAR],
    ['2026-01-01T05:00:00-0500', NEW_YEAR],
    ['Thu Jan  1 10:00:00 2026', NEW_YEAR],
    ['1/1/2026, 10:00:00 AM', NEW_YEAR],
    ['Thu, 01 Jan 2026 10:00:00 GMT', NEW_YEAR],
    ['2026-01-01', NEW_YEAR - 36e6],
    ['2026', NEW_YEAR - 36e6],
    // Seconds, milli-, micro- and nanoseconds.
    [NEW_YEAR / 1000, NEW_YEAR],
    [NEW_YEAR, NEW_YEAR],
    [NEW_YEAR * 1e3, NEW_YEAR],
    [NEW_YEAR * 1e6, NEW_YEAR],
    [String(NEW_YEAR / 1000), NEW_YEAR],
    [`${NEW_YEAR / 1000}.5`, NEW_YEAR + 500],
    // No date can show more than 8.64e15 milliseconds.
    [8.64e21, 8.64e15],
    [8.65e21, undefined],
    [1e300, undefined],
    ['1e300', undefined],
    ['+275760-09-13T00:00:00.000Z', 8.64e15],
    ['+275760-09-13T00:00:00.001Z', undefined],
    [0, undefined],
    [-5, undefined],
    ['', undefined],
    ['soon', undefined],
    ['2026-13-01T10:00:00', undefined],
    [null, undefined],
    [Number.NaN, undefined],
  ])('written %j', (written, ms) => void expect(asTimeMs(written)).toBe(ms));
});
