// Time as this program uses it: wall-clock moments in epoch milliseconds, instants to the nanosecond, and a clock that
// tests can replace. Neither clock of the system stands still or runs on reliably while Lambda freezes the sandbox, so
// a wait is always checked against a wall-clock moment and never against a count of elapsed ticks.

/** A wall-clock moment: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** A moment to the nanosecond. `nanos` counts from the start of the millisecond, 0 to 999,999. */
export interface Instant {
  readonly ms: EpochMs;
  readonly nanos: number;
}

/** A time in which something rests. */
export interface Pause {
  readonly sinceMs: EpochMs;
  readonly untilMs: EpochMs;
}

/** How long it lasts yet. A clock that was set back to before it began has ended it: who knows how long it would be. */
export function pauseLeftMs({ sinceMs, untilMs }: Pause, nowMs: EpochMs): number {
  return nowMs < sinceMs ? 0 : Math.max(0, untilMs - nowMs);
}

/**
 * Whether something from `sinceMs` has reached an age. What is younger than nothing was there before the clock was set
 * back: it has.
 */
export function isAged(sinceMs: EpochMs, ageMs: number, nowMs: EpochMs): boolean {
  return nowMs - sinceMs >= ageMs || nowMs < sinceMs;
}

/** A pending call that can be called off. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): EpochMs;
  after(delayMs: number, run: () => void): Timer;
}

/**
 * A timer that is this late has slept through a freeze. What arrived on the sockets meanwhile has not been read yet, as
 * timers run before input after a thaw, so the timer lets one round of input pass before it gives anything up.
 */
const FROZEN_LATENESS_MS = 100;

/** The clock of the system. Its timers keep the process alive until they have run. */
export const systemClock: Clock = {
  now: Date.now,
  after(delayMs, run) {
    const dueMs = Date.now() + delayMs;
    let cancelled = false;
    const timeout = setTimeout(() => {
      if (Date.now() - dueMs < FROZEN_LATENESS_MS) {
        run();
        return;
      }
      setImmediate(() => {
        if (!cancelled) run();
      });
    }, delayMs);
    return {
      cancel() {
        cancelled = true;
        clearTimeout(timeout);
      },
    };
  },
};

/**
 * Waits for `promise`, but not past `untilMs`.
 * @returns true when the promise settled in time (a rejection counts as settled), false when the time ran out.
 */
export function settledBy(clock: Clock, promise: Promise<unknown>, untilMs: EpochMs): Promise<boolean> {
  const remainingMs = untilMs - clock.now();
  if (remainingMs <= 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = clock.after(remainingMs, () => resolve(false));
    const settled = () => {
      timer.cancel();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/**
 * How fast the sandbox lets us work. A function of 128 MB has 7 % of a CPU: what takes 1 ms elsewhere takes 14 there.
 */
export interface Pace {
  /** Measures a stretch of work that waits for nothing. */
  begin(): { end(): void };
  /** How many milliseconds one of CPU time takes: the worst that was seen or has to be expected, 1 at least. */
  slowness(): number;
}

/** Shorter ones say nothing: they may fit into what is left of a period's share. */
const MIN_STRETCH_CPU_MS = 2;
/** Slower than any function is. What looks slower was held up by something else. */
const MAX_SLOWNESS = 20;

/** @param expected the slowness to start from @param cpuMs CPU time that this thread has used */
export function createPace(expected: number, now: () => EpochMs, cpuMs: () => number): Pace {
  const bounded = (slowness: number) => Math.min(MAX_SLOWNESS, Math.max(1, slowness));
  let worst = bounded(expected);
  return {
    begin() {
      const startMs = now();
      const startCpuMs = cpuMs();
      return {
        end() {
          const usedMs = cpuMs() - startCpuMs;
          if (usedMs >= MIN_STRETCH_CPU_MS) worst = Math.max(worst, bounded((now() - startMs) / usedMs));
        },
      };
    },
    slowness: () => worst,
  };
}
