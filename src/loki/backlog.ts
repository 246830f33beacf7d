// Holds everything that is on its way to Loki: for each stream the batches being filled, and a queue of sealed batches.
// Bounded in bytes: at the bound the oldest batch of the least valuable stream is evicted, and every evicted entry is
// counted.
import type { DropReason } from '../losses.ts';
import { type EpochMs, type Instant, isAged } from '../time.ts';
import {
  type Batch,
  type BatchBuilder,
  createBatchBuilder,
  type Entry,
  onlyErrors,
  restamp,
  type StreamType,
  stripMetadata,
} from './batch.ts';
import { createQueue, earlierOf, type Queue, type QueuedBatch } from './queue.ts';
import { createTimestamps } from './timestamps.ts';

/** The least valuable first. */
const STREAM_TYPES: readonly StreamType[] = ['extension', 'platform', 'function'];

export interface BacklogLimits {
  readonly maxBatchBytes: number;
  readonly maxBufferBytes: number;
}

/** Of the queue what delivery needs. */
type Sending =
  | 'take'
  | 'giveBack'
  | 'fail'
  | 'remove'
  | 'divide'
  | 'holds'
  | 'holdsUntried'
  | 'isSmallest'
  | 'endPauses'
  | 'readyBatches'
  | 'untriedBatches'
  | 'restMs';

export interface Backlog extends Pick<Queue, Sending> {
  /** Holds an entry, and gives it a nanosecond of its own in its stream: the stated one, or the next that is free. */
  add(type: StreamType, stated: Instant, entry: Entry, nowMs: EpochMs): void;
  /** Seals what is being filled and has reached this age. */
  seal(ageMs: number, nowMs: EpochMs): void;
  /** Whether there is no time to compress what is added or sealed from now on. */
  hurry(isHurried: boolean): void;
  /** Takes the structured metadata out of a batch, for a Loki that allows none. */
  strip(taken: QueuedBatch): void;
  /** Stamps all entries of a batch with this moment, for a Loki that refused the time of them all. */
  restamp(taken: QueuedBatch, nowMs: EpochMs): void;
  heldEntries(): number;
  heldBytes(): number;
  /** When the oldest entry that is being filled into a batch was received. */
  oldestUnsealedMs(): EpochMs | undefined;
  /** When the oldest entry of all was received. */
  oldestMs(): EpochMs | undefined;
  /** Drops everything, in flight or not: there is no later. @returns how many entries that were */
  abandon(): number;
}

/**
 * Loki refuses an entry that is more than an hour behind the newest of its stream, or seven days old: a report that
 * comes after a long freeze, or what a snapshot recorded when it was made. Such entries get batches of their own, so
 * that the answer is about them alone.
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
  let isHurried = false;
  const openBuilder = (type: StreamType) => createBatchBuilder(type, labels[type], batchBytes, () => isHurried);
  const openStream = (type: StreamType): Stream => ({
    nextInstant: createTimestamps(),
    recent: openBuilder(type),
    old: openBuilder(type),
  });
  const streams: Record<StreamType, Stream> = {
    function: openStream('function'),
    platform: openStream('platform'),
    extension: openStream('extension'),
  };
  const builders = Object.values(streams).flatMap(({ recent, old }) => [old, recent]);
  const queue = createQueue();

  const unsealedMs = () =>
    builders.reduce<EpochMs | undefined>((least, { oldestMs }) => earlierOf(least, oldestMs), undefined);

  function heldBytes(): number {
    let bytes = queue.bytes();
    for (const builder of builders) bytes += builder.heldBytes;
    return bytes;
  }

  function enqueue(batch: Batch | undefined): void {
    if (batch) queue.add(batch);
  }

  /** @returns whether any memory was won */
  function evictOne(): boolean {
    for (const type of STREAM_TYPES) {
      const victim = queue.victim(type, true);
      if (victim) {
        const { batch } = victim;
        const errors = onlyErrors(batch);
        if (errors) queue.reduce(victim, errors);
        else queue.remove(victim);
        drop('buffer_full', batch.entryCount - batch.errorEntries.length);
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
      const victim = queue.victim(type, false);
      if (!victim) continue;
      queue.remove(victim);
      drop('buffer_full', victim.batch.entryCount);
      return true;
    }
    return false;
  }

  return {
    ...queue,
    add(type, stated, entry, nowMs) {
      const { recent, old, nextInstant } = streams[type];
      const builder = nowMs - stated.ms > OLD_MS ? old : recent;
      const instant = nextInstant(stated);
      if (!builder.add(instant, entry, nowMs)) {
        enqueue(builder.seal());
        builder.add(instant, entry, nowMs);
      }
      // Far from the bound nothing needs to be added up: this runs for every line.
      if (queue.bytes() + builders.length * batchBytes <= maxBufferBytes) return;
      while (heldBytes() > maxBufferBytes && evictOne());
    },
    seal(ageMs, nowMs) {
      for (const builder of builders) {
        if (builder.oldestMs !== undefined && isAged(builder.oldestMs, ageMs, nowMs)) enqueue(builder.seal());
      }
    },
    hurry(newIsHurried) {
      isHurried = newIsHurried;
    },
    strip: (taken) => queue.rewrite(taken, stripMetadata(taken.batch), 'stripped'),
    restamp(taken, nowMs) {
      const { nextInstant } = streams[taken.batch.streamType];
      const batch = restamp(taken.batch, () => nextInstant({ ms: nowMs, nanos: 0 }));
      queue.rewrite(taken, batch, 'restamped');
    },
    heldEntries() {
      let entries = queue.entries();
      for (const builder of builders) entries += builder.entryCount;
      return entries;
    },
    heldBytes,
    oldestUnsealedMs: unsealedMs,
    oldestMs: () => earlierOf(unsealedMs(), queue.oldestMs()),
    abandon() {
      let entries = queue.entries();
      queue.clear(drop);
      // Not sealed to be counted: in the last milliseconds of a small function that takes too long.
      for (const builder of builders) {
        const unsealed = builder.discard();
        if (unsealed > 0) drop('shutdown_deadline', unsealed);
        entries += unsealed;
      }
      return entries;
    },
  };
}
