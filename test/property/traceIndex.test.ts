/** A file read in windows gives the steps that reading it at once gives, wherever the windows end and however the file grew. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../server/src/core/problems.ts';
import type { ParsedFile } from '../../server/src/formats/format.ts';
import { findFormat } from '../../server/src/formats/registry.ts';
import { withoutPlaces } from '../../server/src/formats/virtualText.ts';
import { hasSteps, parseTraces } from '../../server/src/formats/readTraces.ts';
import { buildLineIndex } from '../../server/src/core/lineIndex.ts';
import { readText, sha256 } from '../../server/src/host/files.ts';
import { RULES } from '../../server/src/scoring/rules/index.ts';
import { createTracePreparation } from '../../server/src/scoring/traceWork.ts';
import { indexHere, nothingSeen, see, wholeSteps } from '../support/indexedTrace.ts';

const folder = mkdtempSync(join(tmpdir(), 'stepscope-index-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETTINGS = { modelsKey: 'models', maxStepCharacters: 20_000 };
const GOLDEN = ['formats', 'agentRuns', 'spans', 'responses'].flatMap((name) => filesIn(join(import.meta.dirname, '..', 'golden', name))).filter((path) => !path.endsWith('.expected.json'));
const SAMPLES = join(import.meta.dirname, '..', '..', '..', 'shared', 'samples');
const BIGGEST_SAMPLE = 3_000_000;

describe('golden traces', () => {
  it.each(GOLDEN.map((path) => [basename(path), path]))('%s', async (_name, path) => {
    for (const bytes of [2_000, 16_000]) await expectSame(path, bytes);
    await expectSameGrown(path);
  });
});

describe('samples of other programs', () => {
  if (!existsSync(SAMPLES)) it.skip(`there are none: ${SAMPLES} does not exist`, () => undefined);
  const samples = existsSync(SAMPLES) ? filesIn(SAMPLES).filter((path) => statSync(path).size < BIGGEST_SAMPLE) : [];
  it.each(samples.map((path) => [basename(path), path]))('%s', async (_name, path) => {
    for (const bytes of [2_000, 16_000]) await expectSame(path, bytes);
  });
});

/** Reads a quiet file in windows and at once. */
async function expectSame(path: string, windowBytes: number): Promise<void> {
  const copy = join(folder, `${windowBytes}-${basename(path)}`);
  writeFileSync(copy, readFileSync(path));
  utimesSync(copy, 1_700_000_000, 1_700_000_000);
  const index = indexHere(copy, SETTINGS, { spillFolder: folder, windowBytes: { first: windowBytes, next: windowBytes } });
  const seen = nothingSeen();
  const outcome = await index.read((batch) => see(seen, batch));
  await expectEqual({ path: copy, seen, index, outcome });
  index.close();
}

/** Lets the file grow line by line and half lines at a time. */
async function expectSameGrown(path: string): Promise<void> {
  const bytes = readFileSync(path);
  const copy = join(folder, `grown-${basename(path)}`);
  const cuts = [0.13, 0.31, 0.32, 0.57, 0.8, 0.93, 1].map((part) => Math.round(bytes.length * part));
  writeFileSync(copy, '');
  const growing = { ...SETTINGS, quietMs: 1e13 };
  const index = indexHere(copy, growing, { spillFolder: folder, windowBytes: { first: 4_000, next: 4_000 } });
  const late = indexHere(copy, growing, { spillFolder: folder, windowBytes: { first: 4_000, next: 4_000 } });
  const seen = nothingSeen();
  let from = 0;
  for (const to of cuts) {
    appendFileSync(copy, bytes.subarray(from, to));
    from = to;
    await index.read((batch) => see(seen, batch));
  }
  const seenLate = nothingSeen();
  const outcome = await late.read((batch) => see(seenLate, batch));
  const idsOf = (s: typeof seen): unknown => s.traces.map((t) => t.lean.map((step) => [step.stepId, step.range, step.jsonPointer]));
  if (outcome.kind === 'read' && outcome.isWindowed) expect(idsOf(seen), 'grown').toEqual(idsOf(seenLate));
  index.close();
  late.close();
}

async function expectEqual({ path, seen, index, outcome }: { readonly path: string; readonly seen: ReturnType<typeof nothingSeen>; readonly index: ReturnType<typeof indexHere>; readonly outcome: Awaited<ReturnType<ReturnType<typeof indexHere>['read']>> }): Promise<void> {
  const content = await readText(path, Infinity);
  if (content.kind !== 'text') throw new Error(content.kind);
  const { text } = content;
  const found = parseTraces({ path, text });
  const parsed = found !== undefined && content.isVirtual === true ? withoutPlaces(found, content.notice) : found;
  if (parsed === undefined || !(hasSteps(parsed) || parsed.warnings.length > 0)) {
    expect(outcome.kind).toBe('no-trace');
    return;
  }
  if (outcome.kind !== 'read') throw new Error(`${path}: ${JSON.stringify(outcome)}`);
  expect(outcome.format).toBe(parsed.format);
  expect(outcome.isWindowed && findFormat(parsed.format)?.windows === undefined, 'windows where the format has none').toBe(false);
  expect(seen.traces.map((t) => t.lean.length)).toEqual(parsed.traces.map((t) => t.steps.length));
  for (const [i, trace] of parsed.traces.entries()) {
    const seenTrace = seen.traces[i];
    if (seenTrace === undefined) throw new Error('trace missing');
    expect(JSON.parse(JSON.stringify(wholeSteps(index, seenTrace)))).toEqual(JSON.parse(JSON.stringify(trace.steps)));
    const { steps: _, ...header } = trace;
    expect(seenTrace.header).toEqual(header);
    expectKeys(seenTrace, parsed, i);
    expect(judgedNearby(seenTrace.findings)).toEqual(judgedNearby(RULES.flatMap((rule) => rule.check(trace))));
  }
  const lines = buildLineIndex(text);
  expect(seen.textLength).toBe(text.length);
  expect(seen.lineStarts.map((at) => lines.positionAt(at).character)).toEqual(seen.lineStarts.map(() => 0));
  expect(seen.lineStarts.length).toBe(lines.lineCount);
  expect(outcome.warnings).toEqual(parsed.warnings);
}

/** The others look back over the whole trace, or count over it. */
const NEARBY: ReadonlySet<string> = new Set(['step-error-ignored', 'arithmetic-error', 'tool-args-invalid', 'output-truncated', 'secret-in-trace', 'file-not-strict-json', 'unknown-records']);

function judgedNearby(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => NEARBY.has(finding.code)).sort((a, b) => (a.stepIndex ?? -1) - (b.stepIndex ?? -1) || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}

function expectKeys(found: ReturnType<typeof nothingSeen>['traces'][number], parsed: ParsedFile, traceIndex: number): void {
  const trace = parsed.traces[traceIndex];
  if (trace === undefined) return;
  const preparation = createTracePreparation({ ...SETTINGS, goalText: trace.goalText, sha256 });
  expect(found.goalKey).toBe(preparation.goalKey);
  const works = trace.steps.map((step) => preparation.add(step));
  expect(found.lean.map((l) => [l.textKey, l.contextKey, l.chainKey, l.isShortened, l.unscored])).toEqual(works.map((w) => [w.textKey, w.contextKey, w.chainKey, w.isShortened, w.unscored]));
}

function filesIn(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((e) => e.isFile() && !/README|\.(?:md|txt|py|toml)$/.test(e.name)).map((e) => join(e.parentPath, e.name)).sort();
}
