// Gathers the facts for the verdict on an outcome and carries the verdict out: in the backlog, the ledger and the
// breaker, and towards the operator. Remembers what passed, what failed in a row and what was refused.
import type { DropReason, Ledger } from '../losses.ts';
import type { Clock, EpochMs } from '../time.ts';
import type { PushOutcome } from './answer.ts';
import type { Backlog } from './backlog.ts';
import { halve, splitFirst } from './batch.ts';
import { type BackoffLimits, type Breaker, backoffMs } from './breaker.ts';
import type { QueuedBatch } from './queue.ts';
import type { Tell } from './teller.ts';
import { type Facts, isAway, refusalOf, type Verdict, verdict } from './verdict.ts';

export interface JudgeParts {
  readonly backlog: Backlog;
  readonly breaker: Breaker;
  readonly limits: BackoffLimits;
  readonly ledger: Pick<Ledger, 'accepted' | 'dropped'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tell: Tell;
  /** Whether there is no later. */
  readonly isLast: () => boolean;
}

/** One attempt on a batch. */
export interface Attempt {
  readonly tookMs: number;
  /** Batches that had passed when it began. */
  readonly passesBefore: number;
}

export interface Judge {
  /** Does with a batch what the end of an attempt on it calls for. */
  conclude(taken: QueuedBatch, outcome: PushOutcome, attempt: Attempt): void;
  /** Something of ours went wrong that no batch is to blame for. */
  stumbled(error: unknown): void;
  /** Batches that passed so far. */
  passes(): number;
  /** Failures since one passed, or since the drain began. */
  failuresInARow(): number;
  /** Whether the last failure was that Loki is away or has too much to do. */
  isLokiAway(): boolean;
  takesMetadata(): boolean;
  /** The last flush begins: an outage may be over, a setting stays wrong until something passes. */
  startDrain(): void;
  /** Whether a drain has seen once more that a setting is wrong, and nothing has passed since. */
  isSettingWrong(): boolean;
}

/** So many refusals in a row, and it is no single batch. */
const REFUSALS_OF_A_SETTING = 3;
/** A Retry-After longer than this is not believed: a sandbox may not live that long. */
const MAX_RETRY_AFTER_MS = 300_000;
/** What may be stored is sent again after this, or when something else has passed. */
const LONG_PAUSE_MS = 60_000;

