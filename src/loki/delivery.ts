// Drives the backlog to Loki: pump, timer and flush. Decides what is sent now, has the judge carry out the verdict on
// each outcome, and tells a flush when it is done. How long an invocation may be held is the caller's deadline; whether
// waiting is worthwhile at all is up to the breaker.
import type { Config } from '../config/config.ts';
import type { Ledger } from '../losses.ts';
import { countDown, type EpochMs, isAged, type SteadyClock, type Timer } from '../time.ts';
import type { PushOutcome } from './answer.ts';
import type { Backlog } from './backlog.ts';
import { createBreaker } from './breaker.ts';
import { createJudge, ownFault } from './judge.ts';
import type { PushClient } from './push-client.ts';
import type { QueuedBatch } from './queue.ts';
import type { Pushed, Tell } from './teller.ts';

export type DeliveryConfig = Pick<
  Config,
  'batchMaxWaitMs' | 'flushTimeoutMs' | 'retryMinBackoffMs' | 'retryMaxBackoffMs'
>;

/** Pushes at once, and so the number of connections, as HTTP/1.1 answers one request at a time on each. */
export const MAX_CONNECTIONS = 4;

export interface Delivery {
  /** Sends what is due by size or age. Call it when entries were added. */
  wake(): void;
  /** Sends everything that is held, as far as may be sent now, and waits for nothing. */
  sendNow(): void;
  /**
   * Sends everything that is held. Resolves when nothing is held but what may be at fault itself, at `untilMs`, or as
   * soon as the breaker is open.
   */
  flush(untilMs: EpochMs): Promise<void>;
  /**
   * The last flush: what failed before gets its chance now. Resolves when nothing is held, at `untilMs`, or when it
   * would wait in vain: where a setting is wrong, one try shows it.
   */
  drain(untilMs: EpochMs): Promise<void>;
  /** Whether Loki answers well, as far as we know. */
  isHealthy(): boolean;
  /** Whether Loki takes structured metadata, as far as we know. */
  takesMetadata(): boolean;
}

export interface DeliveryParts {
  readonly config: DeliveryConfig;
  readonly backlog: Backlog;
  readonly client: Pick<PushClient, 'push'>;
  readonly ledger: Pick<Ledger, 'accepted' | 'dropped'>;
  readonly clock: SteadyClock;
  /** Evenly drawn from 0 to 1. */
  readonly random: () => number;
  /** Hears of every outcome and what it led to. */
  readonly tell: Tell;
  /** Hears how long each push took. */
  readonly pushed?: (push: Pushed) => void;
  /** Is called when the account of a push is settled. */
  readonly settled?: () => void;
}

/** What may be at fault itself leaves room for others, as it may take a whole time-out each time. */
const MAX_SUSPECTS_IN_FLIGHT = MAX_CONNECTIONS / 2;
/**
 * Where others pass, an answer to what is at fault is waited for so long at first, and then twice as long each time: a
 * line that nothing answers is to be found while the sandbox lives.
 */
const HURRIED_MS = 300;
/**
 * Through an outage the lines of many invocations gather in one batch. If all that is sealed has failed, what is being
 * filled may still pass: so many times it is sealed at once to be tried, and after that when it has reached this age.
 */
const FRESH_PROBES = 8;
const FRESH_PROBE_AGE_MS = 60_000;
/**
 * Where Loki is away it is no batch's fault: fewer and larger ones are for it to take when it is back, from all at
 * once.
 */
const FRESH_PROBES_WHILE_AWAY = 2;
const FRESH_PROBE_AGE_WHILE_AWAY_MS = 300_000;

type Mode = 'due' | 'flush' | 'drain';

