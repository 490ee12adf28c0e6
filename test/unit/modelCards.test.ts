/** Every model that ships has a card, and the card says in a line what the model does. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelCards } from '../../scripts/packageContents.ts';
import { cardIdea, cardPath, listModels } from '../../server/src/core/modelCards.ts';
import { SCORERS } from '../../server/src/scoring/registry.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'models/artifacts/manifest.json'), 'utf8'));
const cards = [...new Set([...modelCards(ROOT), ...SCORERS.map((s) => cardPath(s.id))])];

it.each(cards)('%s exists and says what the model does', (card) => {
  expect(existsSync(join(ROOT, card)), `${card} is missing: write it; models/README.md says what stands in a card`).toBe(true);
  const idea = cardIdea(readFileSync(join(ROOT, card), 'utf8'));
  expect(idea, `${card} needs a line that begins "- **Does**:" with a sentence for the list of models`).toMatch(/\w+ \w+ \w+/);
  expect(idea.length, `the first sentence after "Does" in ${card} is too long for one line of a list`).toBeLessThan(200);
});

it('the manifest lists the backbone first, then every scorer', () => {
  const scorers = (manifest as { readonly scorers: readonly { readonly id: string }[] }).scorers.map((s) => s.id);
  expect(listModels(manifest).map((m) => m.id)).toEqual(['backbone', ...scorers]);
  for (const { figures } of listModels(manifest)) expect(figures).toMatch(/\d MB$/);
});

describe('a line of the list', () => {
  it('has the figure of the first dev set and the size', () => {
    const scorer = { id: 'svm', sizeBytes: 1_234_567, metrics: { 'test/x': { auroc: 0.9 }, 'dev/y': { auroc: 0.756 }, 'dev/z': { auroc: 0.5 } } };
    expect(listModels({ backbone: { id: 'all-MiniLM', sizeBytes: 23_000_000 }, scorers: [scorer, { id: '../x' }, 7] })).toEqual([
      { id: 'backbone', card: 'models/backbone/CARD.md', figures: '23.0 MB' }, { id: 'svm', card: 'models/svm/CARD.md', figures: 'AUROC 0.76 on dev/y · 1.2 MB' },
    ]);
    expect([listModels(undefined), listModels([]), listModels({})]).toEqual([[], [], []]);
  });

  it.each([
    ['# svm\n\n- **From**: Keerthi.\n- **Does**: an RBF SVM (`2,000` vectors). More.', 'An RBF SVM (2,000 vectors)'],
    ['# x\n\nPlain words, version 2.0 of [them](y.md)\n', 'Plain words, version 2.0 of them'],
    ['# only a title', ''],
  ])('%j is about %j', (card, idea) => {
    expect(cardIdea(card)).toBe(idea);
  });
});
