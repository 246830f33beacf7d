import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { createRuntimeApi, isAddress } from '../../src/lambda/runtime-api.ts';
import { at } from '../fakes/records.ts';
import { answerOf, startRawServer } from './raw-server.ts';

const NEXT = {
  method: 'GET',
  path: '/2020-01-01/extension/event/next',
  headers: { 'Lambda-Extension-Identifier': 'id-1' },
} as const;

for (const [address, isOne] of [
  ['127.0.0.1:9001', true],
  ['[::1]:9001', true],
  ['localhost:1', true],
  ['localhost:65535', true],
  ['localhost:0', false],
  ['localhost:65536', false],
  ['localhost', false],
  [':9001', false],
  ['http://localhost:9001', false],
  ['a b:9001', false],
] as const) {
  test(`${address} is ${isOne ? 'an' : 'no'} address of the Runtime API`, () =>
    assert.equal(isAddress(address), isOne));
}

test('a request arrives as HTTP/1.1 with host, headers and body', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, '"OK"')));
  const api = createRuntimeApi(server.address);
  const response = await api.request({
    method: 'PUT',
    path: '/2020-08-15/logs',
    headers: { 'X-A': 'b' },
    body: '{"ü":1}',
  });
  assert.deepEqual([response.status, response.body], [200, '"OK"']);
  const { head, body } = at(server.requests, 0);
  assert.match(head, /^PUT \/2020-08-15\/logs HTTP\/1\.1\r\n/);
  assert.match(head, new RegExp(`^Host: ${server.address}$`, 'im'));
  assert.match(head, /^X-A: b$/im);
  assert.match(head, /^Content-Type: application\/json$/im);
  assert.equal(body, '{"ü":1}');
});

test('headers are read in any case, with any blanks around their values', async (t) => {
  const server = await startRawServer(t, ({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\nLAMBDA-Extension-IDENTIFIER:  id-1 \r\ncontent-LENGTH:2\r\n\r\n{}'),
  );
  const { headers } = await createRuntimeApi(server.address).request(NEXT);
  assert.equal(headers.get('lambda-extension-identifier'), 'id-1');
});

test('an answer may come byte by byte, in the middle of a character too', async (t) => {
  const text = JSON.stringify({ message: 'Käse 🧀' });
  const server = await startRawServer(t, ({ socket }) => {
    const bytes = Buffer.from(answerOf(200, text));
    let sent = 0;
    const sendNext = () => {
      if (sent < bytes.length) socket.write(bytes.subarray(sent, ++sent), () => setImmediate(sendNext));
    };
    sendNext();
  });
  assert.equal((await createRuntimeApi(server.address).request(NEXT)).body, text);
});

test('a chunked answer is put together, however it is cut', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nA;x=y\r\n"0123456"}\r\n0\r\n\r\n';
  const server = await startRawServer(t, ({ socket }, index) => {
    const bytes = Buffer.from(chunked);
    const cut = 1 + index * 7;
    socket.write(bytes.subarray(0, cut), () => setImmediate(() => socket.write(bytes.subarray(cut))));
  });
  const api = createRuntimeApi(server.address);
  for (let count = 0; count < 14; count++) assert.equal((await api.request(NEXT)).body, '{"a":"0123456"}');
  assert.equal(server.connections, 1);
});

