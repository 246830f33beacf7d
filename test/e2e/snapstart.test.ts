// Sandboxes that are initialised long before their first call, or never called: SnapStart, provisioned concurrency, an init that runs
// again. Before a snapshot is made nothing may be drawn, connected or sent: it would hold it for ever. Other inits push: see init.test.ts.
// https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, type BenchOptions, createBench } from '../fakes/extension.ts';
import type { FakeLoki } from '../fakes/fake-loki.ts';
import { generateLines, lineOfBytes } from '../fakes/generate.ts';
import { type LambdaRecord, lambdaRecord } from '../fakes/lambda/records.ts';
import type { StoredEntry } from '../fakes/loki/store.ts';
import { type Relay, startRelay } from '../fakes/relay.ts';
import { assertDelivered, assertHealthy, assertUnharmed, inOrder, reportedLosses } from './support/expect.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The executable after its init, on the Telemetry API, with batches that are due at once. */
async function createInitialised(
  t: TestContext,
  initializationType: string,
  options: BenchOptions = {},
): Promise<Bench> {
  const bench = await createBench(t, {
    ...options,
    function: { initializationType, version: '12', ...options.function },
    environment: { LOKI_EXTENSION_API: 'telemetry', LOKI_BATCH_MAX_WAIT_MS: '20', ...options.environment },
  });
  await bench.emulator.start();
  return bench;
}

/** What init records when a snapshot is made, some time ago. */
function initRecords(agoMs: number): readonly LambdaRecord[] {
  const epochMs = Date.now() - agoMs;
  const facts = { initializationType: 'snap-start', phase: 'init' };
  return [
    lambdaRecord('platform.initStart', { ...facts, functionName: 'orders-api', functionVersion: '12' }, epochMs),
    lambdaRecord('function', 'static code\n', epochMs + 1_200),
    lambdaRecord('function', { level: 'WARN', message: 'static code, as an object' }, epochMs + 1_200),
    lambdaRecord('platform.initRuntimeDone', { ...facts, status: 'success' }, epochMs + 3_650),
    lambdaRecord('platform.initReport', { ...facts, metrics: { durationMs: 3_655.02 } }, epochMs + 3_660),
  ];
}

function restoreRecords(): readonly LambdaRecord[] {
  const status = 'success';
  return [
    lambdaRecord('platform.restoreStart', { functionName: 'orders-api', functionVersion: '12' }),
    lambdaRecord('platform.restoreRuntimeDone', { status }),
    lambdaRecord('platform.restoreReport', { status, metrics: { durationMs: 188.31 } }),
  ];
}

/** The entries of records, in their order; each must be there once. */
function entriesOf(loki: FakeLoki, records: readonly LambdaRecord[]): readonly StoredEntry[] {
  return records.map((record) => {
    const { type, record: said } = record;
    const text = typeof said === 'string' ? said.slice(0, -1) : JSON.stringify(said);
    const line = type === 'function' ? text : JSON.stringify(record);
    const [entry, ...more] = loki.entries().filter((candidate) => candidate.line === line);
    assert.ok(entry !== undefined && more.length === 0, `once: ${line}`);
    return entry;
  });
}

const millisecondOf = ({ timestampNs }: StoredEntry) => Number(timestampNs / 1_000_000n);

/** All that init has logged is with the extension, and was due long ago. */
async function letInitPass({ emulator }: Bench): Promise<void> {
  assert.equal(await emulator.delivered(), true);
  await wait(400);
}

