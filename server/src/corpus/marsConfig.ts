/** What MARS is told: whom to trust, from where disagreement counts, which attributes to look at; by dimension, merged with defaults. */
import { HUMAN_SCORER } from '../core/scoreRecord.ts';
import { DISAGREEMENT } from './stepAgreement.ts';

export interface MarsConfig {
  /** The scorer the others are held against; of several the first that has scores; null for none. */
  readonly trust_reference: string | readonly string[] | null;
  /** Standard deviation between scorers of one step above which they disagree; scale 0–1. */
  readonly variance_threshold: number;
  /** Attributes looked at beside the score itself. */
  readonly metrics: readonly string[] | 'all';
}

export interface MarsSettings extends Partial<MarsConfig> {
  /** By dimension; what is left out comes from the settings above, then from the defaults. */
  readonly dimensions?: Readonly<Record<string, Partial<MarsConfig>>>;
}

/** Labels first, then a judge. */
export const DEFAULT_MARS_CONFIG: MarsConfig = { trust_reference: [HUMAN_SCORER, 'llm'], variance_threshold: DISAGREEMENT, metrics: ['score'] };

export function configOf(settings: MarsSettings, dimension: string): MarsConfig {
  const { dimensions, ...all } = settings;
  const own = dimensions !== undefined && Object.hasOwn(dimensions, dimension) ? dimensions[dimension] : undefined;
  return { ...DEFAULT_MARS_CONFIG, ...all, ...own };
}

/** Scorers that may be the reference, best first. */
export function referenceCandidates(config: Pick<MarsConfig, 'trust_reference'>): readonly string[] {
  const { trust_reference: given } = config;
  return given === null ? [] : typeof given === 'string' ? [given] : given;
}

/** Settings from JSON of any shape, or a sentence saying what is wrong where. Members it does not know are passed over. */
export function readMarsSettings(value: unknown, at = 'mars_config'): { readonly settings: MarsSettings } | { readonly problem: string } {
  if (value === undefined || value === null) return { settings: {} };
  if (!isObject(value)) return { problem: `${at} is ${shown(value)}; it must be an object, as {"trust_reference": "human"}.` };
  const own = readPart(value, at);
  if (typeof own === 'string') return { problem: own };
  const { dimensions } = value;
  if (dimensions === undefined || dimensions === null) return { settings: own };
  if (!isObject(dimensions)) return { problem: `${at}.dimensions is ${shown(dimensions)}; it must be an object with one entry a dimension.` };
  const parts: [string, Partial<MarsConfig>][] = [];
  for (const [dimension, given] of Object.entries(dimensions)) {
    const place = `${at}.dimensions.${dimension}`;
    if (!isObject(given)) return { problem: `${place} is ${shown(given)}; it must be an object, as {"variance_threshold": 0.1}.` };
    const part = readPart(given, place);
    if (typeof part === 'string') return { problem: part };
    parts.push([dimension, part]);
  }
  return { settings: { ...own, dimensions: Object.fromEntries(parts) } };
}

function readPart(value: Readonly<Record<string, unknown>>, at: string): Partial<MarsConfig> | string {
  const { trust_reference: reference, variance_threshold: threshold, metrics } = value;
  if (reference !== undefined && reference !== null && typeof reference !== 'string') return `${at}.trust_reference is ${shown(reference)}; name a scorer, or null for none.`;
  if (threshold !== undefined && !(typeof threshold === 'number' && threshold >= 0)) return `${at}.variance_threshold is ${shown(threshold)}; it must be a number from 0 on.`;
  if (metrics !== undefined && metrics !== 'all' && !(Array.isArray(metrics) && metrics.every((m) => typeof m === 'string'))) return `${at}.metrics is ${shown(metrics)}; it must be a list of attribute names, or "all".`;
  return {
    ...(reference === undefined ? {} : { trust_reference: reference }),
    ...(typeof threshold === 'number' ? { variance_threshold: threshold } : {}),
    ...(metrics === 'all' ? { metrics } : Array.isArray(metrics) ? { metrics: metrics.filter((m) => typeof m === 'string') } : {}),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SHOWN_CHARACTERS = 40;

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
