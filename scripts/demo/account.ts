// Compares what the function and the platform wrote with what Loki took, type by type.

import type { LambdaRecord } from '../../test/fakes/lambda/records.ts';
import type { StoredEntry } from '../../test/fakes/loki/store.ts';

/** What became of the lines of one type. */
export interface Account {
  readonly type: string;
  readonly sent: number;
  readonly received: number;
  readonly missing: number;
  readonly doubled: number;
  /** Lines that nobody wrote: a line that was changed on its way is one of these, and a missing one. */
  readonly unknown: number;
  /** The order of the timestamps is the order of writing, and no two are equal. */
  readonly inOrder: boolean;
}

/** @param types those that the extension was told to send */
export function balance(
  sent: readonly LambdaRecord[],
  received: readonly StoredEntry[],
  types: readonly string[],
): readonly Account[] {
  return ['function', 'platform']
    .filter((type) => types.includes(type))
    .map((type) => {
      const wanted = sent.filter((record) => typeOf(record) === type).map(expectedLine);
      const entries = received.filter(({ labels }) => labels['type'] === type);
      return account(type, wanted, entries.toSorted(byTimestamp));
    });
}

export function isWhole({ missing, doubled, unknown, inOrder }: Account): boolean {
  return missing === 0 && doubled === 0 && unknown === 0 && inOrder;
}

/** What the extension itself counted. */
export interface Totals {
  readonly received: number;
  readonly accepted: number;
  readonly filtered: number;
  readonly dropped: number;
}

/** The sums over the sandboxes, each of which tells its own at its end. */
export function totalsOf(output: string): Totals {
  const told = ownMessages(output).filter(({ msg }) => msg === 'totals');
  const sum = (name: string) => told.reduce((total, one) => total + Number(one[name] ?? 0), 0);
  return { received: sum('received'), accepted: sum('accepted'), filtered: sum('filtered'), dropped: sum('dropped') };
}

/** Where settings filter and redact: what is gone was filtered. A line that was changed is missing and unknown. */
export function isAccountedFor(accounts: readonly Account[], { filtered }: Totals): boolean {
  const gone = accounts.reduce((sum, { missing, unknown }) => sum + missing - unknown, 0);
  return gone === filtered && accounts.every(({ doubled }) => doubled === 0);
}

/** What the extension printed, one JSON object for each line that is one; other lines as `msg`. */
export function ownMessages(output: string): readonly Readonly<Record<string, unknown>>[] {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      try {
        return JSON.parse(line) as Record<string, unknown>;
      } catch {
        return { level: 'plain', msg: line };
      }
    });
}

function account(type: string, wanted: readonly string[], entries: readonly StoredEntry[]): Account {
  const written = countEach(wanted);
  const arrived = countEach(entries.map(({ line }) => line));
  let missing = 0;
  let doubled = 0;
  let unknown = 0;
  for (const [line, count] of written) missing += Math.max(0, count - (arrived.get(line) ?? 0));
  for (const [line, count] of arrived) {
    const expected = written.get(line);
    if (expected === undefined) unknown += count;
    else doubled += Math.max(0, count - expected);
  }
  const moments = new Set(entries.map(({ timestampNs }) => timestampNs));
  const sameOrder = wanted.every((line, index) => entries[index]?.line === line);
  const inOrder = moments.size === entries.length && sameOrder;
  return { type, sent: wanted.length, received: entries.length, missing, doubled, unknown, inOrder };
}

function typeOf({ type }: LambdaRecord): string {
  return type === 'function' || type === 'extension' ? type : 'platform';
}

/** The line that Loki must hold: text without one newline at its end, a platform event whole. */
function expectedLine(record: LambdaRecord): string {
  if (typeOf(record) === 'platform') return JSON.stringify(record);
  return typeof record.record === 'string' ? record.record.replace(/\r?\n$/, '') : JSON.stringify(record.record);
}

function countEach(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

function byTimestamp(a: StoredEntry, b: StoredEntry): number {
  return a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0;
}
