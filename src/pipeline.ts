// The path of a log line: body -> record -> entry -> backlog -> Loki. A body is one HTTP request of the platform, a
// list of records; a record is a log line or a platform event; an entry is what Loki stores. Connects the two edges,
// Lambda's and Loki's, and accounts for every record.
import type { Config } from './config/config.ts';
import type { Target } from './diagnosis/symptoms.ts';
import { createEntries } from './entries.ts';
import type { Deliverer } from './extension.ts';
import type { Filters } from './filters/filters.ts';
import { type FunctionIdentity, streamLabels } from './identity.ts';
import { createIntake } from './intake.ts';
import type { InvokeEvent } from './lambda/extensions-api.ts';
import type { Log } from './log.ts';
import { createBacklog } from './loki/backlog.ts';
import { createDelivery } from './loki/delivery.ts';
import type { PushClient } from './loki/push-client.ts';
import { createSummarySender } from './loki/summary.ts';
import { createTeller } from './loki/teller.ts';
import { createLossReports, type Ledger } from './losses.ts';
import { createInvocations } from './records/invocations.ts';
import { aliasOf, traceIdOf } from './records/record.ts';
import { countDown, type SteadyClock } from './time.ts';
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

export function createPipeline(parts: PipelineParts): Pipeline {
  const { config, identity, ledger, log, clock, concurrent } = parts;
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
  let begun = false;
  const intake = createIntake({
    invocations,
    entries,
    ledger,
    filters: parts.filters,
    clock,
    defer: parts.defer,
    wasRead() {
      if (concurrent) reportLosses();
      // Nothing is sent before the first event: a snapshot must not contain a connection.
      if (begun) delivery.wake();
    },
  });
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
      intake.expectEnd(deadlineMs);
      invocations.invoked(requestId, { traceId: traceIdOf(traceHeader), alias: aliasOf(invokedArn) });
    },
    receive: intake.receive,
    begin() {
      if (begun) return;
      begun = true;
      totals.begin();
      parts.client.begin?.();
      try {
        entries.begin(parts.drawInstanceId());
      } finally {
        // Whatever went wrong: bodies held back for ever would be lost, and would hold their invocations for ever.
        intake.begin();
      }
    },
    suspend: () => parts.client.expectFreeze(),
    resume() {
      parts.client.distrustConnections();
      delivery.wake();
    },
    hurry: backlog.hurry,
    sendNow() {
      intake.readSlice();
      delivery.sendNow();
    },
    async flush(untilMs) {
      const startMs = clock.steadyMs();
      const leftMs = countDown(clock, untilMs);
      await intake.readWaiting(leftMs);
      await watch(delivery.flush(clock.now() + leftMs()), leftMs);
      await summaries.sentBy(clock.now() + leftMs());
      totals.held(clock.steadyMs() - startMs);
    },
    async drain(untilMs) {
      const leftMs = countDown(clock, untilMs);
      await intake.readLast(leftMs);
      if (leftMs() <= 0) return;
      await watch(delivery.drain(clock.now() + leftMs()), leftMs);
      if (teller.isWell()) losses.tellLokiLast();
      await summaries.sentBy(clock.now() + leftMs());
    },
    abandon() {
      intake.abandon();
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
