/** Settings after `.stepscope.json` has been laid over the user's: the one shape the engine reads. */
import type { Severity } from './problems.ts';
import { PROBLEM_CODES } from './problems.ts';
import { SETTINGS } from './settings.ts';

export interface ProblemSettings {
  readonly severity?: Severity;
  /** 0–100. */
  readonly threshold?: number;
  readonly scorers?: readonly string[];
  readonly exclude?: readonly string[];
}

export interface EffectiveSettings {
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly problems: Readonly<Record<string, ProblemSettings>>;
  /** Percent. */
  readonly falseAlarmRate: number;
  readonly inlineScores: 'on' | 'onlyBad' | 'off';
  readonly storagePath: string;
  readonly limits: { readonly maxFileSizeMB: number; readonly maxStepCharacters: number; readonly maxProblemsPerFile: number };
  readonly scoring: { readonly inBackground: boolean };
  readonly live: { readonly notifyBadStep: boolean };
  /** Of the OTLP receiver. */
  readonly receiver: { readonly enabled: boolean; readonly port: number };
  readonly executionProvider: 'cpu' | 'cuda' | 'dml' | 'coreml' | 'wasm';
  readonly importedScales: Readonly<Record<string, readonly [number, number]>>;
}

/** The defaults of the settings table. */
export function defaultSettings(): EffectiveSettings {
  const defaults: Record<string, unknown> = {};
  for (const setting of SETTINGS) setPath(defaults, setting.key === 'storage.path' ? 'storagePath' : setting.key, setting.default);
  delete defaults['server'];
  return defaults as unknown as EffectiveSettings;
}

/** Lays a `.stepscope.json` over settings. Entries that are wrong are left out, each with a sentence in `problems`. */
export function applyProjectFile(base: EffectiveSettings, text: string): { readonly settings: EffectiveSettings; readonly problems: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { settings: base, problems: [`.stepscope.json is not valid JSON (${error instanceof Error ? error.message : String(error)}); it is ignored until that is mended.`] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { settings: base, problems: ['.stepscope.json must hold one JSON object; it is ignored.'] };
  }
  const problems: string[] = [];
  const merged = structuredCloneOf(base);
  const flat = flatten(value as Record<string, unknown>);
  for (const [key, entry] of flat) {
    if (key === '$schema') continue;
    const setting = SETTINGS.find((s) => s.key === key);
    if (setting === undefined) problems.push(`.stepscope.json: "${key}" is no setting of StepScope.`);
    else if (!setting.inFile) problems.push(`.stepscope.json: "${key}" can only be set in VS Code's settings.`);
    else {
      const complaint = key === 'problems' ? checkProblems(entry) : checkSchema(entry, setting.schema);
      if (complaint === undefined) setPath(merged as unknown as Record<string, unknown>, key, key === 'problems' ? { ...base.problems, ...(entry as object) } : entry);
      else problems.push(`.stepscope.json: "${key}" ${complaint}; the setting keeps its value.`);
    }
  }
  return { settings: merged, problems };
}

/** Severity of a code after settings; 'off' silences it. */
export function severityOf(settings: EffectiveSettings, code: string): Severity {
  return settings.problems[code]?.severity ?? PROBLEM_CODES.find((p) => p.code === code)?.severity ?? 'information';
}

function structuredCloneOf(settings: EffectiveSettings): EffectiveSettings {
  return JSON.parse(JSON.stringify(settings)) as EffectiveSettings;
}

function setPath(target: Record<string, unknown>, key: string, value: unknown): void {
  const parts = key.split('.');
  const last = parts.pop() ?? key;
  let node = target;
  for (const part of parts) {
    const next = node[part];
    if (typeof next === 'object' && next !== null) node = next as Record<string, unknown>;
    else node = node[part] = {};
  }
  node[last] = value;
}

/** Keys in dotted form; both `{"limits":{"maxFileSizeMB":1}}` and `{"limits.maxFileSizeMB":1}` are read. */
function flatten(value: Record<string, unknown>): readonly (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([key, entry]) =>
    (key === 'limits' || key === 'storage' || key === 'server') && typeof entry === 'object' && entry !== null
      ? Object.entries(entry).map(([inner, v]) => [`${key}.${inner}`, v] as const)
      : [[key, entry] as const],
  );
}

function checkSchema(value: unknown, schema: Readonly<Record<string, unknown>>): string | undefined {
  switch (schema['type']) {
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number';
      const lo = schema['minimum'];
      const hi = schema['maximum'];
      if (typeof lo === 'number' && value < lo) return `must be at least ${lo}`;
      return typeof hi === 'number' && value > hi ? `must be at most ${hi}` : undefined;
    }
    case 'string': {
      if (typeof value !== 'string') return 'must be a string';
      const allowed = schema['enum'];
      return Array.isArray(allowed) && !allowed.includes(value) ? `must be one of ${allowed.join(', ')}` : undefined;
    }
    case 'array':
      return Array.isArray(value) && value.every((v) => typeof v === 'string') ? undefined : 'must be a list of strings';
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
      const isScale = (v: unknown): boolean => Array.isArray(v) && v.length === 2 && typeof v[0] === 'number' && typeof v[1] === 'number' && v[0] < v[1];
      return Object.values(value).every(isScale) ? undefined : 'must map a source to [lowest, highest]';
    }
    default:
      return 'cannot be checked';
  }
}

function checkProblems(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  for (const [code, entry] of Object.entries(value)) {
    if (!PROBLEM_CODES.some((p) => p.code === code)) return `names "${code}", which is no problem code`;
    if (typeof entry !== 'object' || entry === null) return `needs an object for "${code}"`;
    const { severity, threshold } = entry as Record<string, unknown>;
    if (severity !== undefined && !['error', 'warning', 'information', 'hint', 'off'].includes(String(severity))) return `has no severity "${String(severity)}"`;
    if (threshold !== undefined && (typeof threshold !== 'number' || threshold < 0 || threshold > 100)) return `needs a threshold from 0 to 100 for "${code}"`;
  }
  return undefined;
}
