// Shows the figures: a table on the terminal as each section ends, all of them as JSON in bench-results/<date>.json, and after
// a complete run as docs/benchmarks.md.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { markdownTable } from '../markdown.ts';
import { type Figure, format, type Measurement, ratio, type Subject } from './figures.ts';
import type { Run } from './machine.ts';

export interface Measured extends Measurement {
  readonly name: string;
  readonly title: string;
}

const HEADINGS: Readonly<Record<Subject, string>> = { ours: 'this', floor: 'floor', base: 'base', rival: 'rival' };

export function printSection({ title, figures, table }: Measured): void {
  console.log(`\n${title}`);
  if (figures.length > 0) printTable(toRows(figures));
  if (table) printTable(table);
}

/** The first row is the heading. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  };
  for (const row of rows) console.log(`  ${row.map(pad).join('  ')}`.trimEnd());
}

export function printVerdict(measured: readonly Measured[]): void {
  const judged = measured.flatMap(({ figures }) => figures).filter(({ budget }) => budget !== undefined);
  const missed = judged.filter(({ budget }) => budget?.met === false);
  console.log(`\n${judged.length - missed.length} of ${judged.length} budgets met`);
  for (const { name, budget } of missed) console.log(`  missed: ${name}, ${budget?.text}`);
}

/** @param complete whether all sections were measured in earnest: only then the document is written */
export function writeResults(root: string, run: Run, measured: readonly Measured[], complete: boolean): void {
  const results = path.join(root, 'bench-results', `${run.startedAt.slice(0, 19).replaceAll(':', '')}.json`);
  mkdirSync(path.dirname(results), { recursive: true });
  writeFileSync(results, `${JSON.stringify({ run, measured }, null, 2)}\n`);
  console.log(`\nwritten: ${path.relative(root, results)}`);
  if (!complete) return;
  const document = path.join(root, 'docs/benchmarks.md');
  mkdirSync(path.dirname(document), { recursive: true });
  writeFileSync(document, toMarkdown(run, measured));
  console.log(`written: ${path.relative(root, document)}`);
}

export function toMarkdown(run: Run, measured: readonly Measured[]): string {
  const lines = [
    '# Benchmarks',
    '',
    `Written by \`${run.command}\` on ${run.date}: ${run.processor}, ${run.memoryGb} GB, ${run.kernel}, ${run.architecture}, Node.js ${run.node}, load ${run.load}, revision ${run.revision}${run.base === undefined ? '' : ` against ${run.base}`}.`,
    '',
    'The floor is an executable of the same Node.js, made in the same way, whose whole program registers over a raw socket, subscribes',
    'and asks for the next event. It is measured in the same run, by turns. Trust the ratios, not the milliseconds: no machine is a Lambda.',
    'Cells are medians; n is how many samples they are of.',
  ];
  for (const { title, figures, table } of measured) {
    lines.push('', `## ${title}`);
    if (figures.length > 0) lines.push('', markdownTable(toRows(figures)));
    const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}.`]));
    if (notes.length > 0) lines.push('', ...notes);
    if (table) lines.push('', markdownTable(table));
  }
  return `${lines.join('\n')}\n`;
}

function toRows(figures: readonly Figure[]): string[][] {
  const subjects = (['ours', 'floor', 'base'] as const).filter((subject) =>
    figures.some(({ values }) => values[subject]),
  );
  const others = (['floor', 'base'] as const).filter((subject) => subjects.includes(subject));
  const headings = [
    ...subjects.map((subject) => HEADINGS[subject]),
    ...others.map((subject) => `to ${HEADINGS[subject]}`),
  ];
  return [
    ['figure', 'unit', ...headings, 'n', 'budget', 'verdict'],
    ...figures.map((figure) => [
      figure.name,
      figure.unit,
      ...subjects.map((subject) => cell(figure.values[subject]?.median, format)),
      ...others.map((subject) => cell(ratio(figure, subject), (value) => value.toFixed(3))),
      cell(Math.min(...Object.values(figure.values).map(({ samples }) => samples)), String),
      figure.budget?.text ?? '',
      figure.budget === undefined ? '' : figure.budget.met ? 'met' : 'MISSED',
    ]),
  ];
}

function cell(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? '' : show(value);
}
