// Answers of every kind, byte for byte from a server that speaks HTTP by hand: when a push is over, and what came of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createPushClient } from '../../src/loki/push-client.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { at } from '../fakes/records.ts';
import { pushBody } from './push-body.ts';
import { answerOf, startRawServer } from './raw-server.ts';

const TIMEOUT_MS = 5_000;

/** A client, and a server that does this with each request. */
async function setUp(t: TestContext, answer: (socket: Socket, index: number) => void, headers = {}) {
  const server = await startRawServer(t, ({ socket }, index) => answer(socket, index));
  const clock = new FakeClock();
  const target = { url: `http://${server.address}/push`, authorization: undefined, tenantId: undefined, headers };
  return { server, clock, client: createPushClient(target, TIMEOUT_MS, 'test', clock) };
}

/** What a push comes to, with time passing only if it does not come to an end without. */
async function pushOnce({ server, clock, client }: Awaited<ReturnType<typeof setUp>>, passesMs = 0) {
  const startMs = clock.now();
  const pushed = client.push(pushBody('x'));
  await server.came(1);
  if (passesMs > 0) {
    for (let round = 0; round < 20; round++) await clock.settle();
    await clock.advance(passesMs);
  }
  return { outcome: await pushed, tookMs: clock.now() - startMs };
}

/** The server has closed the connection of its first request, which was kept: the next push makes a new one. */
async function assertReplaced({ server, client }: Awaited<ReturnType<typeof setUp>>) {
  const { socket } = at(server.requests, 0);
  if (!socket.closed) await once(socket, 'close');
  assert.equal((await client.push(pushBody('y'))).kind, 'accepted');
  assert.deepEqual(
    server.requests.map(({ connection }) => connection),
    [0, 1],
  );
}

const ENDLESS = 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';

test('acceptance is known as soon as the status is there, however long the body takes', async (t) => {
  for (const status of [201, 202, 204, 206, 207]) {
    const setting = await setUp(t, (socket) => socket.write(`HTTP/1.1 ${status} X\r\n${ENDLESS}`));
    const { outcome, tookMs } = await pushOnce(setting);
    assert.deepEqual([outcome.kind, tookMs], ['accepted', 0], String(status));
  }
});

test('of the text of an answer 16 KB are read, in however many pieces it comes', async (t) => {
  for (const [before, reason] of [
    [16_300, 'too_old'],
    [16_384, 'rejected'],
  ] as const) {
    // More than is read at once.
    const text = `${'x'.repeat(before)}${' entry too far behind '.repeat(20_000)}`;
    const setting = await setUp(t, (socket) => socket.write(answerOf(400, text)));
    const { outcome } = await pushOnce(setting);
    assert.equal(outcome.kind === 'rejected' && outcome.reason, reason, String(before));
  }
});

test('what is left of an answer delays no other push, and its connection is given up after a second', async (t) => {
  const setting = await setUp(t, (socket, index) =>
    socket.write(index === 0 ? `HTTP/1.1 202 X\r\n${ENDLESS}` : answerOf(202, 'done')),
  );
  assert.equal((await pushOnce(setting)).outcome.kind, 'accepted');
  assert.equal((await setting.client.push(pushBody('y'))).kind, 'accepted');
  assert.equal(setting.server.connections, 2);
  const closed = new Promise((resolve) => at(setting.server.requests, 0).socket.once('close', resolve));
  await setting.clock.advance(1_000);
  await closed;
  assert.equal(setting.clock.pendingTimers, 0);
});

test('200 is looked at: a web page is not Loki, by its type or by its first character, also when it never ends', async (t) => {
  const heads = ['Content-Type: text/html; charset=utf-8\r\n', ''];
  for (const head of heads) {
    for (const text of ['<!doctype html><title>Sign in</title>', '\n <html>']) {
      const chunk = `${text.length.toString(16)}\r\n${text}\r\n`;
      const answer = `HTTP/1.1 200 OK\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`;
      const { outcome } = await pushOnce(await setUp(t, (socket) => socket.write(answer)));
      assert.equal(outcome.kind, 'refused', answer);
    }
  }
});

