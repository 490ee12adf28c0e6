/** `stepscope models`: the scorers and thresholds of this installation. */
import type { ModelManifest } from '../scoring/manifest.ts';
import { lowScoreThreshold } from '../scoring/thresholds.ts';
import type { Output } from './output.ts';

const USUAL_FALSE_ALARM_PERCENT = 5;
const USUAL_TRACE_LENGTH = 8;

export async function models(manifest: ModelManifest, output: Output): Promise<void> {
  const { thresholds } = manifest;
  const record = {
    scorers: manifest.scorers.map(({ id, version, dimensions, sizeBytes, sha256, enabledByDefault }) => ({ id, version, dimensions, sizeBytes, sha256, enabledByDefault })),
    backbone: { id: manifest.backbone.id, version: manifest.backbone.version, sizeBytes: manifest.backbone.sizeBytes, sha256: manifest.backbone.sha256 },
    thresholds: {
      firstError: thresholds.firstError,
      // The usual case as one number; the rule itself depends on the length of the trace.
      lowScore: lowScoreThreshold(manifest, { falseAlarmPercent: USUAL_FALSE_ALARM_PERCENT, traceLength: USUAL_TRACE_LENGTH }),
      lowScoreByLength: thresholds.lowScore, highUncertainty: thresholds.highUncertainty, scorerConflict: thresholds.scorerConflict,
    },
  };
  const text = record.scorers.map((s) => `${s.id} ${s.version}  ${s.dimensions.join(', ')}  ${Math.round(s.sizeBytes / 1024)} kB${s.enabledByDefault ? '' : '  (off by default)'}`);
  await output.write(record, [...text, `first error below ${thresholds.firstError}`].join('\n'));
}
