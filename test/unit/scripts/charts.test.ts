// scripts/charts.ts: the pictures in docs/images are those that it draws from docs/benchmarks.md.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { barChart } from '../../../scripts/charts/bar-chart.ts';
import { numberIn, rowsUnder, rowWith } from '../../../scripts/charts/tables.ts';
import { charts } from '../../../scripts/charts.ts';

const docs = path.join(import.meta.dirname, '../../../docs');
const benchmarks = readFileSync(path.join(docs, 'benchmarks.md'), 'utf8');

for (const [name, svg] of Object.entries(charts(benchmarks))) {
  test(`docs/images/${name} is drawn from the figures of today`, () => {
    assert.equal(readFileSync(path.join(docs, 'images', name), 'utf8'), svg, 'run make pages');
  });
}

test('every picture has a title and a description, and is made for the light and the dark', () => {
  const files = globSync('images/*.svg', { cwd: docs });
  assert.ok(files.length > 3);
  for (const file of files) {
    const svg = readFileSync(path.join(docs, file), 'utf8');
    for (const part of ['<title>', '<desc>', 'prefers-color-scheme: dark', 'viewBox'])
      assert.ok(svg.includes(part), `${file}: ${part}`);
    assert.ok(!/https?:/.test(svg.replace('http://www.w3.org/2000/svg', '')), `${file} loads something`);
  }
});

test('a bar is as long as its value, and says it', () => {
  const groups = [
    { name: 'a < b', values: [10] },
    { name: 'c', values: [5] },
  ];
  const svg = barChart({ title: 'T', about: 'of', series: ['one'], groups, show: (value) => `${value} ms` });
  const widths = [...svg.matchAll(/<rect class="series-0" .*?width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal((widths[0] ?? 0) / (widths[1] ?? 1), 2);
  assert.ok(svg.includes('>10 ms</text>') && svg.includes('a &lt; b'));
});

test('tables are read by their headings, and a figure that is not there is an error', () => {
  const rows = rowsUnder('## A\n\n| x | y |\n| --- | ---: |\n| one | 1,769 MB |\n\n## B\n', 'A');
  assert.deepEqual(rows, [{ x: 'one', y: '1,769 MB' }]);
  assert.equal(numberIn(rowWith(rows, { x: 'one' }), 'y'), 1769);
  assert.throws(() => rowWith(rows, { x: 'two' }), /no row with/);
  assert.throws(() => rowsUnder('## A\n', 'A'), /no table under "A"/);
  assert.throws(() => numberIn({ y: '' }, 'y'), /no number/);
});
