// The lifecycle: event after event until SHUTDOWN. The only file that knows that the process is frozen between events:
// asking for the next one says that we are done, and from then on nothing may be counted on to run.
import { decideFlush, EMPTY_HISTORY, type FlushStrategy, recordInvocation } from './flush-strategy.ts';
import type { InvokeEvent, NextEvent, ShutdownEvent } from './lambda/extensions-api.ts';
import type { Log } from './log.ts';
import { type Clock, type EpochMs, type Pace, settledBy } from './time.ts';

/** What the lifecycle asks of whoever takes the records and brings them to Loki. */
export interface Deliverer {
  readonly invocations: {
    /** Resolves when the function is done with this invocation and all that it printed is here. */
    runtimeDone(requestId: string): Promise<unknown>;
    /** Resolves when no report is outstanding. */
    lastReport(): Promise<unknown>;
  };
  /** The first event has come. Calling it again does nothing. */
  begin(): void;
  /** The sandbox may be frozen from now on. */
  suspend(): void;
  /** The sandbox was thawed: connections may be dead, and what is due can leave. */
  resume(): void;
  /** An invocation has begun. */
  invoked(event: InvokeEvent): void;
  /** Whether there is so little CPU time that what is sent is not compressed. */
  hurry(isHurried: boolean): void;
  /** Sends what is held without waiting for it. */
  sendNow(): void;
  /** Sends what is held, and waits for it no longer than `untilMs`. */
  flush(untilMs: EpochMs): Promise<void>;
  /** The last flush. */
  drain(untilMs: EpochMs): Promise<void>;
  /** What is held at the end is lost. */
  abandon(): void;
  /** Says what was lost since the last time. */
  reportLosses(): void;
  /** Whether Loki answers well, as far as we know. */
  isHealthy(): boolean;
  oldestHeldMs(): EpochMs | undefined;
}

export interface LifecycleParts {
  readonly nextEvent: () => Promise<NextEvent>;
  /** The deliverer, when it is loaded; undefined where there is nothing to deliver or nowhere to deliver it to. */
  readonly deliverer: () => Promise<Deliverer | undefined>;
  /** Settles when the process is asked to end without an event, as containers and emulators do. */
  readonly terminated: Promise<unknown>;
  readonly strategy: FlushStrategy;
  /** Whether SHUTDOWN is the only event there will be: what sends is loaded by then. */
  readonly onlyShutdown: boolean;
  /** The longest that one invocation is held for a flush. */
  readonly flushTimeoutMs: number;
  /**
   * The part of the time between SHUTDOWN and the exit in which late records are waited for: the longer they are
   * buffered the larger. The rest is for pushing them.
   */
  readonly lateShare: number;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly log: Log;
}

/** Before the function's timeout we let go: an extension that holds on past it makes a timeout of a success. */
const DEADLINE_MARGIN_MS = 200;
/** At SHUTDOWN late records are waited for this long. The last report was seen 5 ms late on average, 40 ms at most. */
const LATE_RECORDS_MS = 300;
/** At SHUTDOWN the last milliseconds are for the exit: this much CPU time, at the pace at which we may work ... */
const EXIT_CPU_MS = 10;
/**
 * ... and a timer that is late by two periods of the kernel's CPU accounting, which Lambda lets follow each other every
 * 20 ms.
 */
const EXIT_LATENESS_MS = 40;
/** With less CPU time than this what is held is not compressed: a full batch takes 25 ms, where code is still cold. */
const COMPRESS_CPU_MS = 100;
/** What loading what sends, and a first push, may take of CPU time. */
const LOAD_CPU_MS = 36;
/** The time that a signal to end leaves us. */
const TERMINATION_MS = 2_000;
/** Between two attempts to reach the Runtime API when it does not answer. */
const MIN_RETRY_MS = 20;
const MAX_RETRY_MS = 1_000;

/** Runs until SHUTDOWN has been dealt with. Does not throw: whatever goes wrong on our side, the function goes on. */
export async function runLifecycle(parts: LifecycleParts): Promise<void> {
  const { clock, strategy } = parts;
  const end = awaitEnd(parts);
  let history = EMPTY_HISTORY;
  let deliverer: Deliverer | undefined;
  for (;;) {
    attempt(parts, () => deliverer?.suspend());
    const event = await end.orSooner(insistOnNextEvent(parts));
    const stretch = parts.pace.begin();
    // Where no event came before, what sends has still to be loaded, and a SHUTDOWN may leave no time for that.
    const isCold = !deliverer && !parts.onlyShutdown;
    const restMs = event.deadlineMs - clock.now();
    if (event.kind === 'shutdown' && isCold && restMs < LOAD_CPU_MS * parts.pace.slowness()) return;
    const begun = [
      await tolerate(parts, async () => {
        deliverer = await parts.deliverer();
      }),
      attempt(parts, () => deliverer?.begin()),
      attempt(parts, () => deliverer?.resume()),
    ];
    if (event.kind === 'shutdown') {
      parts.log.close();
      if (deliverer) await shutDown(deliverer, event.deadlineMs, parts, stretch);
      return;
    }
    stretch.end();
    const isWell = begun.every(Boolean);
    await tolerate(parts, async () => {
      if (!deliverer) return;
      deliverer.invoked(event);
      deliverer.reportLosses();
      const nowMs = clock.now();
      history = recordInvocation(history, nowMs);
      const decision = decideFlush(strategy, history, nowMs, deliverer.oldestHeldMs());
      // While Loki does not answer well there is nothing to wait for: what is held is tried in the background. And
      // where a step of ours has failed, what we would wait for may never come.
      if (decision === 'wait' && isWell && deliverer.isHealthy()) {
        await end.orSooner(finishInvocation(deliverer, event, parts));
      }
    });
  }
}

