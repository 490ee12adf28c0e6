/** MARS against a case computed elsewhere with numpy, and one worked out by hand for what that does not hold. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecords } from '../../server/src/cli/marsRecords.ts';
import { mars, printResult } from '../../server/src/corpus/mars.ts';
import { differences } from '../support/differences.ts';

interface Case {
  readonly input: unknown;
  readonly expected: { readonly dimensions: Readonly<Record<string, unknown>>; readonly aggregate: number; readonly unweighted?: boolean };
}

const ORACLE = join(import.meta.dirname, '../../../shared/oracle/mars_case_a.json');
const isHere = existsSync(ORACLE);
if (!isHere) console.log(`Skipped: no case at ${ORACLE}. It was computed by another program and is not part of this one.`);

function check(file: string | URL, tolerance: number): void {
  const { input, expected } = JSON.parse(readFileSync(file, 'utf8')) as Case;
  const reading = readRecords(JSON.stringify({ input }));
  if ('problem' in reading) throw new Error(reading.problem);
  const report = mars(reading.inputs);
  expect(Object.keys(report.dimensions)).toEqual(Object.keys(expected.dimensions));
  for (const [name, wanted] of Object.entries(expected.dimensions)) {
    const result = report.dimensions[name];
    const printed: unknown = result === undefined ? undefined : JSON.parse(JSON.stringify(printResult(result)));
    expect(differences(printed, wanted, tolerance, { at: name, mayHaveMore: true })).toEqual([]);
  }
  expect(Math.abs((report.aggregate ?? Number.NaN) - expected.aggregate)).toBeLessThanOrEqual(tolerance);
  expect(report.unweighted).toBe(expected.unweighted ?? false);
}

describe('golden: MARS', () => {
  it.skipIf(!isHere)('every field of the case computed with numpy, to 1e-9', () => {
    check(ORACLE, 1e-9);
  });

  it('every field of the case worked out by hand (mars/README.md), to 1e-12', () => {
    check(new URL('mars/byHand.json', import.meta.url), 1e-12);
  });

  it('a test of the test: a number that is off by more than the tolerance is told', () => {
    expect(differences({ a: { b: 1 } }, { a: { b: 1 + 2e-9 } }, 1e-9)).toHaveLength(1);
    expect(differences({ a: { b: 1, c: 2 } }, { a: { b: 1 } }, 1e-9)).toEqual(['.a.c: 2, expected nothing']);
    expect(differences({ a: null }, { a: 0 }, 1e-9)).toHaveLength(1);
  });
});
