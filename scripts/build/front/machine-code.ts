// Writes a small program as machine code, step by step: variables of 64 bits, unsigned, all of them global; jumps to named places;
// system calls. A stand-in for an assembler, which a fresh machine does not have, and the same program for both architectures.
// It checks what can be checked while writing: places that nobody defined, variables that nobody sets.

import type {
  Condition,
  InstructionSet,
  Operator,
  RelativeInstruction,
  Source,
  SystemCall,
  Width,
} from './instruction-set.ts';
import { LINUX, SYSTEM_CALLS } from './instruction-set.ts';

/** A variable by its name, or a constant. */
export type Value = string | bigint;

export const FRAME_BYTES = 5 * 4096;
/** Free at the frame's upper end, for what a program adds below the stack that it was handed. */
const SPARE_BYTES = 64;
const MAX_VARIABLES = 128;

export class MachineCode {
  readonly #set: InstructionSet;
  readonly #pieces: Buffer[] = [];
  readonly #references: { instruction: RelativeInstruction; at: number; place: string }[] = [];
  readonly #places = new Map<string, number>();
  readonly #slots = new Map<string, number>();
  readonly #setVariables = new Set<string>();
  #length = 0;
  #reservedBytes = MAX_VARIABLES * 8;
  #inventedPlaces = 0;

  constructor(set: InstructionSet) {
    this.#set = set;
  }

  /** The first step of a program. The variable becomes the stack as the kernel handed it over, where `argc` is. */
  begin(stackVariable: string): void {
    this.#emit(this.#set.begin(FRAME_BYTES, this.#slotToSet(stackVariable)));
  }

  set(variable: string, value: Value): void {
    this.#emit(this.#set.load('first', this.#source(value)));
    this.#keep(variable);
  }

  compute(variable: string, left: Value, operator: Operator, right: Value): void {
    this.#loadBoth(left, right);
    this.#emit(this.#set.compute(operator));
    this.#keep(variable);
  }

  load(variable: string, width: Width, address: string, offset = 0n): void {
    this.#loadAddress(address, offset);
    this.#emit(this.#set.loadMemory(width));
    this.#keep(variable);
  }

  store(width: Width, value: Value, address: string, offset = 0n): void {
    this.#loadAddress(address, offset);
    this.#emit(this.#set.load('first', this.#source(value)));
    this.#emit(this.#set.storeMemory(width));
  }

