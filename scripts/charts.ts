// Draws the charts of the documents, docs/images/*.svg, from what `make bench` has written into docs/benchmarks.md and from the
// reckoning of costs. A test holds the pictures to these. usage: node scripts/charts.ts

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { barChart } from './charts/bar-chart.ts';
import { numberIn, rowsUnder, rowWith } from './charts/tables.ts';
import { costsOf, dollars, EXAMPLES } from './costs.ts';

const docs = path.join(import.meta.dirname, '..', 'docs');

/** Each picture by the name of its file. */
export function charts(benchmarks: string): Readonly<Record<string, string>> {
  return {
    'held.svg': heldChart(benchmarks),
    'cpu.svg': cpuChart(benchmarks),
    'memory.svg': memoryChart(benchmarks),
    'costs.svg': costsChart(),
  };
}

function heldChart(benchmarks: string): string {
  const rows = rowsUnder(benchmarks, 'Small functions').filter(
    (row) => row['Loki'] === 'https' && row['strategy'] === 'end' && row['lines'] === '20',
  );
  return barChart({
    title: 'How long an invocation is held for its logs',
    about: 'strategy end, https, 20 lines; beyond the 25 ms in which the platform gathers lines',
    series: ['first invocation', 'later ones'],
    groups: rows.map((row) => ({
      name: `function of ${row['function']}`,
      values: [numberIn(row, 'first: held'), numberIn(row, 'warm: held')],
    })),
    show: milliseconds,
  });
}

function cpuChart(benchmarks: string): string {
  const rows = rowsUnder(benchmarks, 'Small functions').filter(
    (row) => row['Loki'] === 'https' && row['strategy'] === 'end' && row['function'] === '128 MB',
  );
  return barChart({
    title: 'CPU time that the extension uses in an invocation',
    about: 'function of 128 MB, https',
    series: ['first invocation', 'later ones'],
    groups: rows.map((row) => ({
      name: row['lines'] === '1' ? '1 line' : `${row['lines']} lines`,
      values: [numberIn(row, 'first: CPU'), numberIn(row, 'warm: CPU')],
    })),
    show: milliseconds,
  });
}

function memoryChart(benchmarks: string): string {
  const rows = [...rowsUnder(benchmarks, 'Memory'), ...rowsUnder(benchmarks, 'Memory in a flood')];
  const measured = (figure: string, column = 'this') => [numberIn(rowWith(rows, { figure }), column)];
  return barChart({
    title: 'Memory that the extension takes from the function',
    about: 'private memory that was written to; the flood is 100,000 lines in one invocation',
    series: ['memory'],
    groups: [
      { name: 'smallest such program', values: measured('private-dirty after the first next', 'floor') },
      { name: 'idle', values: measured('private-dirty after the first next') },
      { name: 'after an invocation', values: measured('private-dirty after one invocation') },
      { name: 'after 10,000', values: measured('private-dirty after 10,000 invocations, end') },
      { name: 'peak of a flood', values: measured('private during the flood, peak') },
      { name: '5 s after it', values: measured('private-dirty 5 s after the flood') },
    ],
    show: (value) => `${value.toFixed(1)} MB`,
  });
}

function costsChart(): string {
  return barChart({
    title: 'What logs cost a month',
    about: 'CloudWatch, beside the billed time that the extension adds; without what Loki costs',
    series: ['CloudWatch', 'added time, end', 'added time, adaptive'],
    groups: EXAMPLES.slice(2).map((load) => {
      const { cloudWatch, end, adaptive } = costsOf(load);
      return { name: load.name, values: [cloudWatch, end, adaptive] };
    }),
    show: dollars,
  });
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

if (import.meta.main) {
  const folder = path.join(docs, 'images');
  mkdirSync(folder, { recursive: true });
  const pictures = charts(readFileSync(path.join(docs, 'benchmarks.md'), 'utf8'));
  for (const [name, svg] of Object.entries(pictures)) writeFileSync(path.join(folder, name), svg);
}
