// The smallest executable that Linux starts: no libraries, no loader, one segment. For machine code that is to be run by itself.
// Format: the System V gABI, chapters 4 and 5.

import { ELF_MACHINES, type ElfMachine } from '../elf.ts';

const ADDRESS = 0x400000n;
const HEADERS_BYTES = 64 + 56;

/** Header, one segment that holds everything, and the program, which starts at its first byte. */
export function staticElf(arch: ElfMachine, program: Buffer): Buffer {
  const headers = Buffer.alloc(HEADERS_BYTES);
  headers.write('\x7fELF\x02\x01\x01', 'latin1');
  headers.writeUInt16LE(2, 16);
  headers.writeUInt16LE(ELF_MACHINES[arch], 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(ADDRESS + BigInt(HEADERS_BYTES), 24);
  headers.writeBigUInt64LE(64n, 32);
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  const bytes = BigInt(HEADERS_BYTES + program.length);
  headers.writeUInt32LE(1, 64);
  headers.writeUInt32LE(5, 68);
  [0n, ADDRESS, ADDRESS, bytes, bytes, 0x10000n].forEach((value, index) => {
    headers.writeBigUInt64LE(value, 72 + index * 8);
  });
  return Buffer.concat([headers, program]);
}
