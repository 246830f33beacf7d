// Is it the batch, or is it Loki? Decides what an outcome means for the batch: a pure, total function.
//
// One rule covers every outcome that is not acceptance: it counts against the batch, and other batches are tried in
// between. If others pass while one fails, that one is split until the entry at fault is found, and only this entry is
// given up in the end. If nothing passes, the fault lies with Loki, the way there or a setting, and everything is kept.
// If nothing else is held that could be tried, one entry of the batch is tried alone.
import type { DropReason } from '../losses.ts';
import { countRefused, type PushOutcome } from './answer.ts';

/** What is known of a batch, and of the others, when an attempt on it has ended. This attempt is not counted in yet. */
export interface Facts {
  readonly entries: number;
  readonly requestBytes: number;
  /** Attempts on it that ended with anything but acceptance. */
  readonly failures: number;
  /** Those of them before which others had passed since the one before. */
  readonly blame: number;
  /** Whether others passed since it failed first, or since the batch failed of which it is a part. */
  readonly othersPassed: boolean;
  /** Whether others passed while this attempt was under way. */
  readonly passedMeanwhile: boolean;
  /** How long the attempt took. */
  readonly tookMs: number;
  /** It is a part of a batch that was split to find what is wrong with it. */
  readonly isPart: boolean;
  /** Failures of all batches since something passed. */
  readonly failuresInARow: number;
  /** Whether anything else is held that has not failed yet. */
  readonly othersUntried: boolean;
  /** Whether no batch has fewer entries, but for such as have failed more often: they are no probe any more. */
  readonly isSmallest: boolean;
  readonly stripped: boolean;
  readonly restamped: boolean;
  /** Whole batches that were refused for good just before, with the same `refusalOf`, and nothing passed between. */
  readonly sameRefusals: number;
  /** SHUTDOWN: what is not sent now is not sent. */
  readonly isLast: boolean;
}

export type Action =
  /** All of it is stored. */
  | { readonly kind: 'accept' }
  /** Loki's last word: so many entries are lost, the others are stored. */
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly lost: number }
  /**
   * It is tried again: as soon as anything may be sent; or after a pause of its own, as it may be at fault; or after a
   * long one, as it may be stored. `lostAs` is what it counts as if there is no later.
   */
  | { readonly kind: 'keep'; readonly pause: 'none' | 'backoff' | 'long'; readonly lostAs?: DropReason }
  | { readonly kind: 'halve' }
  /** Its first entry becomes a batch of its own: if that passes, the fault is in the rest. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'restamp' }
  | { readonly kind: 'strip' };

export interface Verdict {
  readonly action: Action;
  /** Who is at fault, as far as we know. */
  readonly blamed: 'batch' | 'loki' | 'nobody';
  /** What the breaker hears: `silence` when the outcome says nothing about Loki. */
  readonly heard: 'passed' | 'answered' | 'failed' | 'refused' | 'silence';
  /** Whole batches are refused for good one after the other: that is a setting. */
  readonly isSetting?: true;
}

/**
 * Failures of a batch, while others pass, before it is split: a Loki that fails now and then is not the batch's fault.
 */
const FAILURES_TO_SPLIT = 3;
/** An attempt that takes so long is not made three times: what has passed beside it says enough. */
const LONG_ATTEMPT_MS = 1_000;
/** Before a single entry is given up: a Loki that fails every other request must not lose one in a thousand lines. */
const BLAME_TO_GIVE_UP = 12;
/** So many failures in a row, and what passed before says nothing any more. Also how deep a batch is split in vain. */
const FAILURES_IN_VAIN = 12;
/** The third whole batch in a row that is refused for good is kept. */
const REFUSALS_OF_A_SETTING = 2;
/** Under a rate limit nothing smaller is split while nothing passes, unless Loki says that it was too much at once. */
const SMALL_REQUEST_BYTES = 65_536;
/**
 * An answer that cannot be read may stand for a batch that was stored: so often it is sent again without a long pause.
 */
const UNREADABLE_TRIES = 2;

export function verdict(outcome: PushOutcome, facts: Facts): Verdict {
  switch (outcome.kind) {
    case 'accepted':
      return { action: { kind: 'accept' }, blamed: 'nobody', heard: 'passed' };
    case 'rejected':
      return onRejected(outcome, facts);
    case 'too_large':
      if (facts.sameRefusals >= REFUSALS_OF_A_SETTING) return SETTING;
      if (facts.entries > 1) return { action: { kind: 'halve' }, blamed: 'nobody', heard: 'answered' };
      return dropAll('line_too_long', facts);
    case 'metadata_disallowed':
      if (!facts.stripped) return { action: { kind: 'strip' }, blamed: 'nobody', heard: 'answered' };
      return facts.sameRefusals >= REFUSALS_OF_A_SETTING ? SETTING : dropAll('rejected', facts);
    case 'unready':
      return {
        action: { kind: 'keep', pause: 'none' },
        blamed: 'loki',
        heard: isComing(outcome) ? 'failed' : 'refused',
      };
    case 'throttled':
      return onThrottled(outcome.tooMuchAtOnce, facts);
    case 'refused':
    case 'failed':
    case 'unreadable':
    case 'unanswered':
    case 'unreachable':
    case 'interrupted':
      return othersPass(facts) ? onBatch(outcome.kind, facts) : onLoki(outcome, facts);
  }
}

