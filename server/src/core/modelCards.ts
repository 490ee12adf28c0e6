/** The models of an installation in a line each, and where their cards stand. */

export interface ModelLine {
  /** `backbone`, else the scorer's id. */
  readonly id: string;
  /** Where its card stands in the project and in the package. */
  readonly card: string;
  /** "AUROC 0.75 on dev/mr_ben · 0.6 MB"; without a figure where the manifest has none. */
  readonly figures: string;
}

export const BACKBONE = 'backbone';

export function cardPath(id: string): string {
  return `models/${id}/CARD.md`;
}

/** From models/artifacts/manifest.json as parsed; what it lacks is left out, nothing readable gives an empty list. */
export function listModels(manifest: unknown): readonly ModelLine[] {
  if (!isBag(manifest)) return [];
  const scorers = Array.isArray(manifest['scorers']) ? (manifest['scorers'] as readonly unknown[]).filter(isBag) : [];
  return [...(isBag(manifest['backbone']) ? [{ ...manifest['backbone'], id: BACKBONE }] : []), ...scorers].flatMap((model) => {
    const { id, sizeBytes } = model as Bag;
    if (typeof id !== 'string' || !/^\w+$/.test(id)) return [];
    const size = typeof sizeBytes === 'number' ? `${(sizeBytes / 1e6).toFixed(1)} MB` : undefined;
    return [{ id, card: cardPath(id), figures: [devAuroc((model as Bag)['metrics']), size].filter((f) => f !== undefined).join(' · ') }];
  });
}

/** What the model does, one sentence of its card: of the line that begins "Does", else of the first line of text. '' where there is none. */
export function cardIdea(card: string): string {
  const lines = card.split(/\r?\n/).filter((line) => line.trim() !== '' && !/^\s*(#|\||<!--)/.test(line));
  const line = lines.find((l) => /^\s*(?:[-*]\s+)?\*\*Does\*\*/.test(l)) ?? lines[0] ?? '';
  const plain = line.replace(/^\s*(?:[-*]\s+)?(?:\*\*Does\*\*:?\s*)?/, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]/g, '').trim();
  const sentence = /^.*?\.(?=\s|$)/.exec(plain)?.[0].slice(0, -1) ?? plain;
  return `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}`;
}

/** Of the first dev set it was measured on. */
function devAuroc(metrics: unknown): string | undefined {
  if (!isBag(metrics)) return undefined;
  for (const [dataset, figure] of Object.entries(metrics)) {
    if (dataset.startsWith('dev/') && isBag(figure) && typeof figure['auroc'] === 'number') return `AUROC ${figure['auroc'].toFixed(2)} on ${dataset}`;
  }
  return undefined;
}

type Bag = Readonly<Record<string, unknown>>;

function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
