// The push client against real servers. Time is the fake clock's: a timeout strikes when a test says so.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Endpoint } from '../../src/config/endpoint.ts';
import { MAX_CONNECTIONS } from '../../src/loki/delivery.ts';
import { createPushClient } from '../../src/loki/push-client.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { type FakeLoki, startFakeLoki } from '../fakes/fake-loki.ts';
import { at } from '../fakes/records.ts';
import { pushBody } from './push-body.ts';
import { answerOf, startRawServer } from './raw-server.ts';

const TIMEOUT_MS = 5_000;

function clientFor(url: string, changes: Partial<Endpoint> = {}) {
  const clock = new FakeClock();
  const target = { url, authorization: undefined, tenantId: undefined, headers: {}, ...changes };
  return { clock, client: createPushClient(target, TIMEOUT_MS, 'aws-lambda-loki-extension/1.2.3', clock) };
}

async function setUp(
  t: TestContext,
  changes: Partial<Endpoint> = {},
  options: Parameters<typeof startFakeLoki>[0] = {},
) {
  const loki = await startFakeLoki({ limits: { maxAgeMs: undefined }, ...options });
  t.after(() => loki.close());
  return { loki, ...clientFor(`${loki.url}/loki/api/v1/push`, changes) };
}

/** Lets sockets work until the fake Loki has as many requests. No time passes on the fake clock. */
const requestsCame = (loki: FakeLoki, count: number) => loki.waitFor(({ requests }) => requests.length >= count);

test('a push arrives as Loki wants it, and says who sent it', async (t) => {
  const { loki, client } = await setUp(t);
  assert.deepEqual(await client.push(pushBody('hello')), { kind: 'accepted', status: 204 });
  const { method, headers, streams } = at(loki.requests, 0);
  assert.equal(method, 'POST');
  assert.equal(headers['content-type'], 'application/x-protobuf');
  assert.equal(headers['user-agent'], 'aws-lambda-loki-extension/1.2.3');
  assert.equal(headers['authorization'], undefined);
  assert.equal(headers['x-scope-orgid'], undefined);
  assert.ok([undefined, 'snappy'].includes(headers['content-encoding']));
  assert.equal(streams[0]?.entries[0]?.line, 'hello');
});

test("authorization, tenant and the user's own headers are sent", async (t) => {
  const basic = `Basic ${Buffer.from('42:glc_token').toString('base64')}`;
  const { loki, client } = await setUp(t, { authorization: basic, tenantId: 'team-a', headers: { 'x-own': 'yes' } });
  await client.push(pushBody('x'));
  const { headers } = at(loki.requests, 0);
  assert.deepEqual([headers['authorization'], headers['x-scope-orgid'], headers['x-own']], [basic, 'team-a', 'yes']);
});

test('wrong credentials are a wrong setting', async (t) => {
  const { client } = await setUp(t, { authorization: 'Bearer wrong' }, { auth: { bearerToken: 'right' } });
  assert.equal((await client.push(pushBody('x'))).kind, 'refused');
});

test('the query of the endpoint is kept', async (t) => {
  const { loki } = await setUp(t);
  const { client } = clientFor(`${loki.url}/loki/api/v1/push?via=gateway`);
  assert.equal((await client.push(pushBody('x'))).kind, 'accepted');
});

test('pushes one after another use one connection', async (t) => {
  const { loki, client } = await setUp(t);
  for (let count = 0; count < 10; count++) await client.push(pushBody(`${count}`));
  assert.equal(loki.connectionCount, 1);
});

test('pushes at once use a connection each, and those after them use these again', async (t) => {
  const { loki, client } = await setUp(t);
  for (let round = 0; round < 5; round++) {
    const bodies = Array.from({ length: MAX_CONNECTIONS }, (_, index) => pushBody(`${round} ${index}`));
    const outcomes = await Promise.all(bodies.map(client.push));
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
  }
  assert.ok(loki.connectionCount <= MAX_CONNECTIONS, `${loki.connectionCount} connections`);
});

test('of several kept connections the one that was used last is used, so that the others may grow old', async (t) => {
  const { loki, client, clock } = await setUp(t);
  await client.push(pushBody('first'));
  await Promise.all(['a', 'b', 'c'].map((line) => client.push(pushBody(line))));
  assert.equal(loki.connectionCount, 3);
  loki.requests.length = 0;
  for (const line of ['d', 'e', 'f', 'g']) {
    await clock.advance(1);
    await client.push(pushBody(line));
  }
  assert.equal(new Set(loki.requests.map(({ connection }) => connection)).size, 1);
});

test('a connection is kept for as long as it is in use now and then', async (t) => {
  const { loki, client, clock } = await setUp(t);
  for (let count = 0; count < 4; count++) {
    await client.push(pushBody('x'));
    await clock.advance(40_000);
  }
  assert.equal(loki.connectionCount, 1);
  await clock.advance(10_001);
  await client.push(pushBody('x'));
  assert.equal(loki.connectionCount, 2);
});