export function createDelivery(parts: DeliveryParts): Delivery {
  const { config, backlog, client, clock } = parts;
  const limits = { minMs: config.retryMinBackoffMs, maxMs: config.retryMaxBackoffMs };
  const random = () => drawn(parts.random);
  const breaker = createBreaker(limits, random);
  const judge = createJudge({ ...parts, breaker, limits, random, isLast: () => mode === 'drain' });
  let mode: Mode = 'due';
  let inFlight = 0;
  let suspectsInFlight = 0;
  let timer: Timer | undefined;
  let waiting: (() => void) | undefined;
  /** What is left of the flush. */
  let leftMs = () => 0;

  /** Sends as much as may be sent now, and sets the one timer for the next moment at which something may. */
  function pump(): void {
    timer?.cancel();
    timer = undefined;
    if (backlog.heldEntries() === 0) {
      waiting?.();
      return;
    }
    const nowMs = clock.now();
    try {
      if (breaker.waitMs(nowMs) === 0 && !isOver()) sendReady(nowMs);
    } catch (error) {
      judge.stumbled(error);
    }
    if (waiting && isInVain(nowMs)) waiting();
    const wakeInMs = isOver() ? undefined : nextMomentMs(nowMs, breaker.waitMs(nowMs));
    if (wakeInMs !== undefined) timer = clock.after(Math.max(1, wakeInMs), pump);
  }

  function sendReady(nowMs: EpochMs): void {
    if (!isProbing() || backlog.untriedBatches() === 0) backlog.seal(sealAgeMs(), nowMs);
    while (inFlight < parallel()) {
      // Where nothing passes, the smallest request is the one that most likely does.
      const next = backlog.take(nowMs, takesSuspects(), isProbing() ? 'smallest' : 'oldest');
      if (!next) break;
      void attempt(next);
    }
  }

  /** One push at a time, until one passes. */
  const isProbing = () => (mode === 'drain' ? judge.failuresInARow() > 0 : breaker.isOpen());
  const parallel = () => (isProbing() || breaker.isRecovering() ? 1 : MAX_CONNECTIONS);
  const takesSuspects = () => suspectsInFlight < MAX_SUSPECTS_IN_FLIGHT;

  /** Whether the last moments have come, which are for the exit alone. */
  const isOver = () => mode === 'drain' && leftMs() <= 0;

  /** The age at which what is being filled is sealed. */
  function sealAgeMs(): number {
    if (mode === 'drain') return 0;
    if (isProbing()) {
      const isAway = judge.isLokiAway();
      const isEnough = backlog.readyBatches() >= (isAway ? FRESH_PROBES_WHILE_AWAY : FRESH_PROBES);
      if (isEnough) return isAway ? FRESH_PROBE_AGE_WHILE_AWAY_MS : FRESH_PROBE_AGE_MS;
      return 0;
    }
    return mode === 'due' ? config.batchMaxWaitMs : 0;
  }

  /** Whether a flush would wait for nothing. */
  function isInVain(nowMs: EpochMs): boolean {
    if (mode === 'flush' && breaker.isOpen()) return true;
    if (mode === 'drain' ? inFlight > 0 : inFlight > suspectsInFlight) return false;
    if (mode === 'drain' && judge.isSettingWrong()) return true;
    const restMs = backlog.oldestUnsealedMs() === undefined ? backlog.restMs(nowMs, mode === 'drain') : 0;
    return restMs === undefined || Math.max(restMs, breaker.waitMs(nowMs)) >= leftMs();
  }

  /** Undefined while nothing is held, or while an answer will wake us anyway: an idle extension has no timer. */
  function nextMomentMs(nowMs: EpochMs, waitMs: number): number | undefined {
    if (inFlight >= parallel()) return undefined;
    const restMs = backlog.restMs(nowMs, takesSuspects());
    const oldestMs = backlog.oldestUnsealedMs();
    let moment = restMs === undefined ? Number.POSITIVE_INFINITY : restMs;
    if (oldestMs !== undefined && !(isProbing() && backlog.untriedBatches() > 0)) {
      const ageMs = sealAgeMs();
      moment = Math.min(moment, isAged(oldestMs, ageMs, nowMs) ? 0 : oldestMs + ageMs - nowMs);
    }
    return Number.isFinite(moment) ? Math.max(moment, waitMs) : undefined;
  }

  /** One attempt on a batch: whatever happens, its place is free afterwards, and what is held goes on. */
  async function attempt(taken: QueuedBatch): Promise<void> {
    const { isSuspect } = taken;
    inFlight++;
    if (isSuspect) suspectsInFlight++;
    try {
      const { entryCount, body } = taken.batch;
      const startMs = clock.now();
      const passesBefore = judge.passes();
      const outcome = await outcomeOf(taken);
      const tookMs = clock.now() - startMs;
      parts.pushed?.({ outcome: outcome.kind, entries: entryCount, bytes: body.length, tookMs });
      judge.conclude(taken, outcome, { tookMs, passesBefore });
    } catch (error) {
      judge.stumbled(error);
    } finally {
      inFlight--;
      if (isSuspect) suspectsInFlight--;
      backlog.giveBack(taken);
      try {
        parts.settled?.();
      } finally {
        pump();
      }
    }
  }

  /** A bug of ours counts as a failure like any other. */
  async function outcomeOf(taken: QueuedBatch): Promise<PushOutcome> {
    try {
      if (!judge.takesMetadata() && !taken.stripped) backlog.strip(taken);
      const { batch, isHurried, failures } = taken;
      return await client.push(batch.body, isHurried ? HURRIED_MS * 2 ** failures : undefined);
    } catch (error) {
      return ownFault(error);
    }
  }

  async function run(newMode: Mode, untilMs: EpochMs): Promise<void> {
    if (backlog.heldEntries() === 0) return;
    const startMs = clock.steadyMs();
    if (newMode === 'drain') {
      // A drain before this one has tried already.
      if (judge.isSettingWrong()) return;
      // There is no later any more: what failed before gets its chance now.
      breaker.reset();
      backlog.endPauses(false);
      judge.startDrain();
    }
    mode = newMode;
    leftMs = countDown(clock, untilMs);
    const passesBefore = judge.passes();
    let timedOut = false;
    let wake: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      const limit = clock.after(Math.max(0, leftMs()), () => {
        timedOut = true;
        resolve();
      });
      wake = () => {
        limit.cancel();
        resolve();
      };
      waiting = wake;
      pump();
    });
    // A drain may have begun meanwhile: a signal to end does not wait for a flush.
    if (waiting !== wake) return;
    waiting = undefined;
    if (newMode === 'drain') return;
    mode = 'due';
    // The function was held for the full time and nothing came of it: the next invocations need not find that out
    // again.
    const hadItsTime = clock.steadyMs() - startMs >= config.flushTimeoutMs;
    if (timedOut && hadItsTime && judge.passes() === passesBefore) breaker.trip(clock.now());
    pump();
  }

  return {
    wake: pump,
    sendNow() {
      const before = mode;
      if (mode === 'due') mode = 'flush';
      pump();
      mode = before;
    },
    flush: (untilMs) => run('flush', untilMs),
    drain: (untilMs) => run('drain', untilMs),
    isHealthy: () => !breaker.isOpen(),
    takesMetadata: judge.takesMetadata,
  };
}

/** A source of randomness that fails must not stop what is sent. */
function drawn(random: () => number): number {
  try {
    return random();
  } catch {
    return 0.5;
  }
}
