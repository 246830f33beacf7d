// What every end-to-end test asserts in the same way: that the function was not harmed, that nothing was printed, and
// that what the platform handed over is in Loki, every line once, byte for byte, in order, stamped with its own time.

import assert from 'node:assert/strict';
import { type Bench, lineOf } from '../../fakes/extension.ts';
import type { EntryFilter, FakeLoki } from '../../fakes/fake-loki.ts';
import type { ShutdownResult } from '../../fakes/lambda/options.ts';
import type { LambdaRecord } from '../../fakes/lambda/records.ts';
import type { LambdaEmulator } from '../../fakes/lambda-emulator.ts';
import type { StoredEntry } from '../../fakes/loki/store.ts';

export type StreamType = 'function' | 'platform' | 'extension';

/** What the extension says of itself on stdout, one JSON object for each line that is one. */
export interface OwnMessage {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The emulator saw nothing that a correct extension does not do. */
export function assertUnharmed(emulator: LambdaEmulator): void {
  assert.deepEqual(emulator.violations, []);
}

/** A run in which nothing went wrong: no violation, no output, nothing sent twice. */
export function assertHealthy({ loki, emulator }: Bench): void {
  assertUnharmed(emulator);
  assert.equal(emulator.output, '', 'a healthy run prints nothing');
  assert.equal(loki.duplicates, 0, 'no entry was sent twice');
}

/** The entries of one stream as Loki returns them: by time, which is unique within the stream. */
export function inOrder(loki: Pick<FakeLoki, 'entries'>, type: StreamType): readonly StoredEntry[] {
  const filter: EntryFilter = { labels: { type } };
  return sorted(loki.entries(filter));
}

/** Sorted by timestamp; two entries of one stream with the same one are an error. */
export function sorted(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  const ordered = [...entries].sort((a, b) =>
    a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0,
  );
  const shared = ordered.find((entry, index) => entry.timestampNs === ordered[index - 1]?.timestampNs);
  assert.equal(shared, undefined, 'each entry of a stream has its own nanosecond');
  return ordered;
}

/** The records that were handed over and have a line, and the line that Loki must hold for each. */
export function expectedOf(
  records: readonly LambdaRecord[],
  type: StreamType,
): readonly { line: string; time: string }[] {
  return records
    .filter((record) => streamOf(record.type) === type)
    .map((record) => ({ line: expectedLine(record), time: record.time }))
    .filter(({ line }) => line !== '');
}

/** Section 3 of the product's promise, for records of the promised form. */
function expectedLine(record: LambdaRecord): string {
  if (streamOf(record.type) === 'platform') return JSON.stringify(record);
  return typeof record.record === 'string' ? lineOf(record.record) : JSON.stringify(record.record);
}

function streamOf(type: string): StreamType {
  return type === 'function' || type === 'extension' ? type : 'platform';
}

/** Equal lists of lines. A list of a hundred thousand is not printed when they differ. */
export function assertSameLines(actual: readonly string[], expected: readonly string[], what: string): void {
  const length = Math.max(actual.length, expected.length);
  for (let index = 0; index < length; index++) {
    if (actual[index] === expected[index]) continue;
    const at = `${what}: ${actual.length} lines for ${expected.length}, the first difference is at ${index}`;
    assert.equal(excerpt(actual[index]), excerpt(expected[index]), at);
    assert.fail(`${at}, beyond its beginning`);
  }
}

/**
 * Everything that was emitted so far is in Loki: for each of the streams the same lines in the same order, in the
 * millisecond that its record states.
 */
export function assertDelivered(
  { loki, emulator }: { loki: Pick<FakeLoki, 'entries'>; emulator: LambdaEmulator },
  types: readonly StreamType[] = ['function', 'platform'],
): void {
  for (const type of types) {
    const expected = expectedOf(emulator.emitted, type);
    const entries = inOrder(loki, type);
    assertSameLines(
      entries.map((entry) => entry.line),
      expected.map(({ line }) => line),
      type,
    );
    for (const [index, { timestampNs }] of entries.entries()) {
      assert.equal(
        Number(timestampNs / 1_000_000n),
        Date.parse(expected[index]?.time ?? ''),
        `time of ${type} ${index}`,
      );
    }
  }
}

/**
 * After an end with little time: an orderly exit, and each of the records that the extension had taken before is in Loki
 * or told as lost, none twice. How many are in Loki depends on the machine: `make bench ONLY=shutdown` says it.
 */
export function assertAccounted(
  { loki, emulator }: Bench,
  ends: readonly (ShutdownResult | undefined)[],
  taken: number,
) {
  for (const end of ends) assert.equal(end?.exitCode, 0);
  assertUnharmed(emulator);
  assert.equal(loki.duplicates, 0, 'no entry was sent twice');
  const told = ownMessages(emulator).map(({ fields }) => Number(fields['shutdown_deadline'] ?? 0));
  const lost = told.reduce((sum, count) => sum + count, 0);
  const stored = loki.lines('function').length + loki.lines('platform').length;
  assert.ok(stored + lost >= taken, `${taken} taken, ${stored} stored, ${lost} told as lost`);
  assert.ok(stored <= emulator.emitted.length && lost <= emulator.emitted.length);
}

/** Three short invocations and SHUTDOWN, of which the function must notice nothing. */
export async function runUnharmed(emulator: LambdaEmulator): Promise<void> {
  await emulator.start();
  for (let count = 0; count < 3; count++) {
    const { extensionTimedOut } = await emulator.invoke({ lines: [`line ${count}`] });
    assert.equal(extensionTimedOut, false);
  }
  const { exitCode, exitedBeforeDeadline } = await emulator.shutdown();
  assert.deepEqual([exitCode, exitedBeforeDeadline], [0, true]);
  assertUnharmed(emulator);
}

/** Messages that the extension printed about itself. */
export function ownMessages({ output }: LambdaEmulator): readonly OwnMessage[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { level, msg, ...fields }: Record<string, unknown> = JSON.parse(line);
      return { level: String(level), message: String(msg), fields };
    });
}

/** Losses by reason, added up over all summary lines that reached Loki. */
export function reportedLosses(loki: FakeLoki): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const line of loki.lines('extension')) {
    const { dropped = {} }: { dropped?: Record<string, number> } = JSON.parse(line);
    for (const [reason, count] of Object.entries(dropped)) sums[reason] = (sums[reason] ?? 0) + count;
  }
  return sums;
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function excerpt(line: string | undefined): string | undefined {
  return line === undefined || line.length < 400 ? line : `${line.slice(0, 400)}... (${line.length} characters)`;
}
