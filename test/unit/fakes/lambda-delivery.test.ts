// How the emulator delivers records: buffering, order, one request at a time, repetition, raw bodies, records by schema.

import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RecordDelivery } from '../../fakes/lambda/delivery.ts';
import {
  doneRecords,
  functionRecord,
  type LambdaRecord,
  reportRecords,
  startRecord,
} from '../../fakes/lambda/records.ts';
import type { Subscription } from '../../fakes/lambda/subscription.ts';

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A listener that answers the given statuses in turn, then 200; 0 destroys the connection. */
async function listener(t: TestContext, statuses: number[] = []) {
  const received: Received[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++open);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      received.push({ method: request.method, url: request.url, headers: request.headers, body });
      open--;
      const status = statuses.shift() ?? 200;
      if (status === 0) request.socket.destroy();
      else response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return { received, most: () => most, port: (server.address() as AddressInfo).port };
}

function deliveryTo(
  t: TestContext,
  port: number,
  change: Partial<Subscription> = {},
  onTaken?: (records: readonly LambdaRecord[]) => void,
): RecordDelivery {
  const limits = { maxItems: 1_000, maxBytes: 262_144, timeoutMs: 25 };
  const where = { port, path: '/records', method: 'POST' as const };
  const types = ['platform', 'function'];
  const subscription = { api: 'logs' as const, schemaVersion: '2021-03-18', types, ...limits, ...where, ...change };
  const delivery = new RecordDelivery(subscription, onTaken);
  t.after(() => delivery.stop());
  return delivery;
}

function lineOf(record: { record: unknown }): unknown {
  return record.record;
}

test('sends what came within the buffering time as one body, in order', async (t) => {
  const { received, port } = await listener(t);
  const delivery = deliveryTo(t, port);
  delivery.add([functionRecord('a')]);
  delivery.add([functionRecord('b'), functionRecord('c')]);
  assert.equal(await delivery.idle(), true);
  assert.equal(received.length, 1);
  assert.deepEqual(JSON.parse(received[0]?.body ?? '').map(lineOf), ['a\n', 'b\n', 'c\n']);
  assert.deepEqual([received[0]?.method, received[0]?.url], ['POST', '/records']);
  assert.equal(received[0]?.headers.host, `sandbox.localdomain:${port}`);
});

test('splits by count and by size, one request at a time', async (t) => {
  const { received, port, most } = await listener(t);
  const delivery = deliveryTo(t, port, { timeoutMs: 30_000 });
  delivery.add(Array.from({ length: 2_000 }, (_, index) => functionRecord(String(index))));
  delivery.add(Array.from({ length: 3 }, () => functionRecord('x'.repeat(131_072))));
  assert.equal(await delivery.idle(1), false, 'the last record waits for company');
  await delivery.raw('[]');
  const counts = received.map(({ body }) => JSON.parse(body).length);
  assert.deepEqual(counts, [1_000, 1_000, 2, 1, 0]);
  assert.equal(most(), 1);
});

test('repeats a body until it is taken, before any later one', async (t) => {
  const { received, port } = await listener(t, [500, 0, 404]);
  const delivery = deliveryTo(t, port);
  const [first, second] = await Promise.all([delivery.raw('["first"]'), delivery.raw('["second"]')]);
  assert.deepEqual(
    received.map(({ body }) => body),
    ['["first"]', '["first"]', '["first"]', '["first"]', '["second"]'],
  );
  assert.deepEqual(
    first?.attempts.map(({ outcome }) => outcome),
    [500, 'ECONNRESET', 404, 200],
  );
  assert.equal(second?.attempts.length, 1);
});

test('tells which records were taken: those of a body that is answered with 2xx, once', async (t) => {
  const { port } = await listener(t, [500, 200, 500]);
  const taken: LambdaRecord[] = [];
  const delivery = deliveryTo(t, port, { timeoutMs: 30_000, maxItems: 2 }, (records) => taken.push(...records));
  delivery.add(['a', 'b', 'c'].map(functionRecord));
  await delivery.raw('[]');
  assert.deepEqual(taken.map(lineOf), ['a\n', 'b\n', 'c\n']);
  delivery.add(['d', 'e'].map(functionRecord));
  delivery.stop();
  await delivery.idle();
  assert.deepEqual(taken.map(lineOf), ['a\n', 'b\n', 'c\n']);
});

test('sends a body in chunks or by PUT', async (t) => {
  const { received, port } = await listener(t);
  const delivery = deliveryTo(t, port);
  const long = JSON.stringify(['é'.repeat(50_000)]);
  await delivery.raw(long, { chunked: true });
  await delivery.raw('', { method: 'PUT' });
  assert.equal(received[0]?.body, long);
  assert.equal(received[0]?.headers['content-length'], undefined);
  assert.equal(received[1]?.method, 'PUT');
  assert.equal(received[1]?.body, '');
});

test('writes the records that each API has', () => {
  const facts = { requestId: 'r', outcome: 'crash' as const, durationMs: 1.5, memorySizeMb: 128, version: '1' };
  const subscription = {
    types: [],
    maxItems: 0,
    maxBytes: 0,
    timeoutMs: 0,
    port: 0,
    path: '/',
    method: 'POST' as const,
  };
  const logs = { ...subscription, api: 'logs' as const, schemaVersion: '2021-03-18' };
  const telemetry = { ...subscription, api: 'telemetry' as const, schemaVersion: '2022-12-13' };
  const types = (found: readonly { type: string }[]) => found.map(({ type }) => type);
  assert.deepEqual(types(doneRecords(facts, logs)), ['platform.fault', 'platform.runtimeDone']);
  assert.deepEqual(types(doneRecords(facts, { ...logs, schemaVersion: '2020-08-15' })), ['platform.fault']);
  assert.deepEqual(types(doneRecords(facts, telemetry)), ['platform.runtimeDone']);
  assert.deepEqual(types(reportRecords(facts, logs)), ['platform.end', 'platform.report']);
  assert.deepEqual(types(reportRecords(facts, telemetry)), ['platform.report']);
  const start = startRecord({ ...facts, tracing: { type: 'X-Amzn-Trace-Id', value: 'Root=1' } });
  assert.match(start.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(start.record, {
    requestId: 'r',
    version: '1',
    tracing: { spanId: '53995c3f42cd8ad8', type: 'X-Amzn-Trace-Id', value: 'Root=1' },
  });
});
