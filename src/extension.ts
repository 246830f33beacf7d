// The lifecycle: event after event until SHUTDOWN. The only file that knows that the process is frozen between events: asking for the next one
// says that we are done, and from then on nothing may be counted on to run.
import { decideFlush, EMPTY_HISTORY, type FlushStrategy, recordInvocation } from './flush-strategy.ts';
import type { InvokeEvent, NextEvent } from './lambda/extensions-api.ts';
import type { Log } from './log.ts';
import type { Pipeline } from './pipeline.ts';
import { type Clock, type EpochMs, settledBy } from './time.ts';

export interface LifecycleParts {
  readonly nextEvent: () => Promise<NextEvent>;
  /** The pipeline, when it is loaded; undefined where there is nothing to deliver or nowhere to deliver it to. */
  readonly pipeline: () => Promise<Pipeline | undefined>;
  readonly strategy: FlushStrategy;
  /** The longest that one invocation is held for a flush. */
  readonly flushTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Before the function's timeout we let go: an extension that holds on past it makes a timeout of a success. */
const DEADLINE_MARGIN_MS = 200;
/** At SHUTDOWN late records are waited for this long. The last report was seen 5 ms late on average, 40 ms at most. */
const LATE_RECORDS_MS = 300;
/** At SHUTDOWN the last milliseconds are for the exit. */
const EXIT_RESERVE_MS = 100;
/** Between two attempts to reach the Runtime API when it does not answer. */
const MIN_RETRY_MS = 20;
const MAX_RETRY_MS = 1_000;

/** Runs until SHUTDOWN has been dealt with. Does not throw: whatever goes wrong on our side, the function goes on. */
export async function runLifecycle(parts: LifecycleParts): Promise<void> {
  const { clock, strategy } = parts;
  let history = EMPTY_HISTORY;
  let pipeline: Pipeline | undefined;
  for (;;) {
    await tolerate(parts, () => pipeline?.suspend());
    const event = await insistOnNextEvent(parts);
    await tolerate(parts, async () => {
      pipeline = await parts.pipeline();
    });
    await tolerate(parts, () => pipeline?.begin());
    await tolerate(parts, () => pipeline?.resume());
    if (event.kind === 'shutdown') {
      if (pipeline) await shutDown(pipeline, event.deadlineMs, parts);
      return;
    }
    await tolerate(parts, async () => {
      if (!pipeline) return;
      pipeline.invoked(event);
      pipeline.reportLosses();
      const nowMs = clock.now();
      history = recordInvocation(history, nowMs);
      const decision = decideFlush(strategy, history, nowMs, pipeline.oldestHeldMs());
      // While Loki does not answer well there is nothing to wait for: what is held is tried in the background.
      if (decision === 'wait' && pipeline.isHealthy()) await finishInvocation(pipeline, event, parts);
    });
  }
}

/** Waits for the end of the invocation and for its logs to be pushed, within the function's deadline and the flush timeout. */
async function finishInvocation(pipeline: Pipeline, event: InvokeEvent, parts: LifecycleParts): Promise<void> {
  const { clock, flushTimeoutMs } = parts;
  const remainingMs = Math.max(0, event.deadlineMs - clock.now());
  const letGoMs = event.deadlineMs - Math.min(DEADLINE_MARGIN_MS, remainingMs / 5);
  const done = await settledBy(clock, pipeline.invocations.runtimeDone(event.requestId), letGoMs);
  pipeline.reportLosses();
  if (done) await pipeline.flush(Math.min(clock.now() + flushTimeoutMs, letGoMs));
  // The function is about to time out: its lines leave now, and what is not out by then leaves at SHUTDOWN.
  else pipeline.sendNow();
}

/** Takes late records, pushes everything, and is done before the deadline. */
async function shutDown(pipeline: Pipeline, deadlineMs: EpochMs, parts: LifecycleParts): Promise<void> {
  const { clock } = parts;
  const nowMs = clock.now();
  const remainingMs = Math.max(0, deadlineMs - nowMs);
  const lateUntilMs = nowMs + Math.min(LATE_RECORDS_MS, remainingMs / 3);
  const endMs: EpochMs = deadlineMs - Math.min(EXIT_RESERVE_MS, remainingMs / 4);
  await tolerate(parts, () => pipeline.sendNow());
  await tolerate(parts, () => settledBy(clock, pipeline.invocations.lastReport(), lateUntilMs));
  // Twice: what the first pushes lose is told with the second, if there is time.
  for (let round = 0; round < 2; round++) {
    await tolerate(parts, () => pipeline.reportLosses());
    await tolerate(parts, () => pipeline.drain(endMs));
  }
  await tolerate(parts, () => pipeline.abandon());
}

/** Runs one step; a bug in it is reported and does not keep the next one from running. */
async function tolerate({ log }: LifecycleParts, step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    log.writeOnce('bug', 'error', 'internal error, the function goes on', { error: String(error) });
  }
}

async function insistOnNextEvent({ nextEvent, clock, log }: LifecycleParts): Promise<NextEvent> {
  for (let retryMs = MIN_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
    try {
      return await nextEvent();
    } catch (error) {
      // The first failure may be a connection that did not survive a freeze.
      if (retryMs > MIN_RETRY_MS) {
        log.writeOnce(
          'next',
          'error',
          'the Extensions API does not answer, trying again',
          { error: String(error) },
          60_000,
        );
      }
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    }
  }
}
