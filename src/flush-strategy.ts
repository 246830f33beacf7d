// Decides whether an invocation waits for its logs to be pushed: a pure function of the setting, the recent invocations
// and the age of what is held. How much is pushed is up to the backlog; how long to keep trying is up to delivery.
import { type EpochMs, isAged } from './time.ts';

export type FlushStrategy = 'end' | 'continuous' | 'adaptive';

/**
 * `wait`: hold the invocation until its logs are pushed. `go`: ask for the next event at once and push in the
 * background.
 */
export type FlushDecision = 'wait' | 'go';

/** The start times of the most recent invocations, oldest first. */
export interface InvocationHistory {
  readonly startsMs: readonly EpochMs[];
}

export const EMPTY_HISTORY: InvocationHistory = { startsMs: [] };

/** A sandbox counts as busy after this many short gaps in a row: its first invocations never count as frequent. */
const BUSY_GAPS = 4;
/** The longest gap of a busy sandbox: the next invocation sends a waiting batch within seconds. */
const BUSY_GAP_MS = 7_000;
/**
 * A line older than this makes even a busy sandbox wait. With one more busy gap on top, no line gets older than 15 s
 * while invocations keep coming, even if each is too short for a background push to finish.
 */
const MAX_HELD_AGE_MS = 7_000;

export function recordInvocation(history: InvocationHistory, startMs: EpochMs): InvocationHistory {
  return { startsMs: [...history.startsMs.slice(-BUSY_GAPS), startMs] };
}

/** @param oldestHeldMs when the oldest held entry was received; undefined when nothing is held */
export function decideFlush(
  strategy: FlushStrategy,
  history: InvocationHistory,
  nowMs: EpochMs,
  oldestHeldMs: EpochMs | undefined,
): FlushDecision {
  switch (strategy) {
    case 'end':
      return 'wait';
    case 'continuous':
      return 'go';
    case 'adaptive':
      if (oldestHeldMs !== undefined && isAged(oldestHeldMs, MAX_HELD_AGE_MS, nowMs)) return 'wait';
      return isBusy(history) ? 'go' : 'wait';
  }
}

function isBusy({ startsMs }: InvocationHistory): boolean {
  const isShortGap = (startMs: EpochMs, index: number) => startMs - (startsMs[index - 1] ?? startMs) <= BUSY_GAP_MS;
  return startsMs.length > BUSY_GAPS && startsMs.every(isShortGap);
}
