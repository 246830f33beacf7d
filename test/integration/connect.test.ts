// One connection, phase by phase: names from a name server that the test plays, real sockets, and no time but the fake clock's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { createPushClient } from '../../src/loki/push-client.ts';
import { ConnectError, createConnector } from '../../src/net/connect.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { pushBody } from './push-body.ts';
import { answerOf, startRawServer } from './raw-server.ts';

async function listen(t: TestContext, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  t.after(() => server.close());
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function failureOf(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError);
  return error;
}

test('a name that is not there', async () => {
  const connect = createConnector('http://loki.invalid:3100', new FakeClock());
  const { phase } = await failureOf(connect().socket);
  // Some machines have no name server that could say so.
  assert.ok(phase === 'name_not_found' || phase === 'name_server_silent');
});

test('a name server that is silent: known as such while it lasts, and it can be called off', async () => {
  const connect = createConnector('http://loki.example.com', new FakeClock(), { ask: () => new Promise(() => {}) });
  const connecting = connect();
  assert.equal(connecting.step(), 'name');
  const { phase, code, message } = connecting.trouble(5_000);
  assert.deepEqual([phase, code], ['name_server_silent', 'ETIMEDOUT']);
  assert.match(message, /within 5000 ms/);
  connecting.cancel();
});

test('a name that comes after it was called off is not connected to', async (t) => {
  let connections = 0;
  const port = await listen(
    t,
    createServer(() => connections++),
  );
  const found = Promise.withResolvers<string[]>();
  const connecting = createConnector(`http://loki.example.com:${port}`, new FakeClock(), {
    ask: () => found.promise,
  })();
  connecting.cancel();
  found.resolve(['127.0.0.1']);
  assert.equal((await failureOf(connecting.socket)).code, 'ECANCELED');
  assert.equal(connections, 0);
});

test('nobody listens', async (t) => {
  const port = await listen(t, createServer());
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const free = (closed.address() as AddressInfo).port;
  await new Promise((done) => closed.close(done));
  assert.notEqual(port, free);
  const error = await failureOf(createConnector(`http://127.0.0.1:${free}`, new FakeClock())().socket);
  assert.deepEqual([error.phase, error.code, error.address], ['refused', 'ECONNREFUSED', '127.0.0.1']);
});

test('one address refuses, the next one takes the connection, and is the first one from then on', async (t) => {
  const port = await listen(t, createServer(), '127.0.0.3');
  const connect = createConnector(`http://loki.example.com:${port}`, new FakeClock(), {
    ask: async () => ['127.0.0.2', '127.0.0.3'],
  });
  assert.equal((await connect().socket).remoteAddress, '127.0.0.3');
  const again = connect();
  while (again.step() === 'name') await Promise.resolve();
  assert.equal(again.trouble(1).address, '127.0.0.3');
  await again.socket;
});

test('all addresses refuse: the last one is told', async () => {
  const connect = createConnector('http://loki.example.com:1', new FakeClock(), {
    ask: async () => ['127.0.0.2', '127.0.0.3'],
  });
  const { phase, address } = await failureOf(connect().socket);
  assert.deepEqual([phase, address], ['refused', '127.0.0.3']);
});

test('an address without a route is passed over', async (t) => {
  const port = await listen(t, createServer());
  const connect = createConnector(`http://loki.example.com:${port}`, new FakeClock(), {
    ask: async () => ['255.255.255.255', '127.0.0.1'],
  });
  assert.equal((await connect().socket).remoteAddress, '127.0.0.1');
});

test('TLS that is not answered', async (t) => {
  const port = await listen(t, createServer());
  const clock = new FakeClock();
  const target = { url: `https://127.0.0.1:${port}`, authorization: undefined, tenantId: undefined, headers: {} };
  const client = createPushClient(target, 5_000, 'test', clock);
  const pushed = client.push(pushBody('x'));
  while (client.waitsFor() !== 'tls') await clock.settle();
  await clock.advance(5_000);
  const outcome = await pushed;
  assert.ok(outcome.kind === 'unreachable');
  assert.deepEqual([outcome.phase, outcome.code, outcome.address], ['tls', 'ETIMEDOUT', '127.0.0.1']);
  assert.equal(clock.pendingTimers, 0);
});

test('TLS that is refused, or that nobody speaks', async (t) => {
  const reset = await listen(
    t,
    createServer((socket) => socket.destroy()),
  );
  assert.equal((await failureOf(createConnector(`https://127.0.0.1:${reset}`, new FakeClock())().socket)).phase, 'tls');
  const plain = await startRawServer(t, () => {});
  const server = createServer((socket) => socket.once('data', () => socket.end(answerOf(400, 'plain'))));
  const port = await listen(t, server);
  const error = await failureOf(createConnector(`https://127.0.0.1:${port}`, new FakeClock())().socket);
  assert.equal(error.phase, 'tls');
  assert.match(error.code, /SSL|EPROTO/);
  plain.close();
});

test('a server that speaks HTTP/2 alone says so in TLS', async (t) => {
  const read = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const port = await listen(t, createTlsServer({ key: read('key'), cert: read('certificate'), ALPNProtocols: ['h2'] }));
  const error = await failureOf(createConnector(`https://localhost:${port}`, new FakeClock())().socket);
  assert.equal(error.phase, 'tls');
});

test('what a push waits for is known while it waits', async (t) => {
  const server = await startRawServer(t, () => {});
  const target = { url: `http://${server.address}`, authorization: undefined, tenantId: undefined, headers: {} };
  const client = createPushClient(target, 5_000, 'test', new FakeClock());
  assert.equal(client.waitsFor(), undefined);
  void client.push(pushBody('x'));
  await server.came(1);
  assert.equal(client.waitsFor(), 'answer');
});
