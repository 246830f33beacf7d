// The comparison as tables: on the terminal section by section, and the whole as docs/comparison.md. Everything in the document
// comes from the run itself: figures, counts, and damaged lines as they were printed and as they were stored.

import { markdownTable } from '../../markdown.ts';
import type { Run } from '../machine.ts';
import type { Figure } from './figures.ts';
import type { Rivals, Subject } from './subjects.ts';
import type { Tally } from './tally.ts';
import type { Result } from './trial.ts';

/** One case and what became of it, subject by subject. */
export interface Judged {
  readonly title: string;
  readonly about: string;
  readonly judgesTime?: boolean;
  /** Whether the times that invocations were held are worth a row. */
  readonly showsHeld?: boolean;
  readonly results: readonly (Tally | Result)[];
}

export interface Comparison {
  readonly run: Run;
  readonly command: string;
  readonly tookS: number;
  readonly subjects: readonly Subject[];
  readonly missing: Rivals['missing'];
  readonly figures: readonly Figure[];
  readonly cases: readonly Judged[];
}

type Rows = readonly (readonly string[])[];

const exampleCharacters = 110;
/** Less than this is the machine's mood. */
const clearlyBetter = 0.95;

export function printTable(title: string, rows: Rows): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => plain(row[column]).length))) ?? [];
  console.log(`\n${title}`);
  for (const row of rows) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? plain(cell).padEnd(width) : plain(cell).padStart(width);
    });
    console.log(`  ${cells.join('   ')}`.trimEnd());
  }
}

export function figureRows(subjects: readonly Subject[], figures: readonly Figure[]): Rows {
  const rows = figures.map(({ name, unit, values }) => [
    `${name}, ${unit}`,
    ...values.map((value) => (value === undefined ? 'nothing arrived' : number(value))),
  ]);
  return [['', ...subjects.map(({ name }) => name)], ...rows];
}

export function caseRows(subjects: readonly Subject[], cases: readonly Judged[]): Rows {
  const rows = cases.map((judged) => [judged.title, ...judged.results.map((result) => counts(result, judged))]);
  return [['', ...subjects.map(({ name }) => name)], ...rows];
}

export function heldRows(subjects: readonly Subject[], cases: readonly Judged[]): Rows {
  const rows = cases
    .filter(({ showsHeld }) => showsHeld)
    .map(({ title, results }) => [title, ...results.map((result) => held(result))]);
  return [['', ...subjects.map(({ name }) => name)], ...rows];
}

/** The rows in which somebody else is better than this extension under either strategy. */
export function betterElsewhere({
  subjects,
  figures,
  cases,
}: Omit<Comparison, 'run' | 'command' | 'missing' | 'tookS'>) {
  const ours = subjects.flatMap((subject, index) => (subject.ours ? [index] : []));
  const others = [...subjects.entries()].filter(([, subject]) => !subject.ours);
  const losers = new Set(
    others.filter(([index]) =>
      cases.some(({ title, results }) => title.startsWith('Burst') && lossOf(results[index]) > 0),
    ),
  );
  const lines: string[] = [];
  for (const { name, unit, values, ofTheFlood } of figures) {
    const best = Math.min(...ours.map((index) => values[index] ?? Number.POSITIVE_INFINITY));
    const better = others.filter((other) => {
      const value = values[other[0]];
      return value !== undefined && value < best * clearlyBetter && !(ofTheFlood === true && losers.has(other));
    });
    if (better.length === 0) continue;
    const told = better.map(([index, subject]) => `${subject.name} ${number(values[index] ?? 0)} ${unit}`);
    lines.push(`${name}: ${told.join(', ')}; this extension ${number(best)} ${unit}`);
  }
  for (const { title, results, judgesTime } of cases) {
    const good = (index: number) => (judgesTime ? results[index]?.onTime : results[index]?.verbatim) ?? 0;
    const best = Math.max(...ours.map(good));
    const better = others.filter(([index]) => good(index) > best);
    if (better.length > 0) lines.push(`${title}: ${better.map(([, { name }]) => name).join(', ')}`);
  }
  return lines;
}