test('interim answers are passed over', async (t) => {
  const server = await startRawServer(t, ({ socket }) =>
    socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answerOf(202, 'late')}`),
  );
  const response = await createRuntimeApi(server.address).request(NEXT);
  assert.deepEqual([response.status, response.body], [202, 'late']);
});

test('an answer without a body ends with its head', async (t) => {
  const server = await startRawServer(t, ({ socket }, index) =>
    socket.write(index === 0 ? 'HTTP/1.1 204 No Content\r\n\r\n' : answerOf(200, '')),
  );
  const api = createRuntimeApi(server.address);
  assert.equal((await api.request(NEXT)).status, 204);
  assert.equal((await api.request(NEXT)).body, '');
  assert.equal(server.connections, 1);
});

test('an answer without a length lasts until the connection ends', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nall there is'));
  const api = createRuntimeApi(server.address);
  assert.equal((await api.request(NEXT)).body, 'all there is');
  assert.equal((await api.request(NEXT)).body, 'all there is');
  assert.equal(server.connections, 2);
});

test('requests go over one connection', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, '{}')));
  const api = createRuntimeApi(server.address);
  for (let count = 0; count < 10; count++) await api.request(NEXT);
  assert.equal(server.connections, 1);
});

test('a connection that the server has closed between two requests is replaced', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, '{}')));
  const api = createRuntimeApi(server.address);
  await api.request(NEXT);
  const { socket } = at(server.requests, 0);
  const closed = once(socket, 'close');
  socket.end();
  await closed;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await api.request(NEXT)).status, 200);
  assert.equal(server.connections, 2);
});

test('a connection that the server ends with its answer is not used again', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.end(answerOf(200, '{}')));
  const api = createRuntimeApi(server.address);
  for (let count = 0; count < 5; count++) assert.equal((await api.request(NEXT)).status, 200);
});

test('Connection: close is obeyed', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, '{}', { Connection: 'Close' })));
  const api = createRuntimeApi(server.address);
  await api.request(NEXT);
  await api.request(NEXT);
  assert.equal(server.connections, 2);
});

test('a second request while one waits gets a connection of its own', async (t) => {
  const server = await startRawServer(t, ({ socket }, index) => {
    if (index > 0) socket.write(answerOf(200, 'second'));
  });
  const api = createRuntimeApi(server.address);
  const first = api.request(NEXT);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await api.request(NEXT)).body, 'second');
  at(server.requests, 0).socket.write(answerOf(200, 'first'));
  assert.equal((await first).body, 'first');
});

test('a connection that breaks before the answer is complete is an error, and the next request is not harmed', async (t) => {
  const server = await startRawServer(t, ({ socket }, index) => {
    if (index === 0) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
    else if (index === 1) socket.resetAndDestroy();
    else if (index === 2) socket.end();
    else socket.write(answerOf(200, '{}'));
  });
  const api = createRuntimeApi(server.address);
  for (let count = 0; count < 3; count++) await assert.rejects(api.request(NEXT));
  assert.equal((await api.request(NEXT)).status, 200);
});

test('a server that refuses is an error', async (t) => {
  const server = await startRawServer(t, () => {});
  server.close();
  await assert.rejects(createRuntimeApi(server.address).request(NEXT), { code: 'ECONNREFUSED' });
});

test('onSent runs before the answer is there', async (t) => {
  const order: string[] = [];
  const server = await startRawServer(t, ({ socket }) => {
    setTimeout(() => socket.write(answerOf(200, '{}')), 20);
  });
  await createRuntimeApi(server.address).request(NEXT, () => order.push('sent'));
  order.push('answered');
  assert.deepEqual(order, ['sent', 'answered']);
});

test('an answer of a MiB comes whole', async (t) => {
  const text = 'x'.repeat(1_048_576);
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, text)));
  assert.equal((await createRuntimeApi(server.address).request(NEXT)).body, text);
});

test('a request is sent again where its connection ended before any answer, and never once an answer has begun', async (t) => {
  for (const [end, requests] of [
    [(socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort'), 2],
    [(socket: Socket) => socket.end('HTTP'), 2],
    [(socket: Socket) => socket.write('no HTTP\r\n\r\n'), 2],
    [(socket: Socket) => socket.end(), 3],
  ] as const) {
    const server = await startRawServer(t, ({ socket }, index) => {
      if (index === 1) end(socket);
      else socket.write(answerOf(200, '{}'));
    });
    const api = createRuntimeApi(server.address);
    await api.request(NEXT);
    if (requests === 2) await assert.rejects(api.request(NEXT));
    else assert.equal((await api.request(NEXT)).status, 200);
    assert.equal(server.requests.length, requests);
  }
});

test('a body is as long as its bytes, and a request without one states no length', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.write(answerOf(200, '{}')));
  const api = createRuntimeApi(server.address);
  await api.request({ method: 'POST', path: '/x', body: '"\u00fc\u{1f9c0}"' });
  await api.request(NEXT);
  assert.match(at(server.requests, 0).head, /^Content-Length: 8$/im);
  assert.doesNotMatch(at(server.requests, 1).head, /^Content-/im);
});
