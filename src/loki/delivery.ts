// Drives what is held to Loki: decides what is sent now, settles each answer, retries with backoff, and tells a flush when it is done.
// How long an invocation may be held is the caller's deadline; whether it is worth waiting at all is the breaker's.
import type { Config } from '../config/config.ts';
import type { DropReason, Ledger } from '../losses.ts';
import type { Clock, EpochMs, Timer } from '../time.ts';
import { countRefused, type PushOutcome } from './answer.ts';
import { type Backlog, type QueuedBatch, queued } from './backlog.ts';
import { halve, stripMetadata } from './batch.ts';
import { createBreaker } from './breaker.ts';
import { MAX_CONNECTIONS, type PushClient } from './push-client.ts';
import type { Tell } from './teller.ts';

export type DeliveryConfig = Pick<
  Config,
  'batchMaxWaitMs' | 'flushTimeoutMs' | 'retryMinBackoffMs' | 'retryMaxBackoffMs'
>;

export interface Delivery {
  /** Sends what is due by size or age. Call it when entries were added. */
  wake(): void;
  /** Sends everything that is held, as far as may be sent now, and waits for nothing. */
  sendNow(): void;
  /** Sends everything that is held. Resolves when nothing is held, at `untilMs`, or as soon as the breaker is open. */
  flush(untilMs: EpochMs): Promise<void>;
  /** The last flush: asks neither breaker nor backoff, and resolves when nothing is held or at `untilMs`. */
  drain(untilMs: EpochMs): Promise<void>;
  /** Whether Loki answers well, as far as we know. */
  isHealthy(): boolean;
  /** Whether Loki takes structured metadata, as far as we know. */
  takesMetadata(): boolean;
}

/** Failures that Loki answers on one batch, while it takes others, before the batch is split to find the entry at fault ... */
const FAILURES_TO_SPLIT = 3;
/** ... and before a single entry is given up: a Loki that fails every other request must not lose one in a thousand lines. */
const FAILURES_TO_GIVE_UP = 12;
/** Under a rate limit nothing smaller is split, unless Loki says that it was too much at once. */
const SMALL_REQUEST_BYTES = 65_536;
/** A Retry-After longer than this is not believed: a sandbox may not live that long. */
const MAX_RETRY_AFTER_MS = 300_000;

type Mode = 'due' | 'flush' | 'drain';

export interface DeliveryParts {
  readonly config: DeliveryConfig;
  readonly backlog: Backlog;
  readonly client: Pick<PushClient, 'push'>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Evenly drawn from 0 to 1. */
  readonly random: () => number;
  /** Hears of every outcome and what it led to. */
  readonly tell: Tell;
  /** Is called when the account of a push is settled. */
  readonly settled?: () => void;
}

