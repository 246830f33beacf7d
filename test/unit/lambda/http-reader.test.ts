import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpReader, type HttpMessage, keepsConnection } from '../../../src/lambda/http-reader.ts';
import { at } from '../../fakes/records.ts';

const POST = 'POST / HTTP/1.1\r\nHost: sandbox:1234\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, platform\r\n0\r\nA-Trailer: 1\r\n\r\n`;

function setUp(maxBodyBytes = 1_000) {
  const heads: string[] = [];
  const messages: HttpMessage[] = [];
  const reader = createHttpReader({
    maxBodyBytes,
    onHead: ({ startLine }) => heads.push(startLine),
    onMessage: (message) => messages.push(message),
  });
  return {
    heads,
    messages,
    end: reader.end,
    /** Each in memory of its own, which the reader may take. */
    read(...pieces: (string | Buffer)[]) {
      for (const piece of pieces) reader.read(Buffer.from(new Uint8Array(Buffer.from(piece)).buffer));
    },
    bodies: () => messages.map(({ body }) => body?.toString()),
  };
}

test('a message of known length is read to its end, and the next one begins there', () => {
  const { read, bodies, messages } = setUp();
  read(`${POST}Content-Length: 5\r\n\r\nfirst${POST}Content-Length: 6\r\n\r\nsecond`);
  assert.deepEqual(bodies(), ['first', 'second']);
  assert.equal(at(messages, 0).startLine, 'POST / HTTP/1.1');
  assert.equal(at(messages, 0).headers.get('host'), 'sandbox:1234');
});

for (const [name, text, expected] of [
  ['of known length', `${POST}Content-Length: 12\r\n\r\nfirst\r\n\r\nand`, ['first\r\n\r\nand']],
  ['in chunks', CHUNKED, ['hello, platform']],
  ['without a body', `${POST}\r\n${POST}\r\n`, ['', '']],
] as const) {
  test(`messages ${name} are the same wherever their bytes are cut`, () => {
    for (let cut = 1; cut < text.length; cut++) {
      const { read, bodies } = setUp();
      read(text.slice(0, cut), text.slice(cut));
      assert.deepEqual(bodies(), expected, `cut at ${cut}`);
    }
    const { read, bodies } = setUp();
    read(...text);
    assert.deepEqual(bodies(), expected);
  });
}

test('a body that comes in one piece is that piece, not copied', () => {
  const messages: HttpMessage[] = [];
  const piece = Buffer.from('body');
  const reader = createHttpReader({ maxBodyBytes: 10, onMessage: (message) => messages.push(message) });
  reader.read(Buffer.from(`${POST}Content-Length: 4\r\n\r\n`));
  reader.read(piece);
  assert.equal(at(messages, 0).body, piece);
});

test('the head is told before the body has come', () => {
  const { heads, bodies, read } = setUp();
  read(`${POST}Content-Length: 4\r\n\r\n`);
  assert.deepEqual(heads, ['POST / HTTP/1.1']);
  assert.deepEqual(bodies(), []);
});

test('interim responses are passed over', () => {
  const { bodies, read } = setUp();
  read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
  assert.deepEqual(bodies(), ['OK']);
});

test('a response that states no length ends with the connection; one of 204 or 304 has no body', () => {
  const { bodies, read, end } = setUp();
  read('HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n');
  read('HTTP/1.1 200 OK\r\n\r\nall', ' of it');
  assert.deepEqual(bodies(), ['', '']);
  end();
  assert.deepEqual(bodies(), ['', '', 'all of it']);
});

test('a connection that ends in the middle of a message completes none', () => {
  for (const text of [`${POST}Content-Length: 9\r\n\r\nonly`, CHUNKED.slice(0, -10), POST]) {
    const { bodies, read, end } = setUp();
    read(text);
    end();
    assert.deepEqual(bodies(), []);
  }
});

test('a body over the limit is not kept, and the next message is read', () => {
  const { bodies, read } = setUp(5);
  const chunked = `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n`;
  read(`${POST}Content-Length: 6\r\n\r\n`, 'abc', 'def', chunked, `${POST}Content-Length: 5\r\n\r\nright`);
  assert.deepEqual(bodies(), [undefined, undefined, 'right']);
});

test('a length that no memory could hold is no reason to ask for the memory', () => {
  const { bodies, read } = setUp();
  read(`${POST}Content-Length: 999999999999999\r\n\r\nabc`);
  assert.deepEqual(bodies(), []);
});

for (const [name, text] of [
  ['TLS', '\x16\x03\x01\x02\x00\r\n\r\n'],
  ['an unknown version', 'GET / HTTP/3.0\r\n\r\n'],
  ['a status that is no number', 'HTTP/1.1 OK\r\n\r\n'],
  ['a length beyond all numbers', `${POST}Content-Length: 1e400\r\n\r\n`],
  ['a length that is no number', `${POST}Content-Length: 1x\r\n\r\n`],
  ['a negative length', `${POST}Content-Length: -1\r\n\r\n`],
  ['a chunk without a size', `${POST}Transfer-Encoding: chunked\r\n\r\nhello\r\n`],
  ['a chunk of a negative size', `${POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n`],
  ['a head without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`],
] as const) {
  test(`${name} is an error`, () => {
    assert.throws(() => setUp().read(text), Error);
  });
}

test('a connection is kept unless one side says otherwise', () => {
  const keeps = (version: string, connection?: string) =>
    keepsConnection({
      startLine: `GET / HTTP/${version}`,
      status: undefined,
      headers: new Map(connection === undefined ? [] : [['connection', connection]]),
    });
  assert.deepEqual(
    [keeps('1.1'), keeps('1.1', 'Close'), keeps('1.0'), keeps('1.0', 'Keep-Alive')],
    [true, false, false, true],
  );
});
