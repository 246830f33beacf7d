// One connection, phase by phase: names from a name server that the test plays, real sockets, and no time but the fake clock's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { createPushClient } from '../../src/loki/push-client.ts';
import { ConnectError, createConnector } from '../../src/net/connect.ts';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';
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

test('each further address gets its turn 300 ms after the one before, and no timer is left', async (t) => {
  const port = await listen(t, createServer());
  const clock = new FakeClock();
  const connecting = createConnector(`http://loki.example.com:${port}`, clock, {
    ask: async () => ['127.0.0.1', '127.0.0.1'],
  })();
  while (connecting.step() === 'name') await Promise.resolve();
  // Nothing has come from any socket yet: that takes a turn of the event loop.
  assert.equal(clock.nextDueMs, START_MS + 300);
  await connecting.socket;
  assert.equal(clock.pendingTimers, 0);
  const alone = createConnector(`http://loki.example.com:${port}`, clock, { ask: async () => ['127.0.0.1'] })();
  while (alone.step() === 'name') await Promise.resolve();
  assert.equal(clock.pendingTimers, 0, 'there is nobody to give a turn to');
  await alone.socket;
});

test('where all addresses fail no timer is left, and nobody needs to hear of it', async () => {
  const clock = new FakeClock();
  const connecting = createConnector('http://loki.example.com:1', clock, {
    ask: async () => ['127.0.0.2', '127.0.0.3'],
  })();
  for (let turn = 0; turn < 5; turn++) await clock.settle();
  assert.equal(clock.pendingTimers, 0);
  assert.equal(connecting.step(), 'connection');
});

test('once it was called off no further address is tried', async (t) => {
  let connections = 0;
  const port = await listen(
    t,
    createServer(() => connections++),
    '127.0.0.3',
  );
  const connecting = createConnector(`http://loki.example.com:${port}`, new FakeClock(), {
    ask: async () => ['127.0.0.2', '127.0.0.3'],
  })();
  while (connecting.step() === 'name') await Promise.resolve();
  connecting.cancel();
  await failureOf(connecting.socket);
  await new FakeClock().settle();
  assert.equal(connections, 0);
});

test('without a port it is the one of the protocol', async () => {
  for (const [protocol, port] of [
    ['http', 80],
    ['https', 443],
  ] as const) {
    // An address of this machine that nothing is bound to, but for those who bind all.
    const connecting = createConnector(`${protocol}://loki.example.com`, new FakeClock(), {
      ask: async () => ['127.0.0.77'],
    })();
    const where = await connecting.socket.then(
      ({ remotePort }) => `:${remotePort}`,
      ({ message, phase }: ConnectError) => (phase === 'tls' ? `:${port}` : message),
    );
    assert.match(where, new RegExp(`:${port}$`));
  }
});

test('when it is called off the server sees the end of it, whatever it waited for', async (t) => {
  for (const protocol of ['http', 'https']) {
    const ended = Promise.withResolvers<void>();
    const port = await listen(
      t,
      createServer((socket) => socket.resume().once('close', ended.resolve)),
    );
    const connecting = createConnector(`${protocol}://127.0.0.1:${port}`, new FakeClock())();
    if (protocol === 'http') await connecting.socket;
    else while (connecting.step() !== 'tls') await new FakeClock().settle();
    connecting.cancel();
    await ended.promise;
    if (protocol === 'https') await assert.rejects(connecting.socket, /called off/);
  }
});

test('over TLS to the proxy the step is that, and trouble there is trouble with the proxy', async (t) => {
  const port = await listen(t, createServer());
  const proxy = { host: '127.0.0.1', port, secure: true, authorization: undefined };
  const connecting = createConnector('http://loki.example.com', new FakeClock(), { proxy })();
  while (connecting.step() !== 'tls') await new FakeClock().settle();
  const { phase, proxy: named } = connecting.trouble(10);
  assert.deepEqual([phase, named], ['tls', `127.0.0.1:${port}`]);
  connecting.cancel();
});

test('TLS names the host it wants, but no address, and takes up its last session', async (t) => {
  const read = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const seen: [servername: string | false | null, isReused: boolean][] = [];
  const server = createTlsServer(
    { key: read('key'), cert: read('certificate'), ALPNProtocols: ['http/1.1'] },
    (socket) =>
      seen.push([(socket as TLSSocket & { servername: string | false }).servername, socket.isSessionReused()]),
  );
  const port = await listen(t, server);
  const trust = { context: undefined, skipVerify: true };
  const ask = async () => ['127.0.0.1'];
  const connect = createConnector(`https://loki.example.com:${port}`, new FakeClock(), { trust, ask });
  const first = await connect().socket;
  // TLS 1.3 gives it after the handshake.
  await once(first, 'session');
  await connect().socket;
  await createConnector(`https://127.0.0.1:${port}`, new FakeClock(), { trust })().socket;
  while (seen.length < 3) await new FakeClock().settle();
  assert.deepEqual(seen, [
    ['loki.example.com', false],
    ['loki.example.com', true],
    [false, false],
  ]);
});

test('a handshake that fails in the first message is about versions or ciphers, not about a certificate of ours', async (t) => {
  const HANDSHAKE_FAILURE = Buffer.from([21, 3, 3, 0, 2, 2, 40]);
  const port = await listen(
    t,
    createServer((socket) => socket.once('data', () => socket.end(HANDSHAKE_FAILURE))),
  );
  const { phase, code } = await failureOf(createConnector(`https://127.0.0.1:${port}`, new FakeClock())().socket);
  assert.equal(phase, 'tls');
  assert.match(code, /HANDSHAKE_FAILURE/);
});
