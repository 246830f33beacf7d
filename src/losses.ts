// The account of every entry: received = accepted + dropped + held, at every moment. Whoever takes an entry out of the buffer
// says here what became of it; nobody else counts.

/**
 * Why an entry did not reach Loki. The list is closed: a new way to lose an entry needs a new name here.
 *
 * - `empty_line`: nothing to send; Loki would store a blank entry
 * - `unreadable_record`: the platform's body was broken at this record
 * - `body_too_large`: a body over the listener's limit, counted as one
 * - `buffer_full`: `LOKI_BUFFER_MAX_BYTES` was reached while Loki did not take anything
 * - `too_old`, `line_too_long`, `rejected`: Loki refused it with 400 or another final answer
 * - `blocked`: Loki answered 260, ingestion is switched off for this tenant
 * - `retries_exhausted`: Loki failed on this entry again and again while it took others
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

export interface LedgerTotals {
  readonly received: number;
  readonly accepted: number;
  readonly dropped: Readonly<DropCounts>;
}

export interface Ledger {
  received(entries: number): void;
  accepted(entries: number): void;
  dropped(reason: DropReason, entries: number): void;
  /** Records that the platform itself lost before it could give them to us (`platform.logsDropped`); not part of `received`. */
  droppedByPlatform(records: number, bytes: number): void;
  totals(): LedgerTotals;
  /** Losses since the last call that a person should hear of, or undefined when there were none. Skipped empty lines are no loss. */
  takeLosses(): Losses | undefined;
}

export interface Losses {
  readonly dropped: Partial<DropCounts>;
  readonly platformRecords: number;
  readonly platformBytes: number;
}

function zeroCounts(): DropCounts {
  return Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as DropCounts;
}

export function createLedger(): Ledger {
  let received = 0;
  let accepted = 0;
  const dropped = zeroCounts();
  let reported = zeroCounts();
  let platformRecords = 0;
  let platformBytes = 0;

  return {
    received(entries) {
      received += entries;
    },
    accepted(entries) {
      accepted += entries;
    },
    dropped(reason, entries) {
      dropped[reason] += entries;
    },
    droppedByPlatform(records, bytes) {
      platformRecords += records;
      platformBytes += bytes;
    },
    totals: () => ({ received, accepted, dropped: { ...dropped } }),
    takeLosses() {
      const fresh: Partial<DropCounts> = {};
      for (const reason of DROP_REASONS) {
        const count = dropped[reason] - reported[reason];
        if (count > 0 && reason !== 'empty_line') fresh[reason] = count;
      }
      if (Object.keys(fresh).length === 0 && platformRecords === 0) return undefined;
      const losses = { dropped: fresh, platformRecords, platformBytes };
      reported = { ...dropped };
      platformRecords = 0;
      platformBytes = 0;
      return losses;
    },
  };
}