test('a connection that is given up while it is being made is closed', async (t) => {
  const ended = Promise.withResolvers<void>();
  const server = createServer((socket) =>
    socket
      .resume()
      .on('error', () => {})
      .on('close', ended.resolve),
  );
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { client, clock } = clientFor(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const pushed = client.push(pushBody('x'));
  await once(server, 'connection');
  await clock.advance(TIMEOUT_MS);
  const outcome = await pushed;
  assert.ok(outcome.kind === 'unreachable');
  await ended.promise;
});

test('redirects are not followed', async (t) => {
  const { loki, client } = await setUp(t);
  loki.script([{ status: 307, headers: { Location: `${loki.url}/elsewhere` } }]);
  assert.equal((await client.push(pushBody('x'))).kind, 'refused');
  assert.equal(loki.requests.length, 1);
});

test('a Loki that does not answer in time has failed, and the connection is not used again', async (t) => {
  const { loki, client, clock } = await setUp(t);
  loki.script([{ stall: true }]);
  const pushed = client.push(pushBody('x'));
  await requestsCame(loki, 1);
  await clock.advance(TIMEOUT_MS - 1);
  assert.equal(await Promise.race([pushed, Promise.resolve('waiting')]), 'waiting');
  await clock.advance(1);
  const outcome = await pushed;
  assert.ok(outcome.kind === 'unanswered');
  assert.equal((await client.push(pushBody('y'))).kind, 'accepted');
  assert.notEqual(at(loki.requests, 1).connection, at(loki.requests, 0).connection);
  assert.equal(clock.pendingTimers, 0);
});

test('where less time is given than Loki usually takes, four times of that is given', async (t) => {
  const server = await startRawServer(t, () => {});
  const { client, clock } = clientFor(`http://${server.address}/`);
  const first = client.push(pushBody('x'));
  await server.came(1);
  await clock.advance(200);
  at(server.requests, 0).socket.write(answerOf(204, ''));
  assert.equal((await first).kind, 'accepted');
  const second = client.push(pushBody('y'), 300);
  await server.came(2);
  await clock.advance(799);
  assert.equal(await Promise.race([second, 'waiting']), 'waiting');
  await clock.advance(1);
  assert.equal((await second).kind, 'unanswered');
});

test('nothing is waited for when no push is under way', async (t) => {
  const { loki, client } = await setUp(t);
  const pushed = client.push(pushBody('x'));
  await requestsCame(loki, 1);
  assert.equal(client.waitsFor(), 'answer');
  await pushed;
  assert.equal(client.waitsFor(), undefined);
});

test('an answer whose body never comes is judged by its status', async (t) => {
  const { loki, client, clock } = await setUp(t);
  loki.script([{ status: 400, body: 'x', bodyDelayMs: 600_000 }]);
  const pushed = client.push(pushBody('x'));
  await loki.waitFor(({ requests }) => requests[0]?.status === 400);
  for (let round = 0; round < 50; round++) await clock.settle();
  await clock.advance(1_000);
  assert.equal((await pushed).kind, 'rejected');
});

test('a long answer is cut, not kept whole', async (t) => {
  const { loki, client } = await setUp(t);
  loki.script([{ status: 400, body: 'x'.repeat(3_000_000) }]);
  const outcome = await client.push(pushBody('x'));
  assert.ok(outcome.kind === 'rejected' && outcome.detail.length < 2_100);
});

test("a certificate that nobody vouches for is refused, also when the function's environment switches the check off", async (t) => {
  const read = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  let requests = 0;
  const server = createTlsServer({ key: read('key'), cert: read('certificate') }, (_, response) => {
    requests++;
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  for (const setting of ['1', '0']) {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = setting;
    const { client } = clientFor(`https://localhost:${(server.address() as AddressInfo).port}/loki/api/v1/push`);
    const outcome = await client.push(pushBody('x'));
    assert.ok(outcome.kind === 'unreachable');
    assert.deepEqual([outcome.phase, outcome.code], ['tls', 'DEPTH_ZERO_SELF_SIGNED_CERT']);
  }
  assert.equal(requests, 0);
});

test('pushes that come together at the start share the first connection: a handshake takes longer than a round trip', async (t) => {
  const { loki, client } = await setUp(t);
  const outcomes = await Promise.all([client.push(pushBody('one')), client.push(pushBody('two'))]);
  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
  assert.equal(loki.connectionCount, 1);
});

test('a first answer that is slow in coming is not waited for: the second push gets a connection of its own', async (t) => {
  const { loki, clock, client } = await setUp(t);
  loki.script([{ stall: true }]);
  void client.push(pushBody('one'));
  const second = client.push(pushBody('two'));
  await requestsCame(loki, 1);
  await clock.advance(500);
  assert.equal((await second).kind, 'accepted');
  assert.equal(loki.connectionCount, 2);
});

test('a connection that Loki is going to close is not used again, however long it stays open', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(204, '', { Connection: 'close' })));
  const { client } = clientFor(`http://${server.address}/`);
  for (let count = 1; count <= 3; count++) {
    assert.equal((await client.push(pushBody('x'))).kind, 'accepted');
    assert.equal(server.connections, count);
  }
});
