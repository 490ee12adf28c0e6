/** Finds the model folder and reads its manifest. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Calibration, ModelManifest } from '../scoring/manifest.ts';
import { messageOf } from './inferenceError.ts';
import type { InferenceFailure } from './inferenceError.ts';

export type ManifestReading =
  | { readonly kind: 'manifest'; readonly manifest: ModelManifest; readonly folder: string }
  | { readonly kind: 'failed'; readonly failure: InferenceFailure };

export const MANIFEST_NAME = 'manifest.json';
/** Word pieces a chunk may hold: the backbone has 256 positions, two of them taken by [CLS] and [SEP]. */
const MAX_CHUNK_TOKENS = 254;

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
  if (value['manifestVersion'] !== 1) return `manifestVersion is ${String(value['manifestVersion'])}, this version of StepScope reads 1`;
  const { backbone, tokenizer, headInput, scorers, consensus, thresholds } = value;
  if (!isFile(backbone)) return 'backbone needs file and sha256';
  if (!isNumber(backbone['width']) || !isNumber(backbone['chunkTokens'])) return 'backbone needs width and chunkTokens';
  if (backbone['chunkTokens'] < 1 || backbone['chunkTokens'] > MAX_CHUNK_TOKENS) return `backbone.chunkTokens must lie in 1–${MAX_CHUNK_TOKENS}`;
  if (!isFile(tokenizer)) return 'tokenizer needs file and sha256';
  if (!isBag(headInput) || !isNumber(headInput['width']) || !isNumber(headInput['version'])) return 'headInput needs version and width';
  if (!Array.isArray(scorers)) return 'scorers must be a list';
  for (const scorer of scorers as readonly unknown[]) {
    if (!isFile(scorer) || typeof scorer['id'] !== 'string' || typeof scorer['version'] !== 'string') return 'every scorer needs id, version, file and sha256';
    if (!Array.isArray(scorer['dimensions']) || !isBag(scorer['calibration'])) return `scorer ${scorer['id']} needs dimensions and calibration`;
    for (const calibration of Object.values(scorer['calibration'])) if (!isCalibration(calibration)) return `scorer ${scorer['id']} has a calibration that is neither platt nor isotonic`;
  }
  if (!isBag(consensus)) return 'consensus must be an object by dimension';
  for (const [dimension, fit] of Object.entries(consensus)) if (!isConsensus(fit)) return `consensus.${dimension} needs weights, a, b and uncertainty`;
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
  return Object.values(value['weights']).every(isNumber) && isBag(uncertainty) && ['intercept', 'margin', 'spread', 'distance'].every((k) => isNumber(uncertainty[k]));
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