  /** The variable becomes the address of `bytes` bytes of the frame that are set aside for it. What is in them is unknown. */
  reserve(variable: string, bytes: number): void {
    this.#emit(this.#set.frameAddress(this.#reservedBytes));
    this.#reservedBytes += Math.ceil(bytes / 16) * 16;
    if (this.#reservedBytes > FRAME_BYTES - SPARE_BYTES) throw new Error('the frame is full');
    this.#keep(variable);
  }

  addressOf(variable: string, place: string): void {
    this.#emitRelative(this.#set.address, place);
    this.#keep(variable);
  }

  systemCall(result: string, name: SystemCall, ...args: readonly Value[]): void {
    this.#emitSystemCall(name, args);
    this.#keep(result);
  }

  /** A thread that begins at the place, where it has to `begin` with a frame of its own below `stack`. Nobody waits for it. */
  startThread(stack: Value, place: string): void {
    this.#emitSystemCall('clone', [LINUX.CLONE_THREAD_FLAGS, stack, 0n, 0n, 0n]);
    // Both threads are here, with the same frame: neither may write to it before they have parted.
    this.#emit(this.#set.load('second', { constant: 0n }));
    this.#emit(this.#set.compare());
    this.#emitRelative(this.#set.jumpIf('=='), place);
  }

  place(name: string): void {
    if (this.#places.has(name)) throw new Error(`two places are named ${name}`);
    this.#places.set(name, this.#length);
  }

  jump(place: string): void {
    this.#emitRelative(this.#set.jump, place);
  }

  jumpIf(left: Value, condition: Condition, right: Value, place: string): void {
    this.#loadBoth(left, right);
    this.#emit(this.#set.compare());
    this.#emitRelative(this.#set.jumpIf(condition), place);
  }

  /** Runs `body` if the condition holds. */
  when(left: Value, condition: Condition, right: Value, body: () => void): void {
    const [yes, no] = [this.#inventPlace(), this.#inventPlace()];
    this.jumpIf(left, condition, right, yes);
    this.jump(no);
    this.place(yes);
    body();
    this.place(no);
  }

  /** Runs `body` again and again until it jumps to the place that it is given. */
  repeat(body: (done: string) => void): void {
    const [again, done] = [this.#inventPlace(), this.#inventPlace()];
    this.place(again);
    body(done);
    this.jump(again);
    this.place(done);
  }

  /** Defines what `call` runs. The program must not walk into it. */
  subroutine(name: string, body: () => void): void {
    this.place(name);
    this.#emit(this.#set.enterSubroutine());
    body();
    this.#emit(this.#set.leaveSubroutine());
  }

  call(name: string): void {
    this.#emitRelative(this.#set.call, name);
  }

  /** Leaves for `entry` with `stack` as the stack pointer. */
  handOver(entry: string, stack: string): void {
    this.#loadBoth(entry, stack);
    this.#emit(this.#set.handOver());
  }

  /** Text with a zero byte at its end. The program must not walk into it. */
  text(place: string, content: string): void {
    this.data(place, Buffer.from(`${content}\0`));
  }

  /** Bytes as they are. The program must not walk into them. */
  data(place: string, bytes: Buffer): void {
    this.place(place);
    this.#emit(bytes);
    this.#emit(Buffer.alloc(-this.#length & 3));
  }

  /** The program. Its first byte is its first step, wherever it is loaded. */
  finish(): Buffer {
    const unset = [...this.#slots.keys()].filter((name) => !this.#setVariables.has(name));
    if (unset.length > 0) throw new Error(`variables that nobody sets: ${unset.join(', ')}`);
    const program = Buffer.concat(this.#pieces);
    for (const { instruction, at, place } of this.#references) {
      const target = this.#places.get(place);
      if (target === undefined) throw new Error(`no place is named ${place}`);
      instruction.encode(target - at).copy(program, at);
    }
    return program;
  }

  #loadBoth(first: Value, second: Value): void {
    this.#emit(this.#set.load('first', this.#source(first)));
    this.#emit(this.#set.load('second', this.#source(second)));
  }

  #loadAddress(address: string, offset: bigint): void {
    if (offset === 0n) {
      this.#emit(this.#set.load('second', this.#source(address)));
      return;
    }
    this.compute('memory address', address, '+', offset);
    this.#emit(this.#set.load('second', this.#source('memory address')));
  }

  #keep(variable: string): void {
    this.#emit(this.#set.keep(this.#slotToSet(variable)));
  }

  #slotToSet(variable: string): number {
    this.#setVariables.add(variable);
    return this.#slot(variable);
  }

  #source(value: Value): Source {
    return typeof value === 'string' ? { slot: this.#slot(value) } : { constant: value };
  }

  #slot(variable: string): number {
    const slot = this.#slots.get(variable) ?? this.#slots.size;
    if (slot >= MAX_VARIABLES) throw new Error('too many variables');
    this.#slots.set(variable, slot);
    return slot;
  }

  #emitSystemCall(name: SystemCall, args: readonly Value[]): void {
    const number = SYSTEM_CALLS[name][this.#set.machine];
    const sources = args.map((value) => this.#source(value));
    this.#emit(this.#set.systemCall(number, sources));
  }

  #emitRelative(instruction: RelativeInstruction, place: string): void {
    this.#references.push({ instruction, at: this.#length, place });
    this.#emit(Buffer.alloc(instruction.bytes));
  }

  #emit(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  #inventPlace(): string {
    this.#inventedPlaces += 1;
    return `#${this.#inventedPlaces}`;
  }
}
