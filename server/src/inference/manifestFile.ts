/** Finds the model folder and reads its manifest. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ROW_SCALARS, ROW_WIDTH } from '../scoring/headInput.ts';
import type { Calibration, ModelManifest } from '../scoring/manifest.ts';
import { STATE_WIDTH } from '../scoring/stepEncoding.ts';
import { messageOf } from './inferenceError.ts';
import type { InferenceFailure } from './inferenceError.ts';

export type ManifestReading =
  | { readonly kind: 'manifest'; readonly manifest: ModelManifest; readonly folder: string }
  | { readonly kind: 'failed'; readonly failure: InferenceFailure };

export const MANIFEST_NAME = 'manifest.json';
/** Positions the backbone knows. */
const MAX_WINDOW_TOKENS = 512;
const WINDOW_RULES = ['tokens', 'goalTokens', 'goalHead', 'chunkTokens', 'carryTokens', 'stepEnd', 'chunkEnd'] as const;

/** The folder given, else `models/artifacts` beside the nearest parent of the running script that has one. */
export function resolveModelFolder(options: { readonly scriptFolder: string; readonly override?: string }): string {
  if (options.override !== undefined && options.override !== '') return resolve(options.override);
  let parent = resolve(options.scriptFolder);
  for (let level = 0; level < 5; level++) {
    const candidate = join(parent, 'models', 'artifacts');
    if (existsSync(join(candidate, MANIFEST_NAME))) return candidate;
    parent = dirname(parent);
  }
  return join(resolve(options.scriptFolder), '..', '..', 'models', 'artifacts');
}

/** Never throws. */
export async function readManifest(folder: string): Promise<ManifestReading> {
  const path = join(folder, MANIFEST_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return failed('missing-file', `The model manifest ${path} cannot be read (${messageOf(error)}); install the extension again.`);
  }
  const read = parseManifest(text);
  return typeof read === 'string' ? failed('bad-manifest', `${path}: ${read}; install the extension again.`) : { kind: 'manifest', manifest: read, folder };
}

