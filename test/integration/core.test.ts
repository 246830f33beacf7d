// The whole core in one process: pipeline and push client with the system's clock, against a fake Loki that enforces Loki's limits.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { createPushClient } from '../../src/loki/push-client.ts';
import { createLedger } from '../../src/losses.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { systemClock } from '../../src/time.ts';
import { recordingLog, TARGET } from '../fakes/doubles.ts';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { at, bodyOf, fixture, functionRecord, noise, testConfig } from '../fakes/records.ts';

async function setUp(t: TestContext, changes: Partial<Config> = {}, options: Parameters<typeof startFakeLoki>[0] = {}) {
  const loki = await startFakeLoki(options);
  t.after(() => loki.close());
  const config = testConfig({ pushTimeoutMs: 2_000, retryMinBackoffMs: 5, retryMaxBackoffMs: 20, ...changes });
  const target = { url: `${loki.url}/loki/api/v1/push`, authorization: undefined, tenantId: undefined, headers: {} };
  const ledger = createLedger();
  const log = recordingLog(systemClock);
  const pipeline = createPipeline({
    config,
    identity: { functionName: 'orders-api', functionVersion: '7', accountId: '123456789012', region: 'eu-central-1' },
    concurrent: false,
    client: createPushClient(target, config.pushTimeoutMs, 'test', systemClock),
    ledger,
    log,
    target: () => TARGET,
    mask: (text) => text,
    clock: systemClock,
    random: () => 0.5,
    drawInstanceId: () => '0123456789abcdef',
    isOwnLine: () => false,
    defer: setImmediate,
  });
  pipeline.begin();
  return {
    loki,
    ledger,
    log,
    pipeline,
    flush: () => pipeline.flush(Date.now() + 10_000),
    dropped: () => Object.values(ledger.totals().dropped).reduce((sum, count) => sum + count, 0),
  };
}

const lines = (count: number, text = 'line') =>
  Array.from({ length: count }, (_, index) => functionRecord(`${text} ${index}`, Date.now()));

test('lines arrive once, in order, with labels and metadata', async (t) => {
  const { loki, pipeline, flush } = await setUp(t);
  pipeline.receive(bodyOf(...lines(1_000)));
  await flush();
  assert.deepEqual(
    loki.lines('function'),
    lines(1_000).map(({ record }) => String(record).trimEnd()),
  );
  const { labels, metadata } = at(loki.entries(), 0);
  assert.deepEqual(labels, {
    account_id: '123456789012',
    function_name: 'orders-api',
    region: 'eu-central-1',
    service_name: 'orders-api',
    source: 'lambda',
    type: 'function',
  });
  assert.equal(metadata['instance'], '0123456789abcdef');
  assert.equal(metadata['function_version'], '7');
});

test('equal lines of one millisecond are all stored', async (t) => {
  const { loki, pipeline, flush } = await setUp(t);
  pipeline.receive(bodyOf(...Array.from({ length: 500 }, () => functionRecord('same', Date.now()))));
  await flush();
  assert.equal(loki.lines('function').length, 500);
  assert.equal(loki.duplicates, 0);
});

for (const [name, answer] of [
  ['429', { status: 429, body: 'slow down' }],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['a reset', { reset: true }],
  ['a redirect', { status: 301 }],
] as const) {
  test(`${name} costs no line and makes no duplicate`, async (t) => {
    const { loki, ledger, pipeline } = await setUp(t);
    loki.script([answer]);
    pipeline.receive(bodyOf(...lines(10)));
    pipeline.sendNow();
    await loki.waitFor(() => loki.lines('function').length === 10);
    assert.equal(loki.duplicates, 0);
    assert.equal(ledger.totals().received, 10);
  });
}

test('stored, then reset: what is sent again is the same byte for byte, so that Loki stores it once', async (t) => {
  const { loki, pipeline, flush, ledger } = await setUp(t);
  loki.script([{ resetAfterStore: true }, { status: 503, store: true }]);
  pipeline.receive(bodyOf(...lines(50)));
  await flush();
  assert.equal(loki.lines('function').length, 50);
  assert.equal(loki.duplicates, 100);
  assert.deepEqual(at(loki.requests, 1).wire, at(loki.requests, 0).wire);
  assert.equal(ledger.totals().accepted, 50);
});

