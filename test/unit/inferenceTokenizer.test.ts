/** The tokenizer against the reference's own answers, and against texts of megabytes. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../server/src/inference/tokenizer.ts';
import type { TokenizerFile } from '../../server/src/inference/tokenizer.ts';

const ARTIFACTS = new URL('../../models/artifacts/', import.meta.url);
const tokenizer = createTokenizer(JSON.parse(readFileSync(new URL('tokenizer.json', ARTIFACTS), 'utf8')) as TokenizerFile);

function small(vocab: readonly string[], maxLength = 100): ReturnType<typeof createTokenizer> {
  return createTokenizer({
    model: { type: 'WordPiece', vocab: Object.fromEntries(vocab.map((v, i) => [v, i])), unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: maxLength },
    added_tokens: [{ id: 0, content: '[UNK]' }, { id: 1, content: '[CLS]' }, { id: 2, content: '[SEP]' }],
  });
}

describe('tokenizer', () => {
  it('gives the ids of the reference on its 5,000 cases', () => {
    const cases = JSON.parse(gunzipSync(readFileSync(new URL('tokenizer_cases.json.gz', ARTIFACTS))).toString('utf8')) as { texts: string[]; ids: number[][] };
    expect(cases.texts.length).toBeGreaterThanOrEqual(5000);
    const wrong = cases.texts.filter((text, i) => tokenizer.encode(text).join() !== cases.ids[i]?.join());
    expect(wrong).toEqual([]);
  });

  it('takes the longest piece first and gives up on a word that no pieces make up', () => {
    const t = small(['[UNK]', '[CLS]', '[SEP]', 'un', 'una', '##ff', '##able', '##aff', '!', 'e', '中']);
    // "unaffable": una + ##ff + ##able (3 letters beat 2); "unx" fits nowhere after "un".
    expect([...t.encode('Unaffable! unx')]).toEqual([4, 5, 6, 8, 0]);
    // Accents go, ideographs stand alone, written special tokens are those tokens.
    expect([...t.encode('É中é[SEP]')]).toEqual([9, 10, 9, 2]);
    expect([...t.encode('')]).toEqual([]);
  });

  it('reads a word over the limit as unknown, counted in code points', () => {
    const t = small(['[UNK]', '[CLS]', '[SEP]', 'x', '##x'], 3);
    expect([...t.encode('xxx xxxx')]).toEqual([3, 4, 4, 0]);
  });

  it.each([
    ['one word', 'x'.repeat(5_000_000)],
    ['unknown words of 99 letters', `${'qzj'.repeat(33)} `.repeat(50_000)],
    ['accents', 'é'.repeat(5_000_000)],
    ['ideographs', '中'.repeat(5_000_000)],
    ['lone surrogates', '\ud800'.repeat(5_000_000)],
    ['prose', 'the quick brown fox jumps over 13 lazy dogs, and again. '.repeat(90_000)],
  ])('takes 5 MB of %s in its stride', (_, text) => {
    const start = performance.now();
    tokenizer.encode(text);
    // 1 MB/s is the budget; the slowest measured is 11 MB/s, so that a busy machine does not fail here.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
