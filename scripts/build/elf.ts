// Reads and strips 64-bit little-endian ELF files, the format of every Linux executable that this project builds.
// Stripping drops what no running program maps (symbols, debug information, comments): 126.6 MB of Node.js become
// 108.5 MB, byte for byte the same when run. Written here because a fresh machine has no binutils, least of all for arm64.
// Format: the System V gABI and https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html

/** What `e_machine` says of the architectures that this project knows. */
export const ELF_MACHINES = { x86_64: 62, arm64: 183 } as const;
export type ElfMachine = keyof typeof ELF_MACHINES;

const MACHINE_AT = 18;

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

export interface ElfSection {
  readonly name: string;
  readonly allocated: boolean;
  /** The 64 bytes of its header, as they stand in the file. */
  readonly header: Buffer;
}

export interface ElfFile {
  readonly bytes: Buffer;
  readonly machine: ElfMachine;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
export const SEGMENT_LOAD = 1;
export const SEGMENT_DYNAMIC = 2;
const SEGMENT_NOTE = 4;
const SECTION_STRINGS = 3;
const SECTION_FLAG_ALLOCATED = 2n;

/** Throws when the bytes are not a 64-bit little-endian ELF file for one of the two architectures. */
export function readElf(bytes: Buffer): ElfFile {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const machine = machineOf(bytes);
  if (machine === undefined) {
    throw new Error(`ELF machine ${bytes.readUInt16LE(MACHINE_AT)} is neither x86_64 nor arm64`);
  }
  return { bytes, machine, segments: readSegments(bytes), sections: readSections(bytes) };
}

/**
 * The same program without the sections that are not loaded. Nothing that is loaded moves, so the result runs alike.
 * Strip before a resource is injected: the injected segment would be lost afterwards.
 */
export function stripElf(elf: ElfFile): Buffer {
  const keptCount = elf.sections.findLastIndex((section) => section.allocated) + 1;
  const kept = elf.sections.slice(0, keptCount);
  // Symbols name their section by number, so the kept ones may not be renumbered: they have to come first.
  if (kept.some((section, index) => index > 0 && !section.allocated)) {
    throw new Error('cannot strip: a section that is not loaded stands between loaded ones');
  }
  const loaded = elf.segments.filter((segment) => segment.type === SEGMENT_LOAD);
  const contentEnd = Math.max(...loaded.map((segment) => segment.offset + segment.fileBytes));
  const { table, nameOffsets, tableNameOffset } = nameTable(kept.map((section) => section.name));
  const namesAt = alignTo8(contentEnd);
  const headersAt = alignTo8(namesAt + table.length);
  const result = Buffer.alloc(headersAt + (keptCount + 1) * SECTION_BYTES);
  elf.bytes.copy(result, 0, 0, contentEnd);
  table.copy(result, namesAt);
  kept.forEach((section, index) => {
    const at = headersAt + index * SECTION_BYTES;
    section.header.copy(result, at);
    result.writeUInt32LE(nameOffsets[index] ?? 0, at);
    if (result.readUInt32LE(at + 40) >= keptCount) result.writeUInt32LE(0, at + 40);
  });
  const namesHeaderAt = headersAt + keptCount * SECTION_BYTES;
  result.writeUInt32LE(tableNameOffset, namesHeaderAt);
  result.writeUInt32LE(SECTION_STRINGS, namesHeaderAt + 4);
  result.writeBigUInt64LE(BigInt(namesAt), namesHeaderAt + 24);
  result.writeBigUInt64LE(BigInt(table.length), namesHeaderAt + 32);
  result.writeBigUInt64LE(1n, namesHeaderAt + 48);
  result.writeBigUInt64LE(BigInt(headersAt), 40);
  result.writeUInt16LE(keptCount + 1, 60);
  result.writeUInt16LE(keptCount, 62);
  return result;
}

/** Where a segment stands within its page is the same in the file as in memory: this is the largest page of both architectures. */
const MAX_PAGE_BYTES = 0x10000;

/**
 * The same program without the zeros around the note that was injected as its last segment: LIEF, which the injector is made of, has it
 * begin at the next 256 KB and fills it up to the next 64. The sections' headers, which no running program reads, end there and are left
 * out too.
 */
export function withoutPadding({ bytes, segments }: ElfFile): Buffer {
  const note = segments.findLast(({ type }) => type === SEGMENT_NOTE);
  const holders = segments.filter(({ type, offset }) => type === SEGMENT_LOAD && offset === note?.offset);
  const others = segments.filter(({ type, offset }) => type === SEGMENT_LOAD && offset !== note?.offset);
  const contentEnd = Math.max(...others.map(({ offset, fileBytes }) => offset + fileBytes));
  if (note === undefined || holders.length !== 1 || note.offset < contentEnd) {
    throw new Error('the last segment is not a note that was injected');
  }
  let offset = contentEnd - (contentEnd % MAX_PAGE_BYTES) + (note.address % MAX_PAGE_BYTES);
  if (offset < contentEnd) offset += MAX_PAGE_BYTES;
  const result = Buffer.alloc(offset + note.fileBytes);
  bytes.copy(result, 0, 0, contentEnd);
  bytes.copy(result, offset, note.offset, note.offset + note.fileBytes);
  const tableAt = readNumber(bytes, 32);
  segments.forEach((segment, index) => {
    if (segment.offset !== note.offset) return;
    const at = tableAt + index * SEGMENT_BYTES;
    result.writeBigUInt64LE(BigInt(offset), at + 8);
    for (const size of [32, 40]) result.writeBigUInt64LE(BigInt(note.fileBytes), at + size);
  });
  result.writeBigUInt64LE(0n, 40);
  for (const member of [60, 62]) result.writeUInt16LE(0, member);
  return result;
}

/** Undefined where it is none that we know. */
export function machineOf(bytes: Buffer): ElfMachine | undefined {
  const number = bytes.readUInt16LE(MACHINE_AT);
  return (Object.keys(ELF_MACHINES) as ElfMachine[]).find((machine) => ELF_MACHINES[machine] === number);
}

function readSegments(bytes: Buffer): ElfSegment[] {
  const start = readNumber(bytes, 32);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * SEGMENT_BYTES;
    return {
      type: bytes.readUInt32LE(at),
      offset: readNumber(bytes, at + 8),
      address: readNumber(bytes, at + 16),
      fileBytes: readNumber(bytes, at + 32),
    };
  });
}

function readSections(bytes: Buffer): ElfSection[] {
  const start = readNumber(bytes, 40);
  const headers = Array.from({ length: bytes.readUInt16LE(60) }, (_, index) =>
    bytes.subarray(start + index * SECTION_BYTES, start + (index + 1) * SECTION_BYTES),
  );
  const names = headers[bytes.readUInt16LE(62)];
  const namesAt = names === undefined ? 0 : readNumber(names, 24);
  return headers.map((header) => ({
    name: readString(bytes, namesAt + header.readUInt32LE(0)),
    allocated: (header.readBigUInt64LE(8) & SECTION_FLAG_ALLOCATED) !== 0n,
    header,
  }));
}

function nameTable(names: readonly string[]): { table: Buffer; nameOffsets: number[]; tableNameOffset: number } {
  let text = '\0';
  const nameOffsets = names.map((name) => {
    if (name === '') return 0;
    const offset = text.length;
    text += `${name}\0`;
    return offset;
  });
  const tableNameOffset = text.length;
  return { table: Buffer.from(`${text}.shstrtab\0`, 'latin1'), nameOffsets, tableNameOffset };
}

function readNumber(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function readString(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

function alignTo8(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}
