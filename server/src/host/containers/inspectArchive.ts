/**
 * Lays an Inspect `.eval` archive out as text: one JSON value a line, `{"member":<name>,"value":<the member's text>}`, the
 * header first, then the samples. The members' text is theirs to the character, but for line breaks between tokens, which become blanks.
 */
import type { ByteSource } from './byteSource.ts';
import { megabytes, readZipMember, type ZipEntry } from './zipContainer.ts';

export type LaidOut =
  | { readonly kind: 'text'; readonly text: string; /** Set where members are missing: one sentence. */ readonly notice?: string }
  | { readonly kind: 'failed'; readonly message: string };

/** The member that says what was run: `header.json`, or for a run that did not end the journal's start. Undefined: no Inspect archive. */
export function headerOf(entries: ReadonlyMap<string, ZipEntry>): ZipEntry | undefined {
  return entries.get('header.json') ?? entries.get('_journal/start.json');
}

/** The whole archive as lines, or as many samples as `maxBytes` of text hold. */
export async function inspectLines(source: ByteSource, entries: ReadonlyMap<string, ZipEntry>, maxBytes: number): Promise<LaidOut> {
  const header = headerOf(entries);
  if (header === undefined) return { kind: 'failed', message: 'The archive is no Inspect log.' };
  const lines: string[] = [];
  const missing: string[] = [];
  let left = maxBytes;
  let firstReason: string | undefined;
  let samples = 0;
  for (const group of [[header], ...sampleGroups(entries)]) {
    const isHeader = group[0] === header;
    if (!isHeader) samples++;
    const read = await groupLines(source, group, left);
    if (read.kind === 'lines') {
      lines.push(...read.lines);
      left -= read.sizeBytes;
    } else {
      firstReason ??= read.message;
      missing.push(group[0]?.name ?? '');
    }
  }
  if (lines.length === 0 || (samples > 0 && missing.length > samples)) return { kind: 'failed', message: firstReason ?? 'The archive is empty.' };
  const text = `${lines.join('\n')}\n`;
  if (firstReason === undefined) return { kind: 'text', text };
  return { kind: 'text', text, notice: `${missing.length} of ${samples + 1} members of the archive are not shown. ${firstReason}` };
}

/** The members that make up one sample: one file, or for large samples a folder of parts, in the order they are read. */
function sampleGroups(entries: ReadonlyMap<string, ZipEntry>): readonly (readonly ZipEntry[])[] {
  const groups = new Map<string, { readonly entry: ZipEntry; readonly rank: number; readonly start: number }[]>();
  for (const entry of entries.values()) {
    const whole = WHOLE_SAMPLE.exec(entry.name);
    const part = whole === null ? SAMPLE_PART.exec(entry.name) : null;
    const sample = whole?.[1] ?? part?.[1];
    if (sample === undefined) continue;
    const group = groups.get(sample) ?? [];
    if (group.length === 0) groups.set(sample, group);
    group.push({ entry, rank: part === null ? 0 : PART_ORDER.indexOf(part[2] ?? ''), start: Number(part?.[3] ?? 0) });
  }
  const byName = new Intl.Collator('en', { numeric: true });
  return [...groups].sort(([a], [b]) => byName.compare(a, b) || (a < b ? -1 : 1)).map(([, group]) => group.sort((a, b) => a.rank - b.rank || a.start - b.start).map(({ entry }) => entry));
}

const WHOLE_SAMPLE = /^(samples\/.+_epoch_\d+)\.json$/;
/** `calls`, `skeleton.json` and `metadata.json` hold nothing a trace needs. */
const SAMPLE_PART = /^(samples\/.+_epoch_\d+)\/(sample|attachments|messages|events)(?:\/(\d+))?\.json$/;
const PART_ORDER = ['sample', 'attachments', 'messages', 'events'];

type GroupRead = { readonly kind: 'lines'; readonly lines: readonly string[]; readonly sizeBytes: number } | { readonly kind: 'failed'; readonly message: string };

async function groupLines(source: ByteSource, group: readonly ZipEntry[], maxBytes: number): Promise<GroupRead> {
  const total = group.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  const name = group[0]?.name ?? '';
  if (total > maxBytes) return { kind: 'failed', message: `"${name}" unpacks to ${megabytes(total)}, more than the ${megabytes(Math.max(0, maxBytes))} there is room for.` };
  const lines: string[] = [];
  for (const entry of group) {
    const member = await readZipMember(source, entry, maxBytes);
    if (member.kind === 'failed') return member;
    const { bytes } = member;
    for (let at = 0; at < bytes.length; at++) if (bytes[at] === LF || bytes[at] === CR) bytes[at] = SPACE;
    const value = bytes.toString('utf8').trim();
    lines.push(`{"member":${JSON.stringify(entry.name)},"value":${value === '' ? 'null' : value}}`);
  }
  return { kind: 'lines', lines, sizeBytes: lines.reduce((sum, line) => sum + line.length + 1, 0) };
}

const LF = 10;
const CR = 13;
const SPACE = 32;
