import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type BodyConsumer, MAX_BODY_BYTES, openListener } from '../../src/lambda/listener.ts';
import { Conditions } from '../fakes/conditions.ts';

async function setUp(t: TestContext, onBody: BodyConsumer = () => {}) {
  const bodies: (Buffer | undefined)[] = [];
  const conditions = new Conditions();
  const listener = await openListener(0, (body, release) => {
    bodies.push(body);
    conditions.changed();
    onBody(body, release);
  });
  t.after(() => listener.close());
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const open = (options: RequestOptions = {}): ClientRequest =>
    httpRequest({ host: '127.0.0.1', port: listener.port, method: 'POST', path: '/', agent, ...options });
  return {
    listener,
    bodies,
    open,
    /** Resolves when that many bodies have been given to the consumer. */
    taken: (count: number) => conditions.until(() => bodies.length >= count, 10_000),
    async post(body: string | Buffer, options: RequestOptions = {}): Promise<number> {
      const request = open(options);
      request.end(body);
      return statusOf(request);
    },
  };
}

async function statusOf(request: ClientRequest): Promise<number> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

for (const method of ['POST', 'PUT']) {
  test(`${method} to any path is answered with 200, and the body handed on as it is`, async (t) => {
    const { bodies, post, taken } = await setUp(t);
    assert.equal(await post('[{"a":"ü"}]', { method, path: '/telemetry?x=1' }), 200);
    await taken(1);
    assert.equal(bodies[0]?.toString(), '[{"a":"ü"}]');
  });
}

test('a chunked body is put together', async (t) => {
  const { bodies, open, taken } = await setUp(t);
  const request = open();
  for (const part of ['[', '{"a":', '1}', ']']) {
    request.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  request.end();
  assert.equal(await statusOf(request), 200);
  await taken(1);
  assert.equal(bodies[0]?.toString(), '[{"a":1}]');
});

test('a body of 8 MiB is taken whole', async (t) => {
  const { bodies, post, taken } = await setUp(t);
  const body = Buffer.alloc(MAX_BODY_BYTES, 'abcdefgh');
  assert.equal(await post(body), 200);
  await taken(1);
  assert.ok(bodies[0]?.equals(body));
});

test('a larger body is answered with 200 all the same and counted, and the next one is read', async (t) => {
  const { bodies, post, taken } = await setUp(t);
  assert.equal(await post(Buffer.alloc(MAX_BODY_BYTES + 1, 'x')), 200);
  assert.equal(await post('[]'), 200);
  await taken(2);
  assert.equal(bodies[0], undefined);
  assert.equal(bodies[1]?.toString(), '[]');
});

test('an empty body is answered with 200', async (t) => {
  const { bodies, post, taken } = await setUp(t);
  assert.equal(await post(''), 200);
  await taken(1);
  assert.equal(bodies[0]?.length, 0);
});

test('a request that is given up hands on nothing and harms nobody', async (t) => {
  const { bodies, listener, post, taken } = await setUp(t);
  const socket = connect(listener.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly a part');
  await new Promise((resolve) => setImmediate(resolve));
  socket.resetAndDestroy();
  assert.equal(await post('after'), 200);
  await taken(1);
  assert.deepEqual(bodies.map(String), ['after']);
});

test('bytes that are no HTTP harm nobody', async (t) => {
  const { listener, post } = await setUp(t);
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('\x16\x03\x01 this is no HTTP\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  assert.equal(await post('after'), 200);
});

test('many bodies at once all arrive', async (t) => {
  const { bodies, post, taken } = await setUp(t);
  const statuses = await Promise.all(Array.from({ length: 50 }, (_, index) => post(`body ${index}`)));
  assert.ok(statuses.every((status) => status === 200));
  await taken(50);
  assert.equal(new Set(bodies.map(String)).size, 50);
});

test('bodies of one connection are handed on in order', async (t) => {
  const { bodies, post, taken } = await setUp(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  await Promise.all(Array.from({ length: 20 }, (_, index) => post(`${index}`, { agent })));
  await taken(20);
  assert.deepEqual(
    bodies.map(Number),
    Array.from({ length: 20 }, (_, index) => index),
  );
});

/** A client on a thread of its own: it posts one body, and sets the flag when the answer is there. */
const CLIENT = `
  const { workerData } = require('node:worker_threads');
  const socket = require('node:net').connect(workerData.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\n[]');
  socket.once('data', (answer) => {
    Atomics.store(workerData.flag, 0, answer.toString().startsWith('HTTP/1.1 200 ') ? 1 : 2);
    Atomics.notify(workerData.flag, 0);
    socket.destroy();
  });
`;

test('the answer has left before the consumer runs: however long it takes, the platform does not wait', async (t) => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { listener, taken } = await setUp(t, () => {
    // This thread stands still, and only what was written before can reach the client.
    Atomics.wait(flag, 0, 0, 10_000);
  });
  const client = new Worker(CLIENT, { eval: true, workerData: { port: listener.port, flag } });
  t.after(() => client.terminate());
  await taken(1);
  assert.equal(Atomics.load(flag, 0), 1);
});

test('a client that waits for 100-continue is told to go on', async (t) => {
  const { bodies, open, taken } = await setUp(t);
  const request = open({ headers: { Expect: '100-continue', 'Content-Length': '2' } });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('[]');
  assert.equal(await statusOf(request), 200);
  await taken(1);
  assert.equal(bodies[0]?.toString(), '[]');
});

test('a connection is kept for the next body', async (t) => {
  const { post } = await setUp(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const sockets = new Set<unknown>();
  for (let count = 0; count < 5; count++) {
    await post('[]', { agent });
    for (const list of Object.values(agent.freeSockets)) for (const socket of list ?? []) sockets.add(socket);
  }
  assert.equal(sockets.size, 1);
});

test('a port that is taken is an error that names it', async (t) => {
  const { listener } = await setUp(t);
  await assert.rejects(
    openListener(listener.port, () => {}),
    { code: 'EADDRINUSE' },
  );
});

test('port 0 gives a port that can be named', async (t) => {
  const { listener } = await setUp(t);
  assert.ok(listener.port > 0 && listener.port < 65_536);
});
