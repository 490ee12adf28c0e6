/** Pause and Resume Background Scoring: the setting stepscope.scoring.inBackground, which outlives the window. */
import { readSettings, writeSetting } from '../settings.ts';
import { confirm } from './target.ts';

export async function toggleBackground(): Promise<void> {
  const isOn = readSettings().scoring.inBackground;
  await writeSetting('scoring.inBackground', !isOn, 'workspace');
  confirm(isOn ? 'Background scoring is paused. Traces you open are scored as before.' : 'Background scoring goes on.');
}
