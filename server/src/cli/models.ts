/** `stepscope models`: the scorers and thresholds of this installation. */
import { DIMENSIONS } from '../core/dimensions.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { lowScoreThreshold } from '../scoring/thresholds.ts';
import type { CliCommand } from './command.ts';
import { modelCard } from './modelCard.ts';
import type { Output } from './output.ts';

const USUAL_FALSE_ALARM_PERCENT = 5;
const USUAL_TRACE_LENGTH = 8;

export const modelsCommand: CliCommand = {
  name: 'models',
  usage: ['models            the scorers and thresholds of this installation'],
  options: { '--card': { value: 'ID', help: 'the card of this scorer, or of the backbone' } },
  run: async (input, { manifest, output, root }) => {
    const card = input.option('--card');
    if (card === undefined) await models(await manifest(), output);
    else await modelCard(card, { manifest: await manifest(), root, output });
    return true;
  },
};

async function models(manifest: ModelManifest, output: Output): Promise<void> {
  const { thresholds } = manifest;
  const record = {
    scorers: manifest.scorers.map(({ id, version, calibration, sizeBytes, sha256, enabledByDefault }) => ({ id, version, dimensions: Object.keys(calibration), sizeBytes, sha256, enabledByDefault })),
    backbone: { id: manifest.backbone.id, version: manifest.backbone.version, sizeBytes: manifest.backbone.sizeBytes, sha256: manifest.backbone.sha256 },
    dimensions: DIMENSIONS.map(({ id, question, labelSource }) => {
      const shipped = manifest.dimensions[id];
      const status = shipped?.ships === true ? 'ships' : 'needs labels';
      return { id, question, status, labels: labelSource ?? null, ...(shipped?.auroc === undefined ? {} : { auroc: shipped.auroc, dataset: shipped.dataset ?? null }) };
    }),
    runOutcome: manifest.runOutcome === undefined ? null : { scorer: 'hrm', calibratedOn: manifest.runOutcome.dataset ?? null },
    thresholds: {
      firstError: thresholds.firstError,
      // The usual case as one number; the rule itself depends on the length of the trace.
      lowScore: lowScoreThreshold(manifest, { falseAlarmPercent: USUAL_FALSE_ALARM_PERCENT, traceLength: USUAL_TRACE_LENGTH }),
      lowScoreByLength: thresholds.lowScore, highUncertainty: thresholds.highUncertainty, scorerConflict: thresholds.scorerConflict,
    },
  };
  const text = record.scorers.map((s) => `${s.id} ${s.version}  ${Math.round(s.sizeBytes / 1024)} kB${s.enabledByDefault ? '' : '  (off by default)'}`);
  const dimensions = record.dimensions.map((d) => `${d.id}  ${d.question}  ${d.status}`);
  await output.write(record, [...text, '', ...dimensions, '', `first error below ${thresholds.firstError}`].join('\n'));
}
