// The arrival patterns of the strategy figures, and what is asked of each: how long its invocations were held, and how long
// after it was printed each line was in Loki.

import { quantile } from './figures.ts';

export interface Pattern {
  readonly name: string;
  readonly invocations: number;
  /** From the start of one invocation to that of the next, if it is over by then. */
  readonly intervalMs: number;
  readonly durationMs: number;
  /** When the function prints its lines, from the start of the invocation. */
  readonly linesAtMs: readonly number[];
  /** From the end of the last invocation to SHUTDOWN. */
  readonly silenceMs: number;
}

/** One invocation as it went. Milliseconds of one clock. */
export interface PlayedInvocation {
  readonly startMs: number;
  /** When the function had finished. */
  readonly doneMs: number;
  /** When the function had finished and the extension had asked for the next event. */
  readonly freeMs: number;
}

export interface PlayedLine {
  readonly invocation: number;
  readonly printedMs: number;
  readonly inLokiMs: number;
}

export interface Played {
  readonly invocations: readonly PlayedInvocation[];
  readonly lines: readonly PlayedLine[];
}

export interface PatternFigures {
  readonly heldMedianMs: number;
  readonly heldP99Ms: number;
  readonly delayMedianMs: number;
  readonly delayMaxMs: number;
  /** Of the lines, the percentage that was in Loki before the sandbox was frozen after their invocation. */
  readonly beforeFreezePercent: number;
  /** The greatest age that a line reached outside Loki up to the end of the last invocation. */
  readonly oldestWhileCalledMs: number;
}

const HOUR_MS = 3_600_000;
/** Lambda ends an idle sandbox after some minutes. */
const SILENCE_MS = 360_000;
const SHORT = { durationMs: 20, linesAtMs: [1, 8, 18], silenceMs: SILENCE_MS } as const;

export const PATTERNS: readonly Pattern[] = [
  { name: 'one call an hour', invocations: 24, intervalMs: HOUR_MS, ...SHORT },
  { name: 'one call a minute', invocations: 120, intervalMs: 60_000, ...SHORT },
  { name: 'one call every 5 s', invocations: 720, intervalMs: 5_000, ...SHORT },
  { name: '10 calls a second', invocations: 6_000, intervalMs: 100, ...SHORT },
  { name: 'a burst of 500, then silence', invocations: 500, intervalMs: 0, ...SHORT },
  {
    name: 'one call of 15 minutes, a line a second',
    invocations: 1,
    intervalMs: HOUR_MS,
    durationMs: 900_000,
    linesAtMs: Array.from({ length: 899 }, (_, second) => (second + 1) * 1_000),
    silenceMs: SILENCE_MS,
  },
];

/** For the executable, in real time. */
export const LIVE_PATTERNS: readonly Pattern[] = [
  { name: '10 calls a second', invocations: 100, intervalMs: 100, ...SHORT, silenceMs: 2_000 },
  {
    name: 'a burst of 500, then silence',
    invocations: 500,
    intervalMs: 0,
    durationMs: 5,
    linesAtMs: [0, 1, 2],
    silenceMs: 2_000,
  },
];

/** Throws when a line has not arrived: then there is nothing to say about delays. */
export function summarizePattern({ invocations, lines }: Played): PatternFigures {
  const missing = lines.filter(({ inLokiMs }) => !Number.isFinite(inLokiMs)).length;
  if (missing > 0 || lines.length === 0) throw new Error(`${missing} of ${lines.length} lines have not arrived`);
  const held = invocations.map(({ doneMs, freeMs }) => freeMs - doneMs);
  const delays = lines.map(({ printedMs, inLokiMs }) => inLokiMs - printedMs);
  const lastMs = invocations.at(-1)?.doneMs ?? 0;
  const inTime = lines.filter(({ invocation, inLokiMs }) => inLokiMs <= (invocations[invocation]?.freeMs ?? 0));
  return {
    heldMedianMs: quantile(held, 0.5),
    heldP99Ms: quantile(held, 0.99),
    delayMedianMs: quantile(delays, 0.5),
    delayMaxMs: quantile(delays, 1),
    beforeFreezePercent: (100 * inTime.length) / lines.length,
    oldestWhileCalledMs: Math.max(
      ...lines.map(({ printedMs, inLokiMs }) => Math.max(0, Math.min(inLokiMs, lastMs) - printedMs)),
    ),
  };
}
