// The front: the first code that runs in the executable, before the dynamic loader and Node.js. Without it the kernel refuses the executable
// where the loader is missing (Alpine), and the loader does where the libraries are too old (Amazon Linux 2): each fails the function's
// init. The front hides what the function hands down to steer others (environment.ts), starts the system's loader if that is new or a
// trial succeeds, and steps aside if nothing does (step-aside.ts). How it works: README.md; why, and at what cost: docs/base-systems.md.
// The vectors on the stack: System V ABI, AMD64 supplement, 3.4.1; getauxval(3).

import { ELF_MACHINES, type ElfMachine, type ElfSegment } from '../elf.ts';
import { arm64 } from './arm64.ts';
import { readEnvironment, showLibraryPath, writeEnvironment } from './environment.ts';
import type { InstructionSet } from './instruction-set.ts';
import { LINUX } from './instruction-set.ts';
import { raiseLimits, writeLimits } from './limits.ts';
import { MachineCode } from './machine-code.ts';
import { writeMapLoader } from './map-loader.ts';
import { askForPages, type Pages, writePages } from './pages.ts';
import { writeStepAside } from './step-aside.ts';
import { x86_64 } from './x86-64.ts';

const SETS: Readonly<Record<ElfMachine, InstructionSet>> = { x86_64, arm64 };
/** Where the usual distributions keep libstdc++, which is the one library that a system with a new glibc may lack. */
const LIBSTDCXX: Readonly<Record<ElfMachine, readonly string[]>> = {
  x86_64: ['/usr/lib64/libstdc++.so.6', '/usr/lib/x86_64-linux-gnu/libstdc++.so.6'],
  arm64: ['/usr/lib64/libstdc++.so.6', '/usr/lib/aarch64-linux-gnu/libstdc++.so.6'],
};
/** Keys of the auxiliary vector. */
const PROGRAM_HEADERS = 3n;
const PROGRAM_HEADER_COUNT = 5n;
const PAGE_BYTES = 6n;
const LOADER_BASE = 7n;
const PROGRAM_ENTRY = 9n;
const EXECUTABLE_PATH = 31n;
/** The name of a program that shall exit. */
const LEAVING = 'leaving!';
const STANDARD_ERROR = 2n;
/** The loader names its versions near its beginning. */
const SEARCHED_BYTES = 16_384n;

export interface FrontProgram {
  readonly architecture: ElfMachine;
  /** Path of the system's dynamic loader, as the executable names it. */
  readonly loader: string;
  /** What the loader is told of the program: where its own segment table is in memory, and where it starts. */
  readonly headersAddress: bigint;
  readonly headerCount: bigint;
  readonly entryAddress: bigint;
  /** The segments that the kernel has mapped, and what a start needs of the file, in the order in which it is asked for. */
  readonly segments: readonly ElfSegment[];
  readonly pages: Pages;
}

/** Machine code that may stand anywhere in memory and starts at its first byte. */
export function makeFront(program: FrontProgram): Buffer {
  const code = new MachineCode(SETS[program.architecture]);
  code.begin('stack');
  code.reserve('child status', 16);
  exitIfLeaving(code);
  readVectors(code);
  raiseLimits(code);
  code.addressOf('reason', 'no fitting system');
  code.addressOf('path', 'loader path');
  code.call('map the loader');
  code.jumpIf('loader entry', '==', 0n, 'step aside');
  judgeByVersion(code, LIBSTDCXX[program.architecture].length);
  // The first trial is silent: what is missing in the system's folders may be on the function's path.
  startIfItCan(code, () => code.systemCall('ignored', 'close', STANDARD_ERROR));
  showLibraryPath(code);
  startIfItCan(code);
  code.jump('step aside');
  code.place('start');
  askForPages(code);
  code.set('entry', program.entryAddress);
  code.place('start at entry');
  startProgram(code, program);
  code.place('tried');
  code.systemCall('ignored', 'exit_group', 0n);

  writeMapLoader(code, BigInt(ELF_MACHINES[program.architecture]));
  writeStepAside(code);
  writeEnvironment(code);
  writeLimits(code);
  writePages(code, program.segments, program.pages);
  code.text('loader path', program.loader);
  LIBSTDCXX[program.architecture].forEach((path, index) => {
    code.text(`libstdc++ ${index}`, path);
  });
  return code.finish();
}

