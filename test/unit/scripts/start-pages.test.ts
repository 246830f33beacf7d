// scripts/build/start-pages: what was taken fits the Node.js that is pinned, and what is asked for follows from it.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type ElfSegment, SEGMENT_DYNAMIC, SEGMENT_LOAD } from '../../../scripts/build/elf.ts';
import type { PageRange } from '../../../scripts/build/front/pages.ts';
import { mergeRanges, pagesToAskFor, readStartPages } from '../../../scripts/build/start-pages.ts';
import { ARCHITECTURES, hostArchitecture, nodePackage } from '../../../scripts/build/toolchain.ts';

/** 15 MB are needed by a start and 7 by a push; what lies between them is read too. */
const MAX_PAGES = 6_000;

for (const arch of ARCHITECTURES) {
  test(`${arch}: the pages of a start are those of the pinned Node.js ("make start-pages" takes them anew)`, () => {
    const pages = readStartPages(arch);
    assert.ok(pages !== undefined);
    for (const ranges of [pages.start, pages.push]) {
      assert.deepEqual(mergeRanges(ranges), ranges, 'ascending, and none touches another');
      const [first, count] = ranges.at(-1) ?? [0, 0];
      if (arch === hostArchitecture)
        assert.ok((first + count - 1) * 4096 < statSync(path.join(nodePackage(arch), 'bin/node')).size);
    }
    const all = [...pages.start, ...pages.push];
    const count = all.reduce((sum, [, more]) => sum + more, 0);
    assert.ok(count > 4_000 && count < MAX_PAGES, `${count} pages`);
    assert.equal(
      mergeRanges(all).reduce((sum, [, more]) => sum + more, 0),
      count,
      'a page of both is asked for once',
    );
  });
}

test('ranges with less than the gap between them become one', () => {
  const ranges: readonly PageRange[] = [
    [30, 1],
    [0, 2],
    [5, 1],
    [10, 3],
    [11, 1],
  ];
  assert.deepEqual(mergeRanges(ranges), [
    [0, 2],
    [5, 1],
    [10, 3],
    [30, 1],
  ]);
  assert.deepEqual(mergeRanges(ranges, 4), [
    [0, 6],
    [10, 3],
    [30, 1],
  ]);
});

test('what the loader needs before all others is asked for first, and the scripts as a whole', () => {
  const segment = (type: number, page: number, pages: number): ElfSegment => ({
    type,
    offset: page * 4096 + 100,
    address: 0x400000 + page * 4096 + 100,
    fileBytes: pages * 4096 - 200,
  });
  const segments = [
    segment(SEGMENT_LOAD, 0, 1_000),
    segment(SEGMENT_LOAD, 1_000, 50),
    segment(SEGMENT_DYNAMIC, 1_010, 1),
    segment(SEGMENT_LOAD, 2_000, 20),
  ];
  const elf = { bytes: Buffer.alloc(0), machine: 'x86_64', segments, sections: [] } as const;
  const start: readonly PageRange[] = [
    [3, 2],
    [500, 10],
    [1_005, 3],
  ];
  assert.deepEqual(pagesToAskFor(elf, { start, push: [[7, 1]] }), {
    start: [
      [1_005, 3],
      [3, 2],
      [500, 10],
      [2_000, 20],
    ],
    push: [[7, 1]],
  });
  assert.throws(() => pagesToAskFor({ ...elf, segments: [] }, { start, push: [] }), /not an executable with scripts/);
});
