// The part of the front that asks for what a start needs before it is missed. A new sandbox has nothing of the executable in memory. A start
// touches 3,700 of its 26,700 pages, here and there, and the kernel would read each when it is touched, with its neighbours, while Node.js
// waits. Asked for at once they are read side by side. Which ones: ../start-pages.ts.
// https://man7.org/linux/man-pages/man2/madvise.2.html (MADV_WILLNEED), https://man7.org/linux/man-pages/man2/readv.2.html (preadv2)

import { type ElfSegment, SEGMENT_LOAD } from '../elf.ts';
import { ERRORS_ABOVE, LINUX } from './instruction-set.ts';
import { FRAME_BYTES, type MachineCode } from './machine-code.ts';

/** Pages of 4 KB of the file: the first one, and how many. */
export type PageRange = readonly [first: number, count: number];

export const PAGE_BYTES = 4096;
/** Looked for in memory first: where all are there, the rest is too, and a warm start saves 0.4 ms. */
const PROBES = 16;
/** From the last page of a start to its first request for the next event it takes about as long. */
const PAUSE_NS = 50_000_000n;

/** In the order in which they are asked for. */
export interface Pages {
  /** Needed up to the first request for the next event. */
  readonly start: readonly PageRange[];
  /** Needed by the first push after that. */
  readonly push: readonly PageRange[];
}

/** The kernel only begins to read, so this returns before the pages are there; what it refuses does no harm. Needs `executable path`. */
export function askForPages(code: MachineCode): void {
  openExecutable(code);
  forEachProbe(code, () => {
    // Reads the byte if that takes no waiting. Where this cannot be told, the answer is an error as well.
    code.systemCall('result', 'preadv2', 'file', 'vector', 1n, 'start', 0n, LINUX.RWF_NOWAIT);
    code.jumpIf('result', '!=', 1n, 'ask for pages');
  });
  code.jump('pages asked for');
  code.place('ask for pages');
  askForTable(code, 'start pages');
  startPushThread(code);
  code.place('pages asked for');
  code.systemCall('ignored', 'close', 'file');
}

/**
 * Pages of a push would delay those of the start if they were asked for together: the disk reads in order. So a thread waits until those of
 * the start are there, asks for the others and ends. Node.js does not know of it, so no signal may choose it.
 */
function startPushThread(code: MachineCode): void {
  const { PROT_READ, PROT_WRITE, MAP_PRIVATE_ANONYMOUS } = LINUX;
  const bytes = BigInt(FRAME_BYTES + PAGE_BYTES);
  code.systemCall('thread stack', 'mmap', 0n, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1n, 0n);
  code.when('thread stack', '<=', ERRORS_ABOVE, () => {
    code.compute('thread stack', 'thread stack', '+', BigInt(FRAME_BYTES));
    code.store(8, 'executable path', 'thread stack');
    code.startThread('thread stack', 'push thread');
  });
}

/** Defines the thread and its tables: places in the file to probe, and address and length of each range, with zeroes at the end. */
export function writePages(code: MachineCode, segments: readonly ElfSegment[], { start, push }: Pages): void {
  code.place('push thread');
  code.begin('stack');
  code.reserve('all signals', 8);
  code.store(8, -1n, 'all signals');
  code.systemCall('ignored', 'rt_sigprocmask', LINUX.SIG_SETMASK, 'all signals', 0n, 8n);
  code.load('executable path', 8, 'stack');
  openExecutable(code);
  // The last ones alone would not do: disks answer in any order.
  forEachProbe(code, () => code.systemCall('ignored', 'preadv2', 'file', 'vector', 1n, 'start', 0n, 0n));
  code.systemCall('ignored', 'close', 'file');
  code.reserve('pause', 16);
  code.store(8, 0n, 'pause');
  code.store(8, PAUSE_NS, 'pause', 8n);
  code.systemCall('ignored', 'nanosleep', 'pause', 0n);
  askForTable(code, 'push pages');
  code.systemCall('ignored', 'exit', 0n);

  const step = Math.max(1, Math.floor(start.length / PROBES));
  const probed = start.filter(([page], index) => page > 0 && (index % step === 0 || index === start.length - 1));
  const probes = probed.map(([page]) => page * PAGE_BYTES);
  code.data('probes', words([...probes, 0]));
  code.data('start pages', words([...start.flatMap((range) => addressesOf(segments, range)), 0, 0]));
  code.data('push pages', words([...push.flatMap((range) => addressesOf(segments, range)), 0, 0]));
}

/** Sets `file`, and `vector` for one byte. */
function openExecutable(code: MachineCode): void {
  code.systemCall('file', 'openat', LINUX.AT_FDCWD, 'executable path', LINUX.O_RDONLY_CLOEXEC, 0n);
  code.reserve('byte', 8);
  code.reserve('vector', 16);
  code.store(8, 'byte', 'vector');
  code.store(8, 1n, 'vector', 8n);
}

function forEachProbe(code: MachineCode, body: () => void): void {
  code.addressOf('cursor', 'probes');
  code.repeat((done) => {
    code.load('start', 4, 'cursor');
    code.jumpIf('start', '==', 0n, done);
    body();
    code.compute('cursor', 'cursor', '+', 4n);
  });
}

function askForTable(code: MachineCode, table: string): void {
  code.addressOf('cursor', table);
  code.repeat((done) => {
    code.load('start', 4, 'cursor');
    code.jumpIf('start', '==', 0n, done);
    code.load('bytes', 4, 'cursor', 4n);
    code.systemCall('ignored', 'madvise', 'start', 'bytes', LINUX.MADV_WILLNEED);
    code.compute('cursor', 'cursor', '+', 8n);
  });
}

/** Where the pages are in memory: a range may reach over the end of a segment. */
function addressesOf(segments: readonly ElfSegment[], [first, count]: PageRange): number[] {
  return segments.flatMap(({ type, offset, address, fileBytes }) => {
    const start = Math.max(first * PAGE_BYTES, offset - (offset % PAGE_BYTES));
    const end = Math.min((first + count) * PAGE_BYTES, offset + fileBytes);
    return type !== SEGMENT_LOAD || end <= start ? [] : [start - offset + address, end - start];
  });
}

function words(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
