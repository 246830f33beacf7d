// What the listener holds for those who connect has a bound, whoever they are: the platform's bodies come through.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_BODY_BYTES, openListener } from '../../src/lambda/listener.ts';
import { Conditions } from '../fakes/conditions.ts';

interface Taken {
  readonly body: Buffer | undefined;
  readonly release: () => void;
}

const WAIT_MS = 20_000;

async function setUp(t: TestContext, releasesAtOnce = true) {
  const taken: Taken[] = [];
  const conditions = new Conditions();
  const listener = await openListener(0, (body, release) => {
    taken.push({ body, release });
    if (releasesAtOnce) release();
    conditions.changed();
  });
  t.after(() => listener.close());
  return {
    listener,
    taken,
    texts: () => taken.map(({ body }) => body?.toString()),
    async until(condition: () => boolean) {
      assert.ok(await conditions.until(condition, WAIT_MS), String(condition));
    },
    open(options: { allowHalfOpen?: boolean } = {}) {
      const socket = connect({ ...options, port: listener.port, host: '127.0.0.1' });
      t.after(() => socket.destroy());
      const client = { socket, answers: '', isClosed: false };
      socket.on('error', () => {});
      socket.on('data', (answer) => {
        client.answers += answer.toString();
        conditions.changed();
      });
      socket.on('close', () => {
        client.isClosed = true;
        conditions.changed();
      });
      return client;
    },
  };
}

const post = (body: string, path = '/') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const statusesOf = ({ answers }: { answers: string }) =>
  [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code);

async function written(socket: Socket, bytes: Buffer | string): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain');
}

test('once a request for the path of the subscription has come, no other path is taken', async (t) => {
  const { listener, open, until, texts } = await setUp(t);
  assert.match(listener.path, /^\/[a-z\d]{8,}$/);
  const client = open();
  client.socket.write(post('an emulator heeds no path') + post('from the platform', listener.path));
  client.socket.write(
    post('from a stranger') + post('x'.repeat(100), `${listener.path}/`) + post('more', listener.path),
  );
  await until(() => statusesOf(client).length === 5);
  assert.deepEqual(statusesOf(client), ['200', '200', '404', '404', '200']);
  assert.deepEqual(texts(), ['an emulator heeds no path', 'from the platform', 'more']);
});

test('two listeners draw two paths', async (t) => {
  const [one, other] = [await setUp(t), await setUp(t)];
  assert.notEqual(one.listener.path, other.listener.path);
});

test('what is broken is answered with 400 behind the answers before it, and the connection is closed', async (t) => {
  for (const broken of [
    'HTTP/1.1 200 OK\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\nhello',
    '\x16\x03\x01\r\n\r\n',
  ]) {
    const { open, until, texts } = await setUp(t);
    const client = open();
    client.socket.write(post('first') + broken + post('hidden behind it'));
    await until(() => client.isClosed);
    assert.deepEqual(statusesOf(client), ['200', '400']);
    assert.deepEqual(texts(), ['first']);
  }
});

test('behind a request that ends the connection nothing is taken', async (t) => {
  const { open, until, texts } = await setUp(t);
  const client = open();
  client.socket.write(`POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast${post('too late')}`);
  await until(() => client.isClosed);
  assert.deepEqual(statusesOf(client), ['200']);
  assert.deepEqual(texts(), ['last']);
});

test('bodies that nobody reads are taken up to a bound, and the others when there is room again', async (t) => {
  const { open, until, taken } = await setUp(t, false);
  const client = open();
  const body = 'x'.repeat(1024 * 1024);
  const sent = (async () => {
    for (let count = 0; count < 40; count++) await written(client.socket, post(body));
  })();
  await until(() => taken.length >= 11);
  // Anything that is still on its way has come by now.
  const other = open();
  await once(other.socket, 'connect');
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken.length <= 13, `${taken.length} bodies of 1 MiB`);
  for (let released = 0; released < 40; released++) {
    await until(() => taken.length > released);
    taken[released]?.release();
  }
  await sent;
  await until(() => statusesOf(client).length === 40);
});

test('small bodies count with what they take beside their bytes', async (t) => {
  const { open, until, taken } = await setUp(t, false);
  const client = open();
  for (let count = 0; count < 40; count++) client.socket.write(post('[]').repeat(1_000));
  await until(() => taken.length >= 12_000);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken.length < 20_000, `${taken.length} bodies`);
});

test('connections with bodies that never end cannot keep those of others out', async (t) => {
  const { listener, open, until, texts } = await setUp(t);
  const strangers = Array.from({ length: 40 }, () => open());
  const half = Buffer.alloc(MAX_BODY_BYTES - 1024 * 1024, 'x');
  for (const { socket } of strangers) {
    socket.write(`POST / HTTP/1.1\r\nContent-Length: ${MAX_BODY_BYTES}\r\n\r\n`);
    socket.write(half);
  }
  await until(() => strangers.filter(({ isClosed }) => isClosed).length >= 38);
  const platform = open();
  await written(platform.socket, post('y'.repeat(MAX_BODY_BYTES), listener.path));
  await until(() => statusesOf(platform).length === 1);
  await written(platform.socket, post('and another', listener.path));
  await until(() => statusesOf(platform).length === 2);
  assert.equal(texts().at(-1), 'and another');
});

