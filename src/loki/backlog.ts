// Everything that is held for Loki: for each stream the batches that are being filled, and a queue of sealed batches. Bounded in bytes: when
// the bound is reached the oldest of the least valuable goes first, and every entry that goes is counted.
import type { DropReason } from '../losses.ts';
import type { EpochMs, Instant } from '../time.ts';
import {
  type Batch,
  type BatchBuilder,
  createBatchBuilder,
  type Entry,
  onlyErrors,
  restamp,
  type StreamType,
} from './batch.ts';
import { createTimestamps } from './timestamps.ts';

/** The least valuable first. */
const STREAM_TYPES: readonly StreamType[] = ['extension', 'platform', 'function'];

/** A sealed batch on its way, with what was tried so far. */
export interface QueuedBatch {
  inFlight: boolean;
  /** Answers that Loki failed on this batch; a dead connection says nothing about the batch and does not count. */
  failures: number;
  /** How many batches Loki had accepted when this one failed first: if it took others since, the fault is in this one. */
  acceptedAtFirstFailure: number;
  /** Its metadata was taken out, for a Loki that allows none. */
  stripped: boolean;
  /** Its entries were stamped anew, for a Loki that refused them as too old. */
  restamped: boolean;
  batch: Batch;
}

export interface BacklogLimits {
  readonly maxBatchBytes: number;
  readonly maxBufferBytes: number;
}

export interface Backlog {
  /** Holds an entry, and gives it a nanosecond of its own in its stream: the stated one, or the next that is free. */
  add(type: StreamType, stated: Instant, entry: Entry, nowMs: EpochMs): void;
  /** Seals what is being filled and was begun at `untilMs` or before. */
  seal(untilMs: EpochMs): void;
  /** The batch to send next: the one with the fewest failures, the oldest of these. It counts as in flight from then on. */
  take(): QueuedBatch | undefined;
  /** Takes a batch out for good, or puts others in its place. What became of its entries is for the caller to account for. */
  settle(queued: QueuedBatch, replacements?: readonly QueuedBatch[]): void;
  /** Puts another form of the same entries in the place of a batch. */
  replaceBatch(queued: QueuedBatch, batch: Batch): void;
  /** Stamps all entries of a batch with this moment, for a Loki that refused them all as too old. */
  restamp(queued: QueuedBatch, nowMs: EpochMs): void;
  /** Whether a batch that was taken is still held. */
  holds(queued: QueuedBatch): boolean;
  /** Gives a batch back that was taken. */
  giveBack(queued: QueuedBatch): void;
  heldEntries(): number;
  heldBytes(): number;
  /** Batches that are sealed and not in flight. */
  readyBatches(): number;
  /** Those of them that Loki has not failed on yet. */
  untriedBatches(): number;
  /** When the oldest entry that is being filled into a batch was received. */
  oldestUnsealedMs(): EpochMs | undefined;
  /** When the oldest entry of all was received. */
  oldestMs(): EpochMs | undefined;
  /** Drops everything, in flight or not. @returns how many entries that were */
  clear(): number;
}

export function queued(batch: Batch): QueuedBatch {
  return { batch, inFlight: false, failures: 0, acceptedAtFirstFailure: 0, stripped: false, restamped: false };
}

/**
 * Loki refuses an entry that is more than an hour behind the newest of its stream, or seven days old: a report that comes after a long
 * freeze, or what a snapshot recorded when it was made. Such entries get batches of their own, so that the answer is about them alone.
 */
const OLD_MS = 50 * 60_000;

interface Stream {
  readonly nextInstant: (stated: Instant) => Instant;
  readonly recent: BatchBuilder;
  readonly old: BatchBuilder;
}

export function createBacklog(
  labels: Readonly<Record<StreamType, string>>,
  { maxBatchBytes, maxBufferBytes }: BacklogLimits,
  drop: (reason: DropReason, entries: number) => void,
): Backlog {
  // Several batches have to fit, or eviction could only empty the buffer.
  const batchBytes = Math.min(maxBatchBytes, Math.ceil(maxBufferBytes / 4));
  const openStream = (type: StreamType): Stream => ({
    nextInstant: createTimestamps(),
    recent: createBatchBuilder(type, labels[type], batchBytes),
    old: createBatchBuilder(type, labels[type], batchBytes),
  });
  const streams: Record<StreamType, Stream> = {
    function: openStream('function'),
    platform: openStream('platform'),
    extension: openStream('extension'),
  };
  const builders = Object.values(streams).flatMap(({ recent, old }) => [old, recent]);
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
    for (const builder of builders) bytes += builder.heldBytes;
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
      const { recent, old } = streams[type];
      if (recent.entryCount + old.entryCount > 0) {
        enqueue(old.seal());
        enqueue(recent.seal());
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
    add(type, stated, entry, nowMs) {
      const { recent, old, nextInstant } = streams[type];
      const builder = nowMs - stated.ms > OLD_MS ? old : recent;
      const instant = nextInstant(stated);
      if (!builder.add(instant, entry, nowMs)) {
        enqueue(builder.seal());
        builder.add(instant, entry, nowMs);
      }
      // Far from the bound nothing needs to be added up: this runs for every line.
      if (queuedBytes + builders.length * batchBytes <= maxBufferBytes) return;
      while (heldBytes() > maxBufferBytes && evictOne());
    },
    seal(untilMs) {
      for (const builder of builders) {
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
    restamp(queuedOld, nowMs) {
      const { nextInstant } = streams[queuedOld.batch.streamType];
      this.replaceBatch(
        queuedOld,
        restamp(queuedOld.batch, () => nextInstant({ ms: nowMs, nanos: 0 })),
      );
      queuedOld.restamped = true;
    },
    holds: (taken) => queue.includes(taken),
    giveBack(released) {
      released.inFlight = false;
    },
    heldEntries() {
      let entries = 0;
      for (const builder of builders) entries += builder.entryCount;
      for (const { batch } of queue) entries += batch.entryCount;
      return entries;
    },
    heldBytes,
    untriedBatches: () => queue.filter(({ inFlight, failures }) => !inFlight && failures === 0).length,
    readyBatches: () => queue.filter(({ inFlight }) => !inFlight).length,
    oldestUnsealedMs: () => oldest(builders.map((builder) => builder.oldestMs)),
    oldestMs: () =>
      oldest(builders.map((builder) => builder.oldestMs).concat(queue.map(({ batch }) => batch.oldestMs))),
    clear() {
      for (const builder of builders) enqueue(builder.seal());
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
