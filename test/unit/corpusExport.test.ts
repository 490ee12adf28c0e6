import { readFileSync, readdirSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { EXPORT_FORMATS, labelsFileOf, writeExport } from '../../server/src/cli/corpusFiles.ts';
import { npyHeader } from '../../server/src/corpus/corpusExportNpy.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { readCsv, readNpy } from '../support/readExports.ts';
import { DIMENSION, scored, step } from '../support/scores.ts';
import { testWorkspace } from '../support/workspace.ts';

/** Numbers that lose a bit when written with fewer than 17 digits, and the ends of the range. */
const HARD = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -1e-7, 123456789.12345679, 1e21];

function corpus(): ScoreCorpus {
  const made = createCorpus();
  for (const [i, value] of HARD.entries()) {
    made.addScorable(step(`t#${i}`, { title: 'a "quoted", long\nline', tools: ['read', 'write'], ...(i === 2 ? { agent: 'ann', outcome: 1 / 3, timeMs: 1_764_000_000_123, line: 7 } : {}) }));
    made.addScore(scored(`t#${i}`, 'sicql', i === 3 ? null : 1 / (i + 3), { q_value: value, policy_logits: [value, null, 2], note: 'text', flag: true }));
    made.addScore(scored(`t#${i}`, 'newcomer', 0.5, Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`unseen_${k}`, k / 7 + i])), 'clarity'));
  }
  return made;
}

describe('an exported corpus', () => {
  it('is the same to the bit as CSV', async () => {
    using folder = testWorkspace();
    await writeExport(corpus(), { file: folder.path('x.csv'), format: 'csv' });
    const { header, rows } = readCsv(readFileSync(folder.path('x.csv'), 'utf8'));
    const at = (name: string): readonly (string | undefined)[] => rows.map((r) => r[header.indexOf(name)]);
    expect(rows).toHaveLength(2 * HARD.length);
    expect(at('attr.q_value').filter((c) => c !== undefined).map(Number)).toEqual(HARD);
    expect(at('attr.policy_logits[0]').filter((c) => c !== undefined).map(Number)).toEqual(HARD);
    expect(header.filter((name) => name.startsWith('attr.unseen_'))).toHaveLength(50);
    expect(header).not.toContain('attr.policy_logits[1]');
    expect(at('title')[0]).toBe('a "quoted", long\nline');
    expect(at('otherAttributes')[1]).toBe('{"policy_logits":[0.30000000000000004,null,2],"note":"text","flag":true}');
    expect(at('agent').filter((c) => c !== undefined)).toEqual(['ann', 'ann']);
  });

  it('is the same to the bit as Parquet, nulls and types included', async () => {
    using folder = testWorkspace();
    await writeExport(corpus(), { file: folder.path('x.parquet'), format: 'parquet' });
    const bytes = readFileSync(folder.path('x.parquet'));
    const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) });
    const list = corpus().toList();
    expect(rows.map((r) => r['attr.q_value']).filter((v) => v !== null)).toEqual(HARD);
    expect(rows.map((r) => r['score'])).toEqual(list.map((r) => r.score));
    expect(rows.map((r) => r['attr.unseen_49'])).toEqual(list.map((r) => r.attributes['unseen_49'] ?? null));
    expect(rows[4]).toMatchObject({ scorableId: 't#2', agent: 'ann', outcome: 1 / 3, timeMs: 1_764_000_000_123, line: 7, isError: false, tools: '["read","write"]', stepIndex: 0, title: 'a "quoted", long\nline' });
    expect(rows[0]).toMatchObject({ agent: null, outcome: null, line: null });
  });

  it('is a tensor with its labels as .npy', async () => {
    using folder = testWorkspace();
    const axes = { metrics: ['q_value', 'score'] };
    await writeExport(corpus(), { file: folder.path('x.npy'), format: 'npy', axes });
    const { shape, values } = readNpy(readFileSync(folder.path('x.npy')));
    const tensor = corpus().toTensor(axes);
    expect(shape).toEqual([HARD.length, 2, 2, 2]);
    expect(values).toEqual([...tensor.values]);
    expect(JSON.parse(readFileSync(labelsFileOf(folder.path('x.npy')), 'utf8'))).toEqual({ axes: ['scorables', 'dimensions', 'scorers', 'metrics'], shape, scorables: HARD.map((_, i) => `t#${i}`), dimensions: ['clarity', DIMENSION], scorers: ['newcomer', 'sicql'], metrics: axes.metrics });
  });

  it.each(EXPORT_FORMATS)('with nothing in it is a file as well: %s', async (format) => {
    using folder = testWorkspace();
    await writeExport(createCorpus(), { file: folder.path('x'), format });
    const bytes = readFileSync(folder.path('x'));
    if (format === 'csv') expect(readCsv(bytes.toString()).rows).toEqual([]);
    if (format === 'jsonl') expect(bytes).toHaveLength(0);
    if (format === 'npy') expect(readNpy(bytes)).toEqual({ shape: [0, 0, 0, 1], values: [] });
    if (format === 'parquet') expect(await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) })).toEqual([]);
  });

  it.each(EXPORT_FORMATS)('that cannot be written leaves nothing behind: %s', async (format) => {
    using folder = testWorkspace({ 'taken/x': '' });
    await expect(writeExport(corpus(), { file: folder.path('taken'), format })).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM|directory/);
    expect(readdirSync(folder.folder).filter((name) => name.includes('.part-'))).toEqual([]);
  });
});

describe('the head of a .npy file', () => {
  it('ends at a multiple of 64 with a line end, as the format asks', () => {
    for (const shape of [[], [1], [3, 2, 5, 7], [1_000_000, 5, 8, 120]]) {
      const header = npyHeader(shape);
      expect(header.length % 64).toBe(0);
      expect(header.at(-1)).toBe(0x0a);
      expect(new DataView(header.buffer).getUint16(8, true)).toBe(header.length - 10);
      expect([...header.subarray(0, 8)]).toEqual([0x93, ...Buffer.from('NUMPY'), 1, 0]);
    }
    expect(new TextDecoder().decode(npyHeader([3, 2]).subarray(10)).trimEnd()).toBe("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2,), }");
  });
});
