// Bodies on their way from the listener: kept in order, read into records, and handed on in slices, so that the listener can answer the next
// body between two of them.
import type { DropReason } from '../losses.ts';
import { free } from '../memory.ts';
import type { Clock, EpochMs } from '../time.ts';
import { createBodyReader } from './body-json.ts';
import { type BodyScan, scanBody } from './body-scan.ts';
import { type LogRecord, toLogRecord } from './record.ts';
import { createTimeReader } from './record-time.ts';

export interface BodyQueue {
  /** Adds a body; undefined for one that was too large to be kept. */
  add(body: Buffer | undefined): void;
  /** From now on records are handed on; bodies that came before were kept as they are. */
  open(): void;
  /** Hands on everything that is there, at once. */
  flush(): void;
  /** Gives up the record that waits for its second piece. */
  giveUp(): void;
}

export interface BodyQueueParts {
  /** Takes one record; `nowMs` is the moment of its receipt. */
  readonly take: (record: LogRecord, nowMs: EpochMs) => void;
  readonly clock: Clock;
  /** Bodies that wait for the queue to be opened; more than this is not kept back. An init logs a few KB as a rule. */
  readonly maxWaitingBytes: number;
  /** Is told of records that cannot be handed on. */
  readonly lose: (reason: DropReason, records: number) => void;
  /** Is called after each slice. */
  readonly taken: () => void;
  /** Runs something later, after input that is waiting has been read. */
  readonly defer: (run: () => void) => void;
}

/** So many records are taken in one go: some 5 ms of work, in which no body is answered. */
const SLICE_RECORDS = 1_000;

export function createBodyQueue({ take, lose, taken, defer, clock, maxWaitingBytes }: BodyQueueParts): BodyQueue {
  const reader = createBodyReader();
  const readTime = createTimeReader();
  const waiting: (Buffer | undefined)[] = [];
  let waitingBytes = 0;
  /** The body that is being read, and how; what cannot be scanned of it is in `records`. */
  let body: Buffer | undefined;
  let scan: BodyScan | undefined;
  let records: unknown[] = [];
  let nextRecord = 0;
  let opened = false;
  let scheduled = false;

  const isRead = () => scan === undefined && nextRecord === records.length;
  const isEmpty = () => waiting.length === 0 && isRead();

  function schedule(): void {
    if (scheduled || isEmpty()) return;
    scheduled = true;
    defer(() => {
      scheduled = false;
      handOnSlice();
      schedule();
    });
  }

  function handOnSlice(): void {
    if (isRead()) openNextBody();
    const nowMs = clock.now();
    for (let count = 0; count < SLICE_RECORDS; count++) {
      try {
        const record = read();
        if (record === undefined) break;
        take(record, nowMs);
      } catch {
        // JSON that is nested too deep to be written again, for example. Its neighbours go through.
        lose('unreadable_record', 1);
      }
    }
    taken();
  }

  function openNextBody(): void {
    if (waiting.length === 0) return;
    body = waiting.shift();
    if (body === undefined) {
      lose('body_too_large', 1);
      return;
    }
    waitingBytes -= body.length;
    // A body that may begin with the tail of a cut record is looked at as a whole.
    if (reader.isWaiting()) readAsJson(body);
    else scan = scanBody(body, readTime);
  }

  /** All that is still wanted of the body has been copied. */
  function closeBody(): void {
    scan = undefined;
    // A small one may share its memory with others.
    if (body !== undefined && body.length === body.buffer.byteLength) free(body.buffer);
    body = undefined;
  }

  function read(): LogRecord | undefined {
    if (scan !== undefined) {
      const record = scan.next();
      if (record !== undefined) return record;
      const rest = scan.rest();
      if (rest === undefined) closeBody();
      else readAsJson(rest);
    }
    return nextRecord < records.length ? toLogRecord(records[nextRecord++], readTime) : undefined;
  }

  function readAsJson(rest: Buffer): void {
    const result = reader.read(rest);
    closeBody();
    records = result.records;
    nextRecord = 0;
    if (result.unreadable > 0) lose('unreadable_record', result.unreadable);
  }

  return {
    add(body) {
      waiting.push(body);
      waitingBytes += body?.length ?? 0;
      if (opened || waitingBytes > maxWaitingBytes) schedule();
    },
    open() {
      opened = true;
      schedule();
    },
    flush() {
      while (!isEmpty()) handOnSlice();
    },
    giveUp() {
      const lost = reader.giveUp();
      if (lost > 0) lose('unreadable_record', lost);
    },
  };
}
