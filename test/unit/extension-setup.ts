// A lifecycle with fakes all around it: events come from a script, the deliverer notes what is asked of it and when.
import { type Deliverer, type LifecycleParts, runLifecycle } from '../../src/extension.ts';
import type { NextEvent } from '../../src/lambda/extensions-api.ts';
import { createPace, type EpochMs } from '../../src/time.ts';
import { recordingLog } from '../fakes/doubles.ts';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';

export interface Call {
  readonly name: string;
  readonly atMs: number;
  /** The moment until which the call may last, counted like `atMs`. */
  readonly untilMs?: number;
}

/** What the next event is: a value, an error of the connection, or nothing for ever. */
export type ScriptedEvent = NextEvent | Error;

export interface Behaviour {
  /** How long after the start of an invocation its end is known; undefined: never. */
  readonly runtimeDoneAfterMs?: number;
  /** How long a flush takes, if it may last that long. */
  readonly flushTakesMs?: number;
  readonly drainTakesMs?: number;
  readonly lastReportAfterMs?: number;
  /** Throws when a call of this name is made. */
  readonly failing?: string;
  readonly withoutDeliverer?: boolean;
  readonly isHealthy?: boolean;
}

/** Moments are milliseconds since the start, events come `gapMs` after the request for them. */
export function setUp(
  events: readonly ScriptedEvent[],
  behaviour: Behaviour = {},
  parts: Partial<LifecycleParts> = {},
) {
  const clock = new FakeClock();
  const log = recordingLog(clock);
  const calls: Call[] = [];
  const since = (ms: EpochMs) => ms - START_MS;
  const note = (name: string, untilMs?: EpochMs) => {
    calls.push({ name, atMs: since(clock.now()), ...(untilMs !== undefined && { untilMs: since(untilMs) }) });
    if (behaviour.failing === name) throw new Error(`bug in ${name}`);
  };
  const takes = (ms: number | undefined, untilMs = Number.POSITIVE_INFINITY) =>
    new Promise<void>((resolve) => {
      const lastsMs = Math.min(ms ?? 0, Math.max(0, untilMs - clock.now()));
      if (ms !== undefined) clock.after(lastsMs, resolve);
    });

  let isSuspended = false;
  const suspendedAtNext: boolean[] = [];
  const deliverer: Deliverer = {
    invocations: {
      runtimeDone: () => takes(behaviour.runtimeDoneAfterMs),
      lastReport: () => takes(behaviour.lastReportAfterMs),
    },
    invoked: () => note('invoked'),
    begin: () => note('begin'),
    suspend() {
      isSuspended = true;
    },
    resume() {
      isSuspended = false;
      note('resume');
    },
    hurry: (isHurried) => note(isHurried ? 'hurry' : 'take time'),
    sendNow: () => note('sendNow'),
    async flush(untilMs) {
      note('flush', untilMs);
      await takes(behaviour.flushTakesMs ?? 0, untilMs);
    },
    async drain(untilMs) {
      note('drain', untilMs);
      await takes(behaviour.drainTakesMs ?? 0, untilMs);
    },
    abandon: () => note('abandon'),
    reportLosses: () => note('reportLosses'),
    isHealthy: () => behaviour.isHealthy ?? true,
    oldestHeldMs: () => undefined,
  };

  const pending = [...events];
  const over = runLifecycle({
    nextEvent: async () => {
      calls.push({ name: 'next', atMs: since(clock.now()) });
      suspendedAtNext.push(isSuspended);
      const event = pending.shift();
      if (event === undefined) return new Promise(() => {});
      if (event instanceof Error) throw event;
      return event;
    },
    deliverer: async () => (behaviour.withoutDeliverer ? undefined : deliverer),
    terminated: new Promise(() => {}),
    strategy: 'end',
    onlyShutdown: false,
    flushTimeoutMs: 2_000,
    lateShare: 1 / 3,
    pace: createPace(1, clock.now, () => 0),
    clock,
    log,
    ...parts,
  });
  return {
    clock,
    log,
    calls,
    over,
    names: () => calls.map(({ name }) => name),
    /** Whether the deliverer knew of the freeze that may come, at each of those requests. */
    suspendedAtNext,
    /** When the request for the next event went out, for each. */
    nextAtMs: () => calls.filter(({ name }) => name === 'next').map(({ atMs }) => atMs),
  };
}

export function invoke(deadlineInMs: number, requestId = 'r-1'): NextEvent {
  return {
    kind: 'invoke',
    requestId,
    deadlineMs: START_MS + deadlineInMs,
    traceHeader: undefined,
    invokedArn: undefined,
  };
}

export function shutdown(deadlineInMs: number): NextEvent {
  return { kind: 'shutdown', reason: 'spindown', deadlineMs: START_MS + deadlineInMs };
}
