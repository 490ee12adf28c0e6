/** Which scorers run. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { ModelManifest } from './manifest.ts';

/** Those named in the settings, else those that proved themselves on dev data. */
export function activeScorerIds(manifest: ModelManifest, settings: EffectiveSettings): readonly string[] {
  if (settings.scorers.length > 0) return manifest.scorers.map((s) => s.id).filter((id) => settings.scorers.includes(id));
  return manifest.scorers.filter((s) => s.enabledByDefault).map((s) => s.id);
}
