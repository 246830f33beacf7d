// The sealed batches, oldest first, each with the history of its attempts. The only place that writes a queued batch.
// Keeps running sums, because every push asks for them: with 1 KB batches and a backlog of 60 MB, adding them up took
// 2.4 ms of CPU per push.
import type { DropReason } from '../losses.ts';
import { type EpochMs, type Pause, pauseLeftMs } from '../time.ts';
import type { Batch, StreamType } from './batch.ts';

/** A sealed batch on its way, with what was tried so far. The backlog alone writes it. */
export interface QueuedBatch {
  readonly batch: Batch;
  /** See `Facts`. */
  readonly failures: number;
  readonly blame: number;
  readonly isPart: boolean;
  readonly stripped: boolean;
  readonly restamped: boolean;
  /** It failed while others passed, and rests by itself. */
  readonly isSuspect: boolean;
  /** It, or the batch that it is a part of, was at fault: another attempt on it is to cost little time. */
  readonly isHurried: boolean;
  /** How many batches had passed when it, or the batch that it is a part of, failed first. */
  readonly passesAtFirstFailure: number | undefined;
}

/** How a batch that failed is kept. */
export interface Setback {
  /** How many batches have passed so far. */
  readonly passes: number;
  readonly isSuspect: boolean;
  /** It rests until this is over. */
  readonly pause?: Pause | undefined;
  /** The pause is not ended by a drain. */
  readonly isLong?: boolean;
  /** What it counts as if there is no later. */
  readonly lostAs?: DropReason | undefined;
}

/** Why a batch is divided. */
export interface Division {
  /** To find what is wrong with it. */
  readonly atFault: boolean;
  /** Others pass. */
  readonly isHurried: boolean;
  /** How many batches have passed so far. */
  readonly passes: number;
}

export interface Queue {
  /** Puts a batch at the end. */
  add(batch: Batch): void;
  /**
   * The batch to send next: of those that do not rest the one with the fewest failures, and of these the oldest, or the
   * one with the fewest entries. It counts as in flight from then on.
   */
  take(nowMs: EpochMs, suspects: boolean, prefer: 'oldest' | 'smallest'): QueuedBatch | undefined;
  /** Gives back a batch that was taken, if it is still held and in flight. */
  giveBack(taken: QueuedBatch): void;
  /** Gives it back with one failure more. */
  fail(taken: QueuedBatch, setback: Setback): void;
  /** Takes a batch out for good. What became of its entries is for the caller to account for. */
  remove(taken: QueuedBatch): void;
  /** Puts parts of a batch in its place, to find what is wrong with it or for its size. */
  divide(taken: QueuedBatch, parts: readonly Batch[], division: Division): void;
  /** Puts another form of the same entries in the place of a batch. */
  rewrite(taken: QueuedBatch, batch: Batch, how: 'stripped' | 'restamped'): void;
  /** Whether a batch that was taken is still held. */
  holds(taken: QueuedBatch): boolean;
  /** Whether any other batch has not failed yet, or is being tried. */
  holdsUntried(except: QueuedBatch): boolean;
  /** Whether no batch has fewer entries, but for such as have failed more often. */
  isSmallest(taken: QueuedBatch): boolean;
  /** Ends the pauses of all batches; of those that may be stored only if `longOnes`. */
  endPauses(longOnes: boolean): void;
  /** Batches that are sealed and not in flight. */
  readyBatches(): number;
  /** Those of them that have not failed yet. */
  untriedBatches(): number;
  /** How long it is until the first ready batch may be sent; undefined when there is none. */
  restMs(nowMs: EpochMs, suspects: boolean): number | undefined;
  /**
   * The oldest batch of a stream that may be evicted: one that is not in flight, and holds more than errors if `mixed`.
   */
  victim(type: StreamType, mixed: boolean): QueuedBatch | undefined;
  /** Leaves only this much of a batch. */
  reduce(victim: QueuedBatch, rest: Batch): void;
  entries(): number;
  /** Bytes of memory. */
  bytes(): number;
  /** When the oldest entry was received. */
  oldestMs(): EpochMs | undefined;
  /** Lets go of everything, in flight or not. @param drop is called for each batch */
  clear(drop: (reason: DropReason, entries: number) => void): void;
}

type Queued = { -readonly [Key in keyof QueuedBatch]: QueuedBatch[Key] } & {
  isHeld: boolean;
  inFlight: boolean;
  passesAtLastFailure: number;
  pause: Pause | undefined;
  isLong: boolean;
  lostAs: DropReason;
};

function queued(batch: Batch): Queued {
  return {
    batch,
    isHeld: true,
    inFlight: false,
    failures: 0,
    blame: 0,
    isPart: false,
    isSuspect: false,
    isHurried: false,
    passesAtFirstFailure: undefined,
    passesAtLastFailure: 0,
    pause: undefined,
    isLong: false,
    lostAs: 'shutdown_deadline',
    stripped: false,
    restamped: false,
  };
}

/** Sums over the sealed batches: adding them up for each push would cost more than the push. */
interface Tally {
  bytes: number;
  entries: number;
  inFlight: number;
  /** Not in flight, and not failed yet. */
  untried: number;
  /** Not in flight, by the type of their stream ... */
  readonly ready: Record<StreamType, number>;
  /** ... and those of them that hold more than errors. */
  readonly mixed: Record<StreamType, number>;
}