/** What makes refusals the same: undefined for an outcome that does not refuse a whole batch for good. */
export function refusalOf(outcome: PushOutcome): string | undefined {
  switch (outcome.kind) {
    case 'rejected':
      return outcome.entries === 'all' ? `${outcome.status} ${outcome.reason}` : undefined;
    case 'too_large':
    case 'metadata_disallowed':
      return outcome.kind;
    default:
      return undefined;
  }
}

/** Whether it says that Loki is away, or has too much to do, and nothing of what was sent. */
export function isAway(outcome: PushOutcome): boolean {
  switch (outcome.kind) {
    case 'unreachable':
      return !wasHeard(outcome);
    case 'throttled':
      return !outcome.tooMuchAtOnce;
    case 'failed':
      return outcome.status >= 502 && outcome.status <= 504;
    default:
      return false;
  }
}

/**
 * Whether anything of it can have reached anybody: without a connection no part of it passes where the whole does not.
 */
function wasHeard(outcome: PushOutcome): boolean {
  return outcome.kind !== 'unreachable' || outcome.phase === 'closed';
}

/** Whether the secret may be there at any moment. */
function isComing({ secret }: Extract<PushOutcome, { kind: 'unready' }>): boolean {
  return secret?.trouble.kind === 'slow' || secret?.trouble.kind === 'throttled' || secret?.trouble.kind === 'failed';
}

const SETTING: Verdict = { action: { kind: 'keep', pause: 'none' }, blamed: 'loki', heard: 'refused', isSetting: true };

const wasLong = ({ tookMs }: Facts) => tookMs >= LONG_ATTEMPT_MS;

function othersPass(facts: Facts): boolean {
  const { othersPassed, passedMeanwhile, failuresInARow } = facts;
  return (othersPassed || (passedMeanwhile && wasLong(facts))) && failuresInARow < FAILURES_IN_VAIN;
}

function dropAll(reason: DropReason, { entries }: Facts): Verdict {
  return { action: { kind: 'drop', reason, lost: entries }, blamed: 'batch', heard: 'answered' };
}

function onRejected(outcome: PushOutcome & { kind: 'rejected' }, facts: Facts): Verdict {
  const lost = countRefused(outcome.entries, facts.entries);
  if (lost < facts.entries) {
    return { action: { kind: 'drop', reason: outcome.reason, lost }, blamed: 'batch', heard: 'passed' };
  }
  if (outcome.untimely && !facts.restamped) return { action: { kind: 'restamp' }, blamed: 'nobody', heard: 'answered' };
  return facts.sameRefusals >= REFUSALS_OF_A_SETTING ? SETTING : dropAll(outcome.reason, facts);
}

/** A request that is larger than the limit's burst never passes, however long it waits; a smaller one does. */
function onThrottled(tooMuchAtOnce: boolean, facts: Facts): Verdict {
  const passing = othersPass(facts);
  const blamed = passing ? 'batch' : 'loki';
  const isStuck = facts.failures + 1 >= FAILURES_TO_SPLIT && (passing || facts.requestBytes > SMALL_REQUEST_BYTES);
  const divides = facts.entries > 1 && (tooMuchAtOnce || isStuck);
  const action: Action = divides ? { kind: 'halve' } : { kind: 'keep', pause: passing ? 'backoff' : 'none' };
  return { action, blamed, heard: passing ? 'silence' : 'failed' };
}

/** Whose answer it is not clear, and what may be wrong with a batch or with everything. */
type Trouble = 'refused' | 'failed' | 'unreadable' | 'unanswered' | 'unreachable' | 'interrupted';

/** Others pass while this one fails. */
function onBatch(trouble: Trouble, facts: Facts): Verdict {
  const lostAs: DropReason = trouble === 'refused' ? 'rejected' : 'retries_exhausted';
  const blame = (action: Action): Verdict => ({ action, blamed: 'batch', heard: 'silence' });
  if (facts.entries > 1) {
    const isClear = trouble === 'refused' || facts.isPart || facts.isLast || wasLong(facts);
    const patience = isClear ? 1 : FAILURES_TO_SPLIT;
    if (facts.failures + 1 >= patience) return blame({ kind: 'halve' });
  } else if (facts.blame + 1 >= BLAME_TO_GIVE_UP || (facts.isLast && trouble === 'refused')) {
    return blame({ kind: 'drop', reason: lostAs, lost: 1 });
  }
  return blame({ kind: 'keep', pause: pauseAfter(trouble, facts, 'backoff'), lostAs });
}

/** Nothing passes. */
function onLoki(outcome: PushOutcome & { kind: Trouble }, facts: Facts): Verdict {
  const trouble = outcome.kind;
  const heard = trouble === 'interrupted' ? 'silence' : trouble === 'refused' ? 'refused' : 'failed';
  const blamed = trouble === 'interrupted' ? 'nobody' : 'loki';
  const patience = trouble === 'refused' ? 1 : FAILURES_TO_SPLIT;
  const isAlone = !facts.othersUntried && facts.isSmallest && facts.entries > 1;
  if (isAlone && wasHeard(outcome) && facts.failures + 1 >= patience) {
    return { action: { kind: 'probe' }, blamed, heard };
  }
  return { action: { kind: 'keep', pause: pauseAfter(trouble, facts, 'none') }, blamed, heard };
}

function pauseAfter(trouble: Trouble, { failures }: Facts, otherwise: 'none' | 'backoff'): 'none' | 'backoff' | 'long' {
  if (trouble === 'unreadable' && failures + 1 >= UNREADABLE_TRIES) return 'long';
  // The breaker hears nothing of a freeze, so the batch itself waits when it meets one again and again.
  return trouble === 'interrupted' && failures > 0 ? 'backoff' : otherwise;
}
