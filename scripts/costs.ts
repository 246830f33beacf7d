// What logging costs a month, three ways: CloudWatch, this extension into Loki, and both. For a function of one's own:
//   node scripts/costs.ts --invocations-a-day=1000000 --lines=10 --line-bytes=200 --memory-mb=128 --duration-ms=100 [--busy=1]
// Without arguments it writes the table of docs/costs.md. Prices are AWS's list prices of PRICES.date in PRICES.region; what was
// measured of the extension is read from docs/benchmarks.md. A test holds the page to this.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { numberIn, rowsUnder } from './charts/tables.ts';
import { markdownTable, withTextBetween } from './markdown.ts';

const docs = path.join(import.meta.dirname, '..', 'docs');

export const PRICES = {
  date: '2026-11-26',
  region: 'us-east-1',
  /** Logs of Lambda, Standard class: a price per GB for each tier of a month. https://aws.amazon.com/cloudwatch/pricing/ */
  cloudWatchTiers: [
    { upToGb: 10 * 1024, dollarsPerGb: 0.5 },
    { upToGb: 30 * 1024, dollarsPerGb: 0.25 },
    { upToGb: 50 * 1024, dollarsPerGb: 0.1 },
    { upToGb: Number.POSITIVE_INFINITY, dollarsPerGb: 0.05 },
  ],
  /** Billed time, x86_64, first tier. https://aws.amazon.com/lambda/pricing/ */
  dollarsPerGbSecond: 0.0000166667,
} as const;

/** What CloudWatch adds to the bytes of each event when it counts them. */
const CLOUDWATCH_BYTES_PER_EVENT = 26;
/** START, END and REPORT: three events that CloudWatch stores of each invocation, and about their bytes. */
const PLATFORM_EVENTS = 3;
const PLATFORM_BYTES = 350;
/** The same as JSON events in Loki: start, runtimeDone, report and their metadata. */
const LOKI_PLATFORM_BYTES = 1_100;
/** Structured metadata of a line: request id, instance, version, level. */
const LOKI_METADATA_BYTES = 150;
const DAYS = 30;
const GB = 1e9;

/** The platform hands over what was logged at most 25 ms after it was written. */
const BUFFERING_MS = 25;
/** To a Loki in the same region. */
const ROUND_TRIP_MS = 5;

export interface Workload {
  readonly invocationsADay: number;
  readonly lines: number;
  readonly lineBytes: number;
  readonly memoryMb: number;
  readonly durationMs: number;
  /** Share of the invocations that adaptive lets go by without waiting: 0 for a rare function, 1 for a busy one. */
  readonly busy: number;
}

/** Dollars a month, and GB where no price is ours to name. */
export interface Costs {
  readonly linesADay: number;
  readonly cloudWatch: number;
  readonly function: number;
  readonly end: number;
  readonly adaptive: number;
  readonly continuous: number;
  readonly lokiGb: number;
}

export function costsOf(load: Workload): Costs {
  const invocations = load.invocationsADay * DAYS;
  const text = load.lines * (load.lineBytes + CLOUDWATCH_BYTES_PER_EVENT);
  const platform = PLATFORM_BYTES + PLATFORM_EVENTS * CLOUDWATCH_BYTES_PER_EVENT;
  const billed = (ms: number) => (invocations * ms * load.memoryMb * PRICES.dollarsPerGbSecond) / 1000 / 1024;
  const end = billed(heldMs(load.memoryMb));
  return {
    linesADay: load.invocationsADay * load.lines,
    cloudWatch: tiered((invocations * (text + platform)) / GB),
    function: billed(load.durationMs),
    end,
    adaptive: end * (1 - load.busy),
    continuous: 0,
    lokiGb: (invocations * (load.lines * (load.lineBytes + LOKI_METADATA_BYTES) + LOKI_PLATFORM_BYTES)) / GB,
  };
}

/** What a later invocation is held for under `end`: between two sizes that were measured, on a straight line. */
export function heldMs(memoryMb: number, sizes: readonly HeldSize[] = measuredSizes()): number {
  const above = sizes.findIndex((size) => size.memoryMb >= memoryMb);
  const high = sizes[above] ?? sizes.at(-1);
  const low = sizes[above - 1] ?? high;
  if (low === undefined || high === undefined) throw new Error('no size of a function was measured');
  const share = low.memoryMb === high.memoryMb ? 0 : (memoryMb - low.memoryMb) / (high.memoryMb - low.memoryMb);
  return BUFFERING_MS + ROUND_TRIP_MS + low.ms + (high.ms - low.ms) * Math.min(Math.max(share, 0), 1);
}