/** The manifest, or what is wrong with it. */
export function parseManifest(text: string): ModelManifest | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is not valid JSON (${messageOf(error)})`;
  }
  return complaintAbout(value) ?? (value as ModelManifest);
}

type Bag = Readonly<Record<string, unknown>>;

function complaintAbout(value: unknown): string | undefined {
  if (!isBag(value)) return 'it must hold one object';
  if (value['manifestVersion'] !== 2) return `manifestVersion is ${String(value['manifestVersion'])}, this version of StepScope reads 2`;
  const { backbone, tokenizer, headInput, scorers, consensus, thresholds } = value;
  if (!isFile(backbone)) return 'backbone needs file and sha256';
  if (backbone['width'] !== STATE_WIDTH) return `backbone.width is ${String(backbone['width'])}, this version of StepScope reads ${STATE_WIDTH}`;
  const window = windowComplaint(backbone['window']);
  if (window !== undefined) return window;
  if (!isFile(tokenizer)) return 'tokenizer needs file and sha256';
  if (!isBag(headInput) || !isNumber(headInput['version']) || !Array.isArray(headInput['scalars'])) return 'headInput needs version, width and scalars';
  if (headInput['width'] !== ROW_WIDTH || headInput['scalars'].join() !== ROW_SCALARS.join()) return 'the models were made for other step features than this version of StepScope computes';
  if (!isBag(value['dimensions']) || !Object.values(value['dimensions']).every((d) => isBag(d) && typeof d['ships'] === 'boolean')) return 'every dimension needs ships';
  if (!Array.isArray(scorers)) return 'scorers must be a list';
  for (const scorer of scorers as readonly unknown[]) {
    if (!isFile(scorer) || typeof scorer['id'] !== 'string' || typeof scorer['version'] !== 'string') return 'every scorer needs id, version, file and sha256';
    if (!Array.isArray(scorer['dimensions']) || !isBag(scorer['calibration'])) return `scorer ${scorer['id']} needs dimensions and calibration`;
    for (const calibration of Object.values(scorer['calibration'])) if (!isCalibration(calibration)) return `scorer ${scorer['id']} has a calibration that is neither platt nor isotonic`;
    if (scorer['stateWidth'] !== undefined && !isNumber(scorer['stateWidth'])) return `scorer ${scorer['id']} has a stateWidth that is no number`;
  }
  if (!isBag(consensus)) return 'consensus must be an object by dimension';
  for (const [dimension, fit] of Object.entries(consensus)) if (!isConsensus(fit)) return `consensus.${dimension} needs weights, a, b and uncertainty`;
  const { runOutcome } = value;
  if (runOutcome !== undefined && !(isBag(runOutcome) && isNumber(runOutcome['a']) && isNumber(runOutcome['b']))) return 'runOutcome needs a and b';
  if (value['rules'] !== undefined && !(isBag(value['rules']) && Object.values(value['rules']).every((byDimension) => isBag(byDimension) && Object.values(byDimension).every((e) => isBag(e) && isNumber(e['score']) && isNumber(e['n']))))) return 'rules needs score and n by check and dimension';
  return isBag(thresholds) && isThresholds(thresholds) ? undefined : 'thresholds needs firstError, highUncertainty, scorerConflict and lowScore (one row a length, one value a rate)';
}

function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isFile(value: unknown): value is Bag {
  return isBag(value) && typeof value['file'] === 'string' && /^[0-9a-f]{64}$/.test(String(value['sha256'])) && !/(^|[\\/])\.\.([\\/]|$)|^[\\/]|^[A-Za-z]:/.test(value['file']);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber);
}

function isCalibration(value: unknown): value is Calibration {
  if (!isBag(value)) return false;
  if (value['kind'] === 'platt') return isNumber(value['a']) && isNumber(value['b']);
  return value['kind'] === 'isotonic' && isNumbers(value['x']) && isNumbers(value['y']) && value['x'].length === value['y'].length && value['x'].length > 0;
}

function isConsensus(value: unknown): boolean {
  if (!isBag(value) || !isBag(value['weights']) || !isNumber(value['a']) || !isNumber(value['b'])) return false;
  const { uncertainty } = value;
  return Object.values(value['weights']).every(isNumber) && isBag(uncertainty) && isNumber(uncertainty['intercept'])
    && isBag(uncertainty['coefficients']) && Object.values(uncertainty['coefficients']).every(isNumber);
}

function windowComplaint(rules: unknown): string | undefined {
  if (!isBag(rules)) return 'backbone needs window';
  const size = (name: (typeof WINDOW_RULES)[number]): number => (isNumber(rules[name]) ? rules[name] : Number.NaN);
  const wrong = WINDOW_RULES.find((name) => !(size(name) >= 1));
  if (wrong !== undefined) return `backbone.window needs ${wrong}`;
  // A window must have room for goal, carry and one more unit, and the carry for the unit before.
  const fits = size('tokens') <= MAX_WINDOW_TOKENS && size('goalHead') < size('goalTokens') && size('carryTokens') > size('chunkTokens')
    && size('goalTokens') + 2 + size('carryTokens') + size('chunkTokens') + 1 <= size('tokens');
  return fits ? undefined : 'the parts of backbone.window do not fit into each other';
}

function isThresholds(value: Bag): boolean {
  return ['firstError', 'highUncertainty', 'scorerConflict'].every((k) => isNumber(value[k])) && isLowScore(value['lowScore']);
}

/** One row a length, one value a rate. */
function isLowScore(value: unknown): boolean {
  if (!isBag(value)) return false;
  const { alphas, lengths, values } = value;
  return isNumbers(alphas) && isNumbers(lengths) && Array.isArray(values) && values.length === lengths.length && values.every((row) => isNumbers(row) && row.length === alphas.length);
}

function failed(kind: InferenceFailure['kind'], message: string): ManifestReading {
  return { kind: 'failed', failure: { kind, message } };
}
