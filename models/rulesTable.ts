/**
 * How good the steps were on which each rule found something: `node models/rulesTable.ts <data folder>` writes rules_table.json
 * beside this file and prints every measurement. A check enters the table with 20 cases or more, and only where its 95 % interval
 * lies below the share of good steps among those it could have found fault with.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { PlanTrace } from '../server/src/core/planTrace.ts';
import { checkEquations } from '../server/src/scoring/rules/arithmetic.ts';
import { RULES } from '../server/src/scoring/rules/index.ts';
import { checkName } from '../server/src/scoring/scorers/rules.ts';
import type { RuleEvidence } from '../server/src/scoring/scorers/rules.ts';
import { advanceSurface, emptySurface, SURFACE_FEATURES, surfaceFeatures } from '../server/src/scoring/surfaceFeatures.ts';

interface LabelledTrace {
  readonly dataset: string;
  readonly problem: string;
  readonly steps: readonly string[];
  readonly labels: readonly (number | null)[];
}

interface Source {
  readonly files: readonly string[];
  readonly takes: (trace: LabelledTrace) => boolean;
  /** Whether what is measured here may enter the table. */
  readonly counts: boolean;
}

const any = (): boolean => true;
const madeFor = (...kinds: readonly string[]) => ({ dataset }: LabelledTrace): boolean => kinds.some((kind) => dataset === `prmbench/${kind}`);

/** Labels by dimension; of PRM800K, where people called half of the steps bad, only for comparison. */
const SOURCES: Readonly<Record<string, readonly (Source & { readonly name: string })[]>> = {
  reasoning_quality: [
    { name: 'MR-Ben', files: ['dev/mr_ben', 'train/mr_ben'], takes: any, counts: true },
    { name: 'PRM800K dev', files: ['dev/prm800k_phase1_test'], takes: any, counts: false },
    { name: 'PRM800K', files: ['train/prm800k_phase1'], takes: any, counts: false },
  ],
  truthfulness: [{ name: 'PRMBench counterfactual, deception', files: ['train/prmbench_synthetic'], takes: madeFor('counterfactual', 'deception'), counts: true }],
  novelty: [{ name: 'PRMBench redundency, circular', files: ['train/prmbench_synthetic'], takes: madeFor('redundency', 'circular'), counts: true }],
};

/** What speaks to which dimension; checks of agents' calls have no labels. */
const CHECKS_BY_DIMENSION: Readonly<Record<string, readonly string[]>> = {
  reasoning_quality: ['arithmetic_error', 'repeated_action', 'unsupported_number', 'equations_hold', 'underivable_number', 'repeated_words'],
  truthfulness: ['arithmetic_error', 'unsupported_number', 'equations_hold', 'underivable_number'],
  novelty: ['repeated_action', 'repeated_words'],
};

/** Not rules, so never in the table: would they say something? */
const CANDIDATES: ReadonlySet<string> = new Set(['equations_hold', 'underivable_number', 'repeated_words']);

interface Tally {
  n: number;
  good: number;
  /** Steps on which the check could have found something. */
  ofN: number;
  ofGood: number;
}

const LEAST_CASES = 20;
const folder = process.argv[2];
if (folder === undefined) throw new Error('Name the folder of labelled traces.');
const table: Record<string, Record<string, RuleEvidence>> = {};
process.stdout.write('| dimension | labels | check | steps | good | share | 95 % | share of its kind | |\n|---|---|---|---|---|---|---|---|---|\n');
for (const [dimension, sources] of Object.entries(SOURCES)) {
  for (const source of sources) {
    const tallies = measure(source);
    for (const check of CHECKS_BY_DIMENSION[dimension] ?? []) {
      const { n, good, ofN, ofGood } = tallies.get(check) ?? { n: 0, good: 0, ofN: 0, ofGood: 0 };
      const [low, high] = interval(good, n);
      const usual = ofN === 0 ? 0 : ofGood / ofN;
      const speaks = n >= LEAST_CASES && high < usual && source.counts && !CANDIDATES.has(check);
      if (speaks) (table[check] ??= {})[dimension] = { score: Number(((good + 1) / (n + 2)).toFixed(4)), n, good };
      process.stdout.write(`| ${dimension} | ${source.name} | ${check} | ${n} | ${good} | ${n === 0 ? '' : (good / n).toFixed(3)} | ${n === 0 ? '' : `${low.toFixed(2)}–${high.toFixed(2)}`} | ${usual.toFixed(3)} of ${ofN} | ${speaks ? 'in the table' : ''} |\n`);
    }
  }
}
writeFileSync(join(import.meta.dirname, 'rules_table.json'), `${JSON.stringify(table, null, 2)}\n`);

