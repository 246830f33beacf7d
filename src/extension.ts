// The lifecycle: handles event after event until SHUTDOWN. The only file that knows that Lambda freezes the process
// between events: asking for the next event tells the platform that we are done, and from then on no code can be relied
// on to run.
import { decideFlush, EMPTY_HISTORY, type FlushStrategy, recordInvocation } from './flush-strategy.ts';
import type { InvokeEvent, NextEvent, ShutdownEvent } from './lambda/extensions-api.ts';
import type { Log } from './log.ts';
import { countDown, type EpochMs, type Pace, type SteadyClock, settledBy } from './time.ts';

/** What the lifecycle needs from the pipeline, which takes the records and delivers them to Loki. */
export interface Deliverer {
  readonly invocations: {
    /** Resolves when the function has finished this invocation and all its output has arrived here. */
    runtimeDone(requestId: string): Promise<unknown>;
    /** Resolves when no report is outstanding. */
    lastReport(): Promise<unknown>;
  };
  /** Tells that the first event has arrived. Idempotent. */
  begin(): void;
  /** Tells that the sandbox may be frozen from now on. */
  suspend(): void;
  /** Tells that the sandbox was thawed: connections may be dead, and whatever is due can be sent. */
  resume(): void;
  /** Tells that an invocation has begun. */
  invoked(event: InvokeEvent): void;
  /** Sets whether CPU time is so short that data is sent uncompressed. */
  hurry(isHurried: boolean): void;
  /** Sends everything held, without waiting. */
  sendNow(): void;
  /** Sends everything held, and waits until `untilMs` at most. */
  flush(untilMs: EpochMs): Promise<void>;
  /** The last flush. */
  drain(untilMs: EpochMs): Promise<void>;
  /** Counts whatever is still held at the end as lost. */
  abandon(): void;
  /** Reports the losses since the last report. */
  reportLosses(): void;
  /** Whether Loki is answering well, as far as we know. */
  isHealthy(): boolean;
  oldestHeldMs(): EpochMs | undefined;
}

export interface LifecycleParts {
  readonly nextEvent: () => Promise<NextEvent>;
  /** The deliverer, once loaded; undefined when there is nothing to deliver or nowhere to deliver it. */
  readonly deliverer: () => Promise<Deliverer | undefined>;
  /** Settles when the process is told to end without an event, as containers and emulators do. */
  readonly terminated: Promise<unknown>;
  readonly strategy: FlushStrategy;
  /** Whether SHUTDOWN is the only event to expect. If so, the sending code is already loaded when it arrives. */
  readonly onlyShutdown: boolean;
  /** The longest that a flush may hold one invocation. */
  readonly flushTimeoutMs: number;
  /**
   * The share of the time between SHUTDOWN and exit spent waiting for late records; it grows with the platform's
   * buffering time. The rest is for pushing them.
   */
  readonly lateShare: number;
  readonly pace: Pace;
  readonly clock: SteadyClock;
  readonly log: Log;
}

/**
 * Margin before the function's timeout at which we let go: an extension that holds on longer turns a success into a
 * timeout.
 */
const DEADLINE_MARGIN_MS = 200;
/** How long SHUTDOWN waits for late records. The last report was seen 5 ms late on average, 40 ms at most. */
const LATE_RECORDS_MS = 300;
/**
 * Reserved for the exit at SHUTDOWN: this much CPU time, scaled by the sandbox's CPU share. Half of it is for the turn
 * of the event loop that the end falls into; counting what is lost, saying so and ending the process take the other
 * half ...
 */
const EXIT_CPU_MS = 14;
/** ... plus a late timer: two periods of the kernel's CPU accounting, which are 20 ms each on Lambda. */
const EXIT_LATENESS_MS = 40;
/**
 * With less CPU time than this, data is sent uncompressed: compressing a full batch takes 25 ms while the code is cold.
 */
const COMPRESS_CPU_MS = 100;
/** CPU time allowed for loading the sending code and making a first push. */
const LOAD_CPU_MS = 36;
/** CPU time of the shortest turn of the event loop in which lines are read or sent. */
const TURN_CPU_MS = 2;
/** The time that a termination signal leaves us. */
const TERMINATION_MS = 2_000;
/** The pause between two attempts to reach a Runtime API that does not answer. */
const MIN_RETRY_MS = 20;
const MAX_RETRY_MS = 1_000;