export function createDelivery(parts: DeliveryParts): Delivery {
  const { config, backlog, client, ledger, clock, random, tell, settled = () => {} } = parts;
  const limits = { minMs: config.retryMinBackoffMs, maxMs: config.retryMaxBackoffMs };
  const breaker = createBreaker(limits, random);
  let mode: Mode = 'due';
  let inFlight = 0;
  let acceptedBatches = 0;
  let metadataAllowed = true;
  let timer: Timer | undefined;
  let waiting: (() => void) | undefined;
  let flushUntilMs: EpochMs = 0;

  /** Sends as much as may be sent now, and sets the one timer for the next moment at which something may. */
  function pump(): void {
    timer?.cancel();
    timer = undefined;
    const nowMs = clock.now();
    const probing = breaker.isOpen() && mode !== 'drain';
    const parallel = probing ? 1 : MAX_CONNECTIONS;
    const blockedUntilMs = breaker.waitUntilMs();
    if (nowMs >= blockedUntilMs) {
      // A probe takes a batch that is there already: through an outage the lines of many invocations gather in one batch. If Loki has failed
      // on all of these, the fault may be theirs, and another one is tried.
      if (!probing || backlog.untriedBatches() === 0) {
        backlog.seal(mode === 'due' ? nowMs - config.batchMaxWaitMs : Number.POSITIVE_INFINITY);
      }
      while (inFlight < parallel) {
        const next = backlog.take();
        if (!next) break;
        void send(next);
      }
    }
    if (waiting && (backlog.heldEntries() === 0 || (mode === 'flush' && isInVain()))) waiting();
    const wakeMs = nextMoment(nowMs, blockedUntilMs);
    if (wakeMs !== undefined) timer = clock.after(Math.max(1, wakeMs - nowMs), pump);
  }

  /** Whether a flush would wait for nothing. */
  function isInVain(): boolean {
    return breaker.isOpen() || (inFlight === 0 && breaker.waitUntilMs() >= flushUntilMs);
  }

  /** Undefined while nothing is held, or while an answer will wake us anyway: an idle extension has no timer. */
  function nextMoment(nowMs: EpochMs, blockedUntilMs: EpochMs): EpochMs | undefined {
    if (backlog.readyBatches() > 0) return blockedUntilMs > nowMs ? blockedUntilMs : undefined;
    const oldestMs = backlog.oldestUnsealedMs();
    return oldestMs === undefined ? undefined : Math.max(oldestMs + config.batchMaxWaitMs, blockedUntilMs);
  }

  async function send(sent: QueuedBatch): Promise<void> {
    inFlight++;
    if (!metadataAllowed && !sent.stripped) strip(sent);
    const outcome = await client.push(sent.batch.body);
    inFlight--;
    try {
      if (backlog.holds(sent)) settle(sent, outcome);
    } catch (error) {
      // A bug of ours with this batch must not come back with it for ever.
      const detail = error instanceof Error ? error.message : String(error);
      giveUp(sent, { kind: 'failed', status: 0, detail }, 'rejected');
    }
    settled();
    pump();
  }

  function settle(sent: QueuedBatch, outcome: PushOutcome): void {
    const { batch } = sent;
    switch (outcome.kind) {
      case 'accepted':
        backlog.settle(sent);
        ledger.accepted(batch.entryCount);
        acceptedBatches++;
        breaker.accepted();
        told(outcome);
        return;
      case 'rejected': {
        breaker.accepted();
        const lost = countRefused(outcome.entries, batch.entryCount);
        if (outcome.untimely && lost === batch.entryCount && !sent.restamped) {
          backlog.restamp(sent, clock.now());
          backlog.giveBack(sent);
          return;
        }
        backlog.settle(sent);
        ledger.dropped(outcome.reason, lost);
        ledger.accepted(batch.entryCount - lost);
        told(outcome, lost, outcome.reason);
        return;
      }
      case 'too_large':
        breaker.accepted();
        if (batch.entryCount === 1) giveUp(sent, outcome, 'line_too_long');
        else split(sent);
        return;
      case 'metadata_disallowed':
        breaker.accepted();
        if (sent.stripped) {
          giveUp(sent, outcome, 'rejected');
          return;
        }
        metadataAllowed = false;
        told(outcome);
        backlog.giveBack(sent);
        return;
      case 'refused':
        backlog.giveBack(sent);
        breaker.trip(clock.now());
        told(outcome);
        return;
      case 'throttled':
        throttle(sent, outcome.tooMuchAtOnce, clock.now() + Math.min(outcome.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
        told(outcome);
        return;
      case 'failed':
      case 'unanswered':
      case 'unreadable':
        failOn(sent, outcome);
        return;
      case 'interrupted':
        backlog.giveBack(sent);
        told(outcome);
        return;
      case 'unreachable':
        backlog.giveBack(sent);
        breaker.failed(clock.now());
        told(outcome);
        return;
    }
  }

  function told(outcome: PushOutcome, lost = 0, reason?: DropReason): void {
    tell(outcome, { lost, reason, blamed: 'loki', isSetting: false });
  }

  /** A request that is larger than the limit's burst never passes, however long it waits; a smaller one does. */
  function throttle(sent: QueuedBatch, tooMuchAtOnce: boolean, notBeforeMs: EpochMs): void {
    breaker.failed(clock.now(), notBeforeMs);
    countFailure(sent);
    const stuck = sent.failures >= FAILURES_TO_SPLIT && sent.batch.requestBytes > SMALL_REQUEST_BYTES;
    if ((tooMuchAtOnce || stuck) && sent.batch.entryCount > 1) split(sent);
    else backlog.giveBack(sent);
  }

  /** Loki itself failed on this batch. If it takes others meanwhile, the fault is in the batch. */
  function failOn(sent: QueuedBatch, outcome: PushOutcome): void {
    backlog.giveBack(sent);
    countFailure(sent);
    breaker.failed(clock.now());
    told(outcome);
    if (acceptedBatches === sent.acceptedAtFirstFailure) return;
    if (sent.batch.entryCount > 1) {
      if (sent.failures >= FAILURES_TO_SPLIT) split(sent);
    } else if (sent.failures >= FAILURES_TO_GIVE_UP) {
      giveUp(sent, outcome, 'retries_exhausted');
    }
  }

  function countFailure(sent: QueuedBatch): void {
    if (sent.failures === 0) sent.acceptedAtFirstFailure = acceptedBatches;
    sent.failures++;
  }

  function split(sent: QueuedBatch): void {
    const halves = halve(sent.batch).map((half) => ({
      ...queued(half),
      stripped: sent.stripped,
      restamped: sent.restamped,
    }));
    backlog.settle(sent, halves);
  }

  function strip(sent: QueuedBatch): void {
    backlog.replaceBatch(sent, stripMetadata(sent.batch));
    sent.stripped = true;
  }

  function giveUp(sent: QueuedBatch, outcome: PushOutcome, reason: DropReason): void {
    backlog.settle(sent);
    ledger.dropped(reason, sent.batch.entryCount);
    told(outcome, sent.batch.entryCount, reason);
  }

  async function run(newMode: Mode, untilMs: EpochMs): Promise<void> {
    if (backlog.heldEntries() === 0) return;
    mode = newMode;
    // There is no later any more: what failed before gets its chance now.
    if (newMode === 'drain') breaker.reset();
    const acceptedBefore = acceptedBatches;
    const startMs = clock.now();
    flushUntilMs = untilMs;
    let timedOut = false;
    await new Promise<void>((resolve) => {
      const limit = clock.after(Math.max(0, untilMs - clock.now()), () => {
        timedOut = true;
        resolve();
      });
      waiting = () => {
        limit.cancel();
        resolve();
      };
      pump();
    });
    waiting = undefined;
    mode = 'due';
    // The function was held for the full time and nothing came of it: the next invocations need not find that out again.
    const hadItsTime = clock.now() - startMs >= config.flushTimeoutMs;
    if (timedOut && hadItsTime && acceptedBatches === acceptedBefore) breaker.trip(clock.now());
    pump();
  }

  return {
    wake: pump,
    sendNow() {
      mode = 'flush';
      pump();
      mode = 'due';
    },
    flush: (untilMs) => run('flush', untilMs),
    drain: (untilMs) => run('drain', untilMs),
    isHealthy: () => !breaker.isOpen(),
    takesMetadata: () => metadataAllowed,
  };
}
