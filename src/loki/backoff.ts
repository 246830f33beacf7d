// Full-jitter exponential backoff: each delay is drawn evenly from nothing up to a ceiling that doubles with every failure. Sandboxes that
// failed together do not come back together.
// https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/

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
