import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Batch,
  createBatchBuilder,
  halve,
  onlyErrors,
  splitFirst,
  stripMetadata,
} from '../../../src/loki/batch.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { at, decodePush, entryOf, metadataOf, nanosecondsOf, seededRandom } from '../../fakes/records.ts';

const LABELS = '{service_name="orders-api",type="function"}';
const instant = (index: number) => ({ ms: START_MS + index, nanos: index });

function batchOf(lines: readonly string[], isError: (index: number) => boolean = () => false): Batch {
  const builder = createBatchBuilder('function', LABELS, 1_048_576);
  const metadata = metadataOf({ request_id: 'r-1' });
  for (const [index, line] of lines.entries()) {
    builder.add(instant(index), entryOf(line, { metadata, isError: isError(index) }), START_MS);
  }
  const batch = builder.seal();
  assert.ok(batch);
  return batch;
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

test('a sealed batch holds one stream with its entries in order', () => {
  const { labels, entries, lines } = decodePush(batchOf(numbered(10)).body);
  assert.equal(labels, LABELS);
  assert.deepEqual(lines, numbered(10));
  assert.deepEqual(
    entries.map(nanosecondsOf),
    numbered(10).map((_, index) => BigInt(START_MS + index) * 1_000_000n + BigInt(index)),
  );
});

test('what is sealed in a hurry is sent as it is, and can be read and divided like any other', () => {
  for (const line of ['a', 'x'.repeat(65_400), 'x'.repeat(65_536), 'é🧀'.repeat(50_000)]) {
    const builder = createBatchBuilder('function', LABELS, 1_048_576, () => true);
    for (const each of [line, 'b']) builder.add(instant(0), entryOf(each), START_MS);
    const batch = builder.seal() ?? assert.fail();
    assert.ok(batch.body.length >= batch.requestBytes);
    assert.deepEqual(decodePush(batch.body).lines, [line, 'b']);
    assert.deepEqual(decodePush(halve(batch)[1].body).lines, ['b']);
  }
});

test('a batch that was begun in time and is ended in a hurry can be read like any other', () => {
  let isHurried = false;
  const builder = createBatchBuilder('function', LABELS, 1_048_576, () => isHurried);
  const lines = ['a', 'b', 'c'].map((letter) => letter.repeat(70_000));
  for (const line of lines) {
    builder.add(instant(0), entryOf(line), START_MS);
    isHurried = true;
  }
  const { body, requestBytes } = builder.seal() ?? assert.fail();
  assert.deepEqual(decodePush(body).lines, lines);
  assert.ok(body.length < requestBytes - 50_000, 'the first piece is compressed');
  assert.ok(body.length > requestBytes - 70_000, 'the others are not');
});

test('what is discarded is counted and not encoded, and the next batch starts without it', () => {
  const builder = createBatchBuilder('function', LABELS, 1_048_576);
  assert.equal(builder.discard(), 0);
  for (const line of ['x'.repeat(70_000), 'b']) builder.add(instant(0), entryOf(line), START_MS);
  assert.equal(builder.discard(), 2);
  assert.deepEqual([builder.entryCount, builder.heldBytes, builder.oldestMs], [0, 0, undefined]);
  builder.add(instant(1), entryOf('c'), START_MS);
  assert.deepEqual(decodePush(builder.seal()?.body ?? Buffer.alloc(0)).lines, ['c']);
});

test('the size before compression is stated to the byte', () => {
  for (const lines of [numbered(1), numbered(500), ['x'.repeat(70_000)], ['é🧀'.repeat(3_000), '']]) {
    const batch = batchOf(lines);
    assert.equal(batch.requestBytes, decodePush(batch.body).requestBytes);
  }
});

test('no batch is larger than its limit, and none is sealed long before it', () => {
  const random = seededRandom(5);
  for (const maxBytes of [1_024, 10_000, 65_536]) {
    const builder = createBatchBuilder('function', LABELS, maxBytes);
    const batches: Batch[] = [];
    const sealOne = () => batches.push(builder.seal() ?? assert.fail('nothing to seal'));
    for (let index = 0; index < 2_000; index++) {
      const entry = entryOf('x'.repeat(Math.floor(random() * 300)), { metadata: metadataOf({ level: 'info' }) });
      if (builder.add(instant(index), entry, START_MS)) continue;
      sealOne();
      assert.ok(builder.add(instant(index), entry, START_MS));
    }
    sealOne();
    assert.equal(
      batches.reduce((sum, { entryCount }) => sum + entryCount, 0),
      2_000,
    );
    for (const [index, batch] of batches.entries()) {
      const { requestBytes } = decodePush(batch.body);
      assert.ok(requestBytes <= maxBytes, `${requestBytes} of ${maxBytes}`);
      if (index < batches.length - 1) assert.ok(requestBytes > maxBytes - 400, `${requestBytes} of ${maxBytes}`);
    }
  }
});

test('a single entry over the limit is taken all the same, so that it cannot wedge the queue', () => {
  const builder = createBatchBuilder('function', LABELS, 1_024);
  assert.equal(builder.add(instant(0), entryOf('x'.repeat(5_000)), START_MS), true);
  assert.equal(builder.add(instant(1), entryOf('y'), START_MS), false);
  assert.deepEqual(decodePush(builder.seal()?.body ?? assert.fail()).lines, ['x'.repeat(5_000)]);
});

test('sealing starts over: nothing of the last batch is in the next', () => {
  const builder = createBatchBuilder('function', LABELS, 1_048_576);
  assert.equal(builder.seal(), undefined);
  builder.add(instant(0), entryOf('a long first line '.repeat(5_000), { isError: true }), START_MS);
  const first = builder.seal();
  assert.equal(builder.entryCount, 0);
  assert.equal(builder.heldBytes, 0);
  assert.equal(builder.oldestMs, undefined);
  assert.equal(builder.seal(), undefined);
  builder.add(instant(1), entryOf('second'), START_MS + 7);
  const second = builder.seal();
  assert.deepEqual(decodePush(second?.body ?? assert.fail()).lines, ['second']);
  assert.deepEqual(second?.errorEntries, []);
  assert.equal(second?.oldestMs, START_MS + 7);
  assert.equal(decodePush(first?.body ?? assert.fail()).entries.length, 1, 'the first is still as it was');
});

test('a large batch is compressed while it fills, and is the same as in one go, wherever its pieces end', () => {
  const random = seededRandom(7);
  const text = (bytes: number) => Array.from({ length: bytes }, () => String.fromCharCode(97 + random() * 26)).join('');
  for (const [count, bytes] of [
    [1, 65_000],
    [1, 400_000],
    [3_000, 200],
    [7, 130_000],
    ...Array.from({ length: 40 }, (_, index): [number, number] => [2, 32_690 + index]),
  ] as const) {
    const lines = Array.from({ length: count }, () => text(bytes));
    const batch = batchOf(lines);
    const decoded = decodePush(batch.body);
    assert.deepEqual(decoded.lines, lines);
    assert.equal(decoded.labels, LABELS);
    assert.equal(batch.requestBytes, decoded.requestBytes);
  }
});

test('what a batch holds while it fills is what is left of it after compression', () => {
  const builder = createBatchBuilder('function', LABELS, 1_048_576);
  for (let index = 0; index < 900; index++) builder.add(instant(index), entryOf('x'.repeat(1_000)), START_MS);
  assert.ok(builder.heldBytes < 200_000, `${builder.heldBytes} bytes`);
  const { body, requestBytes } = builder.seal() ?? assert.fail();
  assert.ok(requestBytes > 900_000);
  assert.ok(body.length < 100_000, `${body.length} bytes`);
  assert.equal(decodePush(body).lines.length, 900);
});

test('halves hold every entry once, in order, and know their errors', () => {
  for (const count of [2, 3, 7, 100]) {
    const batch = batchOf(numbered(count), (index) => index % 3 === 0);
    const [first, second] = halve(batch);
    const lines = [first, second].map(({ body }) => decodePush(body).lines);
    assert.deepEqual(lines.flat(), numbered(count));
    assert.ok(first.entryCount >= 1 && second.entryCount >= 1);
    for (const [index, half] of [first, second].entries()) {
      assert.equal(half.entryCount, at(lines, index).length);
      assert.equal(half.requestBytes, decodePush(half.body).requestBytes);
      const errors = half.errorEntries.map((place) => at(at(lines, index), place));
      assert.deepEqual(
        errors,
        at(lines, index).filter((line) => Number(line.slice(5)) % 3 === 0),
      );
    }
  }
});

test('entries keep their timestamps and metadata through a split', () => {
  const batch = batchOf(numbered(4));
  const whole = decodePush(batch.body).entries;
  assert.deepEqual(
    halve(batch).flatMap(({ body }) => decodePush(body).entries),
    whole,
  );
});

test('only the errors of a batch are kept, and nothing where there are none', () => {
  const errors = onlyErrors(batchOf(numbered(10), (index) => index === 2 || index === 9));
  assert.deepEqual(decodePush(errors?.body ?? assert.fail()).lines, ['line 2', 'line 9']);
  assert.equal(errors?.entryCount, 2);
  assert.deepEqual(errors?.errorEntries, [0, 1]);
  assert.equal(onlyErrors(batchOf(numbered(10))), undefined);
});

test('without its metadata a batch has the same lines at the same moments', () => {
  const batch = batchOf(numbered(5));
  const stripped = stripMetadata(batch);
  const { entries, requestBytes } = decodePush(stripped.body);
  assert.equal(stripped.requestBytes, requestBytes);
  assert.deepEqual(
    entries,
    decodePush(batch.body).entries.map((entry) => ({ ...entry, metadata: [] })),
  );
});

test('a full batch of several pieces leaves nothing of itself in the next one', () => {
  const random = seededRandom(5);
  const noisy = () => Array.from({ length: 40_000 }, () => Math.floor(random() * 36).toString(36)).join('');
  const builder = createBatchBuilder('function', LABELS, 200_000);
  const batches: string[][] = [];
  const lines: string[] = [];
  while (batches.length < 3) {
    const line = noisy();
    lines.push(line);
    if (builder.add(instant(lines.length), entryOf(line), START_MS)) continue;
    batches.push([...decodePush(builder.seal()?.body ?? assert.fail()).lines]);
    builder.add(instant(lines.length), entryOf(line), START_MS);
  }
  assert.deepEqual(batches.flat(), lines.slice(0, -1));
  assert.ok((batches[1]?.length ?? 0) > 3, 'more than one piece');
});

test('the first entry is taken out alone', () => {
  const batch = batchOf(numbered(4), (index) => index < 2);
  const [first, rest] = splitFirst(batch);
  assert.deepEqual(decodePush(first.body).lines, ['line 0']);
  assert.deepEqual(decodePush(rest.body).lines, ['line 1', 'line 2', 'line 3']);
  assert.deepEqual([first.errorEntries, rest.errorEntries], [[0], [0]]);
});
