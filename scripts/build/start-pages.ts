// Which pages of the executable a start touches: start-pages/<arch>.txt, taken from real starts by take-start-pages.ts and kept with the
// sources, so that the same input gives the same executable on every machine. They are places in the stripped Node.js and fit one version
// of it; for another one none are asked for, which does no harm but costs every cold start what it cost before.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ElfFile, type ElfMachine, SEGMENT_DYNAMIC, SEGMENT_LOAD } from './elf.ts';
import { PAGE_BYTES, type PageRange, type Pages } from './front/pages.ts';
import { lockedPackage, nodePackageName } from './toolchain.ts';

/** Pages between two ranges that are read with them: one request costs a disk of 3,000 requests and 125 MB a second as much as ten pages. */
const MERGED_GAP = 4;

export function startPagesFile(arch: ElfMachine): string {
  return path.join(import.meta.dirname, 'start-pages', `${arch}.txt`);
}

/** @returns undefined where none were taken of the Node.js that package-lock.json pins; those of a push are without those of a start */
export function readStartPages(arch: ElfMachine): Pages | undefined {
  const file = startPagesFile(arch);
  if (!existsSync(file)) return undefined;
  const [, version, start, push] =
    /^node ([\d.]+)\nstart\n([\d+\s]+)push\n([\d+\s]+)/m.exec(readFileSync(file, 'utf8')) ?? [];
  if (version !== lockedPackage(nodePackageName(arch)).version) return undefined;
  return { start: parseRanges(start), push: parseRanges(push) };
}

/**
 * What the front asks for: first the segment that the loader needs before all others, last the scripts, which are needed whole. `elf` is
 * the executable before it has a front.
 */
export function pagesToAskFor(elf: ElfFile, { start, push }: Pages): Pages {
  const loaded = elf.segments.filter(({ type }) => type === SEGMENT_LOAD);
  const scripts = loaded.at(-1);
  const dynamic = elf.segments.find(({ type }) => type === SEGMENT_DYNAMIC);
  if (scripts === undefined || dynamic === undefined) throw new Error('not an executable with scripts in it');
  const urgent = loaded.find(
    ({ offset, fileBytes }) => offset <= dynamic.offset && dynamic.offset < offset + fileBytes,
  );
  const isUrgent = ([first]: PageRange) => first >= Math.floor((urgent?.offset ?? 0) / PAGE_BYTES);
  const ranges = mergeRanges(start, MERGED_GAP);
  return {
    start: [
      ...ranges.filter(isUrgent),
      ...ranges.filter((range) => !isUrgent(range)),
      [Math.floor(scripts.offset / PAGE_BYTES), Math.ceil(scripts.fileBytes / PAGE_BYTES)],
    ],
    push: mergeRanges(push, MERGED_GAP),
  };
}

/** The same ranges, ascending, those in one that have at most `gap` pages less one between them. */
export function mergeRanges(ranges: readonly PageRange[], gap = 1): PageRange[] {
  const merged: [number, number][] = [];
  for (const [first, count] of ranges.toSorted(([one], [other]) => one - other)) {
    const last = merged.at(-1);
    if (last !== undefined && first < last[0] + last[1] + gap) last[1] = Math.max(last[1], first + count - last[0]);
    else merged.push([first, count]);
  }
  return merged;
}

function parseRanges(text = ''): PageRange[] {
  return [...text.matchAll(/(\d+)(?:\+(\d+))?/g)].map(([, first, more = '0']) => [Number(first), Number(more) + 1]);
}
