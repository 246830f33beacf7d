// The totals of all entries: in our own log at SHUTDOWN and, if configured, periodically in the stream of extensions.
import type { LogFields } from './log.ts';
import type { Ledger } from './losses.ts';
import { type Clock, type EpochMs, isAged } from './time.ts';

export interface TotalsParts {
  readonly ledger: Pick<Ledger, 'totals'>;
  readonly heldEntries: () => number;
  /** Part of the accepted entries. */
  readonly slowestPushMs: () => number;
  readonly clock: Pick<Clock, 'now'>;
  /** Sends one line of JSON to Loki; undefined when no totals are configured. */
  readonly tellLoki: ((text: string) => void) | undefined;
}

export interface Totals {
  /** Starts the clock. */
  begin(): void;
  /** Counts an invocation that waited for a flush. */
  held(ms: number): void;
  sums(): LogFields;
  /** Sends the totals to Loki, if they are due. */
  report(): void;
}

const EVERY_MS = 15 * 60_000;

export function createTotals({ ledger, heldEntries, slowestPushMs, clock, tellLoki }: TotalsParts): Totals {
  let timesHeld = 0;
  let heldMs = 0;
  let toldMs: EpochMs = clock.now();

  function sums(): LogFields {
    const { received, accepted, filtered, withheld, dropped } = ledger.totals();
    const gone = { filtered: sumOf(filtered), dropped: sumOf(dropped), withheld };
    const counts = { received, accepted, ...gone, held: heldEntries() };
    return { ...counts, slowestPushMs: slowestPushMs(), timesHeld, heldMs };
  }

  return {
    begin() {
      toldMs = clock.now();
    },
    held(ms) {
      timesHeld++;
      heldMs += ms;
    },
    sums,
    report() {
      if (!tellLoki || !isAged(toldMs, EVERY_MS, clock.now())) return;
      toldMs = clock.now();
      tellLoki(JSON.stringify({ level: 'info', message: 'totals', ...sums() }));
    },
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
