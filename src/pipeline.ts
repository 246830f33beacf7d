// The way of a log line: body -> record -> entry -> backlog -> Loki. Puts the two edges together and accounts for every
// record.
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
import { type Clock, type EpochMs, type Pause, pauseLeftMs } from './time.ts';
import { createTotals } from './totals.ts';

export interface PipelineParts {
  readonly config: Config;
  readonly identity: FunctionIdentity;
  /** Whether the sandbox runs several invocations at once. */
  readonly concurrent: boolean;
  readonly client: PushClient;
  readonly ledger: Ledger;
  /** Undefined where no setting asks for any. */
  readonly filters?: Filters | undefined;
  readonly log: Log;
  /** Where we push at present, for what is said of it. */
  readonly target: () => Target;
  /** Takes every secret out of a text. */
  readonly mask: (text: string) => string;
  readonly clock: Clock;
  /** Evenly drawn from 0 to 1. */
  readonly random: () => number;
  /**
   * Draws the id of this sandbox. It is asked at the first event: a snapshot that is restored many times must not hold
   * it already.
   */
  readonly drawInstanceId: () => string;
  readonly isOwnLine: (line: string) => boolean;
  /** Runs something later, after input that is waiting has been read. */
  readonly defer: (run: () => void) => void;
}

/**
 * As a deliverer it reads bodies first when it flushes, for half of the time at most; at the end those that nobody read
 * are lost.
 */
export interface Pipeline extends Deliverer {
  invoked(event: Pick<InvokeEvent, 'requestId' | 'traceHeader' | 'invokedArn'> & Partial<InvokeEvent>): void;
  /**
   * Takes one body of the platform; undefined for one that was too large. Bodies that come before `begin` are kept as
   * they are.
   * @param release is called when the body has been read and its memory given back
   */
  receive(body: Buffer | undefined, release?: () => void): void;
  heldEntries(): number;
}

/** So long is read in one go: meanwhile no body is answered. */
const SLICE_MS = 2;
/** So many records are read between two looks at the clock. */
const RECORDS_AT_A_TIME = 32;
const FILTERED_TURNS = 4; // the watch over expressions is paid for each time
/** Bodies that come before the first event wait for it, but not more than this. An init logs a few KB as a rule. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** To read so much takes 60 ms at the CPU share of 128 MB. */
const LONG_WAIT_BYTES = 128 * 1024;
/** So long before the deadline of an invocation nothing is begun that may take long. */
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
      // Where no event comes between init and SHUTDOWN there is no better moment to tell of losses.
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
  /** Bodies so far. */
  let received = 0;
  /** Whether the next slice is under way. */
  let reading = false;
  let begun = false;
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

  function lose(reason: DropReason, records: number): void {
    ledger.received(records);
    ledger.dropped(reason, records);
  }

  /** Reads what is there, slice by slice, so that the listener can answer a body between two of them. */
  function readSoon(): void {
    if (reading || waitingBodies() === 0) return;
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
    // Before the first event nothing is sent: a snapshot must hold no connection.
    if (begun) delivery.wake();
  }

  /** The same way, with a stop in it: what an expression took too long for goes first in the next slice. */
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

  /** Bodies that are not read to their end, or whose last records are not decided on. */
  function waitingBodies(): number {
    return bodies.waitingBodies() + (filters !== undefined && filters.waiting() > 0 ? 1 : 0);
  }

  /** Reads the bodies that are there now, for half of the time that is left at most: the other half is for sending. */
  async function readWaiting(untilMs: EpochMs): Promise<void> {
    const startMs = clock.now();
    const endMs = startMs + (untilMs - startMs) / 2;
    const last = received;
    while (received - waitingBodies() < last && clock.now() < endMs) {
      readSlice();
      await new Promise<void>((resolve) => parts.defer(resolve));
    }
  }

  /** The invocation is not held until all that is in front of its end has been read, but until the flush ends. */
  function foreseeDone(body: Buffer | undefined): void {
    const requestId = body && doneRequestIn(body);
    if (requestId !== undefined) invocations.foreseeDone(requestId);
  }

  function reportLosses(): void {
    losses.report(delivery.isHealthy());
    if (begun && delivery.isHealthy()) totals.report();
  }

  /**
   * Waits for a flush, and says so when its time is over and nothing came of it. Where trouble is known already, it is
   * that.
   */
  async function watch(flush: Promise<void>, untilMs: EpochMs): Promise<void> {
    const startMs = clock.now();
    const acceptedBefore = teller.acceptedPushes();
    await flush;
    const afterMs = clock.now() - startMs;
    const inVain = backlog.heldEntries() > 0 && teller.acceptedPushes() === acceptedBefore && clock.now() >= untilMs;
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
        // Whatever went wrong: bodies that are kept back for ever would be lost, and their invocations held for ever.
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
      const startMs = clock.now();
      await readWaiting(untilMs);
      await watch(delivery.flush(untilMs), untilMs);
      await summaries.sentBy(untilMs);
      totals.held(clock.now() - startMs);
    },
    async drain(untilMs) {
      await readWaiting(untilMs);
      const lost = bodies.giveUpHead();
      if (lost > 0) lose('unreadable_record', lost);
      await watch(delivery.drain(untilMs), untilMs);
      if (teller.isWell()) losses.tellLokiLast();
      await summaries.sentBy(untilMs);
    },
    abandon() {
      const unread = bodies.clear() + (filters?.clear() ?? 0);
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
