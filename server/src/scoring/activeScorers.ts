/** Which scorers run, and which dimensions are judged. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { shippedDimensions } from './manifest.ts';
import type { ModelManifest } from './manifest.ts';
import { RULES_SCORER } from './scorers/rules.ts';

/** Those named in the settings, else those that proved themselves on dev data. */
export function activeScorerIds(manifest: ModelManifest, settings: EffectiveSettings): readonly string[] {
  if (settings.scorers.length > 0) return manifest.scorers.map((s) => s.id).filter((id) => settings.scorers.includes(id));
  return manifest.scorers.filter((s) => s.enabledByDefault).map((s) => s.id);
}

/** Whether the rules judge beside the models: unless the settings name others alone. */
export function areRulesActive(settings: EffectiveSettings): boolean {
  return settings.scorers.length === 0 || settings.scorers.includes(RULES_SCORER);
}

/** Those named in the settings that ship, else all that ship. */
export function activeDimensions(manifest: ModelManifest, settings: EffectiveSettings): readonly string[] {
  const shipped = shippedDimensions(manifest);
  return settings.dimensions.length === 0 ? shipped : shipped.filter((d) => settings.dimensions.includes(d));
}
