// Puts the front (program.ts) before an executable: appends its machine code and a second segment table to the file. In that
// table, which the kernel reads, the dynamic loader is not named, the front is one more segment, and the program starts there. All
// that was there stays as it was, and is what the loader gets to see once the front has started it. Format: the System V gABI.

import { type ElfFile, type ElfSegment, readElf, SEGMENT_LOAD } from '../elf.ts';
import type { Pages } from './pages.ts';
import { makeFront } from './program.ts';

const FIXED_ADDRESS = 2;
const SEGMENT_BYTES = 56;
const SEGMENT_NONE = 0;
const SEGMENT_LOADER = 3;
const READ_AND_EXECUTE = 5;
/** The largest page that either architecture has. */
const MAX_PAGE_BYTES = 0x10000;

/** The same program behind the front. It has to be the last change: what rewrites the file afterwards may drop the front. */
export function attachFront(executable: Buffer, pages: Pages): Buffer {
  const elf = readElf(executable);
  if (executable.readUInt16LE(16) !== FIXED_ADDRESS) throw new Error('the executable has no fixed address');
  const loader = elf.segments.find(({ type }) => type === SEGMENT_LOADER);
  if (loader === undefined) throw new Error('the executable names no dynamic loader');
  const loaded = elf.segments.filter(({ type }) => type === SEGMENT_LOAD);
  const tableOffset = Number(executable.readBigUInt64LE(32));
  const front = makeFront({
    architecture: elf.machine,
    loader: executable.toString('latin1', loader.offset, loader.offset + loader.fileBytes - 1),
    headersAddress: BigInt(addressOf(loaded, tableOffset)),
    headerCount: BigInt(elf.segments.length),
    entryAddress: executable.readBigUInt64LE(24),
    segments: elf.segments,
    pages,
  });
  const start = align(executable.length, 16);
  const table = secondTable(elf, tableOffset);
  // A segment stands at the same place within its page in memory as in the file.
  const addressShift = align(highestAddress(elf), MAX_PAGE_BYTES) - (start - (start % MAX_PAGE_BYTES));
  const bytes = table.length + front.length;
  writeSegment(table, elf.segments.length, start, start + addressShift, bytes);
  const result = Buffer.concat([executable, Buffer.alloc(start - executable.length), table, front]);
  result.writeBigUInt64LE(BigInt(start + addressShift + table.length), 24);
  result.writeBigUInt64LE(BigInt(start), 32);
  result.writeUInt16LE(elf.segments.length + 1, 56);
  return result;
}

/** A copy of the segment table in which the loader is not named, with room for one entry more. */
function secondTable(elf: ElfFile, tableOffset: number): Buffer {
  const table = Buffer.alloc((elf.segments.length + 1) * SEGMENT_BYTES);
  elf.bytes.copy(table, 0, tableOffset, tableOffset + elf.segments.length * SEGMENT_BYTES);
  elf.segments.forEach(({ type }, index) => {
    if (type === SEGMENT_LOADER) table.writeUInt32LE(SEGMENT_NONE, index * SEGMENT_BYTES);
  });
  return table;
}

function writeSegment(table: Buffer, index: number, offset: number, address: number, bytes: number): void {
  const at = index * SEGMENT_BYTES;
  table.writeUInt32LE(SEGMENT_LOAD, at);
  table.writeUInt32LE(READ_AND_EXECUTE, at + 4);
  table.writeBigUInt64LE(BigInt(offset), at + 8);
  table.writeBigUInt64LE(BigInt(address), at + 16);
  table.writeBigUInt64LE(BigInt(address), at + 24);
  table.writeBigUInt64LE(BigInt(bytes), at + 32);
  table.writeBigUInt64LE(BigInt(bytes), at + 40);
  table.writeBigUInt64LE(BigInt(MAX_PAGE_BYTES), at + 48);
}

function addressOf(loaded: readonly ElfSegment[], offset: number): number {
  const holder = loaded.find((segment) => offset >= segment.offset && offset < segment.offset + segment.fileBytes);
  if (holder === undefined) throw new Error('the segment table is not loaded');
  return holder.address + offset - holder.offset;
}

/** Behind everything that the program has in memory. */
function highestAddress(elf: ElfFile): number {
  const tableOffset = Number(elf.bytes.readBigUInt64LE(32));
  const ends = elf.segments.map(({ type, address }, index) => {
    const memoryBytes = Number(elf.bytes.readBigUInt64LE(tableOffset + index * SEGMENT_BYTES + 40));
    return type === SEGMENT_LOAD ? address + memoryBytes : 0;
  });
  return Math.max(...ends);
}

function align(value: number, bytes: number): number {
  return Math.ceil(value / bytes) * bytes;
}
