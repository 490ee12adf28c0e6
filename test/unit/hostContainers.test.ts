/** Archives and compressed files: what is inside comes out as text, and what is broken, too large or of another kind is a sentence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inspectFormat } from '../../server/src/formats/inspect.ts';
import { bufferSource, fileSource } from '../../server/src/host/containers/byteSource.ts';
import { mayBeContainer, readContainer, type ContainerRead } from '../../server/src/host/containers/readContainer.ts';
import { zipOf, type MemberToWrite } from '../support/zipWriter.ts';

const HEADER = { name: 'header.json', text: '{\n  "version": 2,\n  "eval": {"task": "t", "model": "m"}\n}' };
const SAMPLE = { name: 'samples/1_epoch_1.json', text: '{\n  "id": 1, "epoch": 1, "input": "a\\nb", "target": "",\r\n  "messages": [{"role": "assistant", "content": "ä 🌊"}]\n}' };

function read(bytes: Buffer, options: { readonly path?: string; readonly maxTextBytes?: number } = {}): Promise<ContainerRead> {
  return readContainer(options.path ?? 'log.eval', bufferSource(bytes), { maxTextBytes: options.maxTextBytes ?? 1e8 });
}

function archive(...members: readonly MemberToWrite[]): Promise<ContainerRead> {
  return read(zipOf(members));
}

function textOf(found: ContainerRead): string {
  if (found.kind !== 'text') throw new Error(JSON.stringify(found));
  return found.text;
}

const EXPECTED = [
  '{"member":"header.json","value":{   "version": 2,   "eval": {"task": "t", "model": "m"} }}',
  '{"member":"samples/1_epoch_1.json","value":{   "id": 1, "epoch": 1, "input": "a\\nb", "target": "",    "messages": [{"role": "assistant", "content": "ä 🌊"}] }}',
  '',
].join('\n');

describe('an Inspect archive', () => {
  it.each([[0], [8], [93]])('is laid out line by line, members packed with method %i', async (method) => {
    expect(textOf(await archive({ ...SAMPLE, method }, { ...HEADER, method }))).toBe(EXPECTED);
  });

  it('is a trace to the reader of the format, with exact offsets', async () => {
    const text = textOf(await archive(HEADER, SAMPLE));
    const [trace] = inspectFormat.parse({ path: 'log.eval', text }).traces;
    const step = trace?.steps[0];
    expect([trace?.traceId, trace?.goalText, trace?.meta.model, step?.output]).toEqual(['1_epoch_1', 'a\nb', 'm', 'ä 🌊']);
    expect(text.slice(step?.textRange?.start, step?.textRange?.end)).toBe('ä 🌊');
  });

  it('may have members of several zstd frames', async () => {
    const text = Buffer.from(SAMPLE.text);
    const packed = Buffer.concat([zlib.zstdCompressSync(text.subarray(0, 20)), zlib.zstdCompressSync(text.subarray(20))]);
    expect(textOf(await archive(HEADER, { ...SAMPLE, method: 93, packed }))).toBe(EXPECTED);
  });

  it('may be zip64, and may end in a comment', async () => {
    const members = [HEADER, { ...SAMPLE, isWide: true }];
    expect(textOf(await read(zipOf(members, { isWide: true })))).toBe(EXPECTED);
    expect(textOf(await read(zipOf(members, { comment: 'PK\u0005\u0006 not the end' })))).toBe(EXPECTED);
  });

  it('of a run that did not end begins with the start of its journal', async () => {
    const text = textOf(await archive({ ...HEADER, name: '_journal/start.json' }, SAMPLE, { name: '_journal/summaries/1.json', text: '[]' }));
    expect(text.split('\n').map((line) => line.slice(0, 32))).toEqual(['{"member":"_journal/start.json",', '{"member":"samples/1_epoch_1.jso', '']);
  });

  it('has its samples in order, the parts of large ones together, and leaves out what no trace needs', async () => {
    const names = ['samples/10_epoch_1.json', 'samples/2_epoch_1.json', 'samples/x/y_epoch_2/messages/1000.json', 'samples/x/y_epoch_2/messages/0.json', 'samples/x/y_epoch_2/events/0.json', 'samples/x/y_epoch_2/events/stats.json', 'samples/x/y_epoch_2/attachments/0.json', 'samples/x/y_epoch_2/calls/0.json', 'samples/x/y_epoch_2/skeleton.json', 'samples/x/y_epoch_2/sample.json', 'summaries.json', 'reductions.json'];
    const text = textOf(await archive(HEADER, ...names.map((name) => ({ name, text: '{}' }))));
    expect(text.trim().split('\n').map((line) => (JSON.parse(line) as { member: string }).member)).toEqual([
      'header.json', 'samples/2_epoch_1.json', 'samples/10_epoch_1.json', 'samples/x/y_epoch_2/sample.json', 'samples/x/y_epoch_2/attachments/0.json',
      'samples/x/y_epoch_2/messages/0.json', 'samples/x/y_epoch_2/messages/1000.json', 'samples/x/y_epoch_2/events/0.json',
    ]);
  });

  it('counts the last of two members of one name', async () => {
    expect(textOf(await archive({ ...HEADER, text: '{"old": 1}' }, SAMPLE, HEADER))).toBe(EXPECTED);
  });

  it.each([
    ['lies about its size', { ...SAMPLE, claimedBytes: 50 }, 'unpacks to more than the table of contents says'],
    ['is damaged', { ...SAMPLE, crc32: 1 }, 'its checksum does not match'],
    ['is no deflate data', { ...SAMPLE, packed: Buffer.from('garbage!') }, 'cannot be unpacked'],
    ['is encrypted', { ...SAMPLE, isEncrypted: true }, 'is encrypted'],
    ['is packed in an unknown way', { ...SAMPLE, method: 12, packed: Buffer.from('x') }, 'method 12'],
    ['claims more than there is room for', { ...SAMPLE, claimedBytes: 4_000_000_000 }, 'more than the 100 MB there is room for'],
  ])('shows the other samples where one %s', async (_, broken: MemberToWrite, message) => {
    const found = await archive(HEADER, { ...SAMPLE, name: 'samples/2_epoch_1.json' }, broken);
    expect(textOf(found).split('\n').length).toBe(3);
    expect(found.kind === 'text' ? found.notice : '').toContain('1 of 3 members of the archive are not shown.');
    expect(found.kind === 'text' ? found.notice : '').toContain(message);
  });

  it('stops at the limit for all members together', async () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ ...SAMPLE, name: `samples/${i}_epoch_1.json` }));
    const found = await read(zipOf([HEADER, ...many]), { maxTextBytes: 1000 });
    expect(textOf(found).length).toBeLessThanOrEqual(1000);
    expect(found.kind === 'text' && found.notice).toMatch(/^1\d of 21 members of the archive are not shown\./);
  });

  it('packed to look small is not unpacked', async () => {
    const bomb = { ...SAMPLE, text: Buffer.alloc(50_000_000, 32) };
    const found = await read(zipOf([HEADER, bomb]), { maxTextBytes: 1_000_000 });
    expect(found).toMatchObject({ kind: 'text', text: `${EXPECTED.split('\n')[0]}\n` });
    const liar = await read(zipOf([HEADER, { ...bomb, claimedBytes: 100 }]), { maxTextBytes: 1_000_000 });
    expect(liar.kind === 'text' && liar.notice).toContain('unpacks to more than the table of contents says');
  });

  it('cut anywhere gives a sentence or a part, never an exception', async () => {
    const bytes = zipOf([HEADER, SAMPLE, { ...SAMPLE, name: 'samples/2_epoch_1.json', method: 93 }]);
    for (let end = 0; end < bytes.length; end += 7) expect(['failed', 'text', 'not-a-container']).toContain((await read(bytes.subarray(0, end))).kind);
    expect(await read(bytes.subarray(0, bytes.length - 1))).toEqual({ kind: 'failed', message: 'The archive is cut off or damaged: its table of contents is missing.' });
    for (let at = 0; at < bytes.length; at += 3) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x41;
      expect(['failed', 'text', 'not-a-container']).toContain((await read(flipped)).kind);
    }
  });

  it('is read from an open file piece by piece, and leaves the caller its bytes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'containers-'));
    try {
      const bytes = zipOf([{ ...HEADER, method: 0 }, SAMPLE]);
      const copy = Buffer.from(bytes);
      expect(textOf(await read(bytes))).toBe(EXPECTED);
      expect(bytes.equals(copy)).toBe(true);
      const path = join(folder, 'log.eval');
      writeFileSync(path, bytes);
      const file = await open(path);
      try {
        const found = await readContainer(path, fileSource(file, bytes.length), { maxTextBytes: 1e6 });
        expect(found).toMatchObject({ kind: 'text', isVirtual: true, title: 'log.eval (unpacked)', text: EXPECTED });
      } finally {
        await file.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('other files', () => {
  it('that are no containers are left alone', async () => {
    const others = [Buffer.from(''), Buffer.from('{"a":1}'), Buffer.from('PK'), zipOf([{ name: 'word/document.xml', text: '<x/>' }]), zlib.gzipSync(Buffer.from([0, 1, 2])), zlib.zstdCompressSync(Buffer.from('ab\0'))];
    for (const bytes of others) expect(await read(bytes, { path: 'x.bin' })).toEqual({ kind: 'not-a-container' });
  });

  it('are recognised by their first bytes', () => {
    expect(mayBeContainer(zipOf([HEADER]))).toBe(true);
    expect(mayBeContainer(zlib.gzipSync('x'))).toBe(true);
    expect(mayBeContainer(zlib.zstdCompressSync(Buffer.from('x')))).toBe(true);
    expect(mayBeContainer(Buffer.from('{"PK":1}'))).toBe(false);
    expect(mayBeContainer(Buffer.from([0x50]))).toBe(false);
  });

  const lines = Array.from({ length: 5000 }, (_, i) => `{"line":${i},"text":"ä🌊"}`).join('\n');

  it('compressed whole come out as they went in, in one frame or several', async () => {
    const bytes = Buffer.from(lines);
    const middle = 12_345;
    expect(textOf(await read(zlib.zstdCompressSync(bytes), { path: 'a.jsonl.zst' }))).toBe(lines);
    expect(textOf(await read(Buffer.concat([zlib.zstdCompressSync(bytes.subarray(0, middle)), zlib.zstdCompressSync(bytes.subarray(middle))]), { path: 'a.jsonl.zst' }))).toBe(lines);
    expect(textOf(await read(zlib.gzipSync(bytes), { path: 'a.jsonl.gz' }))).toBe(lines);
  });

  it('compressed and cut off show what comes before the cut', async () => {
    const noise = Array.from({ length: 40_000 }, (_, i) => `{"line":${i},"text":"${(i * 2654435761).toString(36)}"}`).join('\n');
    for (const packed of [zlib.gzipSync(noise), zlib.zstdCompressSync(Buffer.from(noise))]) {
      const found = await read(packed.subarray(0, Math.floor(packed.length * 0.8)), { path: 'a.jsonl.zst' });
      const text = textOf(found);
      expect(text.length).toBeGreaterThan(1000);
      expect(noise.startsWith(text)).toBe(true);
      expect(found.kind === 'text' && found.notice).toMatch(/^Only the first .* of the file could be unpacked: its (?:gzip|zstd) data is cut off or damaged/);
    }
    expect((await read(zlib.gzipSync('x').subarray(0, 9), { path: 'a.gz' })).kind).toBe('failed');
  });

  it('that unpack to more than the limit give a sentence', async () => {
    const packed = zlib.zstdCompressSync(Buffer.alloc(20_000_000, 65));
    expect(await read(packed, { path: 'a.zst', maxTextBytes: 1_000_000 })).toEqual({ kind: 'failed', message: 'The file unpacks to more than 1 MB, the most that is read.' });
  });

  it('that cannot be read give a sentence', async () => {
    const source = { sizeBytes: 10, read: () => Promise.reject(new Error('EIO')) };
    expect(await readContainer('x.eval', source, { maxTextBytes: 10 })).toEqual({ kind: 'failed', message: 'The file cannot be read (EIO).' });
  });
});