/** Runs until SHUTDOWN has been handled. Does not throw: whatever fails on our side, the function goes on. */
export async function runLifecycle(parts: LifecycleParts): Promise<void> {
  const { clock, strategy } = parts;
  const end = awaitEnd(parts);
  let history = EMPTY_HISTORY;
  let deliverer: Deliverer | undefined;
  for (;;) {
    attempt(parts, () => deliverer?.suspend());
    const event = await end.orSooner(insistOnNextEvent(parts));
    const stretch = parts.pace.begin();
    // If no event came before, the sending code still has to be loaded, and a SHUTDOWN may leave no time for that.
    const isCold = !deliverer && !parts.onlyShutdown;
    const leftMs = countDown(clock, event.deadlineMs);
    if (event.kind === 'shutdown' && isCold && leftMs() < LOAD_CPU_MS * parts.pace.slowness()) return;
    const begun = [
      await tolerate(parts, async () => {
        deliverer = await parts.deliverer();
      }),
      attempt(parts, () => deliverer?.begin()),
      attempt(parts, () => deliverer?.resume()),
    ];
    if (event.kind === 'shutdown') {
      parts.log.close();
      if (deliverer) await shutDown(deliverer, leftMs, parts, stretch);
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
      // Do not wait while Loki is not answering well: what is held is retried in the background. Nor after one of our
      // own steps has failed: what we would wait for may never come.
      if (decision === 'wait' && isWell && deliverer.isHealthy()) {
        await end.orSooner(finishInvocation(deliverer, event.requestId, leftMs, parts));
      }
    });
  }
}

/**
 * Waits until the invocation has ended and its logs are pushed, bounded by the function's deadline and the flush
 * timeout.
 */
async function finishInvocation(
  deliverer: Deliverer,
  requestId: string,
  leftMs: () => number,
  { clock, flushTimeoutMs }: LifecycleParts,
): Promise<void> {
  const marginMs = Math.min(DEADLINE_MARGIN_MS, Math.max(0, leftMs()) / 5);
  const letGoInMs = () => leftMs() - marginMs;
  const done = await settledBy(clock, deliverer.invocations.runtimeDone(requestId), clock.now() + letGoInMs());
  deliverer.reportLosses();
  if (done) await deliverer.flush(clock.now() + Math.min(flushTimeoutMs, letGoInMs()));
  // The function is about to time out: its lines leave now, and the rest leaves at SHUTDOWN.
  else {
    deliverer.hurry(true);
    deliverer.sendNow();
    deliverer.hurry(false);
  }
}

/** Takes late records, pushes everything, and finishes before the deadline. */
async function shutDown(
  deliverer: Deliverer,
  leftMs: () => number,
  parts: LifecycleParts,
  stretch: { end(): void },
): Promise<void> {
  const { clock, pace } = parts;
  const remainingMs = Math.max(0, leftMs());
  const exitInMs = () => leftMs() - Math.min(EXIT_LATENESS_MS + EXIT_CPU_MS * pace.slowness(), (remainingMs * 2) / 3);
  const isHurried = remainingMs < COMPRESS_CPU_MS * pace.slowness();
  attempt(parts, () => deliverer.hurry(isHurried));
  attempt(parts, () => deliverer.sendNow());
  stretch.end();
  const lateUntilMs = clock.now() + Math.min(LATE_RECORDS_MS, exitInMs() * parts.lateShare);
  // While Loki is unhealthy nothing has been sent yet, and the single attempt of the drain must not come too late.
  const isSent = deliverer.isHealthy();
  if (isSent || !isHurried) {
    await tolerate(parts, () => settledBy(clock, deliverer.invocations.lastReport(), lateUntilMs));
  }
  attempt(parts, () => deliverer.reportLosses());
  // At the CPU share of the smallest function a turn of the event loop takes 80 ms while lines are still being read.
  // What was lost in the pushes of the first drain is reported with one more push.
  const turnMs = isHurried && isSent ? TURN_CPU_MS * pace.slowness() : 0;
  for (let drains = 0; drains < 2 && exitInMs() > turnMs; drains++) {
    if (drains > 0) attempt(parts, () => deliverer.reportLosses());
    await tolerate(parts, () => deliverer.drain(clock.now() + exitInMs()));
  }
  attempt(parts, () => deliverer.abandon());
}

/** Runs one step. A bug in it is reported and does not stop the next step. @returns whether it succeeded */
function attempt({ log }: LifecycleParts, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error });
    return false;
  }
}

/** The same for an asynchronous step. */
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
   * Resolves as the promise does. If the process is told to end first, it resolves to SHUTDOWN, as does every later
   * call.
   */
  orSooner<T>(promise: Promise<T>): Promise<T | ShutdownEvent>;
}

function awaitEnd({ terminated, clock }: LifecycleParts): End {
  let event: ShutdownEvent | undefined;
  // One reaction for the whole life: racing anew against a promise that stays pending would keep every round in memory.
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
