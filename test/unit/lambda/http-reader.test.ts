import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsConnection, type Side } from '../../../src/lambda/http-head.ts';
import { createHttpReader, type HttpMessage } from '../../../src/lambda/http-reader.ts';
import { at } from '../../fakes/records.ts';

const POST = 'POST / HTTP/1.1\r\nHost: sandbox:1234\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, platform\r\n0\r\nA-Trailer: 1\r\n\r\n`;

function setUp(maxBodyBytes = 1_000, reads: Side = 'requests') {
  const heads: string[] = [];
  const messages: HttpMessage[] = [];
  const reader = createHttpReader({
    reads,
    maxBodyBytes,
    onHead: ({ startLine }) => heads.push(startLine) > 0,
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
  const piece = Buffer.from(new Uint8Array(Buffer.from('body')).buffer);
  const reader = createHttpReader({
    reads: 'requests',
    maxBodyBytes: 10,
    onMessage: (message) => messages.push(message),
  });
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
  const { bodies, read } = setUp(1_000, 'responses');
  read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
  assert.deepEqual(bodies(), ['OK']);
});

test('a response that states no length ends with the connection; one of 204 or 304 has no body', () => {
  const { bodies, read, end } = setUp(1_000, 'responses');
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

test('a body that comes in chunks of one byte is one body', () => {
  const { bodies, read } = setUp(10_000);
  read(`${POST}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(9_999)}0\r\n\r\n`);
  assert.deepEqual(bodies(), ['x'.repeat(9_999)]);
});

test('a small body does not keep a large piece in memory', () => {
  const { messages, read } = setUp(10_000);
  const chunked = `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  read(`${POST}Content-Length: 5\r\n\r\nfirst${chunked}${POST}Content-Length: 900\r\n\r\n${'x'.repeat(900)}`);
  assert.equal(messages.length, 3);
  for (const { body } of messages) assert.ok(body && body.buffer.byteLength <= 2 * body.length);
});

test('a blank line before a request is passed over, wherever it is cut', () => {
  const text = `\r\n\r\n${POST}Content-Length: 1\r\n\r\na\r\n${POST}Content-Length: 1\r\n\r\nb`;
  for (let cut = 1; cut < text.length; cut++) {
    const { bodies, read } = setUp();
    read(text.slice(0, cut), text.slice(cut));
    assert.deepEqual(bodies(), ['a', 'b'], `cut at ${cut}`);
  }
});

test('the same length said twice is one length', () => {
  const { bodies, read } = setUp();
  read(`${POST}Content-Length: 2\r\ncontent-length: 2\r\n\r\n[]`);
  assert.deepEqual(bodies(), ['[]']);
});

const CHUNKS = `${POST}Transfer-Encoding: chunked\r\n`;

for (const [name, text] of [
  ['TLS', '\x16\x03\x01\x02\x00\r\n\r\n'],
  ['an unknown version', 'GET / HTTP/3.0\r\n\r\n'],
  ['the greeting of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a status line where a request should be', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]'],
  ['a request without a version', 'POST /\r\n\r\n'],
  ['a request without a path', 'POST HTTP/1.1\r\n\r\n'],
  ['a request with two blanks', 'POST  / HTTP/1.1\r\n\r\n'],
  ['a request with a blank in its path', 'POST /a b HTTP/1.1\r\n\r\n'],
  ['a request that begins with a blank', ' POST / HTTP/1.1\r\n\r\n'],
  ['a request with a tab', 'POST\t/\tHTTP/1.1\r\n\r\n'],
  ['a length beyond all numbers', `${POST}Content-Length: 1e400\r\n\r\n`],
  ['a length that is no number', `${POST}Content-Length: 1x\r\n\r\n`],
  ['a length in hexadecimal', `${POST}Content-Length: 0x5\r\n\r\n`],
  ['a length with a sign', `${POST}Content-Length: +5\r\n\r\n`],
  ['a negative length', `${POST}Content-Length: -1\r\n\r\n`],
  ['an empty length', `${POST}Content-Length:\r\n\r\n`],
  ['a length behind a vertical tab', `${POST}Content-Length: \v5\r\n\r\n`],
  ['a length behind a blank of another alphabet', `${POST}Content-Length: \xa05\r\n\r\n`],
  ['a list of lengths', `${POST}Content-Length: 5, 5\r\n\r\n`],
  ['two lengths that differ', `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
  ['a blank before a colon', `${POST}Content-Length : 5\r\n\r\nhello`],
  ['a header that goes on in the next line', `${POST}X: a\r\n Content-Length: 5\r\n\r\nhello`],
  ['a header without a colon', `${POST}Content-Length\r\n\r\n`],
  ['a header without a name', `${POST}: 5\r\n\r\n`],
  ['a line that ends without a carriage return', `${POST}X: a\nContent-Length: 5\r\n\r\nhello`],
  ['a head whose lines end without a carriage return', 'POST / HTTP/1.1\nContent-Length: 5\n\nhello'],
  ['a carriage return within a line', `${POST}X: a\rContent-Length: 5\r\n\r\nhello`],
  ['a zero byte', `${POST}Content-Length: 5\0\r\n\r\nhello`],
  ['chunks and a length', `${CHUNKS}Content-Length: 5\r\n\r\n`],
  ['a length and chunks', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['two encodings', `${CHUNKS}Transfer-Encoding: chunked\r\n\r\n`],
  ['an encoding that is not known', `${POST}Transfer-Encoding: xchunked\r\n\r\n`],
  ['an encoding behind another', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a chunk without a size', `${CHUNKS}\r\nhello\r\n`],
  ['an empty line for a size', `${CHUNKS}\r\n\r\n`],
  ['a chunk of a negative size', `${CHUNKS}\r\n-1\r\n`],
  ['a size of nine digits', `${CHUNKS}\r\n000000005\r\n`],
  ['a size with a prefix', `${CHUNKS}\r\n0x5\r\n`],
  ['a size with a line feed alone', `${CHUNKS}\r\n5\nhello\r\n`],
  ['a size with a line feed in what follows it', `${CHUNKS}\r\n5;x\nhello\r\n`],
  ['a chunk that is longer than its size', `${CHUNKS}\r\n5\r\nhello!\r\n0\r\n\r\n`],
  ['a chunk that ends without a carriage return', `${CHUNKS}\r\n5\r\nhello\n0\r\n\r\n`],
  ['a head without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`],
  ['what follows a size without an end', `${CHUNKS}\r\n5;${'x'.repeat(70_000)}`],
] as const) {
  test(`${name} is an error, wherever it is cut`, () => {
    assert.throws(() => setUp().read(Buffer.from(text, 'latin1')), Error);
    const cuts = text.length > 1_000 ? [9, 40_000] : Array.from({ length: text.length - 1 }, (_, index) => index + 1);
    for (const cut of cuts) {
      const bytes = Buffer.from(text, 'latin1');
      const { bodies, read } = setUp();
      assert.throws(() => read(bytes.subarray(0, cut), bytes.subarray(cut)), Error, `cut at ${cut}`);
      assert.deepEqual(bodies(), []);
    }
  });
}

for (const [name, text] of [
  ['a status that is no number', 'HTTP/1.1 OK\r\n\r\n'],
  ['a status with a point', 'HTTP/1.1 2e2 OK\r\n\r\n'.replace('2e2', '1.5')],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a request where a response should be', 'GET / HTTP/1.1\r\n\r\n'],
] as const) {
  test(`${name} is an error`, () => {
    assert.throws(() => setUp(1_000, 'responses').read(text), Error);
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