test('a Loki with limits of its own: what it refuses is counted, what it takes is there', async (t) => {
  const { loki, ledger, pipeline, flush } = await setUp(t, {}, { limits: { maxLineBytes: 100 } });
  pipeline.receive(
    bodyOf(...lines(10), functionRecord('x'.repeat(101), Date.now()), functionRecord('y'.repeat(300), Date.now())),
  );
  await flush();
  assert.equal(loki.lines('function').length, 10);
  assert.equal(ledger.totals().accepted, 10);
  assert.equal(ledger.totals().dropped.line_too_long, 2);
});

test('a Loki without structured metadata gets every line without it', async (t) => {
  const { loki, log, pipeline, flush, ledger } = await setUp(t, {}, { limits: { allowStructuredMetadata: false } });
  pipeline.receive(bodyOf(...lines(5)));
  await flush();
  pipeline.receive(bodyOf(...lines(5, 'later')));
  await flush();
  assert.equal(loki.lines('function').length, 10);
  assert.equal(ledger.totals().accepted, 10);
  assert.equal(log.messages.length, 1);
});

test('requests stay under the limit of an ingester, however much comes', async (t) => {
  const { loki, pipeline, flush, dropped } = await setUp(t);
  for (let index = 0; index < 20; index++) pipeline.receive(bodyOf(...lines(20, 'x'.repeat(20_000))));
  await flush();
  assert.equal(loki.lines('function').length, 400);
  assert.ok(loki.requests.every(({ raw }) => raw !== undefined && raw.length <= 1_048_576));
  assert.equal(dropped(), 0);
});

test('an ingester that takes less gets smaller requests', async (t) => {
  const { loki, pipeline, flush } = await setUp(t, {}, { limits: { maxMessageBytes: 100_000 } });
  pipeline.receive(bodyOf(...lines(40, 'x'.repeat(20_000))));
  await flush();
  assert.equal(loki.lines('function').length, 40);
});

test('a line over 256 KiB arrives in numbered parts', async (t) => {
  const { loki, pipeline, flush } = await setUp(t);
  const line = 'Käse 🧀 '.repeat(60_000);
  pipeline.receive(bodyOf(functionRecord(line, Date.now())));
  await flush();
  assert.equal(loki.lines('function').join(''), line);
  const parts = loki.entries().map(({ metadata }) => metadata['part']);
  assert.deepEqual(
    parts,
    parts.map((_, index) => `${index + 1}/${parts.length}`),
  );
});

for (const name of ['logs-api-2021-03-18.json', 'telemetry-api-2022-12-13.json']) {
  test(`everything in ${name} arrives or is counted with a reason`, async (t) => {
    const nowMs = Date.UTC(2026, 0, 5, 10, 5);
    const { loki, ledger, pipeline, flush, dropped } = await setUp(
      t,
      { logTypes: ['platform', 'function', 'extension'] },
      { now: () => nowMs, limits: { maxAheadMs: undefined } },
    );
    const records = fixture(name) as unknown[];
    pipeline.receive(bodyOf(...records));
    await flush();
    const { received, accepted } = ledger.totals();
    assert.equal(received, records.length);
    assert.equal(accepted, loki.entries().length, 'what we count as accepted is what Loki has');
    assert.equal(received, accepted + dropped());
    assert.equal(loki.duplicates, 0);
  });
}

test('an hour-long freeze kills every connection, and the next lines arrive at the first attempt that counts', async (t) => {
  const { loki, log, pipeline, flush, ledger } = await setUp(t);
  pipeline.receive(bodyOf(...lines(3)));
  await flush();
  loki.destroyConnections();
  pipeline.resume();
  pipeline.receive(bodyOf(...lines(3, 'after')));
  await flush();
  assert.equal(ledger.totals().accepted, 6);
  assert.deepEqual(log.messages, []);
});

test('with Loki gone the buffer stays within its bound, and the books balance', async (t) => {
  const { loki, ledger, pipeline, dropped } = await setUp(t, { bufferMaxBytes: 262_144 });
  await loki.refuse();
  for (let index = 0; index < 100; index++) {
    pipeline.receive(bodyOf(functionRecord(noise(10_000, index), Date.now())));
  }
  await pipeline.flush(Date.now() + 50);
  assert.ok(ledger.totals().dropped.buffer_full > 0);
  assert.equal(ledger.totals().received, ledger.totals().accepted + dropped() + pipeline.heldEntries());
  await loki.listen();
  await pipeline.drain(Date.now() + 10_000);
  assert.equal(pipeline.heldEntries(), 0);
  assert.equal(loki.lines('function').length, ledger.totals().accepted);
});
