import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import {
  ENTRY_OVERHEAD_BYTES,
  encodeLabels,
  encodeMetadata,
  entriesStart,
  entryBytes,
  finishRequest,
  joinRequest,
  splitRequest,
  withoutMetadata,
  writeEntry,
} from '../../../src/loki/encode.ts';
import { compress, decompress } from '../../../src/loki/snappy.ts';
import type { Instant } from '../../../src/time.ts';
import { decodePushRequest } from '../../fakes/loki/push-request.ts';
import { decodeSnappyBlock } from '../../fakes/loki/snappy.ts';
import { at, noise } from '../../fakes/records.ts';

const NEW_YEAR: Instant = { ms: Date.UTC(2026, 0, 1), nanos: 0 };

interface TestEntry {
  readonly instant?: Instant;
  readonly line: string;
  readonly metadata?: Buffer;
}

function requestOf(labels: string, entries: readonly TestEntry[]): Buffer {
  const encodedLabels = encodeLabels(labels);
  let end = entriesStart(encodedLabels);
  const target = Buffer.alloc(1_000_000, 0xaa);
  for (const { instant = NEW_YEAR, line, metadata = Buffer.alloc(0) } of entries) {
    const bytes = toByteString(line);
    const announced = entryBytes(instant, bytes, metadata);
    const entryEnd = writeEntry(target, end, instant, bytes, metadata);
    assert.equal(entryEnd - end, announced, 'an entry has as many bytes as was announced');
    assert.ok(announced <= bytes.length + metadata.length + ENTRY_OVERHEAD_BYTES);
    end = entryEnd;
  }
  return Buffer.from(finishRequest(target, encodedLabels, end));
}

function decoded(request: Uint8Array) {
  const streams = decodePushRequest(request);
  assert.ok(!('problem' in streams), 'it can be decoded');
  assert.equal(streams.length, 1);
  return at(streams, 0);
}

test('one entry with structured metadata is encoded as Loki documents it', () => {
  const request = requestOf('{service_name="checkout"}', [
    {
      instant: { ms: NEW_YEAR.ms + 123, nanos: 0 },
      line: 'hello',
      metadata: encodeMetadata({ request_id: 'r-1' }),
    },
  ]);
  assert.equal(
    request.toString('hex'),
    '0a440a197b736572766963655f6e616d653d22636865636b6f7574227d12270a0b0880f2d6ca0610c0a9d33a' +
      '120568656c6c6f1a110a0a726571756573745f69641203722d31',
  );
});

test('a line without structured metadata has no field for it', () => {
  const request = requestOf('{service_name="checkout"}', [
    { instant: { ms: NEW_YEAR.ms + 123, nanos: 0 }, line: 'a'.repeat(40) },
  ]);
  assert.equal(
    request.toString('hex'),
    '0a540a197b736572766963655f6e616d653d22636865636b6f7574227d12370a0b0880f2d6ca0610c0a9d33a' +
      '122861616161616161616161616161616161616161616161616161616161616161616161616161616161',
  );
});

test('nanoseconds of zero and an empty line read back as such', () => {
  const { entries } = decoded(requestOf('{a="b"}', [{ line: '' }]));
  assert.deepEqual(entries, [{ seconds: BigInt(NEW_YEAR.ms / 1000), nanos: 0, line: '', lineBytes: 0, metadata: [] }]);
});

test('a snappy block with a copy is read as its documentation says', () => {
  const block = Buffer.from(
    '56c00a540a197b736572766963655f6e616d653d22636865636b6f7574227d12370a0b0880f2d6ca0610c0a9d33a12286161619202' + '00',
    'hex',
  );
  assert.equal(decoded(decompress(block)).entries[0]?.line, 'a'.repeat(40));
});

