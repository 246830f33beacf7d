// What the writer of machine code (machine-code.ts) asks of an architecture. A program knows variables and constants only:
// every variable has a slot of 8 bytes in one stack frame, and two working registers carry values between slots. That is slow and
// simple, and it makes one program of a few hundred steps fit every architecture.

/** `first` takes results; `second` is the other operand, or the address of what is loaded and stored. */
export type Register = 'first' | 'second';
export type Operator = '+' | '-' | '&' | '|' | '<<' | '>>';
/** Comparisons are unsigned. */
export type Condition = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Width = 1 | 2 | 4 | 8;
export type SystemCall =
  | 'clone'
  | 'close'
  | 'connect'
  | 'exit'
  | 'exit_group'
  | 'faccessat'
  | 'getdents64'
  | 'madvise'
  | 'mincore'
  | 'mmap'
  | 'nanosleep'
  | 'openat'
  | 'preadv2'
  | 'prlimit64'
  | 'read'
  | 'rt_sigprocmask'
  | 'sendto'
  | 'socket'
  | 'wait4'
  | 'write';

/** Where an operand is: in a slot of the frame, or in the instruction. */
export type Source = { readonly slot: number } | { readonly constant: bigint };

/** An instruction that names a place in the program. `distance` counts from its own first byte. */
export interface RelativeInstruction {
  readonly bytes: number;
  encode(distance: number): Buffer;
}

export interface InstructionSet {
  readonly systemCalls: Readonly<Record<SystemCall, number>>;
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