/** Node.js becomes this program by that name where it has to end at once (src/late/load.sea.ts). */
function exitIfLeaving(code: MachineCode): void {
  code.load('text', 8, 'stack', 8n);
  code.when('text', '!=', 0n, () => {
    code.load('word', 8, 'text');
    code.jumpIf('word', '==', Buffer.from(LEAVING, 'latin1').readBigUInt64LE(), 'tried');
  });
}

/** The stack holds the count of arguments, these, 0, the environment, 0, and the auxiliary vector in pairs up to key 0. */
function readVectors(code: MachineCode): void {
  code.load('cursor', 8, 'stack');
  code.compute('cursor', 'cursor', '<<', 3n);
  code.compute('cursor', 'cursor', '+', 'stack');
  code.compute('cursor', 'cursor', '+', 16n);
  readEnvironment(code);
  code.set('auxiliary vector', 'cursor');
  code.load('executable path', 8, 'stack', 8n);
  code.set('page mask', 4095n);
  forEachAuxiliary(code, {
    [`${PAGE_BYTES}`]: () => code.compute('page mask', 'auxiliary', '-', 1n),
    [`${EXECUTABLE_PATH}`]: () => code.set('executable path', 'auxiliary'),
  });
}

/**
 * Goes to `start` if the system will do for certain: its loader is of glibc 2.34 or newer (a loader's versions stay for ever), and
 * libstdc++ is in its place. Goes to `step aside` if it will certainly not, and goes on if it may.
 */
function judgeByVersion(code: MachineCode, libraryCount: number): void {
  code.set('answer', 'loader text');
  code.when('loader text bytes', '>', SEARCHED_BYTES, () => code.set('loader text bytes', SEARCHED_BYTES));
  code.compute('answer end', 'loader text', '+', 'loader text bytes');
  code.set('find mask', 0n);
  findText(code, 'BC_2.34\0');
  code.when('found', '!=', 0n, () => {
    for (let index = 0; index < libraryCount; index++) {
      code.addressOf('path', `libstdc++ ${index}`);
      code.systemCall('result', 'faccessat', LINUX.AT_FDCWD, 'path', LINUX.READABLE);
      code.jumpIf('result', '==', 0n, 'start');
    }
  });
  // Without this it is not glibc at all but musl or a stand-in, under which Node.js would fail later or not be itself.
  findText(code, 'C_PRIVAT');
  code.jumpIf('found', '==', 0n, 'step aside');
}

/**
 * Goes to `start`, or goes on. The mapped loader is tried in a child: it does all its work there, but the program that it starts
 * only exits. If there can be no child, wait4 leaves the status as it is, and the loader has to succeed untried.
 */
function startIfItCan(code: MachineCode, inChild: () => void = () => {}): void {
  code.store(8, 0n, 'child status');
  code.systemCall('child', 'clone', LINUX.SIGCHLD, 0n, 0n, 0n, 0n);
  code.when('child', '==', 0n, () => {
    inChild();
    code.addressOf('entry', 'tried');
    code.jump('start at entry');
  });
  code.systemCall('ignored', 'wait4', 'child', 'child status', 0n, 0n);
  code.load('result', 4, 'child status');
  code.jumpIf('result', '==', 0n, 'start');
}

function startProgram(code: MachineCode, program: FrontProgram): void {
  const put = (value: string | bigint) => () => code.store(8, value, 'auxiliary address', 8n);
  forEachAuxiliary(code, {
    [`${PROGRAM_HEADERS}`]: put(program.headersAddress),
    [`${PROGRAM_HEADER_COUNT}`]: put(program.headerCount),
    [`${LOADER_BASE}`]: put('loader base'),
    [`${PROGRAM_ENTRY}`]: put('entry'),
  });
  code.handOver('loader entry', 'stack');
}

function forEachAuxiliary(code: MachineCode, bodies: Readonly<Record<string, () => void>>): void {
  code.set('auxiliary address', 'auxiliary vector');
  code.repeat((done) => {
    code.load('key', 8, 'auxiliary address');
    code.load('auxiliary', 8, 'auxiliary address', 8n);
    code.jumpIf('key', '==', 0n, done);
    for (const [key, body] of Object.entries(bodies)) code.when('key', '==', BigInt(key), body);
    code.compute('auxiliary address', 'auxiliary address', '+', 16n);
  });
}

function findText(code: MachineCode, text: string): void {
  code.set('find word', Buffer.from(text, 'latin1').readBigUInt64LE());
  code.call('find');
}
