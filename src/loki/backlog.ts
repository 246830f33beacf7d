// Everything that is held for Loki: for each stream a batch that is being filled, and a queue of sealed batches. Bounded in bytes: when the
// bound is reached the oldest of the least valuable goes first, and every entry that goes is counted.
import type { DropReason } from '../ledger.ts';
import type { EpochMs } from '../time.ts';
import { type Batch, type BatchBuilder, createBatchBuilder, type Entry, onlyErrors } from './batch.ts';

/** The kinds of stream, the least valuable first. */
export const STREAM_TYPES = ['extension', 'platform', 'function'] as const;
export type StreamType = (typeof STREAM_TYPES)[number];

/** A sealed batch on its way, with what was tried so far. */
export interface QueuedBatch {
  inFlight: boolean;
  /** Answers that Loki failed on this batch; a dead connection says nothing about the batch and does not count. */
  failures: number;
  /** How many batches Loki had accepted when this one failed first: if it took others since, the fault is in this one. */
  acceptedAtFirstFailure: number;
  /** Its metadata was taken out, for a Loki that allows none. */
  stripped: boolean;
  batch: Batch;
}

export interface BacklogLimits {
  readonly maxBatchBytes: number;
  readonly maxBufferBytes: number;
}

export interface Backlog {
  add(type: StreamType, entry: Entry, nowMs: EpochMs): void;
  /** Seals what is being filled and was begun at `untilMs` or before. */
  seal(untilMs: EpochMs): void;
  /** The batch to send next: the one with the fewest failures, the oldest of these. It counts as in flight from then on. */
  take(): QueuedBatch | undefined;
  /** Takes a batch out for good, or puts others in its place. What became of its entries is for the caller to account for. */
  settle(queued: QueuedBatch, replacements?: readonly QueuedBatch[]): void;
  /** Puts another form of the same entries in the place of a batch. */
  replaceBatch(queued: QueuedBatch, batch: Batch): void;
  /** Gives a batch back that was taken. */
  release(queued: QueuedBatch): void;
  heldEntries(): number;
  heldBytes(): number;
  /** Batches that are sealed and not in flight. */
  readyBatches(): number;
  /** When the oldest entry that is being filled into a batch was received. */
  oldestUnsealedMs(): EpochMs | undefined;
  /** When the oldest entry of all was received. */
  oldestMs(): EpochMs | undefined;
  /** Drops everything, in flight or not. @returns how many entries that were */
  clear(): number;
}

export function queued(batch: Batch, failures = 0, acceptedAtFirstFailure = 0): QueuedBatch {
  return { batch, inFlight: false, failures, acceptedAtFirstFailure, stripped: false };
}

export function createBacklog(
  labels: Readonly<Record<StreamType, string>>,
  { maxBatchBytes, maxBufferBytes }: BacklogLimits,
  drop: (reason: DropReason, entries: number) => void,
): Backlog {
  // Several batches have to fit, or eviction could only empty the buffer.
  const batchBytes = Math.min(maxBatchBytes, Math.ceil(maxBufferBytes / 4));
  const builders = new Map<StreamType, BatchBuilder>(
    STREAM_TYPES.map((type) => [type, createBatchBuilder(type, labels[type], batchBytes)]),
  );
  let queue: QueuedBatch[] = [];
  let queuedBytes = 0;

  function enqueue(batch: Batch | undefined): void {
    if (!batch) return;
    queue.push(queued(batch));
    queuedBytes += batch.body.length;
  }

  function settle(settled: QueuedBatch, replacements: readonly QueuedBatch[] = []): void {
    const at = queue.indexOf(settled);
    if (at < 0) return;
    queue.splice(at, 1, ...replacements);
    queuedBytes -= settled.batch.body.length;
    for (const { batch } of replacements) queuedBytes += batch.body.length;
  }

  function heldBytes(): number {
    let bytes = queuedBytes;
    for (const builder of builders.values()) bytes += builder.heldBytes;
    return bytes;
  }

  /** @returns whether any memory was won */
  function evictOne(): boolean {
    for (const type of STREAM_TYPES) {
      const victim = queue.find(
        ({ batch, inFlight }) => !inFlight && batch.streamType === type && batch.errorEntries.length < batch.entryCount,
      );
      if (victim) {
        const errors = onlyErrors(victim.batch);
        settle(victim, errors && [{ ...victim, batch: errors }]);
        drop('buffer_full', victim.batch.entryCount - victim.batch.errorEntries.length);
        return true;
      }
      const builder = builders.get(type);
      if (builder && builder.entryCount > 0) {
        enqueue(builder.seal());
        return true;
      }
    }
    for (const type of STREAM_TYPES) {
      const victim = queue.find(({ batch, inFlight }) => !inFlight && batch.streamType === type);
      if (!victim) continue;
      settle(victim);
      drop('buffer_full', victim.batch.entryCount);
      return true;
    }
    return false;
  }

  return {
    add(type, entry, nowMs) {
      const builder = builders.get(type);
      if (!builder) return;
      if (!builder.add(entry, nowMs)) {
        enqueue(builder.seal());
        builder.add(entry, nowMs);
      }
      while (heldBytes() > maxBufferBytes && evictOne());
    },
    seal(untilMs) {
      for (const builder of builders.values()) {
        if (builder.oldestMs !== undefined && builder.oldestMs <= untilMs) enqueue(builder.seal());
      }
    },
    take() {
      let next: QueuedBatch | undefined;
      for (const candidate of queue) {
        if (!candidate.inFlight && (!next || candidate.failures < next.failures)) next = candidate;
      }
      if (next) next.inFlight = true;
      return next;
    },
    settle,
    replaceBatch(replaced, batch) {
      queuedBytes += batch.body.length - replaced.batch.body.length;
      replaced.batch = batch;
    },
    release(released) {
      released.inFlight = false;
    },
    heldEntries() {
      let entries = 0;
      for (const builder of builders.values()) entries += builder.entryCount;
      for (const { batch } of queue) entries += batch.entryCount;
      return entries;
    },
    heldBytes,
    readyBatches: () => queue.filter(({ inFlight }) => !inFlight).length,
    oldestUnsealedMs: () => oldest([...builders.values()].map((builder) => builder.oldestMs)),
    oldestMs: () =>
      oldest(
        [...builders.values()].map((builder) => builder.oldestMs).concat(queue.map(({ batch }) => batch.oldestMs)),
      ),
    clear() {
      for (const builder of builders.values()) enqueue(builder.seal());
      const entries = queue.reduce((sum, { batch }) => sum + batch.entryCount, 0);
      queue = [];
      queuedBytes = 0;
      return entries;
    },
  };
}

function oldest(moments: readonly (EpochMs | undefined)[]): EpochMs | undefined {
  return moments.reduce(
    (least, moment) => (least === undefined || (moment ?? least) < least ? moment : least),
    undefined,
  );
}
