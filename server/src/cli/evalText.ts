/** An evaluation as a person reads it on a terminal. */
import type { CalibratedFigure, Evaluation, StepFigure } from '../scoring/evaluation/evaluate.ts';

export function evaluationText(found: Evaluation & { readonly file: string; readonly sample: { readonly of: number } | null }): string {
  const { steps, firstError, riskCoverage, runs } = found;
  const judged = steps.good + steps.bad;
  const sample = found.sample === null ? '' : ` (a random sample of ${found.sample.of}, always the same)`;
  const lines = [`${found.file}  ${found.traces} traces${sample}, ${found.problems} problems, ${judged} steps judged good or bad by people${found.badShare === null ? '' : `, ${whole(found.badShare)} % bad`}`];
  if (steps.unscored > 0) lines.push(`  ${steps.unscored} of them hold no words and are not scored`);
  if (steps.good > 0 && steps.bad > 0) {
    lines.push(
      row('', ['AUROC [95 %]', 'AUPRC', 'ECE']), row('consensus', cells(found.consensus)),
      ...found.scorers.map((s) => row(s.scorer, cells(s))), ...found.baselines.map((b) => row(`${b.baseline} only`, cells(b))), row('chance', ['0.500', number(found.badShare), '']),
    );
    lines.push(...found.parts.map((p) => row(`· ${p.dataset}`, [...cells(p), `n ${p.n}`])));
  } else if (judged > 0) lines.push(`  only ${steps.bad === 0 ? 'good' : 'bad'} steps: there is nothing to tell apart`);
  if (firstError !== null) {
    lines.push(
      `  first error below ${number(firstError.threshold)}: F1 ${range(firstError.f1, firstError.interval)}; right on ${whole(firstError.accuracyErroneous)} % of ${firstError.erroneous} erroneous and ${whole(firstError.accuracyClean)} % of ${firstError.clean} clean traces`,
      `    at best by length ${number(firstError.best.length)}, by position ${number(firstError.best.position)} (thresholds chosen on these traces)`,
    );
  }
  if (riskCoverage !== null && steps.good > 0 && steps.bad > 0) {
    lines.push(`  consensus wrong on ${riskCoverage.at.map((a) => `${whole(a.risk)} % of ${a.coverage === 1 ? 'all' : `the surest ${whole(a.coverage)} %`}`).join(', ')}; mean risk ${number(riskCoverage.area)}, by margin ${number(riskCoverage.marginArea)}, at best ${number(riskCoverage.bestArea)}`);
  }
  lines.push(...found.dimensions.map((d) => `  ${d.dimension}: AUROC ${range(d.auroc, d.interval)}, n ${d.n}; reasoning_quality on the same labels ${number(d.reasoningQualityAuroc)}`));
  if (runs !== null) {
    lines.push(`  runs: ${runs.n}, ${whole(runs.successShare)} % succeed${runs.ece === null ? '' : `, ECE of the chance of success ${number(runs.ece)}`}`, ...runs.figures.map((f) => row(`· ${f.score}`, [range(f.auroc, f.interval)])));
  }
  return `${lines.join('\n')}\n`;
}

const NAME_WIDTH = 24;
const CELL_WIDTHS = [22, 7, 7];

function row(name: string, values: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH)}${values.map((v, i) => v.padEnd(CELL_WIDTHS[i] ?? 0)).join(' ')}`.trimEnd();
}

function cells(figure: StepFigure | CalibratedFigure): readonly string[] {
  return [range(figure.auroc, figure.interval), number(figure.auprc), 'ece' in figure ? number(figure.ece) : ''];
}

function range(value: number | null, interval: readonly [number, number] | null): string {
  return interval === null ? number(value) : `${number(value)} [${number(interval[0])}, ${number(interval[1])}]`;
}

function number(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

function whole(share: number): string {
  return String(Math.round(share * 100));
}
