// Reads what has arrived: body -> record -> entries. In slices of 2 ms, so that the listener can answer the platform in
// between. Bodies that come before it has begun are kept as they are, up to a bound.
import type { Entries } from './entries.ts';
import type { Filters, Ruling } from './filters/filters.ts';
import type { DropReason, Ledger } from './losses.ts';
import { createBodyQueue } from './records/body-queue.ts';
import { doneRequestIn } from './records/body-scan.ts';
import type { Invocations } from './records/invocations.ts';
import type { LogRecord } from './records/record.ts';
import { type Clock, type EpochMs, type Pause, pauseLeftMs } from './time.ts';

export interface IntakeParts {
  readonly invocations: Pick<Invocations, 'foreseeDone' | 'endLost'>;
  readonly entries: Pick<Entries, 'take'>;
  readonly ledger: Pick<Ledger, 'received' | 'dropped'>;
  /** Undefined when no setting asks for filters. */
  readonly filters: Filters | undefined;
  readonly clock: Clock;
  /** Runs a function later, after pending input has been read. */
  readonly defer: (run: () => void) => void;
  /** Is called after each slice. */
  readonly wasRead: () => void;
}

export interface Intake {
  /**
   * Takes one body; undefined for one that was too large.
   * @param release called when the body has been read and its memory given back
   */
  receive(body: Buffer | undefined, release?: () => void): void;
  /** From now on bodies are read when they come. */
  begin(): void;
  /** Tells when the invocation ends at the latest: no long step is begun shortly before. */
  expectEnd(deadlineMs: EpochMs): void;
  /** Reads a slice now. */
  readSlice(): void;
  /** Reads the bodies present now, for half of the remaining time at most: the other half is for sending. */
  readWaiting(leftMs: () => number): Promise<void>;
  /** Reads them for the last time: once nothing is left nothing is read any more, and half a record is given up. */
  readLast(leftMs: () => number): Promise<void>;
  /** Gives up what is unread: the sandbox ends. */
  abandon(): void;
}

/** The length of a slice: while it runs, no body is answered. */
const SLICE_MS = 2;
/** Records read between two looks at the clock. */
const RECORDS_AT_A_TIME = 32;
const FILTERED_TURNS = 4; // the watch over expressions is paid for each time
/** The most kept of bodies that arrive before the first event, for which they wait. An init usually logs a few KB. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Reading this much takes 60 ms at the CPU share of 128 MB. */
const LONG_WAIT_BYTES = 128 * 1024;
/** Margin before an invocation's deadline in which no long step is begun. */
const HURRY_MS = 300;

export function createIntake({ invocations, entries, ledger, filters, clock, defer, wasRead }: IntakeParts): Intake {
  const bodies = createBodyQueue();
  let hurry: Pause = { sinceMs: Number.POSITIVE_INFINITY, untilMs: 0 };
  /** Bodies received so far. */
  let received = 0;
  /** Whether the next slice is scheduled. */
  let reading = false;
  let begun = false;
  /** Once nothing is left of it nothing is read: the sandbox ends. */
  let leftForReadingMs = () => Number.POSITIVE_INFINITY;

  function lose(reason: DropReason, records: number, hidesEnd = false): void {
    ledger.received(records);
    ledger.dropped(reason, records);
    // Or the function would be held to its timeout.
    if (hidesEnd) invocations.endLost();
  }

  /** Reads the bodies slice by slice, so that the listener can answer a body in between. */
  function readSoon(): void {
    if (reading || waitingBodies() === 0 || leftForReadingMs() <= 0) return;
    reading = true;
    defer(() => {
      reading = false;
      try {
        readSlice();
      } finally {
        readSoon();
      }
    });
  }

  function readSlice(): void {
    const nowMs = clock.now();
    const takeNow = (record: LogRecord) => entries.take(record, nowMs);
    do {
      if (filters) readFiltered(filters, nowMs);
      else bodies.read(RECORDS_AT_A_TIME, takeNow, lose);
    } while (waitingBodies() > 0 && clock.now() < nowMs + SLICE_MS);
    wasRead();
  }

  /** The same loop, but it can pause: a record whose expression took too long goes first in the next slice. */
  function readFiltered(filters: Filters, nowMs: EpochMs): void {
    for (let turn = 0; turn < FILTERED_TURNS && bodies.waitingBodies() > 0 && filters.hasRoom(); turn++) {
      bodies.read(RECORDS_AT_A_TIME, filters.add, lose);
    }
    const take = (record: LogRecord, ruling: Ruling) => {
      try {
        entries.take(record, nowMs, ruling);
      } catch {
        lose('unreadable_record', 1);
      }
    };
    filters.run(take, pauseLeftMs(hurry, nowMs) > 0);
  }

  /** Bodies that are not fully read, or whose last records still await the filters. */
  function waitingBodies(): number {
    return bodies.waitingBodies() + (filters !== undefined && filters.waiting() > 0 ? 1 : 0);
  }

  async function readWaiting(leftMs: () => number): Promise<void> {
    const halfMs = leftMs() / 2;
    const last = received;
    while (received - waitingBodies() < last && leftMs() > halfMs) {
      readSlice();
      await new Promise<void>((resolve) => defer(resolve));
    }
  }

  /** The invocation is held until the flush ends, not until everything ahead of its end has been read. */
  function foreseeDone(body: Buffer | undefined): void {
    const requestId = body && doneRequestIn(body);
    if (requestId !== undefined) invocations.foreseeDone(requestId);
  }

  return {
    receive(body, release) {
      received++;
      bodies.add(body, release);
      if (bodies.waitingBytes() > LONG_WAIT_BYTES) foreseeDone(body);
      if (begun || bodies.waitingBytes() > MAX_KEPT_BYTES) readSoon();
    },
    begin() {
      begun = true;
      readSoon();
    },
    expectEnd(deadlineMs) {
      const hurryMs = Math.min(HURRY_MS, (deadlineMs - clock.now()) / 2);
      hurry = { sinceMs: deadlineMs - hurryMs, untilMs: deadlineMs };
    },
    readSlice,
    readWaiting,
    async readLast(leftMs) {
      leftForReadingMs = leftMs;
      await readWaiting(leftMs);
      const lost = bodies.giveUpHead();
      if (lost > 0) lose('unreadable_record', lost);
    },
    abandon() {
      const unread = bodies.giveUpHead() + bodies.clear() + (filters?.clear() ?? 0);
      if (unread > 0) lose('shutdown_deadline', unread);
    },
  };
}