export function toMarkdown(comparison: Comparison): string {
  const { run, command, tookS, subjects, missing, figures, cases } = comparison;
  const better = betterElsewhere(comparison);
  return `${[
    '# Beside other Loki extensions',
    `Written by \`${command}\` on ${run.date}, in ${tookS} s: ${run.processor}, ${run.memoryGb} GB, ${run.kernel}, ${run.architecture}. The load was ${run.load} at the start. All went through the same emulated Lambda (\`test/fakes/lambda-emulator.ts\`) and the same fake Loki (\`test/fakes/fake-loki.ts\`), which enforces Loki's default limits. No machine is a Lambda: trust the ratios. The others' executables are named by \`PEER_LAMBDAWATCH\` and \`PEER_LOAFOE\`, their revisions by \`PEER_LAMBDAWATCH_VERSION\` and \`PEER_LOAFOE_VERSION\`.`,
    ...missing.map(({ name, variable }) => `${name} is left out: \`${variable}\` was not given.`),
    markdownTable(
      [
        ['', 'revision', 'API', 'settings'],
        ...subjects.map(({ name, revision, api, settings }) => [name, revision, api, settings]),
      ],
      'left',
    ),
    '## What arrives',
    'Lines in Loki of those printed. A cell with one number is perfect: each line is an entry of its own with exactly its text, once. **Damaged**: the text is another, or stands inside a longer entry. **Doubled**: more often in Loki than it was printed. **Lost**: not in Loki in any form. What LambdaWatch does by documented design is no damage: that it writes the request id into each line, and that it takes the prefix of Lambda away from a line whose message is JSON.',
    markdownTable(caseRows(subjects, cases)),
    '## How long an invocation was held meanwhile',
    'The longest time from the end of the function to the request for the next event, in those cases, of invocations that ended well; and what the platform had to end by force.',
    markdownTable(heldRows(subjects, cases)),
    '## What it costs',
    "Less is better. The flood's figures praise nobody who lost lines in it: what is lost costs little.",
    markdownTable(figureRows(subjects, figures)),
    '## Where another one is better',
    better.length === 0 ? 'Nowhere in this run.' : better.map((line) => `- ${line}`).join('\n'),
    '## How each case is judged',
    cases.map(({ title, about }) => `- **${title}.** ${about}`).join('\n'),
    '## How each figure is taken',
    [...Map.groupBy(figures, ({ about }) => about)]
      .map(([about, rows]) => `- **${capitalized(rows.map(({ name }) => name).join('; '))}.** ${capitalized(about)}.`)
      .join('\n'),
    '## Damage, as it was seen',
    'With a healthy Loki: lines as they were printed and as they stood in Loki, one for each entry.',
    examples(
      subjects,
      cases.filter(({ showsHeld }) => !showsHeld),
    ),
  ].join('\n\n')}\n`;
}

function examples(subjects: readonly Subject[], cases: readonly Judged[]): string {
  const rows = cases.flatMap(({ title, results }) =>
    results.flatMap((result, index) =>
      result.examples.map(({ printed, stored }) => [title, subjects[index]?.name ?? '', shown(printed), shown(stored)]),
    ),
  );
  return rows.length === 0 ? 'None.' : markdownTable([['case', 'extension', 'printed', 'stored'], ...rows], 'left');
}

function counts(result: Tally, { judgesTime }: Judged): string {
  const good = judgesTime ? result.onTime : result.verbatim;
  const faults = judgesTime
    ? [told(result.printed - good - result.lost, 'at another time'), told(result.lost, 'lost')]
    : [told(result.damaged, 'damaged'), told(result.lost, 'lost'), told(result.doubled, 'doubled')];
  const named = faults.filter((fault) => fault !== '');
  if (named.length === 0) return thousands(good);
  const cut = 'cutShort' in result ? [result.cutShort] : [];
  return [`${thousands(good)} of ${thousands(result.printed)}`, ...named, ...cut].join(', ');
}

function held(result: Tally | Result): string {
  if (!('timedOut' in result)) return '';
  const { longestHeldMs, timedOut, killed } = result;
  const longest = longestHeldMs === undefined ? 'not measured' : `${(longestHeldMs / 1_000).toFixed(2)} s`;
  const forced = [
    timedOut === 0 ? '' : `${timedOut} held until the function's timeout`,
    killed === 0 ? '' : `${killed} killed at SHUTDOWN`,
  ];
  return [longest, ...forced.filter((text) => text !== '')].join(', ');
}

function lossOf(result: Tally | undefined): number {
  return result === undefined ? 0 : result.printed - result.verbatim;
}

function told(count: number, what: string): string {
  return count === 0 ? '' : `${thousands(count)} ${what}`;
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}

function number(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : value.toFixed(1);
}

function shown(text: string): string {
  const quoted = JSON.stringify(text.slice(0, exampleCharacters)).slice(1, -1).replaceAll('|', '\\|');
  const more = text.length > exampleCharacters ? ` ... (${thousands(text.length)} characters)` : '';
  return `\`${quoted}\`${more}`;
}

function plain(cell = ''): string {
  return cell.replaceAll('`', '');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
