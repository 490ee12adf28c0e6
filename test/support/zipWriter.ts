/** Writes small zip archives for tests, well formed or wrong in one place. */
import zlib from 'node:zlib';

export interface MemberToWrite {
  readonly name: string;
  readonly text: string | Buffer;
  /** 0 stored, 8 deflate (default), 93 zstd. */
  readonly method?: number;
  /** The packed bytes, where they are not to be made of `text`. */
  readonly packed?: Buffer;
  /** What the table of contents claims, where it is to lie. */
  readonly claimedBytes?: number;
  readonly crc32?: number;
  readonly isEncrypted?: boolean;
  /** Sizes and place in the zip64 field. */
  readonly isWide?: boolean;
}

/** The archive's bytes. With `isWide` its end is written as zip64 too. */
export function zipOf(members: readonly MemberToWrite[], options: { readonly isWide?: boolean; readonly comment?: string } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const bytes = Buffer.from(member.text);
    const method = member.method ?? 8;
    const packed = member.packed ?? (method === 0 ? bytes : method === 93 ? zlib.zstdCompressSync(bytes) : zlib.deflateRawSync(bytes));
    const name = Buffer.from(member.name);
    const size = member.claimedBytes ?? bytes.length;
    const crc = member.crc32 ?? zlib.crc32(bytes);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(method, 8);
    header.writeUInt32LE(crc, 14);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(size, 22);
    header.writeUInt16LE(name.length, 26);
    const wide = Buffer.alloc(member.isWide === true ? 28 : 0);
    if (member.isWide === true) {
      wide.writeUInt16LE(1, 0);
      wide.writeUInt16LE(24, 2);
      wide.writeBigUInt64LE(BigInt(size), 4);
      wide.writeBigUInt64LE(BigInt(packed.length), 12);
      wide.writeBigUInt64LE(BigInt(offset), 20);
    }
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(member.isEncrypted === true ? 1 : 0, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc, 16);
    entry.writeUInt32LE(member.isWide === true ? 0xffffffff : packed.length, 20);
    entry.writeUInt32LE(member.isWide === true ? 0xffffffff : size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(wide.length, 30);
    entry.writeUInt32LE(member.isWide === true ? 0xffffffff : offset, 42);
    directory.push(entry, name, wide);
    parts.push(header, name, packed);
    offset += 30 + name.length + packed.length;
  }
  const table = Buffer.concat(directory);
  const comment = Buffer.from(options.comment ?? '');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(options.isWide === true ? 0xffffffff : table.length, 12);
  end.writeUInt32LE(options.isWide === true ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, table, ...(options.isWide === true ? [wideEnd(table.length, offset)] : []), end, comment]);
}

function wideEnd(tableBytes: number, tableAt: number): Buffer {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(tableBytes), 40);
  record.writeBigUInt64LE(BigInt(tableAt), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(tableAt + tableBytes), 8);
  return Buffer.concat([record, locator]);
}
