// Gives each entry of a stream a nanosecond of its own. Loki treats two entries of a stream as one when line, metadata
// and timestamp are equal, and keeps the order of equal timestamps only by chance; Lambda's clock counts milliseconds.
// So the entries of one millisecond are numbered in order of receipt. The number is assigned once: a resend is
// identical.
import type { EpochMs, Instant } from '../time.ts';

/** At least so many milliseconds are remembered one by one, those that were used last. */
const REMEMBERED_MS = 1_000;
const LAST_NANO = 999_999;

/** @returns a function for one stream: the stated moment, moved on to the next free nanosecond of its millisecond */
export function createTimestamps(): (stated: Instant) => Instant {
  /** For each millisecond the highest nanosecond that was given out, oldest use first. */
  const givenNanos = new Map<EpochMs, number>();
  // The latest one, apart from the map: nearly every record is of the same millisecond as the one before, or of a new
  // one.
  let lastMs: EpochMs | undefined;
  let lastNanos = 0;

  // Of those that were forgotten: the latest, and the highest nanosecond that any of them gave out. What comes later
  // still is numbered behind it.
  let forgottenMs = Number.NEGATIVE_INFINITY;
  let forgottenNanos = 0;

  function given(ms: EpochMs): number | undefined {
    if (ms === lastMs) return lastNanos;
    return givenNanos.get(ms) ?? (ms <= forgottenMs ? forgottenNanos : undefined);
  }

  function forget(count: number): void {
    let left = count;
    for (const [ms, nanos] of givenNanos) {
      if (left-- === 0) return;
      givenNanos.delete(ms);
      forgottenMs = Math.max(forgottenMs, ms);
      // One is left free, so that a single record at the end of its millisecond does not push all that come late out of
      // theirs.
      forgottenNanos = Math.max(forgottenNanos, Math.min(nanos, LAST_NANO - 1));
    }
  }

  function remember(ms: EpochMs, nanos: number): void {
    if (ms !== lastMs && lastMs !== undefined) {
      // Deleted first, so that the order of the map is that of the last use.
      givenNanos.delete(lastMs);
      givenNanos.set(lastMs, lastNanos);
      // Not one by one: each time that costs as much as the rest.
      if (givenNanos.size >= 2 * REMEMBERED_MS) forget(REMEMBERED_MS);
    }
    lastMs = ms;
    lastNanos = nanos;
  }

  return (stated) => {
    let { ms, nanos } = stated;
    let last = given(ms);
    while (last !== undefined && nanos <= last) {
      if (last < LAST_NANO) {
        nanos = last + 1;
        break;
      }
      ms += 1;
      nanos = 0;
      last = given(ms);
    }
    remember(ms, nanos);
    return ms === stated.ms && nanos === stated.nanos ? stated : { ms, nanos };
  };
}