export function createQueue(): Queue {
  const tally = noTally();
  let queue: Queued[] = [];

  function count({ batch, inFlight, failures }: Queued, sign: 1 | -1): void {
    tally.bytes += sign * batch.body.length;
    tally.entries += sign * batch.entryCount;
    if (inFlight) {
      tally.inFlight += sign;
      return;
    }
    if (failures === 0) tally.untried += sign;
    tally.ready[batch.streamType] += sign;
    if (isMixed(batch)) tally.mixed[batch.streamType] += sign;
  }

  /** Every change of a queued batch goes through here. */
  function change(queuedBatch: QueuedBatch, changes: Partial<Queued>): void {
    const changed = queuedBatch as Queued;
    if (!changed.isHeld) return;
    count(changed, -1);
    Object.assign(changed, changes);
    count(changed, 1);
  }

  function replace(queuedBatch: QueuedBatch, replacements: readonly Queued[] = []): void {
    const replaced = queuedBatch as Queued;
    if (!replaced.isHeld) return;
    count(replaced, -1);
    replaced.isHeld = false;
    queue.splice(queue.indexOf(replaced), 1, ...replacements);
    for (const added of replacements) count(added, 1);
  }

  return {
    add(batch) {
      const added = queued(batch);
      queue.push(added);
      count(added, 1);
    },
    take(nowMs, suspects, prefer) {
      let next: Queued | undefined;
      for (const candidate of queue) {
        if (candidate.inFlight || restOf(candidate, nowMs) > 0 || (candidate.isSuspect && !suspects)) continue;
        if (!next || goesBefore(candidate, next, prefer)) next = candidate;
        if (prefer === 'oldest' && next.failures === 0) break;
      }
      if (next) change(next, { inFlight: true });
      return next;
    },
    giveBack: (taken) => change(taken, { inFlight: false }),
    fail(taken, { passes, isSuspect, pause, isLong = false, lostAs = 'shutdown_deadline' }) {
      const { failures, blame, passesAtFirstFailure = passes, passesAtLastFailure } = taken as Queued;
      change(taken, {
        inFlight: false,
        failures: failures + 1,
        blame: failures > 0 && passes > passesAtLastFailure ? blame + 1 : blame,
        passesAtFirstFailure,
        passesAtLastFailure: passes,
        isSuspect,
        isHurried: isSuspect,
        pause,
        isLong,
        lostAs,
      });
    },
    remove: replace,
    divide(taken, parts, { atFault, isHurried, passes }) {
      const { stripped, restamped, isPart, passesAtFirstFailure = atFault ? passes : undefined } = taken;
      const inherited = { stripped, restamped, passesAtFirstFailure, isPart: isPart || atFault, isHurried };
      replace(
        taken,
        parts.map((part) => ({ ...queued(part), ...inherited })),
      );
    },
    rewrite: (taken, batch, how) => change(taken, { batch, [how]: true }),
    holds: (taken) => (taken as Queued).isHeld,
    holdsUntried(except) {
      const itself = (except as Queued).inFlight ? 1 : 0;
      return tally.untried > 0 || tally.inFlight > itself;
    },
    isSmallest: ({ batch: { entryCount }, failures }) =>
      !queue.some((other) => other.batch.entryCount < entryCount && other.failures <= failures + 1),
    endPauses(longOnes) {
      for (const each of queue) if (!each.isLong || longOnes) each.pause = undefined;
    },
    untriedBatches: () => tally.untried,
    readyBatches: () => queue.length - tally.inFlight,
    restMs(nowMs, suspects) {
      let leastMs: number | undefined;
      for (const each of queue) {
        if (each.inFlight || (each.isSuspect && !suspects)) continue;
        leastMs = Math.min(leastMs ?? Number.POSITIVE_INFINITY, restOf(each, nowMs));
        if (leastMs === 0) break;
      }
      return leastMs;
    },
    victim(type, mixed) {
      if ((mixed ? tally.mixed : tally.ready)[type] === 0) return undefined;
      return queue.find(({ batch, inFlight }) => !inFlight && batch.streamType === type && (!mixed || isMixed(batch)));
    },
    reduce: (victim, batch) => change(victim, { batch }),
    entries: () => tally.entries,
    bytes: () => tally.bytes,
    oldestMs: () =>
      queue.reduce<EpochMs | undefined>((least, { batch }) => earlierOf(least, batch.oldestMs), undefined),
    clear(drop) {
      for (const each of queue) {
        count(each, -1);
        each.isHeld = false;
        drop(each.lostAs, each.batch.entryCount);
      }
      queue = [];
    },
  };
}

/** The earlier of two moments, one of which may be missing. */
export function earlierOf(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  return one === undefined || (other !== undefined && other < one) ? other : one;
}

function noTally(): Tally {
  const none = () => ({ function: 0, platform: 0, extension: 0 });
  return { bytes: 0, entries: 0, inFlight: 0, untried: 0, ready: none(), mixed: none() };
}

const isMixed = ({ errorEntries, entryCount }: Batch) => errorEntries.length < entryCount;

function goesBefore(later: Queued, earlier: Queued, prefer: 'oldest' | 'smallest'): boolean {
  if (later.failures !== earlier.failures) return later.failures < earlier.failures;
  return prefer === 'smallest' && later.batch.entryCount < earlier.batch.entryCount;
}

const restOf = ({ pause }: Queued, nowMs: EpochMs) => (pause ? pauseLeftMs(pause, nowMs) : 0);
