/** From the protocol's words to StepScope's, with everything that arrives checked. */
import type { InitOptions } from '../contract/protocol.ts';
import { PROTOCOL_VERSION } from '../contract/protocol.ts';
import { defaultSettings } from '../core/effectiveSettings.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { DiagnosticData } from './toLsp.ts';

/** Options of any client; what is missing gets its default, so that a plain LSP client works too. */
export function readInitOptions(value: unknown): InitOptions {
  const given: Record<string, unknown> = isRecord(value) ? value : {};
  return {
    protocolVersion: typeof given['protocolVersion'] === 'number' ? given['protocolVersion'] : PROTOCOL_VERSION,
    settings: readSettings(given['settings']),
    dataFolder: typeof given['dataFolder'] === 'string' ? given['dataFolder'] : '',
    isTrusted: given['isTrusted'] !== false,
  };
}

/** Settings laid over the defaults; entries of the wrong kind are left out. */
export function readSettings(value: unknown): EffectiveSettings {
  const defaults = defaultSettings();
  if (!isRecord(value)) return defaults;
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, fallback] of Object.entries(defaults)) {
    const given = value[key];
    if (given === undefined || given === null || typeof given !== typeof fallback || Array.isArray(given) !== Array.isArray(fallback)) continue;
    merged[key] = isRecord(given) && isRecord(fallback) ? { ...fallback, ...given } : given;
  }
  return merged as unknown as EffectiveSettings;
}

export function isDiagnosticData(value: unknown): value is DiagnosticData {
  return isRecord(value) && typeof value['traceId'] === 'string' && (value['stepId'] === null || typeof value['stepId'] === 'string');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
