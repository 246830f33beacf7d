// The relay passes bytes on, and forgets or cuts connections when told to.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startFakeLoki } from '../../fakes/fake-loki.ts';
import { type Relay, startRelay } from '../../fakes/relay.ts';

async function start(t: TestContext): Promise<Relay> {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const relay = await startRelay(loki.port);
  t.after(() => relay.close());
  return relay;
}

async function open(t: TestContext, relay: Relay): Promise<Socket> {
  const socket = connect(relay.port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const ask = 'GET /ready HTTP/1.1\r\nhost: loki\r\n\r\n';

test('passes requests on to the fake Loki', async (t) => {
  const relay = await start(t);
  const socket = await open(t, relay);
  socket.write(ask);
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200/);
});

test('forgets connections without a sign, and serves new ones', async (t) => {
  const relay = await start(t);
  const old = await open(t, relay);
  old.write(ask);
  await once(old, 'data');
  const signs: string[] = [];
  for (const sign of ['data', 'end', 'close', 'error']) old.on(sign, () => signs.push(sign));
  relay.blackhole();
  await new Promise((resolve) => old.write(ask, resolve));
  const fresh = await fetch(`${relay.url}/ready`);
  assert.equal(fresh.status, 200);
  await fresh.text();
  assert.deepEqual(signs, []);
  assert.equal(relay.forgotten, 1);
});

test('cuts connections with a reset', async (t) => {
  const relay = await start(t);
  const socket = await open(t, relay);
  socket.write(ask);
  await once(socket, 'data');
  const failed = once(socket, 'error');
  relay.cut();
  assert.equal((await failed)[0].code, 'ECONNRESET');
});

test('passes on late what is sent, and not at all what is under way when the connection is cut', async (t) => {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const relay = await startRelay(loki.port, 50);
  t.after(() => relay.close());
  const push = () => fetch(`${relay.url}/loki/api/v1/push`, { method: 'POST', body: 'anything' });
  const startMs = performance.now();
  assert.equal((await push()).status, 400);
  assert.ok(performance.now() - startMs >= 49);
  const socket = await open(t, relay);
  await new Promise((resolve) => socket.write(ask, resolve));
  const failed = once(socket, 'error');
  relay.cut();
  assert.equal((await failed)[0].code, 'ECONNRESET');
  assert.equal(loki.requests.length, 1);
});
