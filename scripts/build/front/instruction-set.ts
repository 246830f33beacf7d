// What the writer of machine code (machine-code.ts) asks of an architecture. A program knows variables and constants only:
// every variable has a slot of 8 bytes in one stack frame, and two working registers carry values between slots. That is slow and
// simple, and it makes one program of a few hundred steps fit every architecture.

import type { ElfMachine } from '../elf.ts';

/** `first` takes results; `second` is the other operand, or the address of what is loaded and stored. */
export type Register = 'first' | 'second';
export type Operator = '+' | '-' | '&' | '|' | '<<' | '>>';
/** Comparisons are unsigned. */
export type Condition = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Width = 1 | 2 | 4 | 8;
/** Their numbers, which each architecture has its own. */
export const SYSTEM_CALLS = {
  clone: { x86_64: 56, arm64: 220 },
  close: { x86_64: 3, arm64: 57 },
  connect: { x86_64: 42, arm64: 203 },
  exit: { x86_64: 60, arm64: 93 },
  exit_group: { x86_64: 231, arm64: 94 },
  faccessat: { x86_64: 269, arm64: 48 },
  getdents64: { x86_64: 217, arm64: 61 },
  madvise: { x86_64: 28, arm64: 233 },
  mincore: { x86_64: 27, arm64: 232 },
  mmap: { x86_64: 9, arm64: 222 },
  nanosleep: { x86_64: 35, arm64: 101 },
  openat: { x86_64: 257, arm64: 56 },
  preadv2: { x86_64: 327, arm64: 286 },
  prlimit64: { x86_64: 302, arm64: 261 },
  read: { x86_64: 0, arm64: 63 },
  rt_sigprocmask: { x86_64: 14, arm64: 135 },
  sendto: { x86_64: 44, arm64: 206 },
  socket: { x86_64: 41, arm64: 198 },
  wait4: { x86_64: 61, arm64: 260 },
  write: { x86_64: 1, arm64: 64 },
} as const;
export type SystemCall = keyof typeof SYSTEM_CALLS;

/** Where an operand is: in a slot of the frame, or in the instruction. */
export type Source = { readonly slot: number } | { readonly constant: bigint };

/** An instruction that names a place in the program. `distance` counts from its own first byte. */
export interface RelativeInstruction {
  readonly bytes: number;
  encode(distance: number): Buffer;
}

export interface InstructionSet {
  readonly machine: ElfMachine;
  /** Makes the frame below the stack that the kernel handed over, and keeps the address of that stack in `stackSlot`. */
  begin(frameBytes: number, stackSlot: number): Buffer;
  load(register: Register, source: Source): Buffer;
  /** Keeps `first` in a slot. */
  keep(slot: number): Buffer;
  /** `first` becomes `first` operator `second`. */
  compute(operator: Operator): Buffer;
  compare(): Buffer;
  /** `first` becomes what stands at `second`, zeroes on top. */
  loadMemory(width: Width): Buffer;
  /** The low bytes of `first` go to where `second` points. */
  storeMemory(width: Width): Buffer;
  /** `first` becomes the address of a byte of the frame. */
  frameAddress(offset: number): Buffer;
  /** `first` becomes the result: a small negative number is an error. At most six arguments. */
  systemCall(number: number, args: readonly Source[]): Buffer;
  /** What a subroutine starts with and ends with. */
  enterSubroutine(): Buffer;
  leaveSubroutine(): Buffer;
  /** Leaves the program for good: `first` is where to, `second` the stack, and nothing is registered to run at exit. */
  handOver(): Buffer;
  readonly jump: RelativeInstruction;
  readonly call: RelativeInstruction;
  jumpIf(condition: Condition): RelativeInstruction;
  /** `first` becomes the address of the place. */
  readonly address: RelativeInstruction;
}

/** Flags of a mapping and other numbers that Linux shares between both architectures. */
export const LINUX = {
  AT_FDCWD: -100n,
  AF_INET: 2n,
  /** A thread: all is shared. The last flag is one that QEMU insists on. */
  CLONE_THREAD_FLAGS: 0x50f00n,
  MADV_WILLNEED: 3n,
  MAP_PRIVATE: 0x02n,
  MAP_PRIVATE_FIXED: 0x12n,
  MAP_PRIVATE_ANONYMOUS: 0x22n,
  MAP_PRIVATE_FIXED_ANONYMOUS: 0x32n,
  MSG_NOSIGNAL: 0x4000n,
  O_RDONLY_CLOEXEC: 0x80000n,
  O_RDONLY_NONBLOCK_CLOEXEC: 0x80800n,
  PROT_NONE: 0n,
  PROT_READ: 1n,
  PROT_WRITE: 2n,
  PROT_EXEC: 4n,
  READABLE: 4n,
  RWF_NOWAIT: 8n,
  SIGCHLD: 17n,
  SIG_SETMASK: 2n,
  SOCK_STREAM_CLOEXEC: 0x80001n,
} as const;
/** A system call's result above this is an error number, negated. */
export const ERRORS_ABOVE = -4096n;