interface HeldSize {
  readonly memoryMb: number;
  readonly ms: number;
}

/** Beyond buffering and the way to Loki and back: later invocations, https, 20 lines. */
function measuredSizes(): HeldSize[] {
  const rows = rowsUnder(readFileSync(path.join(docs, 'benchmarks.md'), 'utf8'), 'Small functions');
  return rows
    .filter((row) => row['Loki'] === 'https' && row['strategy'] === 'end' && row['lines'] === '20')
    .map((row) => ({ memoryMb: numberIn(row, 'function'), ms: numberIn(row, 'warm: held') }));
}

function tiered(gb: number): number {
  let [dollars, below] = [0, 0];
  for (const { upToGb, dollarsPerGb } of PRICES.cloudWatchTiers) {
    dollars += Math.max(Math.min(gb, upToGb) - below, 0) * dollarsPerGb;
    below = upToGb;
  }
  return dollars;
}

/** The rows of the page: from a function that is hardly called to one that is always. */
export const EXAMPLES: readonly (Workload & { readonly name: string })[] = [
  {
    name: 'a nightly job',
    invocationsADay: 24,
    lines: 5_000,
    lineBytes: 200,
    memoryMb: 1024,
    durationMs: 60_000,
    busy: 0,
  },
  { name: 'a small API', invocationsADay: 20_000, lines: 10, lineBytes: 200, memoryMb: 256, durationMs: 80, busy: 0.5 },
  {
    name: 'a busy API',
    invocationsADay: 1_000_000,
    lines: 10,
    lineBytes: 200,
    memoryMb: 256,
    durationMs: 80,
    busy: 0.98,
  },
  {
    name: 'a talkative API',
    invocationsADay: 1_000_000,
    lines: 60,
    lineBytes: 300,
    memoryMb: 512,
    durationMs: 120,
    busy: 0.98,
  },
  {
    name: 'a stream of events',
    invocationsADay: 20_000_000,
    lines: 6,
    lineBytes: 250,
    memoryMb: 128,
    durationMs: 30,
    busy: 1,
  },
];

const HEADINGS = [
  ...['', 'invocations a day', 'lines a day', 'memory', 'CloudWatch a month', 'added billed time: `end`', '`adaptive`'],
  ...['`continuous`', 'the function itself', 'into Loki a month'],
];

export function costsTable(loads: readonly (Workload & { readonly name: string })[] = EXAMPLES): string {
  const rows = loads.map((load) => {
    const costs = costsOf(load);
    return [
      ...[
        load.name,
        load.invocationsADay.toLocaleString('en'),
        costs.linesADay.toLocaleString('en'),
        `${load.memoryMb} MB`,
      ],
      ...[costs.cloudWatch, costs.end, costs.adaptive, costs.continuous, costs.function].map(dollars),
      gigabytes(costs.lokiGb),
    ];
  });
  return `${markdownTable([HEADINGS, ...rows])}\n`;
}

export function dollars(amount: number): string {
  if (amount === 0) return '$0';
  return amount < 0.01
    ? 'under 1 cent'
    : `$${amount.toLocaleString('en', { minimumFractionDigits: amount < 10 ? 2 : 0, maximumFractionDigits: amount < 10 ? 2 : 0 })}`;
}

function gigabytes(gb: number): string {
  return `${gb.toLocaleString('en', { maximumFractionDigits: gb < 10 ? 1 : 0 })} GB`;
}

const PAGE = path.join(docs, 'costs.md');
const MARKS = ['<!-- costs: written by scripts/costs.ts -->\n', '<!-- /costs -->'] as const;

/** The page with the table of today between its marks. */
export function withCostsTable(page: string): string {
  return withTextBetween(page, 'docs/costs.md', MARKS, costsTable());
}

/** @throws when an option is no number */
export function readWorkload(args: readonly string[]): Workload {
  const names = ['invocations-a-day', 'lines', 'line-bytes', 'memory-mb', 'duration-ms', 'busy'] as const;
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options });
  const read = (name: (typeof names)[number], fallback: number) => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number, not ${values[name]}`);
    return value;
  };
  return {
    invocationsADay: read('invocations-a-day', 100_000),
    lines: read('lines', 10),
    lineBytes: read('line-bytes', 200),
    memoryMb: read('memory-mb', 128),
    durationMs: read('duration-ms', 100),
    busy: Math.min(read('busy', 0.9), 1),
  };
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  if (args.length > 0) console.log(costsTable([{ name: 'this function', ...readWorkload(args) }]));
  else writeFileSync(PAGE, withCostsTable(readFileSync(PAGE, 'utf8')));
}
