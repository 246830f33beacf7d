// The page cache, as far as a file's owner may move it: reads an executable into it, or out of it.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;

/**
 * Puts the file into the page cache afresh, page by page from its end. Read or written in order it would be kept in pieces of
 * up to 2 MB, which are mapped as a whole: the same executable then has 36 or 62 MB mapped after the same start, as chance
 * has it. Read backwards it is kept in single pages.
 */
export function settleInCache(file: string): void {
  const page = Buffer.allocUnsafeSlow(PAGE_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
    dropFromCache(file);
    const { size } = fstatSync(descriptor);
    for (let at = Math.floor((size - 1) / PAGE_BYTES); at >= 0; at--)
      readSync(descriptor, page, 0, PAGE_BYTES, at * PAGE_BYTES);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the whole file once, so that it is in the page cache. */
export function readThrough(file: string): void {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    while (readSync(descriptor, chunk) > 0);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Asks the kernel to drop this one file from the page cache, which needs no privilege, and checks that it has: pages that a
 * running process has mapped stay. Returns false where it did not work or the tools are missing (coreutils, util-linux).
 */
export function dropFromCache(file: string): boolean {
  const dropped = spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
  if (dropped.status !== 0) return false;
  try {
    const cached = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', file], { encoding: 'utf8' });
    return Number(cached.trim()) < CHUNK_BYTES;
  } catch {
    return false;
  }
}