suite('snapstart', { concurrency: 3 }, () => {
  for (const initializationType of ['snap-start', 'provisioned-concurrency', 'on-demand']) {
    const isSnapshot = initializationType === 'snap-start';
    const what = isSnapshot
      ? 'connects to nobody before the first INVOKE, and draws its instance then'
      : 'draws an instance';
    test(`${what} (${initializationType})`, async (t) => {
      const instances: (string | undefined)[] = [];
      for (let sandbox = 0; sandbox < 2; sandbox++) {
        const bench = await createInitialised(t, initializationType);
        const { emulator, loki } = bench;
        emulator.log(generateLines(50));
        await letInitPass(bench);
        if (isSnapshot) assert.equal(loki.connectionCount, 0);
        await emulator.freeze();
        await emulator.invoke({ lines: ['first call'] });
        await emulator.invoke({ lines: ['second call'] });
        assert.equal((await emulator.shutdown()).exitCode, 0);
        assertDelivered(bench);
        assertHealthy(bench);
        const drawn = new Set(loki.entries().map(({ metadata }) => metadata['instance']));
        assert.equal(drawn.size, 1, 'what init logged carries it as well');
        instances.push(...drawn);
      }
      assert.ok(instances[0] !== undefined && instances[0] !== instances[1], instances.join(' '));
    });
  }

  for (const [megabytes, isKept] of [
    [3, true],
    [6, false],
  ] as const) {
    test(`holds all that init logs until the first INVOKE: ${megabytes} MB`, async (t) => {
      const bench = await createInitialised(t, 'snap-start', { function: { memorySizeMb: 1_024 } });
      const { emulator, loki } = bench;
      emulator.log(Array.from({ length: 10 * megabytes }, (_, index) => lineOfBytes(100_000, String(index % 10))));
      await letInitPass(bench);
      assert.equal(loki.connectionCount, 0, 'no connection before the first INVOKE');
      await emulator.freeze();
      await emulator.invoke({ lines: ['first call'] });
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertHealthy(bench);
      // More than 4 MiB are made into entries before there is an instance.
      const without = loki.entries().filter(({ metadata }) => metadata['instance'] === undefined);
      assert.equal(without.length === 0, isKept);
      assert.ok(!without.some(({ line }) => line === 'first call'));
    });
  }

  for (const initializationType of ['snap-start', 'provisioned-concurrency']) {
    test(`sends what init logged at a SHUTDOWN without any INVOKE (${initializationType})`, async (t) => {
      const bench = await createInitialised(t, initializationType);
      const { emulator, loki } = bench;
      emulator.log(generateLines(200));
      await letInitPass(bench);
      await emulator.freeze();
      if (initializationType === 'snap-start') assert.equal(loki.connectionCount, 0);
      const { exitCode, exitedBeforeDeadline } = await emulator.shutdown({ lateLines: ['at the very end'] });
      assert.equal(exitCode, 0);
      assert.equal(exitedBeforeDeadline, true);
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  for (const when of ['before the snapshot', 'after the restore'] as const) {
    /** Nine months later: the snapshot is restored, and its first call comes. */
    const restore = async (bench: Bench): Promise<readonly LambdaRecord[]> => {
      const { emulator } = bench;
      const old = initRecords(270 * dayMs);
      if (when === 'before the snapshot') emulator.emit(old);
      await letInitPass(bench);
      await emulator.freeze();
      await emulator.invoke({
        lines: ['first call'],
        records: when === 'after the restore' ? [...old, ...restoreRecords()] : restoreRecords(),
      });
      await emulator.invoke({ lines: ['second call'] });
      assert.equal((await emulator.shutdown()).exitCode, 0);
      return old;
    };

    test(`sends init records of nine months ago with their own time, delivered ${when}`, async (t) => {
      const anyAge = { maxAgeMs: undefined, maxBehindMs: undefined };
      const bench = await createInitialised(t, 'snap-start', { loki: { limits: anyAge } });
      const old = await restore(bench);
      for (const [index, entry] of entriesOf(bench.loki, old).entries()) {
        assert.equal(millisecondOf(entry), Date.parse(old[index]?.time ?? ''), entry.line);
        assert.equal(entry.metadata['original_time'], undefined);
      }
      assert.equal(bench.loki.requests.filter(({ status }) => status !== 204).length, 0);
      assertHealthy(bench);
    });

    test(`stamps them anew when Loki refuses them as too old, delivered ${when}`, async (t) => {
      const sinceMs = Date.now();
      const bench = await createInitialised(t, 'snap-start');
      const { loki, emulator } = bench;
      const old = await restore(bench);
      const entries = entriesOf(loki, old);
      for (const [index, entry] of entries.entries()) {
        const original = entry.metadata['original_time'] ?? '';
        assert.equal(new Date(original).toISOString(), old[index]?.time, entry.line);
        assert.ok(millisecondOf(entry) >= sinceMs && millisecondOf(entry) <= Date.now(), 'the moment of receipt');
        assert.notEqual(entry.metadata['instance'], undefined);
      }
      assert.equal(entries[2]?.metadata['level'], 'warn');
      const stamped = loki.entries().filter(({ metadata }) => metadata['original_time'] !== undefined);
      assert.equal(stamped.length, old.length, 'no other entry is stamped anew');
      const arrived = loki.lines('function').length + loki.lines('platform').length;
      assert.equal(arrived, emulator.emitted.length, 'nothing is lost');
      assert.deepEqual(reportedLosses(loki), {});
      const times = inOrder(loki, 'platform').map(({ timestampNs }) => timestampNs);
      assert.equal(new Set(times).size, times.length);
      assertHealthy(bench);
    });
  }

  test('stamps anew what is two hours behind a stream into which other sandboxes have written', async (t) => {
    const bench = await createInitialised(t, 'snap-start', { environment: { LOKI_FLUSH_STRATEGY: 'end' } });
    const { emulator, loki } = bench;
    await emulator.invoke({ lines: ['another sandbox'] });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    const old = initRecords(2 * hourMs);
    await emulator.start();
    await emulator.invoke({ lines: ['first call'], records: old });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    for (const [index, { metadata }] of entriesOf(loki, old).entries()) {
      assert.equal(new Date(metadata['original_time'] ?? '').toISOString(), old[index]?.time);
    }
    assert.deepEqual(reportedLosses(loki), {});
    assertHealthy(bench);
  });

  test('accounts for every old record when Loki refuses some of them and takes others', async (t) => {
    const bench = await createInitialised(t, 'snap-start');
    const { emulator, loki } = bench;
    // One body with both, in a stream that has nothing newer yet: Loki takes what is three days old.
    const old = [...initRecords(270 * dayMs), ...initRecords(3 * dayMs)];
    await emulator.invoke({ records: old });
    await emulator.invoke({ lines: ['second call'] });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    const arrived = loki.lines('function').length + loki.lines('platform').length;
    const { too_old: tooOld = 0, ...others } = reportedLosses(loki);
    assert.equal(arrived + tooOld, emulator.emitted.length, 'sent = stored + dropped');
    assert.deepEqual(others, {});
    entriesOf(loki, old.slice(5));
    assertUnharmed(emulator);
  });

  test('remakes its connections after a long freeze in which they were forgotten', async (t) => {
    let relay: Relay | undefined;
    const bench = await createInitialised(t, 'provisioned-concurrency', {
      endpoint: async (loki) => {
        relay = await startRelay(loki.port);
        t.after(() => relay?.close());
        return relay.url;
      },
    });
    const { emulator, loki } = bench;
    for (let count = 0; count < 3; count++) {
      const connections = loki.connectionCount;
      const { extensionTimedOut } = await emulator.invoke({ lines: generateLines(10, { seed: count }) });
      assert.equal(extensionTimedOut, false);
      assert.ok(loki.connectionCount > connections, 'a new connection');
      await emulator.freeze();
      relay?.blackhole();
      await wait(700);
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  for (const reason of ['timeout', 'failure']) {
    test(`delivers both runs of an init that ends with ${reason} and runs again`, async (t) => {
      const bench = await createInitialised(t, 'on-demand');
      const { emulator, loki } = bench;
      const init = (phase: string) => lambdaRecord('platform.initStart', { initializationType: 'on-demand', phase });
      emulator.emit([init('init')]);
      emulator.log(['static code, first run']);
      await letInitPass(bench);
      const { exitCode } = await emulator.shutdown({ reason });
      assert.equal(exitCode, 0);
      await emulator.start();
      emulator.emit([init('invoke')]);
      emulator.log(['static code, second run']);
      await emulator.invoke({ lines: ['first call'], reportDelivery: 'never' });
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertHealthy(bench);
      const instances = new Set(loki.entries().map(({ metadata }) => metadata['instance']));
      assert.equal(instances.size, 2, 'each process has its own');
    });
  }
});
