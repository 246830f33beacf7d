// The three flush strategies under six arrival patterns: how long an invocation is held, and how long a line takes to Loki.
// Patterns of hours run in simulated time against the extension's own lifecycle and pipeline (simulation.ts); the fast ones
// also in real time against the executable, frozen between invocations (live.ts).

import type { FlushStrategy } from '../../../src/flush-strategy.ts';
import { type Bench, settings } from '../bench.ts';
import { atLeast, atMost, type Figure, format, type Measurement, toFigure } from '../figures.ts';
import { playLive } from '../live.ts';
import { LIVE_PATTERNS, PATTERNS, type Pattern, type PatternFigures, summarizePattern } from '../patterns.ts';
import { startSandbox } from '../sandbox.ts';
import { LOKI_ROUND_TRIP_MS, simulate } from '../simulation.ts';

const STRATEGIES: readonly FlushStrategy[] = ['end', 'continuous', 'adaptive'];
const BUSY = ['one call every 5 s', '10 calls a second', 'a burst of 500, then silence'];
const RARE = ['one call an hour', 'one call a minute'];
const MAX_BUSY_HELD_MS = 1;
const MAX_AGE_S = 15;

interface Row extends PatternFigures {
  readonly how: 'simulated' | 'executable';
  readonly pattern: string;
  readonly strategy: FlushStrategy;
}

export async function measureStrategies(bench: Bench): Promise<Measurement> {
  const rows: Row[] = [];
  for (const pattern of PATTERNS) {
    for (const strategy of STRATEGIES) {
      const figures = summarizePattern(await simulate(pattern, strategy));
      rows.push({ how: 'simulated', pattern: pattern.name, strategy, ...figures });
    }
  }
  for (const pattern of LIVE_PATTERNS) {
    for (const strategy of STRATEGIES) rows.push(await live(bench, pattern, strategy));
  }
  return { figures: goals(rows), table: toTable(rows) };
}

async function live(bench: Bench, pattern: Pattern, strategy: FlushStrategy): Promise<Row> {
  const [{ executable }] = bench.extensions;
  await bench.sink.reset(LOKI_ROUND_TRIP_MS);
  await using sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: strategy }));
  const invocations = bench.quick ? Math.min(30, pattern.invocations) : pattern.invocations;
  const figures = summarizePattern(await playLive(sandbox, bench.sink, { ...pattern, invocations }));
  return { how: 'executable', pattern: pattern.name, strategy, ...figures };
}

/** What `adaptive` is to reach. */
function goals(rows: readonly Row[]): Figure[] {
  const adaptive = rows.filter(({ strategy }) => strategy === 'adaptive');
  const of = (names: readonly string[], value: (row: Row) => number) =>
    adaptive.filter(({ pattern }) => names.includes(pattern)).map(value);
  const worst = (values: readonly number[]) => [Math.max(...values)];
  return [
    toFigure(
      'adaptive, busy: held, median',
      'ms',
      { ours: worst(of(BUSY, (row) => row.heldMedianMs)) },
      {
        judge: atMost(MAX_BUSY_HELD_MS),
        note: `the worst of: ${BUSY.join('; ')}`,
      },
    ),
    toFigure(
      'adaptive, rare: lines in Loki before the freeze',
      '%',
      { ours: [Math.min(...of(RARE, (row) => row.beforeFreezePercent))] },
      {
        judge: atLeast(100),
        note: `the worst of: ${RARE.join('; ')}`,
      },
    ),
    toFigure(
      'adaptive: oldest line while calls keep coming',
      's',
      { ours: worst(adaptive.map((row) => row.oldestWhileCalledMs / 1_000)) },
      {
        judge: atMost(MAX_AGE_S),
        note: 'the worst of all patterns, up to the end of the last invocation',
      },
    ),
  ];
}

function toTable(rows: readonly Row[]): string[][] {
  return [
    [
      'pattern',
      'how',
      'strategy',
      'held, median',
      'held, p99',
      'to Loki, median',
      'to Loki, max',
      'in Loki before the freeze',
    ],
    ...rows.map((row) => [
      row.pattern,
      row.how,
      row.strategy,
      `${format(row.heldMedianMs)} ms`,
      `${format(row.heldP99Ms)} ms`,
      duration(row.delayMedianMs),
      duration(row.delayMaxMs),
      `${format(row.beforeFreezePercent)} %`,
    ]),
  ];
}

function duration(ms: number): string {
  if (ms < 1_000) return `${format(ms)} ms`;
  return ms < 120_000 ? `${format(ms / 1_000)} s` : `${format(ms / 60_000)} min`;
}
