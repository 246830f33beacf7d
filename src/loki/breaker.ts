// The circuit breaker between the function and a Loki that does not answer well. Closed, invocations wait for their pushes. Open, none waits:
// one push at a time probes in the background, and the first that is accepted closes the breaker again.
// Its moments are wall-clock moments, since a timer tells nothing across a freeze.
import type { EpochMs } from '../time.ts';
import { type BackoffLimits, backoffMs } from './backoff.ts';

/** So many failures in a row open it: one is an accident, two can be one broken connection each, and a third costs the function time. */
const FAILURES_TO_OPEN = 3;

export interface Breaker {
  isOpen(): boolean;
  /** The moment before which nothing may be sent; 0 when nothing stands against it. */
  waitUntilMs(): EpochMs;
  /** Loki has answered well: closed. A wait that Loki asked for stays in force. */
  accepted(): void;
  /** Loki is to be asked afresh, whatever was before. */
  reset(): void;
  /** @param askedMs a moment that Loki itself asked to wait for */
  failed(nowMs: EpochMs, askedMs?: EpochMs): void;
  /** Opens at once: more failures would only cost time. */
  trip(nowMs: EpochMs): void;
}

export function createBreaker(limits: BackoffLimits, random: () => number): Breaker {
  let failures = 0;
  let open = false;
  let notBeforeMs: EpochMs = 0;
  let askedUntilMs: EpochMs = 0;

  function failed(nowMs: EpochMs, askedMs: EpochMs = 0): void {
    askedUntilMs = Math.max(askedUntilMs, askedMs);
    // Pushes that were under way together and fail together are one failure.
    if (failures > 0 && nowMs < notBeforeMs) {
      notBeforeMs = Math.max(askedUntilMs, notBeforeMs);
      return;
    }
    failures++;
    if (failures >= FAILURES_TO_OPEN) open = true;
    notBeforeMs = Math.max(askedUntilMs, nowMs + backoffMs(limits, failures, random));
  }

  return {
    isOpen: () => open,
    waitUntilMs: () => notBeforeMs,
    accepted() {
      failures = 0;
      open = false;
      notBeforeMs = askedUntilMs;
    },
    reset() {
      failures = 0;
      open = false;
      notBeforeMs = 0;
      askedUntilMs = 0;
    },
    failed,
    trip(nowMs) {
      failed(nowMs);
      open = true;
    },
  };
}
