// What a program needs of the system that starts it: the shared libraries that its ELF file names, and the versions in them.
// Format: https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html

import { type ElfFile, SEGMENT_DYNAMIC, SEGMENT_LOAD } from '../../scripts/build/elf.ts';

/** A version that the dynamic loader must find in a shared library, such as GLIBC_2.28 in libc.so.6. */
export interface ElfVersionNeed {
  readonly library: string;
  readonly version: string;
}

export interface ElfNeeds {
  readonly libraries: readonly string[];
  readonly versions: readonly ElfVersionNeed[];
}

const DYNAMIC_NEEDED = 1;
const DYNAMIC_STRINGS = 5;
const DYNAMIC_VERSION_NEEDS = 0x6ffffffe;
const DYNAMIC_VERSION_NEED_COUNT = 0x6fffffff;

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
