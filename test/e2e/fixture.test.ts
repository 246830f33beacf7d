// One body with every documented record, odd ones among them: line, nanosecond and structured metadata of each.
// The expectations are written out here, from the product's promise, and share no code with what they test.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { type Bench, createBench, isLine, lineOf } from '../fakes/extension.ts';
import type { StoredEntry } from '../fakes/loki/store.ts';
import { assertUnharmed } from './support/expect.ts';
import { statedNs } from './support/fixture.ts';

interface FixtureRecord {
  readonly time?: unknown;
  readonly type: string;
  readonly record: unknown;
}

const fixtureText = readFileSync(resolve(import.meta.dirname, '../fixtures/logs-api-2021-03-18.json'), 'utf8');
const fixture: readonly FixtureRecord[] = JSON.parse(fixtureText);
/** The fixture has its own times, which are far from now. */
const anyTime = { limits: { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined } };
const types = ['function', 'platform', 'extension'] as const;

/** Delivers the fixture as one body within one invocation, and gives the entries that came of it, in the order of arrival. */
async function runFixture({ emulator, loki }: Bench, requestId: string): Promise<readonly StoredEntry[]> {
  await emulator.start();
  await emulator.invoke({
    requestId,
    during: async () => {
      const [delivery] = await emulator.deliver([fixtureText]);
      assert.deepEqual(
        delivery?.attempts.map(({ outcome }) => outcome),
        [200],
      );
    },
  });
  await emulator.shutdown();
  const ownLines = new Set(emulator.emitted.map((record) => JSON.stringify(record)));
  return loki.entries().filter((entry) => !ownLines.has(entry.line));
}

/** Records of one stream that have a line, in order. */
function ofStream(type: string): readonly FixtureRecord[] {
  const known = (record: FixtureRecord) => (record.type.startsWith('platform') ? 'platform' : record.type) === type;
  return fixture.filter((record) => known(record) && lineOfRecord(record) !== '');
}

function lineOfRecord(record: FixtureRecord): string {
  if (record.type.startsWith('platform')) return JSON.stringify(record);
  return typeof record.record === 'string' ? lineOf(record.record) : JSON.stringify(record.record);
}

suite('fixture', { concurrency: 2 }, () => {
  test('sends every record of the fixture once, byte for byte, in order, each with its own nanosecond', async (t) => {
    const beforeMs = Date.now();
    const bench = await createBench(t, {
      loki: anyTime,
      environment: { LOKI_LOG_TYPES: 'platform,function,extension' },
    });
    const arrived = await runFixture(bench, randomUUID());
    for (const type of types) {
      const entries = arrived.filter((entry) => entry.labels['type'] === type);
      const records = ofStream(type);
      // The fixture says of the platform that it has lost records: a summary tells of them.
      const summaries = entries.filter(({ line }) => line.includes('"platformRecords":123'));
      assert.equal(entries.length, records.length + summaries.length, type);
      assert.equal(summaries.length, type === 'extension' ? 1 : 0);
      const given = new Set<bigint>();
      for (const record of records) {
        const line = lineOfRecord(record);
        const [entry, ...more] = entries.filter((candidate) => isLine(candidate.line, line));
        assert.ok(entry !== undefined && more.length === 0, `once: ${line.slice(0, 200)}`);
        let expected = statedNs(record);
        if (expected === undefined) {
          const receivedMs = Number(entry.timestampNs / 1_000_000n);
          assert.ok(receivedMs >= beforeMs && receivedMs <= Date.now(), `received: ${line}`);
          continue;
        }
        while (given.has(expected)) expected++;
        given.add(expected);
        assert.equal(entry.timestampNs, expected, line.slice(0, 200));
      }
    }
    assertUnharmed(bench.emulator);
    assert.equal(bench.loki.duplicates, 0);
  });

  test('tells to which request, level and event each record of the fixture belongs', async (t) => {
    const requestId = randomUUID();
    const bench = await createBench(t, { loki: anyTime });
    const arrived = await runFixture(bench, requestId);
    const metadataOf = (index: number) => {
      const line = lineOfRecord(fixture[index] ?? { type: '', record: '' });
      return arrived.find((entry) => isLine(entry.line, line))?.metadata ?? {};
    };
    const [first, second, third, fourth] = [
      '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa',
      'c2b6f0d4-6a1b-4f0b-8a53-1d7d2f7e9b10',
      'f7a4e9c1-2b7d-4e55-b1de-3c8f0a6d4e21',
      '6f7f0961f83442118a7af6fe80b88d56',
    ];
    const expected: readonly (readonly [number, string | undefined, string | undefined])[] = [
      [5, requestId, 'info'],
      [11, first, 'info'],
      [12, first, 'warn'],
      [13, first, 'debug'],
      [14, first, 'info'],
      [15, first, undefined],
      [24, first, undefined],
      [26, second, 'error'],
      [27, second, undefined],
      [29, second, undefined],
      [30, second, undefined],
      [34, third, undefined],
      [37, third, undefined],
      [40, fourth, undefined],
      [54, fourth, 'info'],
      [58, fourth, undefined],
    ];
    for (const [index, request, level] of expected) {
      const metadata = metadataOf(index);
      assert.equal(metadata['request_id'], request, `request of record ${index}`);
      // A traceback, a fault and a timeout may be given a level or not: that is not laid down.
      if (level !== undefined || index === 15 || index === 40)
        assert.equal(metadata['level'], level, `record ${index}`);
      const { type } = fixture[index] ?? { type: '' };
      assert.equal(metadata['event'], type.startsWith('platform') ? type : undefined, `event of record ${index}`);
    }
    const traced: { tracing: { value: string } } = fixture[24]?.record as never;
    assert.equal(metadataOf(24)['trace_id'], /Root=([^;]+)/.exec(traced.tracing.value)?.[1]);
    assertUnharmed(bench.emulator);
  });
});