test('moments are exact from 1970 to 9999, at the borders of milliseconds and seconds too', () => {
  const instants: Instant[] = [
    { ms: 0, nanos: 0 },
    { ms: 0, nanos: 1 },
    { ms: 999, nanos: 999_999 },
    { ms: 1_000, nanos: 0 },
    { ms: NEW_YEAR.ms + 999, nanos: 999_999 },
    { ms: 2 ** 31 * 1000, nanos: 5 },
    { ms: 2 ** 32 * 1000 - 1, nanos: 999_999 },
    { ms: 2 ** 32 * 1000, nanos: 0 },
    { ms: 253_402_300_799_999, nanos: 999_999 },
  ];
  const { entries } = decoded(
    requestOf(
      '{a="b"}',
      instants.map((instant) => ({ instant, line: 'x' })),
    ),
  );
  const expected = instants.map(({ ms, nanos }) => BigInt(ms) * 1_000_000n + BigInt(nanos));
  assert.deepEqual(
    entries.map(({ seconds, nanos }) => seconds * 1_000_000_000n + BigInt(nanos)),
    expected,
  );
});

test('lines of every length around the borders of a varint come back whole', () => {
  const lengths = [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 100_000];
  const lines = lengths.map((length) => 'x'.repeat(length));
  const { entries } = decoded(
    requestOf(
      '{a="b"}',
      lines.map((line) => ({ line })),
    ),
  );
  assert.deepEqual(
    entries.map(({ line }) => line),
    lines,
  );
});

test('text of every kind comes back as it was; a lone surrogate becomes U+FFFD and breaks nothing', () => {
  const lines = [
    '価格不明 🧀🚚 مرحبا',
    'NUL \0 and \u001b[31m',
    '\ud83e',
    'a\udc00b\ud800',
    'e\u0301',
    'line\nbreak\r',
  ];
  const { entries } = decoded(requestOf('{a="b"}', [...lines.map((line) => ({ line })), { line: 'after' }]));
  assert.deepEqual(
    entries.map(({ line }) => line),
    [...lines.map((line) => line.toWellFormed()), 'after'],
  );
});

test('structured metadata keeps names, values and order, and leaves out what is undefined', () => {
  const metadata = encodeMetadata({ request_id: 'r-1', trace_id: undefined, level: 'warn', part: '1/3', odd: '"\n🧀' });
  const { entries } = decoded(requestOf('{a="b"}', [{ line: 'x', metadata }]));
  assert.deepEqual(entries[0]?.metadata, [
    ['request_id', 'r-1'],
    ['level', 'warn'],
    ['part', '1/3'],
    ['odd', '"\n🧀'],
  ]);
});

test('compressed bodies are blocks that an independent reader reads back, compressible or not', () => {
  for (const request of [
    Buffer.alloc(300_000, 'log line '),
    Buffer.from(noise(300_000, 1)),
    Buffer.from('x'),
    Buffer.alloc(65_536, 1),
  ]) {
    assert.deepEqual(decodeSnappyBlock(compress(request)), request);
    assert.deepEqual(Buffer.from(decompress(compress(request))), request);
  }
});

test('what is kept for long is as large as its memory: metadata for an invocation, a body while Loki is away', () => {
  for (const kept of [
    encodeMetadata({ request_id: 'r-1' }),
    encodeMetadata({ odd: '🧀' }),
    compress(requestOf('{a="b"}', [{ line: 'few' }])),
    compress(Buffer.alloc(300_000, 'log line ')),
  ]) {
    assert.equal(kept.buffer.byteLength, kept.length);
  }
});

test('a request that is split and joined is the same byte for byte', () => {
  const metadata = encodeMetadata({ request_id: 'r-1' });
  const request = requestOf('{a="b"}', [{ line: 'one', metadata }, { line: '' }, { line: 'three 🧀', metadata }]);
  const { encodedLabels, entries } = splitRequest(request);
  assert.equal(entries.length, 3);
  assert.deepEqual(joinRequest(encodedLabels, entries), request);
});

test('an entry without its structured metadata is what it would have been without any', () => {
  const metadata = encodeMetadata({ request_id: 'r-1', level: 'error' });
  for (const entry of [{ line: 'text 🧀' }, { line: '' }, { line: 'x', instant: { ms: 1_500, nanos: 7 } }]) {
    const { encodedLabels, entries } = splitRequest(requestOf('{a="b"}', [{ ...entry, metadata }]));
    assert.deepEqual(joinRequest(encodedLabels, entries.map(withoutMetadata)), requestOf('{a="b"}', [entry]));
  }
});