/**
 * Waits for the end of the invocation and for its logs to be pushed, within the function's deadline and the flush
 * timeout.
 */
async function finishInvocation(deliverer: Deliverer, event: InvokeEvent, parts: LifecycleParts): Promise<void> {
  const { clock, flushTimeoutMs } = parts;
  const remainingMs = Math.max(0, event.deadlineMs - clock.now());
  const letGoMs = event.deadlineMs - Math.min(DEADLINE_MARGIN_MS, remainingMs / 5);
  const done = await settledBy(clock, deliverer.invocations.runtimeDone(event.requestId), letGoMs);
  deliverer.reportLosses();
  if (done) await deliverer.flush(Math.min(clock.now() + flushTimeoutMs, letGoMs));
  // The function is about to time out: its lines leave now, and what is not out by then leaves at SHUTDOWN.
  else {
    deliverer.hurry(true);
    deliverer.sendNow();
    deliverer.hurry(false);
  }
}

/** Takes late records, pushes everything, and is done before the deadline. */
async function shutDown(
  deliverer: Deliverer,
  deadlineMs: EpochMs,
  parts: LifecycleParts,
  stretch: { end(): void },
): Promise<void> {
  const { clock, pace } = parts;
  const remainingMs = Math.max(0, deadlineMs - clock.now());
  const endMs = () => deadlineMs - Math.min(EXIT_LATENESS_MS + EXIT_CPU_MS * pace.slowness(), (remainingMs * 2) / 3);
  const isHurried = remainingMs < COMPRESS_CPU_MS * pace.slowness();
  attempt(parts, () => deliverer.hurry(isHurried));
  attempt(parts, () => deliverer.sendNow());
  stretch.end();
  const nowMs = clock.now();
  const lateUntilMs = nowMs + Math.min(LATE_RECORDS_MS, (endMs() - nowMs) * parts.lateShare);
  // Where Loki is not well nothing has been sent yet, and the one try of the drain must not come too late.
  const isSent = deliverer.isHealthy();
  if (isSent || !isHurried) {
    await tolerate(parts, () => settledBy(clock, deliverer.invocations.lastReport(), lateUntilMs));
  }
  attempt(parts, () => deliverer.reportLosses());
  // A turn of the event loop takes 80 ms at the CPU share of the smallest function, while it still takes lines in.
  if (!(isHurried && isSent && clock.now() >= endMs())) await tolerate(parts, () => deliverer.drain(endMs()));
  // What was lost in these pushes is told with some more, if there is time.
  if (clock.now() < endMs()) {
    attempt(parts, () => deliverer.reportLosses());
    await tolerate(parts, () => deliverer.drain(endMs()));
  }
  attempt(parts, () => deliverer.abandon());
}

/** Runs one step; a bug in it is reported and does not keep the next one from running. @returns whether it went well */
function attempt({ log }: LifecycleParts, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error });
    return false;
  }
}

/** The same for a step that takes its time. */
async function tolerate({ log }: LifecycleParts, step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error });
    return false;
  }
}

interface End {
  /**
   * Gives what the promise gives; but when the process is asked to end before that, SHUTDOWN, and again at every later
   * call.
   */
  orSooner<T>(promise: Promise<T>): Promise<T | ShutdownEvent>;
}

function awaitEnd({ terminated, clock }: LifecycleParts): End {
  let event: ShutdownEvent | undefined;
  // One reaction for the whole life: a race with a promise that stays pending would keep each of its rounds in memory.
  let wake: (() => void) | undefined;
  void terminated.then(() => {
    event = { kind: 'shutdown', reason: 'terminated', deadlineMs: clock.now() + TERMINATION_MS };
    wake?.();
  });
  return {
    orSooner: (promise) =>
      new Promise((resolve, reject) => {
        wake = () => event && resolve(event);
        wake();
        promise.then(resolve, reject);
      }),
  };
}

async function insistOnNextEvent({ nextEvent, clock, log }: LifecycleParts): Promise<NextEvent> {
  for (let retryMs = MIN_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
    try {
      return await nextEvent();
    } catch (error) {
      // The first failure may be a connection that did not survive a freeze.
      if (retryMs > MIN_RETRY_MS) {
        log.tellSymptom({ kind: 'next_unanswered', error });
      }
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    }
  }
}
