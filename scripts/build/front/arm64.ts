// Machine code for arm64. The working registers are x9 and x10, the frame is at x28; every instruction is one word of 4 bytes.
// Arm Architecture Reference Manual for A-profile, chapter C6; Linux takes the number of a system call in x8.

import type {
  Condition,
  InstructionSet,
  Operator,
  Register,
  RelativeInstruction,
  Source,
  Width,
} from './instruction-set.ts';

const FIRST = 9;
const SECOND = 10;
const FRAME = 28;
const WORKING: Readonly<Record<Register, number>> = { first: FIRST, second: SECOND };
const PAGE_BYTES = 4096;
/** x9 from x9 and x10. */
const OPERATIONS: Readonly<Record<Operator, number>> = {
  '+': 0x8b0a0129, // add
  '-': 0xcb0a0129, // sub
  '&': 0x8a0a0129, // and
  '|': 0xaa0a0129, // orr
  '<<': 0x9aca2129, // lslv
  '>>': 0x9aca2529, // lsrv
};
/** [x10] to x9. */
const LOADS: Readonly<Record<Width, number>> = { 1: 0x39400149, 2: 0x79400149, 4: 0xb9400149, 8: 0xf9400149 };
/** x9 to [x10]. */
const STORES: Readonly<Record<Width, number>> = { 1: 0x39000149, 2: 0x79000149, 4: 0xb9000149, 8: 0xf9000149 };
const CONDITIONS: Readonly<Record<Condition, number>> = { '==': 0, '!=': 1, '<': 3, '<=': 9, '>': 8, '>=': 2 };

export const arm64: InstructionSet = {
  machine: 'arm64',
  begin: (frameBytes, stackSlot) => {
    if (frameBytes % PAGE_BYTES !== 0) throw new Error('the frame must be whole pages');
    return words(
      0xd14003fc | ((frameBytes / PAGE_BYTES) << 10), // sub x28, sp, #pages, lsl #12
      0x910003e9, // mov x9, sp
      storeSlot(stackSlot),
      0x9100039f, // mov sp, x28
    );
  },
  load: (register, source) => loadRegister(WORKING[register], source),
  keep: (slot) => words(storeSlot(slot)),
  compute: (operator) => words(OPERATIONS[operator]),
  compare: () => words(0xeb0a013f), // cmp x9, x10
  loadMemory: (width) => words(LOADS[width]),
  storeMemory: (width) => words(STORES[width]),
  frameAddress: (offset) => Buffer.concat([loadRegister(FIRST, { constant: BigInt(offset) }), words(0x8b1c0129)]), // add x9, x9, x28
  systemCall: (number, args) =>
    Buffer.concat([
      ...args.map((source, index) => loadRegister(index, source)),
      loadRegister(8, { constant: BigInt(number) }),
      words(0xd4000001, 0xaa0003e9), // svc #0; mov x9, x0
    ]),
  enterSubroutine: () => words(0xf81f0ffe), // str x30, [sp, #-16]!
  leaveSubroutine: () => words(0xf84107fe, 0xd65f03c0), // ldr x30, [sp], #16; ret
  handOver: () => words(0x9100015f, 0xd2800000, 0xd61f0120), // mov sp, x10; mov x0, #0; br x9
  jump: relative((distance) => 0x14000000 | field(distance / 4, 26)),
  call: relative((distance) => 0x94000000 | field(distance / 4, 26)),
  jumpIf: (condition) => relative((distance) => 0x54000000 | (field(distance / 4, 19) << 5) | CONDITIONS[condition]),
  address: relative(
    (distance) => 0x10000000 | (field(distance & 3, 2) << 29) | (field(distance >> 2, 19) << 5) | FIRST,
  ),
};

function loadRegister(register: number, source: Source): Buffer {
  if ('slot' in source) return words(0xf9400000 | (source.slot << 10) | (FRAME << 5) | register); // ldr
  const value = BigInt.asUintN(64, source.constant);
  const quarter = (index: number) => Number((value >> BigInt(index * 16)) & 0xffffn);
  return words(
    0xd2800000 | (quarter(0) << 5) | register, // movz, then movk for each other quarter
    ...[1, 2, 3]
      .filter((index) => quarter(index) !== 0)
      .map((index) => 0xf2800000 | (index << 21) | (quarter(index) << 5) | register),
  );
}

function storeSlot(slot: number): number {
  return 0xf9000000 | (slot << 10) | (FRAME << 5) | FIRST;
}

function words(...instructions: readonly number[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 4);
  instructions.forEach((word, index) => {
    bytes.writeUInt32LE(word >>> 0, index * 4);
  });
  return bytes;
}

function relative(encode: (distance: number) => number): RelativeInstruction {
  return { bytes: 4, encode: (distance) => words(encode(distance)) };
}

/** The low bits of a signed number. Throws where they do not hold it. */
function field(value: number, bits: number): number {
  const isSigned = bits > 2;
  const limit = isSigned ? 2 ** (bits - 1) : 2 ** bits;
  if (!Number.isInteger(value) || value >= limit || value < (isSigned ? -limit : 0))
    throw new Error('a jump is too far');
  return value & (2 ** bits - 1);
}
