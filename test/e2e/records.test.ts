// What a record becomes in Loki: labels, structured metadata, parts of long lines; whose lines are taken and whose are not.
// The expectations are written out here, from the product's promise, and share no code with what they test.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import { lineOfBytes } from '../fakes/generate.ts';
import { lambdaRecord } from '../fakes/lambda/records.ts';
import { fixture } from '../fakes/records.ts';
import {
  assertDelivered,
  assertHealthy,
  assertSameLines,
  assertUnharmed,
  inOrder,
  ownMessages,
} from './support/expect.ts';

const types = ['function', 'platform', 'extension'] as const;
const instanceId = /^[0-9a-f-]{16,36}$/;

suite('records', { concurrency: 2 }, () => {
  test("gives each stream its labels, the user's own among them, and never a request id", async (t) => {
    const environment = {
      LOKI_LOG_TYPES: 'platform,function,extension',
      LOKI_LOG_LABELS: ' team = checkout ,stage=prod, query=a=b',
      LOKI_SERVICE_NAME: 'orders',
    };
    const bench = await createBench(t, { environment });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['one'], records: [{ type: 'extension', record: 'from a neighbour\n' }] });
    await bench.emulator.shutdown();
    const labels = {
      service_name: 'orders',
      account_id: '123456789012',
      function_name: 'orders-api',
      region: 'eu-central-1',
      source: 'lambda',
      team: 'checkout',
      stage: 'prod',
      query: 'a=b',
    };
    for (const type of types) {
      const entries = inOrder(bench.loki, type);
      assert.ok(entries.length > 0, type);
      for (const entry of entries) assert.deepEqual(entry.labels, { ...labels, type });
    }
    assertDelivered(bench, types);
    assertHealthy(bench);
  });

  test('names the alias under which the function was invoked', async (t) => {
    const bench = await createBench(t, {});
    const { emulator, loki } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['by alias'], alias: 'live' });
    await emulator.invoke({ lines: ['by version'], alias: '17' });
    await emulator.invoke({ lines: ['by name'] });
    await emulator.shutdown();
    const aliases = inOrder(loki, 'function').map(({ metadata }) => metadata['alias']);
    assert.deepEqual(aliases, ['live', undefined, undefined]);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('names request, trace, version and sandbox in structured metadata', async (t) => {
    const bench = await createBench(t, { function: { version: '17' } });
    const { emulator, loki } = bench;
    await emulator.start();
    const requests: string[] = [];
    for (const line of ['one', 'two']) {
      const tracing = `Root=1-6957b2de-0f3c2b1a4d5e6f7081920a${requests.length}b;Parent=53995c3f42cd8ad8;Sampled=1`;
      const { requestId } = await emulator.invoke({ lines: [line], tracing });
      requests.push(requestId);
    }
    await emulator.invoke({ lines: ['the last of this sandbox'], outcome: 'crash' });
    await emulator.invoke({ lines: ['of another sandbox'] });
    await emulator.shutdown();
    const [one, two, , other] = inOrder(loki, 'function').map((entry) => entry.metadata);
    assert.equal(one?.['request_id'], requests[0]);
    assert.equal(two?.['request_id'], requests[1]);
    assert.equal(one?.['trace_id'], '1-6957b2de-0f3c2b1a4d5e6f7081920a0b');
    assert.equal(two?.['trace_id'], '1-6957b2de-0f3c2b1a4d5e6f7081920a1b');
    assert.equal(one?.['function_version'], '17');
    assert.match(one?.['instance'] ?? '', instanceId);
    assert.equal(one?.['instance'], two?.['instance']);
    assert.match(other?.['instance'] ?? '', instanceId);
    assert.notEqual(one?.['instance'], other?.['instance'], 'a new sandbox has an id of its own');
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('gives each line that real loggers print the level and the request that a person would', async (t) => {
    const lines = fixture('log-lines.json') as readonly {
      readonly source: string;
      readonly record: unknown;
      readonly level: readonly (string | null)[];
      readonly requestId?: string;
    }[];
    const ids = [...new Set(lines.flatMap(({ requestId }) => requestId ?? []))];
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    // The sandbox knows the ids that the lines mention; the lines come in the invocation of the first.
    for (const requestId of ids.slice(1)) await emulator.invoke({ requestId });
    const [own = randomUUID()] = ids;
    const records = lines.map(({ record }) => ({ type: 'function', record }));
    await emulator.invoke({ requestId: own, records });
    await emulator.shutdown();
    assertDelivered(bench);
    const entries = inOrder(loki, 'function');
    assert.equal(entries.length, lines.length);
    for (const [index, { source, level, requestId }] of lines.entries()) {
      const { metadata } = entries[index] ?? assert.fail(source);
      assert.ok(level.includes(metadata['level'] ?? null), `${source}: ${metadata['level']}`);
      assert.equal(metadata['request_id'], requestId ?? own, source);
    }
  });

  test('gives every line of an invocation its id, whatever other ids and dashes the lines hold', async (t) => {
    const stranger = '7d4c8a52-0f3e-4c1a-9b7d-2f6f7a8b9c0d';
    const lines = [
      '2026-01-05 10:00:00,123 - app - INFO - hello',
      'INFO - msg',
      '{"requestId":"-"}',
      `{"request_id":"${stranger}","event":"request_started"}`,
      `{"requestContext":{"requestId":"${stranger}","stage":"prod"}}`,
      `ERROR ${stranger} not found`,
      'ERROR d41d8cd98f00b204e9800998ecf8427e checksum mismatch',
      '2026-01-05T10:00:00Z d41d8cd98f00b204e9800998ecf8427e.jpg uploaded',
      `RequestId: ${stranger} of DynamoDB`,
    ];
    for (const first of lines) {
      const bench = await createBench(t);
      await bench.emulator.start();
      const { requestId } = await bench.emulator.invoke({ lines: [first, ...lines] });
      await bench.emulator.shutdown();
      for (const { line, metadata } of inOrder(bench.loki, 'function')) {
        assert.equal(metadata['request_id'], requestId, `${line}, where ${first} comes first`);
      }
      await bench.emulator.stop();
    }
  });

  test('keeps equal lines of one millisecond apart, in the order in which they came', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    const time = new Date().toISOString();
    const lines = Array.from({ length: 500 }, (_, index) => (index % 5 === 0 ? `number ${index}` : 'the same'));
    const records = lines.map((line) => ({ time, type: 'function', record: `${line}\n` }));
    await bench.emulator.invoke({ records });
    assertDelivered(bench);
    assert.equal(bench.loki.lines('function').length, 500);
    assertHealthy(bench);
  });

  test('splits a line that is longer than Loki takes on a character boundary, and numbers the parts', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    const line = lineOfBytes(600_001);
    await bench.emulator.invoke({ lines: [line, 'after it'] });
    const entries = inOrder(bench.loki, 'function');
    assert.deepEqual(
      entries.map((entry) => entry.metadata['part']),
      ['1/3', '2/3', '3/3', undefined],
    );
    const parts = entries.slice(0, 3).map((entry) => entry.line);
    assertSameLines([parts.join('')], [line], 'the parts put together');
    for (const part of parts) assert.ok(Buffer.byteLength(part) <= 262_144);
    assertHealthy(bench);
  });

  test('takes the lines of other extensions, and never its own', async (t) => {
    const environment = {
      LOKI_LOG_TYPES: 'platform,function,extension',
      LOKI_EXTENSION_LOG_LEVEL: 'trace',
      LOKI_PUSH_TIMEOUT_MS: 'a number',
    };
    const bench = await createBench(t, { environment });
    const { emulator, loki } = bench;
    await emulator.start();
    loki.script([{ status: 400, body: 'error parsing labels' }]);
    for (let count = 0; count < 4; count++) {
      await emulator.invoke({ records: [{ type: 'extension', record: `neighbour ${count}\n` }] });
    }
    await emulator.shutdown();
    const printed = emulator.output.trimEnd().split('\n');
    assert.ok(printed.length >= 2, 'there are lines of its own that could come back');
    const delivered = emulator.emitted.filter(({ type }) => type === 'extension').map(({ record }) => String(record));
    for (const line of printed.slice(0, 2)) assert.ok(delivered.includes(`${line}\n`), `delivered: ${line}`);
    const stored = loki.entries().map((entry) => entry.line);
    for (const line of printed) assert.ok(!stored.includes(line), `came back: ${line}`);
    assert.ok(stored.includes('neighbour 3'));
    assertUnharmed(emulator);
  });

  test('sends only the types that were asked for, and still knows when an invocation ends', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_LOG_TYPES: 'function' } });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['one'] });
    assertDelivered(bench, ['function']);
    assert.deepEqual(bench.loki.lines('platform'), []);
    assertHealthy(bench);
  });

  test('sends no structured metadata when it is switched off', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_STRUCTURED_METADATA: 'false' } });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['one', 'two'] });
    assertDelivered(bench);
    for (const entry of bench.loki.entries()) assert.deepEqual(entry.metadata, {});
    assertHealthy(bench);
  });

  test('reports what the platform itself has dropped', async (t) => {
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    const record = { reason: 'the consumer has fallen behind', droppedRecords: 321, droppedBytes: 54_321 };
    emulator.emit([lambdaRecord('platform.logsDropped', record)]);
    await emulator.invoke({ lines: ['one'] });
    await emulator.invoke({ lines: ['two'] });
    const [summary, ...more] = loki.lines('extension');
    assert.equal(more.length, 0);
    const { platformRecords, platformBytes }: Record<string, unknown> = JSON.parse(summary ?? '{}');
    assert.deepEqual({ platformRecords, platformBytes }, { platformRecords: 321, platformBytes: 54_321 });
    assert.deepEqual(
      ownMessages(emulator).map(({ level }) => level),
      ['warn'],
    );
    assertDelivered(bench);
    assertUnharmed(emulator);
  });
});
