// Bodies on their way from the listener: kept in order, read into records, and handed on in slices, so that the listener can answer the next
// body between two of them.
import type { DropReason } from '../ledger.ts';
import type { Clock, EpochMs } from '../time.ts';
import { createBodyReader } from './log-body.ts';

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
  /** Takes one record, whatever it is; `nowMs` is the moment of its receipt. */
  readonly take: (raw: unknown, nowMs: EpochMs) => void;
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
  const waiting: (Buffer | undefined)[] = [];
  let waitingBytes = 0;
  let records: unknown[] = [];
  let nextRecord = 0;
  let opened = false;
  let scheduled = false;

  const isEmpty = () => waiting.length === 0 && nextRecord === records.length;

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
    if (nextRecord === records.length) readNextBody();
    const nowMs = clock.now();
    const end = Math.min(records.length, nextRecord + SLICE_RECORDS);
    while (nextRecord < end) {
      const raw = records[nextRecord++];
      try {
        take(raw, nowMs);
      } catch {
        // JSON that is nested too deep to be written again, for example. Its neighbours go through.
        lose('unreadable_record', 1);
      }
    }
    taken();
  }

  function readNextBody(): void {
    records = [];
    nextRecord = 0;
    if (waiting.length === 0) return;
    const body = waiting.shift();
    if (body === undefined) {
      lose('body_too_large', 1);
      return;
    }
    waitingBytes -= body.length;
    const read = reader.read(body);
    if (read.unreadable > 0) lose('unreadable_record', read.unreadable);
    records = read.records;
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
