// Machine code for x86_64. The working registers are rax and rcx, the frame is at rbx, which system calls leave alone.
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; System V ABI, AMD64 supplement, appendix A.2 (Linux).

import type { Condition, InstructionSet, Operator, Register, Source, Width } from './instruction-set.ts';

/** Numbers of registers as in the ModRM byte; those from 8 on need a bit in the REX prefix. */
const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;
const WORKING: Readonly<Record<Register, number>> = { first: RAX, second: RCX };
const ARGUMENTS = [RDI, RSI, RDX, 10, 8, 9];
const OPERATIONS: Readonly<Record<Operator, readonly number[]>> = {
  '+': [0x48, 0x01, 0xc8], // add rax, rcx
  '-': [0x48, 0x29, 0xc8], // sub rax, rcx
  '&': [0x48, 0x21, 0xc8], // and rax, rcx
  '|': [0x48, 0x09, 0xc8], // or rax, rcx
  '<<': [0x48, 0xd3, 0xe0], // shl rax, cl
  '>>': [0x48, 0xd3, 0xe8], // shr rax, cl
};
/** [rcx] to rax. */
const LOADS: Readonly<Record<Width, readonly number[]>> = {
  1: [0x0f, 0xb6, 0x01], // movzx eax, byte
  2: [0x0f, 0xb7, 0x01], // movzx eax, word
  4: [0x8b, 0x01], // mov eax
  8: [0x48, 0x8b, 0x01], // mov rax
};
/** rax to [rcx]. */
const STORES: Readonly<Record<Width, readonly number[]>> = {
  1: [0x88, 0x01],
  2: [0x66, 0x89, 0x01],
  4: [0x89, 0x01],
  8: [0x48, 0x89, 0x01],
};
const JUMPS: Readonly<Record<Condition, number>> = {
  '==': 0x84,
  '!=': 0x85,
  '<': 0x82,
  '<=': 0x86,
  '>': 0x87,
  '>=': 0x83,
};

export const x86_64: InstructionSet = {
  machine: 'x86_64',
  begin: (frameBytes, stackSlot) =>
    Buffer.concat([
      code([0x48, 0x8d, 0x9c, 0x24], -frameBytes), // lea rbx, [rsp - frameBytes]
      code([0x48, 0x89, 0xa3], stackSlot * 8), // mov [rbx + slot], rsp
      code([0x48, 0x89, 0xdc]), // mov rsp, rbx
    ]),
  load: (register, source) => loadRegister(WORKING[register], source),
  keep: (slot) => code([0x48, 0x89, 0x83], slot * 8), // mov [rbx + slot], rax
  compute: (operator) => code(OPERATIONS[operator]),
  compare: () => code([0x48, 0x39, 0xc8]), // cmp rax, rcx
  loadMemory: (width) => code(LOADS[width]),
  storeMemory: (width) => code(STORES[width]),
  frameAddress: (offset) => code([0x48, 0x8d, 0x83], offset), // lea rax, [rbx + offset]
  systemCall: (number, args) =>
    Buffer.concat([
      ...args.map((source, index) => loadRegister(ARGUMENTS[index] ?? RAX, source)),
      code([0xb8], number), // mov eax, number
      code([0x0f, 0x05]), // syscall
    ]),
  enterSubroutine: () => Buffer.alloc(0),
  leaveSubroutine: () => code([0xc3]), // ret
  handOver: () => code([0x48, 0x89, 0xcc, 0x31, 0xd2, 0xff, 0xe0]), // mov rsp, rcx; xor edx, edx; jmp rax
  jump: relative([0xe9]),
  call: relative([0xe8]),
  jumpIf: (condition) => relative([0x0f, JUMPS[condition]]),
  address: relative([0x48, 0x8d, 0x05]), // lea rax, [rip + distance]
};

function loadRegister(register: number, source: Source): Buffer {
  const high = register >= 8 ? 1 : 0;
  if ('slot' in source) {
    return code([0x48 | (high << 2), 0x8b, 0x83 | ((register & 7) << 3)], source.slot * 8); // mov register, [rbx + slot]
  }
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt.asUintN(64, source.constant));
  return Buffer.concat([code([0x48 | high, 0xb8 | (register & 7)]), value]); // mov register, constant
}

/** An instruction, and 32 bits of displacement or immediate value after it. */
function code(opcode: readonly number[], operand?: number): Buffer {
  if (operand === undefined) return Buffer.from(opcode);
  const bytes = Buffer.alloc(opcode.length + 4);
  bytes.set(opcode);
  bytes.writeInt32LE(operand, opcode.length);
  return bytes;
}

/** The processor counts the distance from the end of the instruction. */
function relative(opcode: readonly number[]) {
  const bytes = opcode.length + 4;
  return { bytes, encode: (distance: number) => code(opcode, distance - bytes) };
}