test('a stranger who never pauses cannot have the connection of the platform closed', async (t) => {
  const { listener, open, until, texts } = await setUp(t);
  const [platform, stranger] = [open(), open()];
  const part = MAX_BODY_BYTES / 2;
  // Begun before the path of the platform was known, else nothing of it would be held.
  stranger.socket.write(`POST / HTTP/1.1\r\nContent-Length: ${MAX_BODY_BYTES}\r\n\r\n`);
  await written(stranger.socket, Buffer.alloc(part - 1024, 'y'));
  platform.socket.write(`POST ${listener.path} HTTP/1.1\r\nContent-Length: ${part + 3}\r\n\r\n`);
  await written(platform.socket, Buffer.alloc(part, 'x'));
  stranger.socket.write(Buffer.alloc(part - 1024, 'y'));
  await until(() => stranger.isClosed);
  platform.socket.write('end');
  await until(() => statusesOf(platform).length === 1);
  assert.equal(texts().at(-1)?.length, part + 3);
});

test('so many connections may be open, and then the one that has been silent longest goes', async (t) => {
  const { open, until, listener } = await setUp(t);
  const clients: ReturnType<typeof open>[] = [];
  for (let count = 0; count < 40; count++) {
    const client = open();
    await once(client.socket, 'connect');
    client.socket.write(post(`${count}`, listener.path));
    await until(() => statusesOf(client).length === 1);
    clients.push(client);
    if (count !== 31) continue;
    const first = clients[0] as typeof client;
    first.socket.write(post('again', listener.path));
    await until(() => statusesOf(first).length === 2);
  }
  await until(() => clients.filter(({ isClosed }) => isClosed).length === 8);
  assert.ok(clients.slice(1, 9).every(({ isClosed }) => isClosed));
});

test('behind a request that ends the connection what is broken is not answered either', async (t) => {
  const { open, until, texts } = await setUp(t);
  const client = open();
  client.socket.write(`POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast\x16\x03\x01\r\n\r\n`);
  await until(() => client.isClosed);
  assert.deepEqual(statusesOf(client), ['200']);
  assert.deepEqual(texts(), ['last']);
});

test('it is reached at every address of the sandbox', async (t) => {
  const { listener, until, texts } = await setUp(t);
  const socket = connect(listener.port, '127.0.0.2');
  t.after(() => socket.destroy());
  socket.write(post('from elsewhere'));
  await until(() => texts().length === 1);
});

test('whoever waits for 100-continue is told to go on, however that is spelled', async (t) => {
  const { open, until, texts } = await setUp(t);
  const client = open();
  client.socket.write('POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n');
  await until(() => statusesOf(client).length === 1);
  client.socket.write('[]');
  await until(() => statusesOf(client).length === 2);
  assert.deepEqual(statusesOf(client), ['100', '200']);
  assert.deepEqual(texts(), ['[]']);
});

test('what a connection held is free for others once it is closed', async (t) => {
  const { open, until, taken } = await setUp(t, false);
  const stranger = open();
  stranger.socket.write(`POST / HTTP/1.1\r\nContent-Length: ${MAX_BODY_BYTES}\r\n\r\n`);
  await written(stranger.socket, Buffer.alloc(MAX_BODY_BYTES - 1024 * 1024, 'x'));
  // Only when the listener has read to its end does it close in turn. Destroyed here, the rest would still be under way.
  stranger.socket.end();
  await until(() => stranger.isClosed);
  const client = open();
  client.socket.write(post('[]'));
  await until(() => taken.length === 1);
  for (let count = 0; count < 10; count++) client.socket.write(post('x'.repeat(1024 * 1024)));
  await until(() => taken.length === 11);
});

test('nothing more is read from whoever does not take the answers, until they are taken', async (t) => {
  const { open, until, taken } = await setUp(t);
  const client = open();
  client.socket.pause();
  // Their answers are more than the sockets of both sides hold.
  const requests = 600_000;
  const some = post('').repeat(1_000);
  for (let count = 0; count < requests; count += 1_000) client.socket.write(some);
  let before = -1;
  while (taken.length > before) {
    before = taken.length;
    await sleep(200);
  }
  assert.ok(taken.length > 0 && taken.length < requests, `${taken.length} were read`);
  client.socket.resume();
  await until(() => taken.length === requests);
});

test('a connection on which something else than HTTP came is gone, also for whoever goes on sending', async (t) => {
  const { open, until } = await setUp(t);
  const client = open({ allowHalfOpen: true });
  client.socket.write('\x16\x03\x01\r\n\r\n');
  await until(() => statusesOf(client).length === 1);
  const sending = setInterval(() => client.socket.write('more'), 10);
  t.after(() => clearInterval(sending));
  await until(() => client.isClosed);
});
