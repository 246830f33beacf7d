// The path of a log line: body -> record -> entry -> backlog -> Loki. A body is one HTTP request of the platform, a
// list of records; a record is a log line or a platform event; an entry is what Loki stores. Connects the two edges,
// Lambda's and Loki's, and accounts for every record. Works in slices of 2 ms, so that the listener can answer the
// platform in between.
import type { Config } from './config/config.ts';
import type { Target } from './diagnosis/symptoms.ts';
import { createEntries } from './entries.ts';
import type { Deliverer } from './extension.ts';
import type { Filters, Ruling } from './filters/filters.ts';
import { type FunctionIdentity, streamLabels } from './identity.ts';
import type { InvokeEvent } from './lambda/extensions-api.ts';
import type { Log } from './log.ts';
import { createBacklog } from './loki/backlog.ts';
import { createDelivery } from './loki/delivery.ts';
import type { PushClient } from './loki/push-client.ts';
import { createSummarySender } from './loki/summary.ts';
import { createTeller } from './loki/teller.ts';
import { createLossReports, type DropReason, type Ledger } from './losses.ts';
import { createBodyQueue } from './records/body-queue.ts';
import { doneRequestIn } from './records/body-scan.ts';
import { createInvocations } from './records/invocations.ts';
import { aliasOf, type LogRecord, traceIdOf } from './records/record.ts';
import { countDown, type EpochMs, type Pause, pauseLeftMs, type SteadyClock } from './time.ts';
import { createTotals } from './totals.ts';

export interface PipelineParts {
  readonly config: Config;
  readonly identity: FunctionIdentity;
  /** Whether the sandbox runs several invocations at once. */
  readonly concurrent: boolean;
  readonly client: PushClient;
  readonly ledger: Ledger;
  /** Undefined when no setting asks for filters. */
  readonly filters?: Filters | undefined;
  readonly log: Log;
  /** The current push target, for messages about it. */
  readonly target: () => Target;
  /** Masks every secret in a text. */
  readonly mask: (text: string) => string;
  readonly clock: SteadyClock;
  /** Uniformly distributed between 0 and 1. */
  readonly random: () => number;
  /**
   * Draws the id of this sandbox. Called at the first event: a snapshot, which is restored many times, must not contain
   * it.
   */
  readonly drawInstanceId: () => string;
  readonly isOwnLine: (line: string) => boolean;
  /** Runs a function later, after pending input has been read. */
  readonly defer: (run: () => void) => void;
}

/**
 * As a deliverer it begins a flush by reading bodies, for half of the time at most. Bodies that are still unread at the
 * end are lost.
 */
