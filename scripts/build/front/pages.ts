// The part of the front that asks for what a start needs before it is missed. A new sandbox has nothing of the executable in memory. A start
// touches 3,700 of its 26,700 pages, here and there, and the kernel would read each when it is touched, with its neighbours, while Node.js
// waits. Asked for at once they are read side by side. Which ones: ../start-pages.ts.
// https://man7.org/linux/man-pages/man2/madvise.2.html (MADV_WILLNEED), https://man7.org/linux/man-pages/man2/readv.2.html (preadv2)

import { type ElfSegment, SEGMENT_LOAD } from '../elf.ts';
import { LINUX } from './instruction-set.ts';
import type { MachineCode } from './machine-code.ts';

/** Pages of 4 KB of the file: the first one, and how many. */
export type PageRange = readonly [first: number, count: number];

export const PAGE_BYTES = 4096;
/** Looked for in memory first: where all are there, the rest is too, and a warm start saves 0.4 ms. */
const PROBES = 16;

/** The kernel only begins to read, so this returns before the pages are there; what it refuses does no harm. Needs `executable path`. */
export function askForPages(code: MachineCode): void {
  code.systemCall('file', 'openat', LINUX.AT_FDCWD, 'executable path', LINUX.O_RDONLY_CLOEXEC, 0n);
  code.reserve('byte', 8);
  code.reserve('vector', 16);
  code.store(8, 'byte', 'vector');
  code.store(8, 1n, 'vector', 8n);
  code.addressOf('cursor', 'probes');
  code.repeat((found) => {
    code.load('start', 4, 'cursor');
    code.jumpIf('start', '==', 0n, found);
    // Reads the byte if that takes no waiting. Where this cannot be told, the answer is an error as well.
    code.systemCall('result', 'preadv2', 'file', 'vector', 1n, 'start', 0n, LINUX.RWF_NOWAIT);
    code.jumpIf('result', '!=', 1n, 'ask for pages');
    code.compute('cursor', 'cursor', '+', 4n);
  });
  code.jump('pages asked for');
  code.place('ask for pages');
  code.addressOf('cursor', 'pages');
  code.repeat((done) => {
    code.load('start', 4, 'cursor');
    code.jumpIf('start', '==', 0n, done);
    code.load('bytes', 4, 'cursor', 4n);
    code.systemCall('ignored', 'madvise', 'start', 'bytes', LINUX.MADV_WILLNEED);
    code.compute('cursor', 'cursor', '+', 8n);
  });
  code.place('pages asked for');
  code.systemCall('ignored', 'close', 'file');
}

/** Defines the tables: places in the file to probe, and address and length of each range, both with zeroes at the end. */
export function writePages(code: MachineCode, segments: readonly ElfSegment[], ranges: readonly PageRange[]): void {
  const step = Math.max(1, Math.floor(ranges.length / PROBES));
  const probes = ranges
    .filter(([first], index) => first > 0 && index % step === 0)
    .map(([first]) => first * PAGE_BYTES);
  code.data('probes', words([...probes, 0]));
  code.data('pages', words([...ranges.flatMap((range) => addressesOf(segments, range)), 0, 0]));
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