test('200 with another text is accepted and odd; with none, or with one that does not come, it is accepted', async (t) => {
  const said = await pushOnce(await setUp(t, (socket) => socket.write(answerOf(200, 'OK'))));
  assert.deepEqual(said.outcome, { kind: 'accepted', status: 200, odd: 'text' });
  const silent = await pushOnce(await setUp(t, (socket) => socket.write(answerOf(200, ''))));
  assert.deepEqual(silent.outcome, { kind: 'accepted', status: 200 });
  const late = await setUp(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
  assert.deepEqual(await pushOnce(late, 1_000), { outcome: { kind: 'accepted', status: 200 }, tookMs: 1_000 });
});

test('a status below 200 is no answer: followed by one it is passed over, else nothing has answered', async (t) => {
  for (const interim of [102, 103]) {
    const head = `HTTP/1.1 ${interim} X\r\nLink: x\r\n\r\n`;
    const followed = await setUp(t, (socket) => socket.write(`${head}HTTP/1.1 204 No Content\r\n\r\n`));
    assert.equal((await pushOnce(followed)).outcome.kind, 'accepted');
    const reset = await setUp(t, (socket) => socket.write(head, () => setImmediate(() => socket.resetAndDestroy())));
    assert.equal((await pushOnce(reset)).outcome.kind, 'unanswered', `${interim}, then a reset`);
    const silent = await setUp(t, (socket) => socket.write(head));
    const { outcome, tookMs } = await pushOnce(silent, TIMEOUT_MS);
    assert.deepEqual([outcome.kind, tookMs], ['unanswered', TIMEOUT_MS], `${interim}, then silence`);
  }
});

test('a head of 60 KiB is read', async (t) => {
  const answer = answerOf(204, '', { 'X-Long': 'x'.repeat(60_000) });
  assert.equal((await pushOnce(await setUp(t, (socket) => socket.write(answer)))).outcome.kind, 'accepted');
});

test('what cannot be read is told from what cannot be reached, and is sent once, also on a kept connection', async (t) => {
  const answers: Readonly<Record<string, string>> = {
    'a head that is too long': answerOf(204, '', { 'X-Long': 'x'.repeat(80_000) }),
    'no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n',
    'an alert of TLS': '\x15\x03\x01\x00\x02\x02\x46',
    'frames of HTTP/2': '\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64',
    'an unasked 100': 'HTTP/1.1 100 Continue\r\n\r\n',
    'line feeds alone': 'HTTP/1.1 204 No Content\nDate: x\n\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  for (const [what, answer] of Object.entries(answers)) {
    const setting = await setUp(t, (socket, index) => socket.write(index === 0 ? answerOf(204, '') : answer));
    assert.equal((await pushOnce(setting)).outcome.kind, 'accepted');
    const outcome = await setting.client.push(pushBody('y'));
    assert.equal(outcome.kind, 'unreadable', what);
    assert.equal(setting.server.requests.length, 2, what);
    if (/alert|frames/.test(what)) assert.ok(outcome.kind === 'unreadable' && outcome.detail === answer, what);
  }
});

test('an answer that ends in the middle of its head is none, and is not asked for twice', async (t) => {
  const setting = await setUp(t, (socket, index) => {
    if (index === 0) socket.write(answerOf(204, ''));
    else socket.end('HTTP/1.1 20');
  });
  await pushOnce(setting);
  assert.equal((await setting.client.push(pushBody('y'))).kind, 'unanswered');
  assert.equal(setting.server.requests.length, 2);
});

test('the answer is asked for as it is, whatever headers the user adds', async (t) => {
  const setting = await setUp(t, (socket) => socket.write(answerOf(204, '')), { 'accept-encoding': 'gzip' });
  await pushOnce(setting);
  assert.match(at(setting.server.requests, 0).head, /^accept-encoding: identity$/im);
  assert.doesNotMatch(at(setting.server.requests, 0).head, /gzip/);
});

test("what a server says on an idle connection before it closes it is nobody's answer", async (t) => {
  for (const closes of [true, false]) {
    const setting = await setUp(t, (socket, index) => {
      socket.write(answerOf(204, ''));
      if (index > 0) return;
      setImmediate(() => {
        socket.write(
          answerOf(408, '<html><title>Your client has taken too long</title></html>', { Connection: 'close' }),
        );
        if (closes) socket.end();
      });
    });
    await pushOnce(setting);
    await assertReplaced(setting);
  }
});

test('a kept connection that was answered with 408 is closed', async (t) => {
  const setting = await setUp(t, (socket, index) => socket.write(answerOf(index === 1 ? 408 : 204, '')));
  await pushOnce(setting);
  assert.equal((await setting.client.push(pushBody('y'))).kind, 'accepted');
  const { socket } = at(setting.server.requests, 0);
  // undici would close it after 50 s.
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(20_000) });
});

test('a kept connection that the server closes while it is idle costs nothing but a new one', async (t) => {
  const setting = await setUp(t, (socket, index) => {
    socket.write(answerOf(204, ''));
    if (index === 0) socket.end();
  });
  await pushOnce(setting);
  await assertReplaced(setting);
});
