// Prints what happened and what arrived, for a terminal of 80 columns. Colours only on a terminal that takes them.

import { styleText } from 'node:util';
import { isoNanoseconds } from '../../test/fakes/loki/limits.ts';
import type { StoredEntry } from '../../test/fakes/loki/store.ts';
import { type Account, ownMessages, type Totals } from './account.ts';
import type { Chapter } from './scenario.ts';

const COLUMNS = 80;

export function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}`);
}

/** Sentences, each on a line of its own, broken where they get too wide. */
export function paragraph(...sentences: readonly string[]): void {
  for (const sentence of sentences) {
    for (const [index, line] of wrap(sentence.split(' '), COLUMNS - 4).entries())
      console.log(`${index === 0 ? '  ' : '    '}${line}`);
  }
}

/** What the extension itself said, as it says it in the function's log, without what every line has. */
export function printOwnWords(output: string): void {
  heading('What the extension said, in the log of the function');
  const messages = ownMessages(output);
  if (messages.length === 0) console.log('  nothing');
  for (const { level, msg, remedy, time, name, pid, ...fields } of messages) {
    const facts = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    paragraph([`${level}: ${msg}`, ...facts].join(' '));
    if (remedy !== undefined) paragraph(`-> ${remedy}`);
  }
}

/** For a Loki that is not ours to look into. */
export function printTotals({ received, accepted, filtered, dropped }: Totals): void {
  heading('Lines and events, as the extension counted them');
  for (const [name, value] of Object.entries({ received, accepted, filtered, dropped })) {
    console.log(`  ${name.padEnd(10)}${count(value).padStart(10)}`);
  }
}

export function printInvocations(story: readonly Chapter[]): void {
  heading('Invocations');
  const row = (what: string, lines: string, ran: string, held: string) =>
    `  ${shorten(what, 45).padEnd(45)}${lines.padStart(7)}${ran.padStart(13)}${held.padStart(12)}`;
  console.log(styleText('dim', row('', 'lines', 'function ran', 'then held')));
  for (const { requestId, what, lines, functionMs, heldMs } of story) {
    if (requestId === undefined) console.log(`  -- ${shorten(what, COLUMNS - 5)}`);
    else console.log(row(what, count(lines), milliseconds(functionMs), milliseconds(heldMs)));
  }
}

/** Stream by stream: labels, number and span of the entries, the first and the last lines. */
export function printStreams(entries: readonly StoredEntry[]): void {
  heading('What arrived, stream by stream');
  const streams = [...Map.groupBy(entries, ({ stream }) => stream)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (streams.length === 0) console.log('  nothing');
  for (const [, stream] of streams) {
    const sorted = stream.toSorted((a, b) => (a.timestampNs < b.timestampNs ? -1 : 1));
    const { labels = {} } = sorted[0] ?? {};
    console.log(`  ${styleText('cyan', labelLines(labels))}`);
    console.log(`    ${count(sorted.length)} entries`);
    for (const entry of sorted.slice(0, 2)) printLine(entry);
    if (sorted.length > 4) console.log('    ...');
    for (const entry of sorted.slice(Math.max(2, sorted.length - 2))) printLine(entry);
  }
}

/** A few entries with all that they carry: the kinds of line that people ask about. */
export function printSamples(entries: readonly StoredEntry[]): void {
  heading('A few entries with their nanoseconds and structured metadata');
  const equal = entries.filter(({ line }) => line === 'retrying');
  const json = entries.find(({ line, metadata }) => line.startsWith('{"level"') && metadata['trace_id'] !== undefined);
  const error = entries.find(({ line }) => line.includes('card declined'));
  const report = entries.find(({ metadata }) => metadata['event'] === 'platform.report');
  for (const entry of [...equal, json, error, report]) {
    if (entry === undefined) continue;
    const { level, request_id, event, ...others } = entry.metadata;
    const leading = Object.entries({ level, request_id, event }).filter(([, value]) => value !== undefined);
    const pairs = [...leading, ...Object.entries(others)].map(([name, value]) => `${name}=${value}`);
    console.log(`  ${isoNanoseconds(entry.timestampNs)}  ${shorten(entry.line, COLUMNS - 34)}`);
    for (const line of wrap(pairs, COLUMNS - 6)) console.log(styleText('dim', `      ${line}`));
  }
}

export function printBalance(accounts: readonly Account[]): void {
  heading('Lines sent and received');
  const row = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(10) : cell.padStart(10))).join('')}`;
  console.log(styleText('dim', row(['type', 'sent', 'received', 'missing', 'doubled', 'unknown', 'in order'])));
  for (const { type, sent, received, missing, doubled, unknown, inOrder } of accounts) {
    console.log(row([type, ...[sent, received, missing, doubled, unknown].map(count), inOrder ? 'yes' : 'NO']));
  }
}

function printLine({ line, timestampNs }: StoredEntry): void {
  const time = isoNanoseconds(timestampNs).slice(11);
  console.log(`    ${styleText('dim', time)}  ${shorten(line, COLUMNS - 25)}`);
}

/** `{a="1", b="2"}`, broken where it gets too wide. */
function labelLines(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{${wrap(pairs, COLUMNS - 4, ', ').join(',\n   ')}}`;
}

function wrap(words: readonly string[], width: number, separator = ' '): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + separator.length + word.length <= width) {
      lines[lines.length - 1] = last + separator + word;
    } else lines.push(word);
  }
  return lines;
}

/** In one row of at most `width` columns, control characters made visible. */
function shorten(line: string, width: number): string {
  const visible = JSON.stringify(line).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\t', ' ');
  const characters = Array.from(visible);
  if (characters.length <= width) return visible;
  // What a line says comes after its time and its request as a rule.
  const start = Math.floor(width / 3);
  return `${characters.slice(0, start).join('')}...${characters.slice(start + 3 - width).join('')}`;
}

function count(value: number | undefined): string {
  return (value ?? 0).toLocaleString('en');
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${count(Math.round(value))} ms`;
}
