// A batch: the entries of one stream that go to Loki in one request. It is built entry by entry, its size counted to
// the byte, and compressed piece by piece while it fills. Then it is sealed: its body stays the same for every attempt,
// so that Loki recognizes a resend. One stream per request, because Loki's answer to a request with several streams may
// describe only the last one.
import type { ByteString } from '../byte-string.ts';
import { free } from '../memory.ts';
import type { EpochMs, Instant } from '../time.ts';
import {
  ENTRY_OVERHEAD_BYTES,
  encodeLabels,
  entriesStart,
  entryBytes,
  finishRequest,
  joinRequest,
  requestBytes,
  requestHead,
  splitRequest,
  withInstant,
  withoutMetadata,
  writeEntry,
  writeLabels,
} from './encode.ts';
import {
  compress,
  compressPiece,
  decompress,
  encloseRaw,
  encloseRawPiece,
  joinPieces,
  PIECE_BYTES,
  PIECE_ROOM_BYTES,
} from './snappy.ts';

/** The value of the label `type`. */
export type StreamType = 'function' | 'platform' | 'extension';

export interface Entry {
  readonly line: ByteString;
  /** As from `encodeMetadata`; empty for none. */
  readonly metadata: Buffer;
  /** Whether it is among the last to go when the buffer is full. */
  readonly isError: boolean;
}

/** A sealed batch. */
export interface Batch {
  readonly streamType: StreamType;
  /** The request's body: a snappy block. */
  readonly body: Buffer;
  /** Bytes of the request before compression: what Loki's limits count. */
  readonly requestBytes: number;
  readonly entryCount: number;
  /** Positions of the error entries, ascending. */
  readonly errorEntries: readonly number[];
  /** When the first of its entries was received. */
  readonly oldestMs: EpochMs;
}

/** The first buffer of a batch: most invocations log less than this. */
const INITIAL_BYTES = 16 * 1024;

export interface BatchBuilder {
  /**
   * @returns false when the entry does not fit any more; the first entry is always taken, so that nothing can wedge the
   * queue
   */
  add(instant: Instant, entry: Entry, nowMs: EpochMs): boolean;
  readonly entryCount: number;
  /** Bytes of memory held. */
  readonly heldBytes: number;
  readonly oldestMs: EpochMs | undefined;
  /** Compresses the rest of what was added, and starts over. Undefined when there is nothing. */
  seal(): Batch | undefined;
  /** Starts over without what was added. @returns how many entries that were */
  discard(): number;
}

/**
 * @param maxBytes the most that a request may have before compression
 * @param isHurried whether there is no time to compress
 */
export function createBatchBuilder(
  streamType: StreamType,
  labels: string,
  maxBytes: number,
  isHurried = () => false,
): BatchBuilder {
  const encodedLabels = encodeLabels(labels);
  const start = entriesStart(encodedLabels);
  /** What is not compressed yet: the whole request, or what stands behind its pieces. */
  let buffer: Buffer | undefined;
  let end = start;
  /** The pieces that are compressed, where they end, and how many bytes they were. */
  let packed: Buffer | undefined;
  let packedEnd = 0;
  let cutBytes = 0;
  let entryCount = 0;
  let errorEntries: number[] = [];
  let oldestMs: EpochMs | undefined;
  /** Whether the next entry is there already. */
  let isFull = false;

  /**
   * A megabyte in one go takes 400 ms at the CPU share of 128 MB if it is the first, and meanwhile no body is answered.
   */
  function packFull(filled: Buffer): void {
    while (end >= PIECE_BYTES) {
      pack(filled.subarray(cutBytes === 0 ? writeLabels(filled, encodedLabels) : 0, PIECE_BYTES));
      filled.copyWithin(0, PIECE_BYTES, end);
      cutBytes += PIECE_BYTES;
      end -= PIECE_BYTES;
    }
  }

  function pack(piece: Buffer): void {
    packed = withRoomFor(packedEnd + PIECE_ROOM_BYTES, packed, packedEnd);
    packedEnd = isHurried() ? encloseRawPiece(piece, packed, packedEnd) : compressPiece(piece, packed, packedEnd);
  }

  /** The body of what was added. */
  function packAll(filled: Buffer): Buffer {
    if (cutBytes === 0) {
      const request = finishRequest(filled, encodedLabels, end);
      return isHurried() ? encloseRaw(request) : compress(request);
    }
    pack(filled.subarray(0, end));
    const requestEnd = cutBytes + end;
    return joinPieces(requestHead(requestEnd), (packed as Buffer).subarray(0, packedEnd), requestBytes(requestEnd));
  }

  function startOver(): void {
    // A large buffer is given back, so that memory falls again after a burst. In the middle of one it would only have
    // to be made again (28.5 against 29.0 ms of CPU per MB of log text).
    if (buffer && buffer.length > INITIAL_BYTES && !isFull) {
      free(buffer.buffer);
      buffer = undefined;
      if (packed) free(packed.buffer);
      packed = undefined;
    }
    isFull = false;
    end = start;
    packedEnd = 0;
    cutBytes = 0;
    entryCount = 0;
    errorEntries = [];
    oldestMs = undefined;
  }

  return {
    add(instant, { line, metadata, isError }, nowMs) {
      let newEnd = end + line.length + metadata.length + ENTRY_OVERHEAD_BYTES;
      // Near the limit it is counted to the byte.
      if (requestBytes(cutBytes + newEnd) > maxBytes) {
        newEnd = end + entryBytes(instant, line, metadata);
        isFull = requestBytes(cutBytes + newEnd) > maxBytes && entryCount > 0;
        if (isFull) return false;
      }
      buffer = withRoomFor(newEnd, buffer, end);
      end = writeEntry(buffer, end, instant, line, metadata);
      if (end >= PIECE_BYTES) packFull(buffer);
      if (isError) errorEntries.push(entryCount);
      entryCount++;
      oldestMs ??= nowMs;
      return true;
    },
    get entryCount() {
      return entryCount;
    },
    get heldBytes() {
      return entryCount === 0 ? 0 : packedEnd + end;
    },
    get oldestMs() {
      return oldestMs;
    },
    seal() {
      if (!buffer || oldestMs === undefined) return undefined;
      const batch: Batch = {
        streamType,
        body: packAll(buffer),
        requestBytes: requestBytes(cutBytes + end),
        entryCount,
        errorEntries,
        oldestMs,
      };
      startOver();
      return batch;
    },
    discard() {
      const entries = entryCount;
      startOver();
      return entries;
    },
  };
}

