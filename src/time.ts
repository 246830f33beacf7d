// Time in this program: wall-clock moments in epoch milliseconds, instants to the nanosecond, and a clock that tests
// can replace. While Lambda freezes the sandbox, no system clock reliably stops or keeps running. So every wait is
// checked against a wall-clock moment, never against elapsed ticks.

/** A wall-clock moment: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** A moment with nanosecond precision. `nanos` counts from the start of the millisecond, 0 to 999,999. */
export interface Instant {
  readonly ms: EpochMs;
  readonly nanos: number;
}

/** A period in which something is paused. */
export interface Pause {
  readonly sinceMs: EpochMs;
  readonly untilMs: EpochMs;
}

/** The time left. If the clock was set back to before the start, the pause is over: its real length is unknown. */
export function pauseLeftMs({ sinceMs, untilMs }: Pause, nowMs: EpochMs): number {
  return nowMs < sinceMs ? 0 : Math.max(0, untilMs - nowMs);
}

/**
 * Whether something from `sinceMs` has reached an age. A moment in the future means that the clock was set back; it
 * counts as aged.
 */
export function isAged(sinceMs: EpochMs, ageMs: number, nowMs: EpochMs): boolean {
  return nowMs - sinceMs >= ageMs || nowMs < sinceMs;
}

/** A pending call that can be cancelled. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): EpochMs;
  after(delayMs: number, run: () => void): Timer;
}

/** A clock that also says how much time has passed, whatever the wall clock is set to meanwhile. */
export interface SteadyClock extends Clock {
  /** Whole milliseconds, counted evenly while the sandbox is awake. In a freeze it may stand still or not. */
  steadyMs(): number;
}

/**
 * Counts down to a deadline that was given just now. After a freeze the system sets its clock right in the middle of an
 * invocation, by as much as the freeze has lasted: https://github.com/aws/aws-sdk-js-v3/issues/7605
 * @returns the milliseconds left; less than 0 when the deadline has passed. Does not hold across a freeze.
 */
export function countDown(clock: SteadyClock, deadlineMs: EpochMs): () => number {
  const steadyEndMs = clock.steadyMs() + deadlineMs - clock.now();
  return () => steadyEndMs - clock.steadyMs();
}

/**
 * A timer this late has slept through a freeze. After a thaw timers run before input, so whatever arrived on the
 * sockets meanwhile is still unread. The timer therefore lets one round of input pass before it gives anything up.
 */
const FROZEN_LATENESS_MS = 100;

/** The system clock. Its timers keep the process alive until they have run. */
export const systemClock: SteadyClock = {
  now: Date.now,
  steadyMs() {
    const [seconds, nanos] = process.hrtime();
    // Rounded down as for timers: what is left is nothing when the timer for it runs.
    return seconds * 1_000 + Math.floor(nanos / 1_000_000);
  },
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

/** One timer for several limits: the one that ends first holds, so freezes in a row do not make it longer. */
export interface Limit {
  set(limitMs: number): void;
  /** For good. */
  lift(): void;
}

/** @param passed is called once, with the limit that has passed */
export function createLimit(clock: SteadyClock, passed: (limitMs: number) => void): Limit {
  // As timers count, so that of two limits the one that passes first stays in force across a freeze.
  let steadyEndMs = Number.POSITIVE_INFINITY;
  let timer: Timer | undefined;
  return {
    set(limitMs) {
      const newEndMs = clock.steadyMs() + limitMs;
      if (newEndMs >= steadyEndMs) return;
      steadyEndMs = newEndMs;
      timer?.cancel();
      timer = clock.after(limitMs, () => passed(limitMs));
    },
    lift() {
      steadyEndMs = Number.NEGATIVE_INFINITY;
      timer?.cancel();
    },
  };
}

/** How much CPU the sandbox gets. A function of 128 MB has 7 % of a CPU: 1 ms of work takes 14 ms there. */
export interface Pace {
  /** Measures a stretch of synchronous work. */
  begin(): { end(): void };
  /** Milliseconds of wall-clock time per millisecond of CPU time: what was measured or expected, the worse of both. */
  slowness(): number;
}

/** Shorter stretches say nothing: they may fit into what is left of a period's share. */
const MIN_STRETCH_CPU_MS = 2;
/** Slower than any function. Anything that looks slower was held up by something else. */
const MAX_SLOWNESS = 20;

/** @param expected the initial slowness @param cpuMs CPU time used by this thread */
export function createPace(expected: number, now: () => EpochMs, cpuMs: () => number): Pace {
  const bounded = (slowness: number) => Math.min(MAX_SLOWNESS, Math.max(1, slowness));
  let workedMs = 0;
  let workedCpuMs = 0;
  return {
    begin() {
      const startMs = now();
      const startCpuMs = cpuMs();
      return {
        end() {
          const usedMs = cpuMs() - startCpuMs;
          if (usedMs < MIN_STRETCH_CPU_MS) return;
          // Added up: one stretch that a busy machine held up says little of the others.
          workedMs += now() - startMs;
          workedCpuMs += usedMs;
        },
      };
    },
    slowness: () => bounded(Math.max(expected, workedCpuMs > 0 ? workedMs / workedCpuMs : 1)),
  };
}
