// Reads and strips 64-bit little-endian ELF files, the format of every Linux executable that this project builds.
// Stripping drops what no running program maps (symbols, debug information, comments): 126.6 MB of Node.js become
// 108.5 MB, byte for byte the same when run. Written here because a fresh machine has no binutils, least of all for arm64.
// Format: the System V gABI and https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html

export type ElfMachine = 'x86_64' | 'arm64';

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

/** A version that the dynamic loader must find in a shared library, such as GLIBC_2.28 in libc.so.6. */
export interface ElfVersionNeed {
  readonly library: string;
  readonly version: string;
}

export interface ElfNeeds {
  readonly libraries: readonly string[];
  readonly versions: readonly ElfVersionNeed[];
}

const MACHINES: ReadonlyMap<number, ElfMachine> = new Map([
  [62, 'x86_64'],
  [183, 'arm64'],
]);
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
export const SEGMENT_LOAD = 1;
export const SEGMENT_DYNAMIC = 2;
const SECTION_STRINGS = 3;
const SECTION_FLAG_ALLOCATED = 2n;
const DYNAMIC_NEEDED = 1;
const DYNAMIC_STRINGS = 5;
const DYNAMIC_VERSION_NEEDS = 0x6ffffffe;
const DYNAMIC_VERSION_NEED_COUNT = 0x6fffffff;

/** Throws when the bytes are not a 64-bit little-endian ELF file for one of the two architectures. */
export function readElf(bytes: Buffer): ElfFile {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const machine = MACHINES.get(bytes.readUInt16LE(18));
  if (machine === undefined) throw new Error(`ELF machine ${bytes.readUInt16LE(18)} is neither x86_64 nor arm64`);
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

/** The shared libraries, and the versions in them, without which the dynamic loader refuses to start the program. */
export function readNeeds(elf: ElfFile): ElfNeeds {
  const dynamic = elf.segments.find((segment) => segment.type === SEGMENT_DYNAMIC);
  if (dynamic === undefined) return { libraries: [], versions: [] };
  const neededNames: number[] = [];
  const tags = new Map<number, number>();
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.fileBytes; at += 16) {
    const tag = readNumber(elf.bytes, at);
    const value = readNumber(elf.bytes, at + 8);
    if (tag === 0) break;
    if (tag === DYNAMIC_NEEDED) neededNames.push(value);
    else tags.set(tag, value);
  }
  const strings = fileOffset(elf, tags.get(DYNAMIC_STRINGS) ?? 0);
  const needsAddress = tags.get(DYNAMIC_VERSION_NEEDS);
  return {
    libraries: neededNames.map((offset) => readString(elf.bytes, strings + offset)),
    versions:
      needsAddress === undefined
        ? []
        : readVersionNeeds(
            elf.bytes,
            fileOffset(elf, needsAddress),
            tags.get(DYNAMIC_VERSION_NEED_COUNT) ?? 0,
            strings,
          ),
  };
}

function readVersionNeeds(bytes: Buffer, start: number, count: number, strings: number): ElfVersionNeed[] {
  const needs: ElfVersionNeed[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const library = readString(bytes, strings + bytes.readUInt32LE(at + 4));
    let versionAt = at + bytes.readUInt32LE(at + 8);
    for (let left = bytes.readUInt16LE(at + 2); left > 0; left--) {
      needs.push({ library, version: readString(bytes, strings + bytes.readUInt32LE(versionAt + 8)) });
      versionAt += bytes.readUInt32LE(versionAt + 12);
    }
    at += bytes.readUInt32LE(at + 12);
  }
  return needs;
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

function fileOffset(elf: ElfFile, address: number): number {
  const segment = elf.segments.find(
    ({ type, address: start, fileBytes }) => type === SEGMENT_LOAD && address >= start && address < start + fileBytes,
  );
  if (segment === undefined) throw new Error(`no loaded segment holds the address 0x${address.toString(16)}`);
  return segment.offset + address - segment.address;
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
