// The sums of what became of all entries: for our own log at SHUTDOWN, and now and then for the stream of extensions,
// where somebody wants that.
import type { LogFields } from './log.ts';
import type { Ledger } from './losses.ts';
import { type Clock, type EpochMs, isAged } from './time.ts';

export interface TotalsParts {
  readonly ledger: Pick<Ledger, 'totals'>;
  readonly heldEntries: () => number;
  /** Of those that were accepted. */
  readonly slowestPushMs: () => number;
  readonly clock: Pick<Clock, 'now'>;
  /** Takes one line of JSON for Loki; undefined where nobody wants it. */
  readonly tellLoki: ((text: string) => void) | undefined;
}

export interface Totals {
  /** From now on time counts. */
  begin(): void;
  /** An invocation has waited for a flush. */
  held(ms: number): void;
  sums(): LogFields;
  /** Tells Loki, if it is time. */
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
