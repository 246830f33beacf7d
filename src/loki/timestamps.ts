// Gives each entry of a stream its own nanosecond. Loki takes two entries of one stream for the same when line, metadata and timestamp
// are equal, and keeps the order of equal timestamps by chance only; Lambda counts in milliseconds. So entries of one millisecond
// are numbered in the order of their receipt. The number is given once: a resend is identical.
import type { EpochMs, Instant } from '../time.ts';

/** At least so many milliseconds of the past are remembered, so that a record that comes late still gets a nanosecond of its own. */
const REMEMBERED_MS = 1_000;
const LAST_NANO = 999_999;

/** @returns a function for one stream: the stated moment, moved on to the next free nanosecond of its millisecond */
export function createTimestamps(): (stated: Instant) => Instant {
  /** For each millisecond the highest nanosecond that was given out, oldest use first. */
  const givenNanos = new Map<EpochMs, number>();
  // The latest one, apart from the map: nearly every record is of the same millisecond as the one before, or of a new one.
  let lastMs: EpochMs | undefined;
  let lastNanos = 0;

  function given(ms: EpochMs): number | undefined {
    return ms === lastMs ? lastNanos : givenNanos.get(ms);
  }

  function remember(ms: EpochMs, nanos: number): void {
    if (ms !== lastMs && lastMs !== undefined) {
      // Deleted first, so that the order of the map is that of the last use.
      givenNanos.delete(lastMs);
      givenNanos.set(lastMs, lastNanos);
      // Not one by one: each time that costs as much as the rest.
      if (givenNanos.size >= 2 * REMEMBERED_MS) deleteFirst(givenNanos, REMEMBERED_MS);
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

function deleteFirst(map: Map<EpochMs, number>, count: number): void {
  let left = count;
  for (const key of map.keys()) {
    if (left-- === 0) return;
    map.delete(key);
  }
}
