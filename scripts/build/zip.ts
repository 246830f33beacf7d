// Writes and reads zip archives in the plain form that Lambda takes: deflate, no encryption, no zip64. There is a writer of
// our own because the archive must be the same bytes each time (fixed dates and order, no host data), carry Unix modes,
// and take a deflate stream that a better compressor has made. Format: APPNOTE.TXT 6.3.3 by PKWARE.

import { crc32, inflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** Path inside the archive, with `/`. */
  readonly name: string;
  /** Unix permissions, such as 0o755. */
  readonly mode: number;
  readonly content: Buffer;
}

export interface CompressedEntry extends ZipEntry {
  /** `content` as a raw deflate stream. */
  readonly deflated: Buffer;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const END_RECORD_BYTES = 22;
const DEFLATE = 8;
const VERSION_2_0 = 20;
const MADE_BY_UNIX = (3 << 8) | VERSION_2_0;
const REGULAR_FILE = 0o100000;
/** 1 January 1980, the first day that the format knows. */
const FIRST_DATE = 0x0021;

/** The archive, with the entries in the order given. */
export function writeZip(entries: readonly CompressedEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const fields = commonFields(entry, name.length);
    const local = Buffer.concat([uint32(LOCAL_HEADER), fields, name, entry.deflated]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((REGULAR_FILE | entry.mode) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(uint32(CENTRAL_HEADER), uint16(MADE_BY_UNIX), fields, tail, name);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(END_RECORD_BYTES);
  end.writeUInt32LE(END_RECORD, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** Every file of an archive without a comment, inflated. Throws when a length or a checksum is wrong. */
export function readZip(archive: Buffer): ZipEntry[] {
  const end = archive.length - END_RECORD_BYTES;
  if (end < 0 || archive.readUInt32LE(end) !== END_RECORD) throw new Error('not a zip archive without a comment');
  const entries: ZipEntry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== CENTRAL_HEADER) throw new Error(`no directory entry at ${at}`);
    const nameBytes = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameBytes);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(start, start + archive.readUInt32LE(at + 20)));
    if (content.length !== archive.readUInt32LE(at + 24) || crc32(content) !== archive.readUInt32LE(at + 16)) {
      throw new Error(`${name} is damaged`);
    }
    entries.push({ name, mode: (archive.readUInt32LE(at + 38) >>> 16) & 0o7777, content });
    at += 46 + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

/** The 26 bytes that the header in front of an entry and its line in the directory have in common. */
function commonFields(entry: CompressedEntry, nameBytes: number): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION_2_0, 0);
  fields.writeUInt16LE(DEFLATE, 4);
  fields.writeUInt16LE(FIRST_DATE, 8);
  fields.writeUInt32LE(crc32(entry.content), 10);
  fields.writeUInt32LE(entry.deflated.length, 14);
  fields.writeUInt32LE(entry.content.length, 18);
  fields.writeUInt16LE(nameBytes, 22);
  return fields;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