export interface Pipeline extends Deliverer {
  invoked(event: Pick<InvokeEvent, 'requestId' | 'traceHeader' | 'invokedArn'> & Partial<InvokeEvent>): void;
  /**
   * Takes one body from the platform; undefined for one that was too large. Bodies that arrive before `begin` are kept
   * as they are.
   * @param release called when the body has been read and its memory given back
   */
  receive(body: Buffer | undefined, release?: () => void): void;
  heldEntries(): number;
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

export function createPipeline(parts: PipelineParts): Pipeline {
  const { config, identity, ledger, filters, log, clock, concurrent } = parts;
  const invocations = createInvocations(concurrent);
  const labels = streamLabels(config, identity);
  const backlog = createBacklog(
    labels,
    {
      maxBatchBytes: config.batchMaxBytes,
      maxBufferBytes: config.bufferMaxBytes,
    },
    ledger.dropped,
  );
  const teller = createTeller(log, parts.target, clock);
  const delivery = createDelivery({
    config,
    backlog,
    client: parts.client,
    ledger,
    clock,
    random: parts.random,
    tell: teller.tell,
    pushed: teller.pushed,
    settled() {
      // If no event comes between init and SHUTDOWN, there is no better moment to report losses.
      if (concurrent) reportLosses();
    },
  });
  const entries = createEntries({
    config,
    functionVersion: identity.functionVersion,
    concurrent,
    invocations,
    backlog,
    ledger,
    isOwnLine: parts.isOwnLine,
    takesMetadata: delivery.takesMetadata,
  });
  const bodies = createBodyQueue();
  let hurry: Pause = { sinceMs: Number.POSITIVE_INFINITY, untilMs: 0 };
  /** Bodies received so far. */
  let received = 0;
  /** Whether the next slice is scheduled. */
  let reading = false;
  let begun = false;
  /** Once nothing is left of it nothing is read: the sandbox ends. */
  let leftForReadingMs = () => Number.POSITIVE_INFINITY;
  const summaries = createSummarySender(parts.client, labels.extension, clock);
  const losses = createLossReports({
    ledger,
    log,
    clock,
    lastTrouble: teller.lastTrouble,
    tellLoki: (text) => summaries.send(entries.ownEntry(parts.mask(text), 'warn')),
  });

  const totals = createTotals({
    ledger,
    heldEntries: backlog.heldEntries,
    slowestPushMs: teller.slowestPushMs,
    clock,
    tellLoki: config.logTypes.includes('extension')
      ? (text) => void summaries.send(entries.ownEntry(text, 'info'))
      : undefined,
  });

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
    parts.defer(() => {
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
    if (concurrent) reportLosses();
    // Nothing is sent before the first event: a snapshot must not contain a connection.
    if (begun) delivery.wake();
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

  /** Reads the bodies present now, for half of the remaining time at most: the other half is for sending. */
  async function readWaiting(leftMs: () => number): Promise<void> {
    const halfMs = leftMs() / 2;
    const last = received;
    while (received - waitingBodies() < last && leftMs() > halfMs) {
      readSlice();
      await new Promise<void>((resolve) => parts.defer(resolve));
    }
  }

  /** The invocation is held until the flush ends, not until everything ahead of its end has been read. */
  function foreseeDone(body: Buffer | undefined): void {
    const requestId = body && doneRequestIn(body);
    if (requestId !== undefined) invocations.foreseeDone(requestId);
  }

  function reportLosses(): void {
    losses.report(delivery.isHealthy());
    if (begun && delivery.isHealthy()) totals.report();
  }

  /**
   * Waits for a flush, and reports when it ran out of time without any success. If a problem is known already, that
   * problem is reported.
   */
  async function watch(flush: Promise<void>, leftMs: () => number): Promise<void> {
    const startMs = clock.steadyMs();
    const acceptedBefore = teller.acceptedPushes();
    await flush;
    const afterMs = clock.steadyMs() - startMs;
    const inVain = backlog.heldEntries() > 0 && teller.acceptedPushes() === acceptedBefore && leftMs() <= 0;
    if (inVain && teller.isWell()) teller.ranOut({ kind: 'ran_out', afterMs, waitsFor: parts.client.waitsFor() });
  }

  return {
    invocations,
    invoked({ requestId, traceHeader, invokedArn, deadlineMs = Number.POSITIVE_INFINITY }) {
      const hurryMs = Math.min(HURRY_MS, (deadlineMs - clock.now()) / 2);
      hurry = { sinceMs: deadlineMs - hurryMs, untilMs: deadlineMs };
      invocations.invoked(requestId, { traceId: traceIdOf(traceHeader), alias: aliasOf(invokedArn) });
    },
    receive(body, release) {
      received++;
      bodies.add(body, release);
      if (bodies.waitingBytes() > LONG_WAIT_BYTES) foreseeDone(body);
      if (begun || bodies.waitingBytes() > MAX_KEPT_BYTES) readSoon();
    },
    begin() {
      if (begun) return;
      begun = true;
      totals.begin();
      parts.client.begin?.();
      try {
        entries.begin(parts.drawInstanceId());
      } finally {
        // Whatever went wrong: bodies held back for ever would be lost, and would hold their invocations for ever.
        readSoon();
      }
    },
    suspend: () => parts.client.expectFreeze(),
    resume() {
      parts.client.distrustConnections();
      delivery.wake();
    },
    hurry: backlog.hurry,
    sendNow() {
      readSlice();
      delivery.sendNow();
    },
    async flush(untilMs) {
      const startMs = clock.steadyMs();
      const leftMs = countDown(clock, untilMs);
      await readWaiting(leftMs);
      await watch(delivery.flush(clock.now() + leftMs()), leftMs);
      await summaries.sentBy(clock.now() + leftMs());
      totals.held(clock.steadyMs() - startMs);
    },
    async drain(untilMs) {
      const leftMs = countDown(clock, untilMs);
      leftForReadingMs = leftMs;
      await readWaiting(leftMs);
      const lost = bodies.giveUpHead();
      if (lost > 0) lose('unreadable_record', lost);
      if (leftMs() <= 0) return;
      await watch(delivery.drain(clock.now() + leftMs()), leftMs);
      if (teller.isWell()) losses.tellLokiLast();
      await summaries.sentBy(clock.now() + leftMs());
    },
    abandon() {
      const unread = bodies.giveUpHead() + bodies.clear() + (filters?.clear() ?? 0);
      if (unread > 0) lose('shutdown_deadline', unread);
      backlog.abandon();
      losses.warnLast();
      if (log.isOn('info')) log.write('info', 'totals', totals.sums());
    },
    reportLosses,
    isHealthy: () => delivery.isHealthy(),
    heldEntries: () => backlog.heldEntries(),
    oldestHeldMs: () => backlog.oldestMs(),
  };
}
