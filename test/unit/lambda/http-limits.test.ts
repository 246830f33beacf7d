// The reader of HTTP at the limits of what it takes, and what it keeps in memory meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Side } from '../../../src/lambda/http-head.ts';
import { createHttpReader, type HttpMessage } from '../../../src/lambda/http-reader.ts';

const POST = 'POST / HTTP/1.1\r\nHost: sandbox:1234\r\n';
const CHUNKS = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

function setUp({ reads = 'requests' as Side, maxBodyBytes = 1_000, isWanted = true } = {}) {
  const messages: HttpMessage[] = [];
  const reader = createHttpReader({
    reads,
    maxBodyBytes,
    onHead: () => isWanted,
    onMessage: (message) => messages.push(message),
  });
  return {
    reader,
    /** In memory of its own. @returns that memory */
    read(text: string) {
      const { buffer } = new Uint8Array(Buffer.from(text, 'latin1'));
      reader.read(Buffer.from(buffer));
      return buffer;
    },
    bodies: () => messages.map(({ body }) => body?.toString()),
    statuses: () => messages.map(({ status }) => status),
  };
}

test('a head may have 65536 bytes before its end has come', () => {
  const { read } = setUp();
  read(POST.padEnd(65_536, 'x'));
  assert.throws(() => read('x'));
});

test('the line with the size of a chunk may have 65536 characters beside the sign behind the size', () => {
  const { read } = setUp();
  read(`${CHUNKS}5;`);
  read('x'.repeat(65_535));
  assert.throws(() => read('x'));
});

for (const [size, bytes] of [
  ...[...'123456789'].map((digit) => [digit, Number(digit)] as const),
  ...[...'abcdef'].map((digit, index) => [digit, 10 + index] as const),
  ...[...'ABCDEF'].map((digit, index) => [digit, 10 + index] as const),
  ['1f', 31],
  ['00000010', 16],
  ['5;name=value', 5],
  ['5 ', 5],
  ['5\t; x', 5],
] as const) {
  test(`a chunk of size ${JSON.stringify(size)} has ${bytes} bytes`, () => {
    const { read, bodies } = setUp();
    const body = 'x'.repeat(bytes);
    // Twice, as what was read of one size is nothing to the next.
    read(`${CHUNKS}${size}\r\n${body}\r\n${size}\r\n${body}\r\n0\r\n\r\n`);
    assert.deepEqual(bodies(), [body + body]);
  });
}

for (const size of [...'/:@G`g', '1g', ' 5', '']) {
  test(`${JSON.stringify(size)} is not the size of a chunk`, () => {
    assert.throws(() => setUp().read(`${CHUNKS}${size}\r\n`));
  });
}

for (const [line, status] of [
  ['HTTP/1.1 200 OK', 200],
  ['HTTP/1.1 200 ', 200],
  ['HTTP/1.1 200', 200],
  ['HTTP/1.0 503 Slow Down', 503],
  ['HTTP/1.1 999 Odd', 999],
  ['HTTP/1.1 200OK', undefined],
  ['HTTP/1.1 20', undefined],
  ['HTTP/1.1 099 Low', undefined],
  ['HTTP/1.1 -99 Low', undefined],
  ['HTTP/1.1  20', undefined],
  ['HTTP/1.1 1e2', undefined],
  ['HTTP/1.2 200 OK', undefined],
  ['HTTP/2.0 200 OK', undefined],
  ['http/1.1 200 OK', undefined],
] as const) {
  test(`${JSON.stringify(line)} states ${status === undefined ? 'no status' : `the status ${status}`}`, () => {
    const { read, statuses } = setUp({ reads: 'responses' });
    const response = `${line}\r\nContent-Length: 0\r\n\r\n`;
    if (status === undefined) assert.throws(() => read(response));
    else {
      read(response);
      assert.deepEqual(statuses(), [status]);
    }
  });
}

test('what is interim ends below 200', () => {
  const { read, statuses } = setUp({ reads: 'responses' });
  for (const status of [100, 101, 199]) read(`HTTP/1.1 ${status} x\r\n\r\n`);
  read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual(statuses(), [200]);
});

test('a response of 204 or 304 has no body, whatever it states', () => {
  for (const status of [204, 304]) {
    for (const header of ['Transfer-Encoding: chunked', 'Content-Length: 9', 'X: y']) {
      const { read, statuses } = setUp({ reads: 'responses' });
      read(`HTTP/1.1 ${status} x\r\n${header}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
      assert.deepEqual(statuses(), [status, 200], `${status} ${header}`);
    }
  }
});

for (const [what, head] of [
  ['a tab before a length', `${POST}Content-Length:\t2\r\n\r\n[]`],
  ['blanks around a length', `${POST}Content-Length:  2 \t\r\n\r\n[]`],
  ['no blank before a length', `${POST}Content-Length:2\r\n\r\n[]`],
  ['chunks in any case', `${POST}TRANSFER-ENCODING: Chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n`],
  ['HTTP/1.0', 'POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]'],
] as const) {
  test(`a request with ${what} is read`, () => {
    const { read, bodies } = setUp();
    read(head);
    assert.deepEqual(bodies(), ['[]']);
  });
}

test('bytes of a body are held until it is complete or given up, and none of one that is not kept', () => {
  const half = `${POST}Content-Length: 10\r\n\r\nhello`;
  const complete = setUp();
  complete.read(half);
  assert.equal(complete.reader.heldBytes(), 5);
  complete.read('world');
  assert.equal(complete.reader.heldBytes(), 0);
  const givenUp = setUp();
  givenUp.read(half);
  givenUp.reader.giveUp();
  assert.equal(givenUp.reader.heldBytes(), 0);
  for (const options of [{ maxBodyBytes: 9 }, { isWanted: false }]) {
    const { read, reader, bodies } = setUp(options);
    read(half);
    assert.equal(reader.heldBytes(), 0);
    read('world');
    assert.deepEqual(bodies(), [undefined]);
  }
});

test('the end of a connection completes nothing but a response that states no length', () => {
  for (const [reads, text] of [
    ['responses', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['responses', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['responses', 'HTTP/1.1 200 OK\r\n'],
    ['responses', ''],
  ] as const) {
    const { read, reader, statuses } = setUp({ reads });
    if (text !== '') read(text);
    reader.end();
    assert.deepEqual(statuses(), [], text);
  }
});

test('an unwanted request without a body hands on none', () => {
  const { read, bodies } = setUp({ isWanted: false });
  read(`${POST}\r\n`);
  assert.deepEqual(bodies(), [undefined]);
});

test('the memory of pieces that a body is put together from is given back at once', () => {
  const { read, bodies } = setUp();
  read(`${POST}Content-Length: 10\r\n\r\n`);
  const pieces = [read('hello'), read('world')];
  assert.deepEqual(
    pieces.map(({ byteLength }) => byteLength),
    [0, 0],
  );
  assert.deepEqual(bodies(), ['helloworld']);
});

test('an empty line between responses is no part of HTTP', () => {
  assert.throws(() => setUp({ reads: 'responses' }).read('\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
});
