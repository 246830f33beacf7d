// The circuit breaker between the function and a Loki that is not answering well. Closed: invocations wait for their
// pushes. Open: none waits, one push at a time probes in the background, and the first one that passes closes the
// breaker. Probes are spaced by full-jitter exponential backoff: each delay is drawn uniformly between zero and a
// ceiling that doubles with every failure, so that sandboxes that failed together do not come back together. All of
// them meet a Loki that is back at the same time, so the breaker recovers step by step: each push that passes takes
// back one failure. Until none is left, one push is sent at a time, and a failure reopens the breaker with the delay it
// had reached. If Loki accepts less than there is, about as many pushes pass as fail.
// https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
import { type EpochMs, type Pause, pauseLeftMs } from '../time.ts';

export interface BackoffLimits {
  /** The ceiling of the first delay. */
  readonly minMs: number;
  /** The ceiling that is never passed. */
  readonly maxMs: number;
}

/**
 * @param failures failures in a row so far, 1 or more
 * @param random evenly drawn from 0 (included) to 1 (excluded)
 */
export function backoffMs({ minMs, maxMs }: BackoffLimits, failures: number, random: () => number): number {
  return random() * Math.min(maxMs, minMs * 2 ** (failures - 1));
}

/**
 * So many failures in a row open it: one is an accident, two can be one broken connection each, and a third costs the
 * function time.
 */
const FAILURES_TO_OPEN = 3;
const NO_PAUSE: Pause = { sinceMs: 0, untilMs: 0 };

export interface Breaker {
  isOpen(): boolean;
  /** Closed, but some failures are not taken back yet. */
  isRecovering(): boolean;
  /** How long nothing may be sent yet; 0 when nothing stands against it. */
  waitMs(nowMs: EpochMs): number;
  /** Loki has answered well: closed. A wait that Loki asked for stays in force. */
  passed(): void;
  /** Loki is to be asked afresh, whatever was before. */
  reset(): void;
  /** @param askedMs how long Loki itself asked to wait */
  failed(nowMs: EpochMs, askedMs?: number): void;
  /** Opens at once: more failures would only cost time. */
  trip(nowMs: EpochMs): void;
}

export function createBreaker(limits: BackoffLimits, random: () => number): Breaker {
  /** More of them would not make a delay longer. */
  const mostFailures = FAILURES_TO_OPEN + Math.ceil(Math.log2(Math.max(1, limits.maxMs / limits.minMs)));
  let failures = 0;
  let open = false;
  let isRecovering = false;
  let backoff = NO_PAUSE;
  let asked = NO_PAUSE;

  function failed(nowMs: EpochMs, askedMs = 0): void {
    if (askedMs > pauseLeftMs(asked, nowMs)) asked = { sinceMs: nowMs, untilMs: nowMs + askedMs };
    // Pushes that were under way together and fail together are one failure.
    if (failures > 0 && pauseLeftMs(backoff, nowMs) > 0) return;
    failures = Math.min(failures + 1, mostFailures);
    if (failures >= FAILURES_TO_OPEN || isRecovering) open = true;
    backoff = { sinceMs: nowMs, untilMs: nowMs + backoffMs(limits, failures, random) };
  }

  return {
    isOpen: () => open,
    isRecovering: () => isRecovering,
    waitMs: (nowMs) => Math.max(pauseLeftMs(backoff, nowMs), pauseLeftMs(asked, nowMs)),
    passed() {
      failures = open || isRecovering ? failures - 1 : 0;
      isRecovering = failures > 0;
      open = false;
      backoff = NO_PAUSE;
    },
    reset() {
      failures = 0;
      isRecovering = false;
      open = false;
      backoff = NO_PAUSE;
      asked = NO_PAUSE;
    },
    failed,
    trip(nowMs) {
      failed(nowMs);
      open = true;
    },
  };
}
