// Our executable under AWS's own Telemetry API, schema 2025-01-29: the emulator's mode for Lambda Managed Instances. Many
// invocations at once, no freeze, SHUTDOWN alone: every function line and platform event must reach Loki exactly once.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type FakeLoki, startFakeLoki } from '../fakes/fake-loki.ts';
import { type Rie, startRie } from './support/rie.ts';

const CONCURRENCY = 4;
const ARRIVAL_TIMEOUT_MS = 30_000;

async function start(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<{ rie: Rie; loki: FakeLoki }> {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const rie = await startRie(t, { concurrency: CONCURRENCY, env: { LOKI_PUSH_ENDPOINT: loki.url, ...env } });
  return { rie, loki };
}

/** Invokes `count` times, `CONCURRENCY` at once, two lines each; returns the lines and the request ids. */
async function traffic(rie: Rie, count: number, tag: string): Promise<{ lines: string[]; requestIds: string[] }> {
  const lines: string[] = [];
  const requestIds: string[] = [];
  const worker = async () => {
    while (requestIds.length < count) {
      const requestId = randomUUID();
      requestIds.push(requestId);
      const own = [`${tag} ${requestIds.length} started`, `${tag} ${requestIds.length} "quoted" \u00fc \u{1F600}`];
      lines.push(...own);
      const { status } = await rie.invoke({ lines: own, sleepMs: 5 }, requestId);
      assert.equal(status, 200, rie.output());
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { lines, requestIds };
}

function platformEvents(loki: FakeLoki): readonly { type: string; record: { requestId?: string } }[] {
  return loki.lines('platform').map((line) => JSON.parse(line));
}

function count<T>(items: readonly T[], wanted: (item: T) => boolean): number {
  return items.filter(wanted).length;
}

test('every function line and every platform event of concurrent invocations arrives exactly once', async (t) => {
  const { rie, loki } = await start(t);
  const { lines, requestIds } = await traffic(rie, 40, 'concurrent');
  // Without a freeze batches leave by age: all of it must come while the sandbox lives.
  await loki.waitFor((it) => it.lines('function').length >= lines.length, ARRIVAL_TIMEOUT_MS);
  await rie.stop();
  assert.deepEqual([...loki.lines('function')].sort(), [...lines].sort());
  const events = platformEvents(loki);
  for (const requestId of requestIds) {
    for (const type of ['platform.start', 'platform.report']) {
      assert.equal(
        count(events, (one) => one.type === type && one.record.requestId === requestId),
        1,
        type,
      );
    }
  }
  for (const type of ['platform.initStart', 'platform.initRuntimeDone', 'platform.initReport']) {
    assert.equal(
      count(events, (one) => one.type === type),
      1,
      type,
    );
  }
  assert.equal(loki.duplicates, 0);
  assert.deepEqual(rie.extensionExits(), [0]);
});

test('a platform event carries the request id of its record, a text line none', async (t) => {
  const { rie, loki } = await start(t);
  const { requestIds } = await traffic(rie, 8, 'ids');
  await rie.stop();
  for (const entry of loki.entries({ labels: { type: 'platform' } })) {
    const event = JSON.parse(entry.line);
    assert.equal(entry.metadata['event'], event.type);
    assert.equal(entry.metadata['request_id'], event.record.requestId);
  }
  for (const entry of loki.entries({ labels: { type: 'function' } })) {
    assert.equal(entry.metadata['request_id'], undefined);
  }
  const reports = loki.entries({ metadata: { event: 'platform.report' } });
  assert.deepEqual(reports.map((entry) => entry.metadata['request_id']).sort(), [...requestIds].sort());
});

test('what was printed just before SHUTDOWN arrives too', async (t) => {
  const { rie, loki } = await start(t, { LOKI_BATCH_MAX_WAIT_MS: '60000' });
  const { lines } = await traffic(rie, 12, 'last words');
  await rie.stop();
  assert.deepEqual([...loki.lines('function')].sort(), [...lines].sort());
  assert.deepEqual(rie.extensionExits(), [0]);
});

test('an outage of Loki in mid-traffic loses nothing', async (t) => {
  const { rie, loki } = await start(t);
  const before = await traffic(rie, 8, 'before');
  await loki.refuse();
  const during = await traffic(rie, 8, 'during');
  await loki.listen();
  const after = await traffic(rie, 8, 'after');
  const lines = [...before.lines, ...during.lines, ...after.lines];
  await loki.waitFor((it) => it.lines('function').length >= lines.length, ARRIVAL_TIMEOUT_MS);
  await rie.stop();
  assert.deepEqual([...loki.lines('function')].sort(), lines.sort());
  assert.equal(loki.duplicates, 0);
});

test('a line of 60,000 bytes arrives whole, and a failing handler harms nobody', async (t) => {
  const { rie, loki } = await start(t);
  const long = await rie.invoke({ bytes: 60_000 });
  assert.equal(long.status, 200);
  await rie.invoke({ lines: ['before the failure'], fail: 'no such order' });
  const { lines } = await traffic(rie, 4, 'after the failure');
  await rie.stop();
  const expected = [...lines, 'x'.repeat(60_000), 'before the failure'];
  assert.deepEqual([...loki.lines('function')].sort(), expected.sort());
});
