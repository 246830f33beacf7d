// The smallest shared library whose initializer crashes, as that of an instrumentation built for another system does: a loaded segment
// that holds everything, a dynamic section with the five tables that a loader insists on, and an instruction that no processor knows.
// Format: the System V gABI, chapter 5.

import type { ElfMachine } from '../../../scripts/build/elf.ts';

const MACHINES = { x86_64: 62, arm64: 183 } as const;
const UNKNOWN_INSTRUCTION = { x86_64: [0x0f, 0x0b], arm64: [0, 0, 0, 0] } as const;
const PAGE_BYTES = 0x10000;
const [DYNAMIC_AT, HASH_AT, SYMBOLS_AT, STRINGS_AT, CODE_AT, BYTES] = [192, 320, 352, 400, 416, 512];

export function crashingLibrary(arch: ElfMachine): Buffer {
  const file = Buffer.alloc(BYTES);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  [3, MACHINES[arch]].forEach((value, index) => {
    file.writeUInt16LE(value, 16 + index * 2);
  });
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32);
  [64, 56, 2, 64, 0, 0].forEach((value, index) => {
    file.writeUInt16LE(value, 52 + index * 2);
  });
  writeSegment(file, 64, { type: 1, rights: 7, at: 0, bytes: BYTES, align: PAGE_BYTES });
  writeSegment(file, 120, { type: 2, rights: 6, at: DYNAMIC_AT, bytes: HASH_AT - DYNAMIC_AT, align: 8 });
  // DT_INIT, DT_HASH, DT_SYMTAB, DT_STRTAB, DT_STRSZ, DT_SYMENT
  [12, CODE_AT, 4, HASH_AT, 6, SYMBOLS_AT, 5, STRINGS_AT, 10, 1, 11, 24, 0, 0].forEach((value, index) => {
    file.writeBigUInt64LE(BigInt(value), DYNAMIC_AT + index * 8);
  });
  // One bucket and one symbol, the empty one.
  [1, 1, 0, 0].forEach((value, index) => {
    file.writeUInt32LE(value, HASH_AT + index * 4);
  });
  file.set(UNKNOWN_INSTRUCTION[arch], CODE_AT);
  return file;
}

interface Segment {
  readonly type: number;
  readonly rights: number;
  readonly at: number;
  readonly bytes: number;
  readonly align: number;
}

function writeSegment(file: Buffer, header: number, { type, rights, at, bytes, align }: Segment): void {
  file.writeUInt32LE(type, header);
  file.writeUInt32LE(rights, header + 4);
  [at, at, at, bytes, bytes, align].forEach((value, index) => {
    file.writeBigUInt64LE(BigInt(value), header + 8 + index * 8);
  });
}