export function createJudge(parts: JudgeParts): Judge {
  const { backlog, breaker, limits, ledger, clock, random, isLast } = parts;
  let passes = 0;
  let failuresInARow = 0;
  let metadataAllowed = true;
  let refusalsInARow = 0;
  let wasAway = false;
  let wasRefusedInDrain = false;
  /** Whole batches that were refused for good, one after the other. */
  let finalRefusals = { what: '', count: 0 };

  function factsOf(taken: QueuedBatch, outcome: PushOutcome, { tookMs, passesBefore }: Attempt): Facts {
    const { batch, passesAtFirstFailure } = taken;
    const othersUntried = backlog.holdsUntried(taken);
    return {
      ...taken,
      entries: batch.entryCount,
      requestBytes: batch.requestBytes,
      othersPassed: passesAtFirstFailure !== undefined && passes > passesAtFirstFailure,
      passedMeanwhile: passes > passesBefore,
      tookMs,
      failuresInARow,
      othersUntried,
      // Looked for only where it matters: it asks each batch.
      isSmallest: !othersUntried && batch.entryCount > 1 && backlog.isSmallest(taken),
      sameRefusals: refusalOf(outcome) === finalRefusals.what ? finalRefusals.count : 0,
      isLast: isLast(),
    };
  }

  const tell: Tell = (outcome, consequence) => {
    try {
      parts.tell(outcome, consequence);
    } catch {
      // What is told is the last thing that may stop what is sent.
    }
  };

  /** @returns how many entries are lost by it, and what they count as */
  function carryOut(taken: QueuedBatch, outcome: PushOutcome, { action, blamed }: Verdict): [number, DropReason?] {
    const { batch } = taken;
    const isSuspect = blamed === 'batch';
    switch (action.kind) {
      case 'accept':
        backlog.remove(taken);
        ledger.accepted(batch.entryCount);
        break;
      case 'drop':
        backlog.remove(taken);
        ledger.dropped(action.reason, action.lost);
        ledger.accepted(batch.entryCount - action.lost);
        return [action.lost, action.reason];
      case 'keep':
        backlog.fail(taken, { passes, isSuspect, lostAs: action.lostAs, ...pauseOf(taken) });
        break;
      case 'halve':
        backlog.divide(taken, halve(batch), { atFault: isSuspect, isHurried: isSuspect, passes });
        break;
      case 'probe':
        backlog.divide(taken, splitFirst(batch), { atFault: true, isHurried: isSuspect, passes });
        break;
      case 'restamp':
        backlog.restamp(taken, clock.now());
        break;
      case 'strip':
        metadataAllowed = false;
        break;
    }
    return [0];

    function pauseOf({ failures }: QueuedBatch) {
      if (action.kind !== 'keep' || action.pause === 'none') return {};
      const isLong = action.pause === 'long';
      const pauseMs = isLong ? LONG_PAUSE_MS : Math.max(askedMs(outcome), backoffMs(limits, failures + 1, random));
      const sinceMs = clock.now();
      return { pause: { sinceMs, untilMs: sinceMs + pauseMs }, isLong };
    }
  }

  function hear(outcome: PushOutcome, { heard, action }: Verdict, nowMs: EpochMs): void {
    wasAway = isAway(outcome);
    switch (heard) {
      case 'passed':
        // What may be stored is not repeated while no answer can be read. Now one could be.
        // The last flush forgets failures when it begins, and there is no later for what rests.
        if (failuresInARow > 0 || isLast()) backlog.endPauses(true);
        passes++;
        failuresInARow = 0;
        refusalsInARow = 0;
        finalRefusals = { what: '', count: 0 };
        breaker.passed();
        return;
      case 'answered': {
        const what = refusalOf(outcome);
        if (action.kind === 'drop' && what !== undefined) {
          finalRefusals = { what, count: finalRefusals.what === what ? finalRefusals.count + 1 : 1 };
        }
        breaker.passed();
        return;
      }
      case 'failed':
        failuresInARow++;
        breaker.failed(nowMs, askedMs(outcome));
        return;
      case 'refused':
        failuresInARow++;
        refusalsInARow++;
        wasRefusedInDrain = isLast();
        breaker.trip(nowMs);
        return;
      case 'silence':
        if (outcome.kind !== 'interrupted') failuresInARow++;
    }
  }

  function act(taken: QueuedBatch, outcome: PushOutcome, judged: Verdict): void {
    const [lost, reason] = carryOut(taken, outcome, judged);
    hear(outcome, judged, clock.now());
    tell(outcome, { lost, reason, blamed: judged.blamed, isSetting: judged.isSetting ?? false });
  }

  return {
    conclude(taken, outcome, attempt) {
      if (!backlog.holds(taken)) return;
      try {
        act(taken, outcome, verdict(outcome, factsOf(taken, outcome, attempt)));
      } catch (error) {
        if (!backlog.holds(taken)) return;
        // A bug of ours counts as a failure, of a batch that cannot be divided: it must not come back with it for ever.
        const fault = ownFault(error);
        const judged = verdict(fault, { ...factsOf(taken, fault, attempt), entries: 1 });
        const { action } = judged;
        const whole = action.kind === 'drop' ? { ...action, lost: taken.batch.entryCount } : action;
        act(taken, fault, { ...judged, action: whole });
      }
    },
    stumbled(error) {
      failuresInARow++;
      breaker.failed(clock.now());
      tell(ownFault(error), { lost: 0, reason: undefined, blamed: 'nobody', isSetting: false });
    },
    passes: () => passes,
    failuresInARow: () => failuresInARow,
    isLokiAway: () => wasAway,
    takesMetadata: () => metadataAllowed,
    startDrain() {
      wasRefusedInDrain = false;
      if (refusalsInARow === 0) failuresInARow = 0;
    },
    isSettingWrong: () => wasRefusedInDrain && refusalsInARow >= REFUSALS_OF_A_SETTING,
  };
}

/** How long Loki itself asked to wait. */
function askedMs(outcome: PushOutcome): number {
  return outcome.kind === 'throttled' ? Math.min(outcome.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
}

/** A bug of ours, as an outcome: it counts as a failure like any other. */
export function ownFault(error: unknown): PushOutcome {
  const detail = error instanceof Error ? (error.stack ?? error.name) : 'something was thrown that is no error';
  return { kind: 'failed', status: 0, detail };
}
