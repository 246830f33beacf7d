// Requests to a service of AWS over real sockets. Time is the fake clock's.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { UnreachableError } from '../../src/aws/fetch-secret.ts';
import { createSender } from '../../src/aws/http.ts';
import { openRoute } from '../../src/net/route.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { startHttpProxy } from '../fakes/http-proxy.ts';
import { answerOf, type RawRequest, startRawServer } from './raw-server.ts';

async function setUp(t: TestContext, handle: (request: RawRequest, index: number) => void) {
  const server = await startRawServer(t, handle);
  const clock = new FakeClock();
  const sender = createSender(() => ({}), clock);
  const url = `http://${server.address}/`;
  let made = 0;
  return {
    server,
    clock,
    sender,
    post: () => sender.send(() => ({ method: 'POST', url, headers: { a: `${++made}` }, body: '{}' })),
  };
}

async function wayOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UnreachableError);
  return error.way;
}

test('a request arrives whole, and so does the answer', async (t) => {
  const { server, clock, post } = await setUp(t, ({ socket }) => socket.write(answerOf(400, 'no\u00e4')));
  assert.deepEqual(await post(), { status: 400, text: 'no\u00e4', dateMs: undefined });
  assert.match(String(server.requests[0]?.head), /^POST \/ HTTP\/1\.1\r\n/);
  assert.equal(server.requests[0]?.body, '{}');
  assert.equal(clock.pendingTimers, 0);
});

test('a service that is silent is given up', async (t) => {
  const { server, clock, post } = await setUp(t, () => {});
  const way = wayOf(post());
  await server.came(1);
  await clock.advance(3_000);
  assert.deepEqual((await way).phase, 'answer');
  assert.equal(clock.pendingTimers, 0);
});

test('nobody listens', async () => {
  const sender = createSender(() => ({}), new FakeClock());
  const { phase } = await wayOf(
    sender.send(() => ({ method: 'GET', url: 'http://127.0.0.1:1/', headers: {}, body: undefined })),
  );
  assert.equal(phase, 'refused');
});

test('a request that a freeze has killed is made and sent once more', async (t) => {
  const { server, clock, sender, post } = await setUp(t, ({ socket }, index) => {
    if (index > 0) socket.write(answerOf(200, 'x'));
  });
  const answer = post();
  await server.came(1);
  sender.thawed();
  await clock.advance(1_000);
  assert.deepEqual(await answer, { status: 200, text: 'x', dateMs: undefined });
  assert.match(String(server.requests[1]?.head), /\r\na: 2\r\n/);
});

test('so is one that was refused after a freeze: its signature has expired', async (t) => {
  const { server, sender, post } = await setUp(t, ({ socket }, index) => {
    if (index === 0) sender.thawed();
    socket.write(answerOf(index === 0 ? 400 : 200, 'x', { Date: 'Mon, 05 Jan 2026 10:00:00 GMT' }));
  });
  assert.deepEqual(await post(), { status: 200, text: 'x', dateMs: Date.UTC(2026, 0, 5, 10) });
  assert.equal(server.requests.length, 2);
});

test('it goes through the proxy, but not to what the sandbox itself offers', async (t) => {
  const proxy = await startHttpProxy();
  t.after(() => proxy.close());
  const own = `http://127.0.0.1:${proxy.port}`;
  const { toAws } = openRoute({ proxy: { own }, tls: {} }, () => {});
  assert.equal(toAws(new URL('https://ssm.eu-central-1.amazonaws.com')).proxy?.port, proxy.port);
  for (const url of ['http://127.0.0.1:9001/credentials', 'http://169.254.170.2/x', 'http://localhost:4566']) {
    assert.equal(toAws(new URL(url)).proxy, undefined);
  }
});

test('what a freeze kills again and again is sent three times at most', async (t) => {
  const { server, clock, sender, post } = await setUp(t, () => {});
  const answer = wayOf(post());
  for (let count = 1; count <= 3; count++) {
    await server.came(count);
    sender.thawed();
    await clock.advance(1_000);
  }
  await answer;
  assert.equal(server.requests.length, 3);
});
