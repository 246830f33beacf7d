// A fixture of the Telemetry API against what must have become of it: every record once, in its stream, at its own time.
// The expectations are written out here, from the product's promise, and share no code with what they test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isLine, lineOf } from '../../fakes/extension.ts';
import type { StoredEntry } from '../../fakes/loki/store.ts';

export interface FixtureRecord {
  readonly time?: unknown;
  readonly type?: string;
  readonly record?: unknown;
}

export interface Fixture {
  readonly text: string;
  readonly records: readonly FixtureRecord[];
}

/** The fixtures have their own times, which are far from now. */
export const anyTime = { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined };

/** Times that `Date.parse` reads not at all, not to the last digit, or only as a number, in nanoseconds. */
const oddTimes: Readonly<Record<string, bigint>> = {
  '2026-01-05T10:02:00.123456Z': 1767607320123456000n,
  '2026-01-05T10:02:00.123456789Z': 1767607320123456789n,
  '2026-01-05T10:02:01Z': 1767607321000000000n,
  '2026-01-05T12:02:01.500+02:00': 1767607321500000000n,
  '2026-01-05T10:02:02.000': 1767607322000000000n,
  '2026-01-05 10:02:02,000': 1767607322000000000n,
  '1767607322500': 1767607322500000000n,
  '2026-01-05T10:09:00.123456789Z': 1767607740123456789n,
  '2026-01-05T10:09:01:521Z': 1767607741521000000n,
  '1767607742500': 1767607742500000000n,
};

export function readFixture(name: string): Fixture {
  const text = readFileSync(resolve(import.meta.dirname, '../../fixtures', name), 'utf8');
  return { text, records: JSON.parse(text) };
}

/** The stream that a record belongs to: whatever is no line of the function or of an extension is a platform event. */
export function streamOf({ type, record }: FixtureRecord): string {
  return (type === 'function' || type === 'extension') && record !== undefined ? type : 'platform';
}

/** Section 3 of the product's promise. Half a surrogate pair has no place in UTF-8. */
export function lineOfRecord(raw: FixtureRecord): string {
  if (streamOf(raw) === 'platform') return JSON.stringify(raw);
  return typeof raw.record === 'string' ? lineOf(raw.record).toWellFormed() : JSON.stringify(raw.record);
}

/** The entry of a record; fails unless there is exactly one. */
export function entryOf(entries: readonly StoredEntry[], record: FixtureRecord): StoredEntry {
  const line = lineOfRecord(record);
  const [entry, ...more] = entries.filter((candidate) => isLine(candidate.line, line));
  assert.ok(entry !== undefined && more.length === 0, `once: ${line.slice(0, 200)}`);
  return entry;
}

/**
 * Every record is there once, in its stream, at the nanosecond it states or received since `sinceMs`, and nothing else is.
 * @param earliestNs 1n for a receiver that takes the first nanosecond of 1970 for no time at all
 */
export function assertArrived(
  entries: readonly StoredEntry[],
  { records }: Fixture,
  sinceMs: number,
  earliestNs = 0n,
): void {
  const given = new Set<string>();
  for (const record of records) {
    const entry = entryOf(entries, record);
    const stream = streamOf(record);
    const what = entry.line.slice(0, 200);
    assert.equal(entry.labels['type'], stream, what);
    assert.equal(entry.metadata['event'], stream === 'platform' ? record.type : undefined, what);
    let expected = statedNs(record);
    if (expected === undefined || expected < earliestNs) {
      const receivedMs = Number(entry.timestampNs / 1_000_000n);
      assert.ok(receivedMs >= sinceMs && receivedMs <= Date.now(), `time of receipt: ${what}`);
      continue;
    }
    while (given.has(`${stream} ${expected}`)) expected++;
    given.add(`${stream} ${expected}`);
    assert.equal(entry.timestampNs, expected, what);
  }
  assert.equal(entries.length, records.length);
}

/** The moment that a record states; undefined where the moment of receipt counts. */
export function statedNs({ time }: FixtureRecord): bigint | undefined {
  const text = String(time ?? '');
  if (oddTimes[text] !== undefined) return oddTimes[text];
  const epochMs = Date.parse(text);
  return Number.isNaN(epochMs) ? undefined : BigInt(epochMs) * 1_000_000n;
}
