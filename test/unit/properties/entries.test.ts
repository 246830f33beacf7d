// Any entries: what is split, halved, stamped anew or stripped is together what it was.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toByteString } from '../../../src/byte-string.ts';
import { type Batch, createBatchBuilder, halve, restamp, stripMetadata } from '../../../src/loki/batch.ts';
import { splitLine } from '../../../src/loki/long-line.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { property } from '../../fakes/properties.ts';
import { decodePush, metadataOf, nanosecondsOf } from '../../fakes/records.ts';

const line = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed());
const pairs = fc.dictionary(
  fc.constantFrom('level', 'request_id', 'part'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }),
);
const entry = fc.record({ line, pairs, nanos: fc.nat(999_999), isError: fc.boolean() });
const entries = fc.array(entry, { minLength: 1, maxLength: 30 });

function batchOf(
  list: readonly { line: string; pairs: Record<string, string>; nanos: number; isError: boolean }[],
): Batch {
  const builder = createBatchBuilder('function', '{a="b"}', 1_048_576);
  for (const [index, { line, pairs, nanos, isError }] of list.entries()) {
    builder.add(
      { ms: START_MS + index, nanos },
      { line: toByteString(line), metadata: metadataOf(pairs), isError },
      START_MS,
    );
  }
  const batch = builder.seal();
  assert.ok(batch);
  return batch;
}

const decoded = (batch: Batch) =>
  decodePush(batch.body).entries.map((each) => ({
    line: each.line,
    nanoseconds: nanosecondsOf(each),
    metadata: Object.fromEntries(each.metadata),
  }));

function assertSound(batch: Batch): void {
  const { requestBytes, lines } = decodePush(batch.body);
  assert.equal(batch.requestBytes, requestBytes);
  assert.equal(batch.entryCount, lines.length);
}

property(
  'a line that is split is the line, in parts that fit, and no character is torn',
  fc.tuple(line, fc.integer({ min: 4, max: 50 })),
  ([text, maxBytes]) => {
    const bytes = toByteString(text);
    const parts = splitLine(bytes, maxBytes);
    if (parts === undefined) {
      assert.ok(bytes.length <= maxBytes);
      return;
    }
    assert.equal(parts.join(''), bytes);
    assert.ok(parts.length >= 2);
    for (const part of parts) {
      assert.ok(part.length > 0 && part.length <= maxBytes);
      assert.ok(!Buffer.from(part, 'latin1').toString('utf8').includes('\ufffd') || text.includes('\ufffd'));
    }
  },
);

property('a batch is what went in', entries, (list) => {
  const batch = batchOf(list);
  assertSound(batch);
  assert.deepEqual(
    decoded(batch).map(({ line: text, metadata }) => ({ text, metadata })),
    list.map(({ line: text, pairs: metadata }) => ({ text, metadata: { ...metadata } })),
  );
});

property(
  'two halves are the whole, errors included',
  entries.filter(({ length }) => length >= 2),
  (list) => {
    const batch = batchOf(list);
    const [first, second] = halve(batch);
    assertSound(first);
    assertSound(second);
    assert.ok(first.entryCount > 0 && second.entryCount > 0);
    assert.deepEqual([...decoded(first), ...decoded(second)], decoded(batch));
    assert.deepEqual(
      [...first.errorEntries, ...second.errorEntries.map((index) => index + first.entryCount)],
      batch.errorEntries,
    );
  },
);

property('a batch that is stripped has lost its metadata and nothing else', entries, (list) => {
  const batch = batchOf(list);
  const stripped = stripMetadata(batch);
  assertSound(stripped);
  assert.deepEqual(
    decoded(stripped),
    decoded(batch).map((each) => ({ ...each, metadata: {} })),
  );
});

property('a batch that is stamped anew keeps its lines and says when they were', entries, (list) => {
  const batch = batchOf(list);
  let nanos = 0;
  const stamped = restamp(batch, () => ({ ms: START_MS + 3_600_000, nanos: nanos++ }));
  assertSound(stamped);
  const after = decoded(stamped);
  for (const [index, before] of decoded(batch).entries()) {
    const { line: text, nanoseconds, metadata } = after[index] ?? assert.fail('an entry is missing');
    const { original_time: originalTime, ...rest } = metadata;
    assert.equal(text, before.line);
    assert.equal(nanoseconds, BigInt(START_MS + 3_600_000) * 1_000_000n + BigInt(index));
    // An entry without any metadata is one for a Loki that takes none.
    assert.equal(originalTime !== undefined, Object.keys(before.metadata).length > 0);
    assert.deepEqual(rest, before.metadata);
  }
});