function measure(source: Source): ReadonlyMap<string, Tally> {
  const tallies = new Map<string, Tally>();
  const seen = new Set<string>();
  for (const file of source.files) {
    for (const trace of readTraces(file)) {
      if (!source.takes(trace)) continue;
      const found = RULES.flatMap((rule) => rule.check(asPlanTrace(trace)));
      let state = emptySurface(trace.problem);
      trace.steps.forEach((step, i) => {
        const label = trace.labels[i];
        // The same step of the same problem is one case, however many traces share it.
        const key = `${trace.problem}\u0000${step}`;
        if ((label === 0 || label === 1) && !seen.has(key)) {
          seen.add(key);
          const values = surfaceFeatures(state, step);
          const at = (name: (typeof SURFACE_FEATURES)[number]): number => values[SURFACE_FEATURES.indexOf(name)] ?? 0;
          const checked = checkEquations(step);
          const holds = checked.right > 0 && checked.wrong.length === 0;
          const hasEquation = checked.right + checked.wrong.length > 0;
          const speaking = new Set(found.filter((finding) => finding.stepIndex === i).map((finding) => checkName(finding.code)));
          add('arithmetic_error', speaking.has('arithmetic_error'), hasEquation);
          add('repeated_action', speaking.has('repeated_action'), true);
          add('unsupported_number', speaking.has('unsupported_number'), i === trace.steps.length - 1);
          add('equations_hold', holds, hasEquation);
          add('underivable_number', at('underivable_share') > 0, at('new_number_share') > 0);
          add('repeated_words', at('repeat_overlap') >= 0.9, true);
        }
        state = advanceSurface(state, step);
        function add(check: string, speaks: boolean, could: boolean): void {
          if (!could) return;
          const tally = tallies.get(check) ?? { n: 0, good: 0, ofN: 0, ofGood: 0 };
          tallies.set(check, tally);
          tally.ofN++;
          tally.ofGood += label ?? 0;
          if (!speaks) return;
          tally.n++;
          tally.good += label ?? 0;
        }
      });
    }
  }
  return tallies;
}

function readTraces(file: string): readonly LabelledTrace[] {
  return gunzipSync(readFileSync(join(folder ?? '', `${file}.jsonl.gz`))).toString('utf8').trim().split('\n').map((line) => JSON.parse(line) as LabelledTrace);
}

function asPlanTrace(trace: LabelledTrace): PlanTrace {
  return {
    traceId: '', format: '', formatVersion: '', goalText: trace.problem, goalRange: null, planSignature: '', finalOutputText: '', importedScores: [], meta: {}, warnings: [], unknownRecordCounts: {}, range: null,
    steps: trace.steps.map((output, i) => ({
      stepId: String(i), stepIndex: i, stepType: 'thought', description: '', depth: 0, output, tools: [], attributes: {}, importedScores: [], range: null, textRange: null, jsonPointer: '', isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
    })),
  };
}

/** Wilson's 95 % interval of a share. */
function interval(good: number, n: number): readonly [number, number] {
  if (n === 0) return [0, 1];
  const z = 1.96;
  const p = good / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [middle - half, middle + half];
}
