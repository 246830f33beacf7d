// What the fake Loki can be told to do: answers, delays, cut connections, a closed port.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FakeLoki, startFakeLoki } from '../../fakes/fake-loki.ts';
import { pushRequest, snappyLiterals } from './push-bytes.ts';

async function start(t: TestContext): Promise<FakeLoki> {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  return loki;
}

/** The status of the answer, or the code of the transport error. */
async function push(loki: FakeLoki, line: string, signal: AbortSignal | null = null): Promise<number | string> {
  const entries = [{ line, timestampNs: BigInt(Date.now()) * 1_000_000n, metadata: [] }];
  const body = snappyLiterals(pushRequest([{ labels: '{type="function"}', entries }]));
  try {
    const headers = { 'content-type': 'application/x-protobuf' };
    const response = await fetch(`${loki.url}/loki/api/v1/push`, { method: 'POST', body, headers, signal });
    await response.text();
    return response.status;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (cause instanceof AggregateError) return 'ECONNREFUSED';
    return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.name) : 'unknown';
  }
}

test('answers a list of statuses in turn, storing only what it accepts, then goes back to normal', async (t) => {
  const loki = await start(t);
  loki.script([{ status: 429 }, { status: 500, store: true }, { status: 260 }, {}]);
  const statuses = [];
  for (const line of ['a', 'b', 'c', 'd', 'e']) statuses.push(await push(loki, line));
  assert.deepEqual(statuses, [429, 500, 260, 204, 204]);
  assert.deepEqual(loki.lines('function'), ['b', 'd', 'e']);
  assert.deepEqual(
    loki.requests.map((request) => request.status),
    statuses,
  );
  assert.deepEqual(loki.lines('platform'), []);
});

test('asks a function at every push', async (t) => {
  const loki = await start(t);
  loki.script((request) => (request.index < 2 ? { status: 503, headers: { 'retry-after': '1' } } : undefined));
  assert.deepEqual([await push(loki, 'a'), await push(loki, 'b'), await push(loki, 'c')], [503, 503, 204]);
  loki.script([]);
  assert.equal(await push(loki, 'd'), 204);
});

test('cuts the connection before or after storing', async (t) => {
  const loki = await start(t);
  loki.script([{ reset: true }, { resetAfterStore: true }]);
  assert.match(String(await push(loki, 'lost')), /ECONNRESET|UND_ERR_SOCKET/);
  assert.match(String(await push(loki, 'stored')), /ECONNRESET|UND_ERR_SOCKET/);
  assert.deepEqual(loki.lines('function'), ['stored']);
  assert.deepEqual(
    loki.requests.map((request) => request.status),
    [undefined, undefined],
  );
});

test('stalls until the client gives up, and delays an answer whole or in parts', async (t) => {
  const loki = await start(t);
  loki.script([{ stall: true }, { delayMs: 20 }, { status: 500, bodyDelayMs: 20 }]);
  const patience = new AbortController();
  const stalled = push(loki, 'stalled', patience.signal);
  await loki.waitFor(() => loki.requests.length === 1);
  patience.abort();
  assert.match(String(await stalled), /AbortError|20/);
  assert.equal(loki.entries().length, 0);
  const delayed = push(loki, 'delayed');
  await loki.waitFor(() => loki.entries().length === 1);
  assert.equal(loki.requests[1]?.status, undefined, 'stored before it is answered');
  assert.equal(await delayed, 204);
  assert.equal(await push(loki, 'slow body'), 500);
});

test('refuses connections while its port is closed and comes back on the same port', async (t) => {
  const loki = await start(t);
  const { port } = loki;
  assert.equal(await push(loki, 'a'), 204);
  await loki.refuse();
  assert.equal(await push(loki, 'b'), 'ECONNREFUSED');
  await loki.listen();
  assert.equal(loki.port, port);
  assert.equal(await push(loki, 'c'), 204);
  assert.deepEqual(loki.lines('function'), ['a', 'c']);
});

test('numbers connections and cuts them on demand', async (t) => {
  const loki = await start(t);
  await push(loki, 'a');
  loki.destroyConnections();
  await push(loki, 'b');
  assert.ok((loki.requests[1]?.connection ?? 0) > (loki.requests[0]?.connection ?? 0));
  assert.ok(loki.connectionCount >= 2);
});

test('waits for a condition and says what it saw when it waits in vain', async (t) => {
  const loki = await start(t);
  const two = loki.waitFor(() => loki.entries().length === 2);
  await push(loki, 'a');
  await push(loki, 'b');
  await two;
  await assert.rejects(
    loki.waitFor(() => false, 1),
    /waited 1 ms in vain \(2 requests, 2 entries\)/,
  );
});