/** @returns the buffer, or a larger one with what is in it up to `end` */
function withRoomFor(bytes: number, buffer: Buffer | undefined, end: number): Buffer {
  if (buffer && buffer.length >= bytes) return buffer;
  let capacity = buffer ? buffer.length : INITIAL_BYTES;
  while (capacity < bytes) capacity *= 2;
  const larger = Buffer.allocUnsafeSlow(capacity);
  if (buffer) {
    buffer.copy(larger, 0, 0, end);
    free(buffer.buffer);
  }
  return larger;
}

/** Splits a batch of two or more entries into its first and its second half. */
export function halve(batch: Batch): [Batch, Batch] {
  return splitAt(batch, Math.ceil(batch.entryCount / 2));
}

/** Splits a batch of two or more entries into its first entry and the rest. */
export function splitFirst(batch: Batch): [Batch, Batch] {
  return splitAt(batch, 1);
}

function splitAt(batch: Batch, place: number): [Batch, Batch] {
  return [pick(batch, (index) => index < place), pick(batch, (index) => index >= place)];
}

/** What is left of a batch when only its error entries are kept; undefined when it has none. */
export function onlyErrors(batch: Batch): Batch | undefined {
  if (batch.errorEntries.length === 0) return undefined;
  const errors = new Set(batch.errorEntries);
  return pick(batch, (index) => errors.has(index));
}

/** The same entries with no structured metadata, for a Loki that does not allow any. */
export function stripMetadata(batch: Batch): Batch {
  return rewrite(batch, withoutMetadata);
}

/** The same entries with new timestamps; each keeps the one it had as metadata `original_time`. */
export function restamp(batch: Batch, nextInstant: () => Instant): Batch {
  return rewrite(batch, (entry) => withInstant(entry, nextInstant()));
}

function rewrite(batch: Batch, change: (entry: Buffer) => Buffer): Batch {
  const { encodedLabels, entries } = splitRequest(decompress(batch.body));
  const request = joinRequest(encodedLabels, entries.map(change));
  return { ...batch, body: compress(request), requestBytes: request.length };
}

function pick(batch: Batch, keep: (index: number) => boolean): Batch {
  const { encodedLabels, entries } = splitRequest(decompress(batch.body));
  const request = joinRequest(
    encodedLabels,
    entries.filter((_, index) => keep(index)),
  );
  const errors = new Set(batch.errorEntries);
  const errorEntries: number[] = [];
  let entryCount = 0;
  for (let index = 0; index < batch.entryCount; index++) {
    if (!keep(index)) continue;
    if (errors.has(index)) errorEntries.push(entryCount);
    entryCount++;
  }
  return { ...batch, body: compress(request), requestBytes: request.length, entryCount, errorEntries };
}
