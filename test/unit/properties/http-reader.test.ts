// Any messages, however their bytes are cut: the same bodies come out.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createHttpReader } from '../../../src/lambda/http-reader.ts';
import { property } from '../../fakes/properties.ts';

const MAX_BODY_BYTES = 60;

function read(pieces: readonly Buffer[]): { bodies: (string | undefined)[]; failed: boolean } {
  const bodies: (string | undefined)[] = [];
  const reader = createHttpReader({
    reads: 'requests',
    maxBodyBytes: MAX_BODY_BYTES,
    onMessage: ({ body }) => bodies.push(body?.toString('latin1')),
  });
  try {
    for (const piece of pieces) reader.read(Buffer.from(new Uint8Array(piece).buffer));
    return { bodies, failed: false };
  } catch {
    return { bodies, failed: true };
  }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

const body = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const extension = fc.constantFrom('', ';x', ' ', ';name="value"');

const whole = body.map((text) => ({ text, wire: `Content-Length: ${text.length}\r\n\r\n${text}` }));
const chunked = fc
  .tuple(
    fc.array(
      fc.tuple(
        body.filter((text) => text !== ''),
        extension,
      ),
      { maxLength: 4 },
    ),
    fc.constantFrom('', 'A: b\r\n'),
  )
  .map(([chunks, trailer]) => ({
    text: chunks.map(([text]) => text).join(''),
    wire: `Transfer-Encoding: chunked\r\n\r\n${chunks
      .map(([text, behind]) => `${text.length.toString(16)}${behind}\r\n${text}\r\n`)
      .join('')}0\r\n${trailer}\r\n`,
  }));
const message = fc
  .tuple(fc.constantFrom('', '', '\r\n'), fc.oneof(whole, chunked))
  .map(([before, { text, wire }]) => ({ text, wire: `${before}POST /x HTTP/1.1\r\nHost: h\r\n${wire}` }));
const messages = fc.array(message, { maxLength: 4 });
const places = fc.array(fc.nat(), { maxLength: 12 });

property('messages come out as they went in, however they are cut', fc.tuple(messages, places), ([sent, at]) => {
  const bytes = Buffer.from(sent.map(({ wire }) => wire).join(''), 'latin1');
  const bodies = sent.map(({ text }) => (text.length > MAX_BODY_BYTES ? undefined : text));
  assert.deepEqual(read(cut(bytes, at)), { bodies, failed: false });
});

property(
  'with bytes changed or put in, what comes out does not depend on where it is cut',
  fc.tuple(
    messages,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'\r\n :;,0159afX\0\t-+')), { minLength: 1, maxLength: 3 }),
    places,
    fc.boolean(),
  ),
  ([sent, changes, at, isInsertion]) => {
    let text = sent.map(({ wire }) => wire).join('');
    for (const [place, character] of changes) {
      const index = place % (text.length + 1);
      text = text.slice(0, index) + character + text.slice(isInsertion ? index : index + 1);
    }
    const bytes = Buffer.from(text, 'latin1');
    assert.deepEqual(read(cut(bytes, at)), read([bytes]));
  },
  [
    [
      [{ text: 'abcd', wire: 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\n\n\r\n\r\n' }],
      [],
      [61],
      false,
    ],
  ],
);
