// Requests to a service of AWS over real sockets. Time is the fake clock's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
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

test('an answer is waited for 3000 ms, and 1000 ms after a thaw, and it is told which', async (t) => {
  for (const [isThawed, attempts, limitMs] of [
    [false, 1, 3_000],
    [true, 3, 1_000],
  ] as const) {
    const { server, clock, sender, post } = await setUp(t, () => {});
    let isOver = false;
    const way = wayOf(post()).finally(() => {
      isOver = true;
    });
    for (let count = 1; count <= attempts; count++) {
      await server.came(count);
      if (isThawed) sender.thawed();
      await clock.advance(limitMs - 1);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([isOver, server.requests.length], [false, count]);
      await clock.advance(1);
    }
    assert.deepEqual(await way, { kind: 'unanswered', phase: 'answer', detail: `no answer within ${limitMs} ms` });
    assert.equal(clock.pendingTimers, 0);
  }
});

test('after a freeze an answer is believed below 400, and from there on it is asked for again', async (t) => {
  for (const [status, requests] of [
    [399, 1],
    [400, 2],
  ] as const) {
    const { server, sender, post } = await setUp(t, ({ socket }, index) => {
      if (index === 0) sender.thawed();
      socket.write(answerOf(index === 0 ? status : 200, 'x'));
    });
    assert.equal((await post()).status, requests === 1 ? status : 200);
    assert.equal(server.requests.length, requests);
  }
});

test('an answer has room for the longest secret, and what is longer than any does not fill the memory', async (t) => {
  const longest = '\\u00e4'.repeat(64 * 1024);
  const { post } = await setUp(t, ({ socket }, index) =>
    socket.write(answerOf(200, index === 0 ? longest : 'x'.repeat(2 * 1024 * 1024))),
  );
  assert.equal((await post()).text, longest);
  const { length } = (await post()).text;
  assert.ok(length >= 512 * 1024 && length <= 640 * 1024, `${length} characters`);
});

test('a connection serves one request, and is closed behind it, answered or not', async (t) => {
  const closed: Promise<unknown>[] = [];
  const { server, clock, post } = await setUp(t, ({ socket }, index) => {
    closed.push(once(socket, 'close'));
    if (index < 2) socket.write(answerOf(200, 'x'));
  });
  await post();
  await post();
  const way = wayOf(post());
  await server.came(3);
  await clock.advance(3_000);
  await way;
  await Promise.all(closed);
  assert.equal(server.connections, 3);
});

test('a connection that is cut in place of an answer is told by its error', async (t) => {
  const { post } = await setUp(t, ({ socket }) => socket.resetAndDestroy());
  assert.deepEqual(await wayOf(post()), { kind: 'unanswered', phase: 'answer', detail: 'ECONNRESET' });
});

test('through a proxy a service is asked with the credentials for the proxy, and without a body if there is none', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.end(answerOf(200, 'x')));
  const proxy = await startHttpProxy({ credentials: 'a:b', hosts: { 'ssm.invalid': server.port } });
  t.after(() => proxy.close());
  const { toAws } = openRoute({ proxy: { own: `http://a:b@127.0.0.1:${proxy.port}` }, tls: {} }, () => {});
  const url = 'http://ssm.invalid/x?y=z';
  const sender = createSender(toAws, new FakeClock());
  const answer = await sender.send(() => ({ method: 'GET', url, headers: { a: '1' }, body: undefined }));
  assert.equal(answer.text, 'x');
  assert.deepEqual(proxy.asked, [`GET ${url} HTTP/1.1`]);
  assert.match(String(server.requests[0]?.head), /\r\na: 1\r\n/);
});

test('what cannot be reached is told with its address', async () => {
  const sender = createSender(() => ({}), new FakeClock());
  const url = 'http://127.0.0.1:1/';
  const way = await wayOf(sender.send(() => ({ method: 'GET', url, headers: {}, body: undefined })));
  assert.deepEqual(
    [way.kind, 'code' in way && way.code, 'address' in way && way.address],
    ['unreachable', 'ECONNREFUSED', '127.0.0.1'],
  );
});
