// What a proxy answers to CONNECT, read from a socket that a test plays.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { openTunnel, type TunnelError } from '../../../src/net/tunnel.ts';
import { version } from '../../../src/version.ts';

const PROXY = { host: 'proxy.corp', port: 3128, secure: false, authorization: undefined };

/** A tunnel that is asked for, and the proxy's end of the connection. */
function ask(host = 'loki.example.com', authorization?: string) {
  let asked = '';
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      asked += chunk;
      done();
    },
  });
  const opening = openTunnel(socket as unknown as Socket, host, 443, { ...PROXY, authorization });
  /** Undefined: it is open. */
  const outcome = opening.then(
    () => undefined,
    ({ code, message }: TunnelError) => [code, message] as const,
  );
  return { socket, outcome, asked: () => asked };
}

const EVENTS = ['readable', 'end', 'close'] as const;

test('the proxy is asked for host and port, with credentials if there are any', () => {
  const own = `User-Agent: aws-lambda-loki-extension/${version}`;
  for (const [host, target] of [
    ['loki.example.com', 'loki.example.com:443'],
    ['10.0.0.1', '10.0.0.1:443'],
    ['fd00::1', '[fd00::1]:443'],
  ] as const) {
    assert.equal(ask(host).asked(), `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${own}\r\n\r\n`);
  }
  assert.match(ask('loki', 'Basic eA==').asked(), /\r\nProxy-Authorization: Basic eA==\r\n\r\n$/);
});

for (const [what, answer, outcome] of [
  ['is open at any status of success', 'HTTP/1.1 201 Created\r\n\r\n', undefined],
  ['is open with headers, and in HTTP/1.0', 'HTTP/1.0 200 OK\r\nVia: x\r\n\r\n', undefined],
  ['is refused in the words of the proxy', 'HTTP/1.1 502 Bad\r\nA: b\r\n\r\n why \n', ['HTTP_502', 'why']],
  ['is not open where text follows: the proxy speaks itself', 'HTTP/1.1 200 OK\r\n\r\nhi', ['HTTP_200', 'hi']],
  ['is known not to be HTTP before the proxy has ended', 'SSH-2.0', ['NOT_HTTP', 'SSH-2.0']],
  ['is no HTTP without a status', 'HTTP/1.1 yes\r\n\r\n', ['NOT_HTTP', 'HTTP/1.1 yes']],
] as const) {
  test(`a tunnel ${what}`, async () => {
    const { socket, outcome: came } = ask();
    socket.push(answer);
    assert.deepEqual(await came, outcome);
    for (const event of EVENTS) assert.ok(socket.listenerCount(event) === 0, `nobody listens to ${event} any more`);
  });
}

test('an answer may come in pieces', async () => {
  const { socket, outcome } = ask();
  for (const piece of ['H', 'TTP/1.1 20', '0 OK\r\n\r', '\n']) {
    socket.push(piece);
    await new Promise(setImmediate);
  }
  assert.equal(await outcome, undefined);
});

test('of a head without an end 65536 characters are read, and of what a proxy says 2000 are told', async () => {
  const head = 'HTTP/1.1 200 OK\r\nX: ';
  const { socket, outcome } = ask();
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  socket.push(head.padEnd(65_535, 'x'));
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  socket.push('x');
  assert.deepEqual(await outcome, ['NOT_HTTP', head.padEnd(2_000, 'x')]);
});

for (const [what, end, outcome] of [
  ['at its end', (socket: Duplex) => socket.push(null), ['ECONNRESET', '']],
  ['when it is closed', (socket: Duplex) => socket.destroy(), ['ECONNRESET', '']],
  [
    'by an error, whose code is told',
    (socket: Duplex) => socket.destroy(Object.assign(new Error('secret'), { code: 'EPIPE' })),
    ['EPIPE', ''],
  ],
  ['by an error without a code', (socket: Duplex) => socket.destroy(new Error('secret')), ['ECONNRESET', '']],
] as const) {
  test(`a connection that is over before an answer is known ${what}`, async () => {
    const { socket, outcome: came } = ask();
    // The connection is somebody else's as well, who hears of its errors.
    socket.on('error', () => {});
    end(socket);
    assert.deepEqual(await came, outcome);
  });
}

test('a connection that ends in the middle of an answer tells what has come of it', async () => {
  const { socket, outcome } = ask();
  socket.push('HTTP/1.1 200 Conn');
  socket.push(null);
  assert.deepEqual(await outcome, ['NOT_HTTP', 'HTTP/1.1 200 Conn']);
});
