// The document of a benchmark run: figures as tables that name their budgets, and no more of the machine than its kind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMostTimesFloor, toFigure } from '../../../scripts/bench/figures.ts';
import type { Run } from '../../../scripts/bench/machine.ts';
import { toMarkdown } from '../../../scripts/bench/report.ts';

const run: Run = {
  date: '2026-01-31',
  startedAt: '2026-01-31T10:00:00.000Z',
  command: 'make bench',
  revision: 'abc1234',
  base: undefined,
  node: '24.0.0',
  architecture: 'x86_64',
  processor: '2 x Some Processor',
  kernel: 'Linux 6.1.0',
  memoryGb: 8,
  load: 0.5,
  samples: 3,
};

test('a figure becomes a row with its medians, its ratio, its budget and the verdict', () => {
  const figure = toFigure(
    'exec to register',
    'ms',
    { ours: [22, 21, 23], floor: [20, 20] },
    { judge: atMostTimesFloor(1.05), note: 'warm' },
  );
  const text = toMarkdown(run, [{ name: 'start', title: 'Start', figures: [figure] }]);
  assert.match(text, /^\| figure \| unit \| this \| floor \| to floor \| n \| budget \| verdict \|$/m);
  assert.match(
    text,
    /^\| exec to register \| ms \| 22 \| 20 \| 1\.100 \| 2 \| at most 1\.05 of the floor \| MISSED \|$/m,
  );
  assert.match(text, /^- exec to register: warm\.$/m);
  assert.match(
    text,
    /2026-01-31: 2 x Some Processor, 8 GB, Linux 6\.1\.0, x86_64, Node\.js 24\.0\.0, load 0\.5, revision abc1234\./,
  );
});

test('the floor has no column in a section that does not measure it, and a table of its own form follows', () => {
  const figures = [toFigure('held', 'ms', { ours: [1] })];
  const table = [
    ['pattern', 'held'],
    ['rare', '25 ms'],
  ];
  const text = toMarkdown(run, [{ name: 'strategies', title: 'Strategies', figures, table }]);
  assert.match(text, /^\| figure \| unit \| this \| n \| budget \| verdict \|$/m);
  assert.match(text, /^\| pattern \| held \|\n\| --- \| ---: \|\n\| rare \| 25 ms \|$/m);
});
