// The wall clock of one process, set forward or back while it runs, as the system of a thawed sandbox does; the machine's and all others'
// stay as they are. No name space does that, and the executable takes no library to be loaded before it. So the two functions with which
// a process reads its wall clock, in the page of code that the kernel maps into each process, are replaced by others that ask the kernel
// itself and add what they find in a slot behind them. Times that only count up, and so timers, stay as they are.
// https://man7.org/linux/man-pages/man7/vdso.7.html

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';

/** Why it cannot be done here; undefined where it can. */
export const NO_WALL_CLOCK: string | undefined = whyNot();

function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the code for it is for Linux on x86_64 alone';
  const scope = '/proc/sys/kernel/yama/ptrace_scope';
  const isForbidden = existsSync(scope) && Number(readFileSync(scope, 'utf8')) > 1;
  return isForbidden ? 'the memory of other processes is out of reach here' : undefined;
}

export interface WallClock {
  /** From now on it is ahead of the machine's by so much, less than 0 for behind. */
  setAhead(seconds: number): void;
}

/** @throws when the process is gone, or its code looks different */
export function takeWallClock(pid: number): WallClock {
  const { start, image } = readVdso(pid);
  const functions = functionsOf(image);
  const placeOf = (name: string): number => {
    const place = functions.get(name);
    if (place === undefined) throw new Error(`no ${name} in the code of process ${pid}`);
    return start + place;
  };
  const clockGettime = placeOf('__vdso_clock_gettime');
  const gettimeofday = placeOf('__vdso_gettimeofday');
  const slot = clockGettime + SLOT_AFTER;
  whileOutside(pid, start, start + image.length, () => {
    writeMemory(pid, slot, Buffer.alloc(SLOT_BYTES));
    writeMemory(pid, gettimeofday, gettimeofdayCode(gettimeofday, slot));
    writeMemory(pid, clockGettime, clockGettimeCode(clockGettime, slot));
  });
  return {
    setAhead(seconds) {
      const ahead = Buffer.alloc(SLOT_BYTES);
      ahead.writeBigInt64LE(BigInt(seconds));
      writeMemory(pid, slot, ahead);
    },
  };
}

const MAX_STOPS = 1_000;

/** Stops the process at a moment at which no thread is in this range of its code, and lets it go on if it was not stopped before. */
function whileOutside(pid: number, start: number, end: number, run: () => void): void {
  const threads = () => readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
  const isStopped = (thread: string) => / [Tt] /.test(readFileSync(`${thread}/stat`, 'latin1').replace(/^.*\)/s, ''));
  const isWithin = (thread: string) => {
    const place = Number(readFileSync(`${thread}/syscall`, 'latin1').trim().split(' ').at(-1));
    return !(place < start || place >= end);
  };
  const wasStopped = threads().every(isStopped);
  for (let stops = 0; stops < MAX_STOPS; stops++) {
    process.kill(pid, 'SIGSTOP');
    while (!threads().every(isStopped));
    const isOutside = !threads().some(isWithin);
    if (isOutside) run();
    if (!wasStopped) process.kill(pid, 'SIGCONT');
    if (isOutside) return;
  }
  throw new Error(`process ${pid} does nothing but read its clock`);
}

/** Both functions fit before it, and it is aligned: a reader sees the whole of it or nothing. */
const SLOT_AFTER = 64;
const SLOT_BYTES = 8;

const SYSCALL_CLOCK_GETTIME = 228;
const SYSCALL_GETTIMEOFDAY = 96;

/** Nothing is added where the call fails, nor to another clock than the first, which is CLOCK_REALTIME. */
function clockGettimeCode(at: number, slot: number): Buffer {
  const skipUnlessFirst = [0x85, 0xff, 0x75, 0x0a]; // test edi, edi; jne past the addition
  return code(at, slot, SYSCALL_CLOCK_GETTIME, skipUnlessFirst, 0x0e); // add [rsi], rcx
}

function gettimeofdayCode(at: number, slot: number): Buffer {
  return code(at, slot, SYSCALL_GETTIMEOFDAY, [], 0x0f); // add [rdi], rcx
}

function code(at: number, slot: number, call: number, skip: readonly number[], target: number): Buffer {
  const addition = 10;
  const head = [
    ...[0xb8, call, 0, 0, 0], // mov eax, call
    ...[0x0f, 0x05], // syscall
    ...[0x85, 0xc0, 0x75, skip.length + addition], // test eax, eax; jne past the addition
    ...skip,
    ...[0x48, 0x8b, 0x0d], // mov rcx, [slot]
  ];
  const distance = Buffer.alloc(4);
  distance.writeInt32LE(slot - (at + head.length + distance.length));
  return Buffer.from([...head, ...distance, 0x48, 0x01, target, 0xc3]); // ...; ret
}

function readVdso(pid: number): { readonly start: number; readonly image: Buffer } {
  const line = readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .find((text) => text.endsWith('[vdso]'));
  const [start = 0, end = 0] = (line?.split(' ')[0] ?? '').split('-').map((hex) => Number.parseInt(hex, 16));
  const image = Buffer.alloc(end - start);
  withMemory(pid, 'r', (memory) => readSync(memory, image, 0, image.length, start));
  return { start, image };
}

function writeMemory(pid: number, at: number, bytes: Buffer): void {
  withMemory(pid, 'r+', (memory) => writeSync(memory, bytes, 0, bytes.length, at));
}

function withMemory(pid: number, flags: 'r' | 'r+', use: (memory: number) => void): void {
  const memory = openSync(`/proc/${pid}/mem`, flags);
  try {
    use(memory);
  } finally {
    closeSync(memory);
  }
}

/** ELF-64: the table of sections names the dynamic symbols and, by its link, their names. https://man7.org/linux/man-pages/man5/elf.5.html */
const SECTION_DYNAMIC_SYMBOLS = 11;
const SYMBOL_BYTES = 24;

/** @returns where each function begins */
function functionsOf(image: Buffer): ReadonlyMap<string, number> {
  const table = Number(image.readBigUInt64LE(40));
  const [entryBytes, count] = [image.readUInt16LE(58), image.readUInt16LE(60)];
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * entryBytes;
    return {
      type: image.readUInt32LE(at + 4),
      start: Number(image.readBigUInt64LE(at + 24)),
      bytes: Number(image.readBigUInt64LE(at + 32)),
      link: image.readUInt32LE(at + 40),
    };
  });
  const symbols = sections.find(({ type }) => type === SECTION_DYNAMIC_SYMBOLS);
  const names = sections[symbols?.link ?? -1];
  const found = new Map<string, number>();
  if (symbols === undefined || names === undefined) return found;
  for (let at = symbols.start; at < symbols.start + symbols.bytes; at += SYMBOL_BYTES) {
    const name = names.start + image.readUInt32LE(at);
    found.set(image.toString('latin1', name, image.indexOf(0, name)), Number(image.readBigUInt64LE(at + 8)));
  }
  return found;
}
