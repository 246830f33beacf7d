// The ledger: accounts for every entry, so that received = accepted + filtered + dropped + held at every moment.
// Whoever takes an entry out of the buffer records its fate here; nobody else counts. Also reports losses, to our own
// log and to Loki.
import type { Diagnosis } from './diagnosis/diagnosis.ts';
import { type Log, TOLD_AGAIN_AFTER_MS } from './log.ts';
import type { Clock, EpochMs } from './time.ts';

/**
 * Why an entry did not reach Loki. The list is closed: a new way to lose an entry needs a new name here.
 *
 * - `empty_line`: nothing to send; Loki would store a blank entry
 * - `unreadable_record`: the platform's body was broken at this record
 * - `body_too_large`: a body over the listener's limit, counted as one
 * - `buffer_full`: `LOKI_BUFFER_MAX_BYTES` was reached while Loki accepted nothing
 * - `too_old`, `line_too_long`, `rejected`: Loki refused it with 400 or another final answer
 * - `blocked`: Loki answered 260: ingestion is switched off for this tenant
 * - `retries_exhausted`: Loki failed on this entry again and again while accepting others
 * - `shutdown_deadline`: the sandbox ended before Loki had answered
 */
export const DROP_REASONS = [
  'empty_line',
  'unreadable_record',
  'body_too_large',
  'buffer_full',
  'too_old',
  'line_too_long',
  'rejected',
  'blocked',
  'retries_exhausted',
  'shutdown_deadline',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export type DropCounts = Record<DropReason, number>;

/** The user's rules that keep a line or an event from being sent, named after their settings. These are not losses. */
export const FILTER_RULES = ['drop_events', 'min_level', 'include_regex', 'exclude_regex'] as const;
export type FilterRule = (typeof FILTER_RULES)[number];

export type FilterCounts = Record<FilterRule, number>;

export interface LedgerTotals {
  readonly received: number;
  readonly accepted: number;
  readonly filtered: Readonly<FilterCounts>;
  readonly withheld: number;
  readonly dropped: Readonly<DropCounts>;
}

export interface Ledger {
  received(entries: number): void;
  accepted(entries: number): void;
  filtered(rule: FilterRule, entries: number): void;
  /** Sent lines whose text is withheld. */
  withheld(lines: number): void;
  dropped(reason: DropReason, entries: number): void;
  /**
   * Records that the platform itself lost before delivering them to us (`platform.logsDropped`); not part of
   * `received`.
   */
  droppedByPlatform(records: number, bytes: number): void;
  totals(): LedgerTotals;
  /**
   * Losses worth a person's attention that this listener has not been told of yet, or undefined when there are none.
   * Skipped empty lines are not losses.
   */
  takeLosses(listener: LossListener): Losses | undefined;
  /** Returns losses that did not reach the listener; they are reported with the next ones. */
  giveBackLosses(listener: LossListener, losses: Losses): void;
}

/** Who is told of losses: our own log, and Loki. */
export type LossListener = 'log' | 'loki';

export interface Losses {
  readonly dropped: Partial<DropCounts>;
  readonly platformRecords: number;
  readonly platformBytes: number;
}

function zeroCounts<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

/** The totals that a listener has been told of. */
interface Told {
  readonly dropped: DropCounts;
  platformRecords: number;
  platformBytes: number;
}

const noneTold = (): Told => ({ dropped: zeroCounts(DROP_REASONS), platformRecords: 0, platformBytes: 0 });

export function createLedger(): Ledger {
  let received = 0;
  let accepted = 0;
  let withheld = 0;
  const filtered = zeroCounts(FILTER_RULES);
  const dropped = zeroCounts(DROP_REASONS);
  let platformRecords = 0;
  let platformBytes = 0;
  const told: Record<LossListener, Told> = { log: noneTold(), loki: noneTold() };

  return {
    received(entries) {
      received += entries;
    },
    accepted(entries) {
      accepted += entries;
    },
    filtered(rule, entries) {
      filtered[rule] += entries;
    },
    withheld(lines) {
      withheld += lines;
    },
    dropped(reason, entries) {
      dropped[reason] += entries;
    },
    droppedByPlatform(records, bytes) {
      platformRecords += records;
      platformBytes += bytes;
    },
    totals: () => ({ received, accepted, filtered: { ...filtered }, withheld, dropped: { ...dropped } }),
    takeLosses(listener) {
      const before = told[listener];
      const losses = {
        dropped: freshCounts(dropped, before.dropped),
        platformRecords: platformRecords - before.platformRecords,
        platformBytes: platformBytes - before.platformBytes,
      };
      if (Object.keys(losses.dropped).length === 0 && losses.platformRecords === 0) return undefined;
      told[listener] = { dropped: { ...dropped }, platformRecords, platformBytes };
      return losses;
    },
    giveBackLosses(listener, losses) {
      const before = told[listener];
      for (const reason of DROP_REASONS) before.dropped[reason] -= losses.dropped[reason] ?? 0;
      before.platformRecords -= losses.platformRecords;
      before.platformBytes -= losses.platformBytes;
    },
  };
}

function freshCounts(now: DropCounts, before: Readonly<DropCounts>): Partial<DropCounts> {
  const fresh: Partial<DropCounts> = {};
  for (const reason of DROP_REASONS) {
    const count = now[reason] - before[reason];
    if (count > 0 && reason !== 'empty_line') fresh[reason] = count;
  }
  return fresh;
}

export interface LossReportParts {
  readonly ledger: Pick<Ledger, 'takeLosses' | 'giveBackLosses'>;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  /** The most recent failure. */
  readonly lastTrouble: () => Diagnosis | undefined;
  /** Sends the summary to Loki, one line of JSON. @returns whether Loki accepted it */
  readonly tellLoki: (text: string) => Promise<boolean>;
}

/** Reports losses, each time with the sums since the previous report. */
export interface LossReports {
  /**
   * Reports new losses, at most once a minute. Loki is told only while it is healthy: during an outage the sums add up,
   * because a line about losses could only push out another line.
   */
  report(isHealthy: boolean): void;
  /** Reports what is left to Loki. The last call: nothing is reported after it. */
  tellLokiLast(): void;
  /** The same in our own log. */
  warnLast(): void;
}

const LOSSES = 'log lines were lost';

export function createLossReports({ ledger, log, clock, lastTrouble, tellLoki }: LossReportParts): LossReports {
  const toldMs: Record<LossListener, EpochMs> = { log: Number.NEGATIVE_INFINITY, loki: Number.NEGATIVE_INFINITY };

  /** A clock that was set back must not silence anybody. */
  function isTime(listener: LossListener): boolean {
    const agoMs = clock.now() - toldMs[listener];
    return agoMs < 0 || agoMs >= TOLD_AGAIN_AFTER_MS;
  }

  function take(listener: LossListener): Losses | undefined {
    const losses = ledger.takeLosses(listener);
    if (losses) toldMs[listener] = clock.now();
    return losses;
  }

  function warnLast(): void {
    const losses = take('log');
    if (!losses) return;
    const { dropped, ...platform } = losses;
    const cause = causeOf(losses);
    const told = { cause: cause?.sentence, remedy: cause?.remedy };
    log.write('warn', LOSSES, { id: 'lines_lost', ...dropped, ...(platform.platformRecords > 0 && platform), ...told });
  }

  function tellLokiLast(): void {
    const losses = take('loki');
    if (!losses) return;
    const text = JSON.stringify({ level: 'warn', message: LOSSES, ...losses, cause: causeOf(losses)?.sentence });
    void tellLoki(text).then((taken) => {
      if (!taken) ledger.giveBackLosses('loki', losses);
    });
  }

  /** Not for records that arrived broken from the platform. */
  function causeOf({ dropped }: Losses): Diagnosis | undefined {
    const isOfBody = (reason: string) => reason === 'unreadable_record' || reason === 'body_too_large';
    return Object.keys(dropped).every(isOfBody) ? undefined : lastTrouble();
  }

  return {
    report(isHealthy) {
      if (isTime('log')) warnLast();
      if (isHealthy && isTime('loki')) tellLokiLast();
    },
    tellLokiLast,
    warnLast,
  };
}
