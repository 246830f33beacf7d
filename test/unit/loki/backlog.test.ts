import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Backlog, createBacklog, queued } from '../../../src/loki/backlog.ts';
import { halve, type StreamType } from '../../../src/loki/batch.ts';
import type { DropReason } from '../../../src/losses.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { decodePush, entryOf, noise } from '../../fakes/records.ts';

const LABELS = { function: '{type="function"}', platform: '{type="platform"}', extension: '{type="extension"}' };

function setUp({ maxBatchBytes = 1_048_576, maxBufferBytes = 16 * 1_048_576 } = {}) {
  const drops: { reason: DropReason; entries: number }[] = [];
  const drop = (reason: DropReason, entries: number) => void drops.push({ reason, entries });
  const backlog = createBacklog(LABELS, { maxBatchBytes, maxBufferBytes }, drop);
  let nowMs = START_MS;
  return {
    backlog,
    drops,
    add(type: StreamType, line: string, isError = false) {
      backlog.add(type, { ms: nowMs, nanos: 0 }, entryOf(line, { isError }), nowMs);
      nowMs += 1;
    },
    droppedEntries: () => drops.reduce((sum, { entries }) => sum + entries, 0),
  };
}

/** Everything that can be taken, by line. */
function takeAll(backlog: Backlog): { type: StreamType; lines: readonly string[] }[] {
  backlog.seal(Number.POSITIVE_INFINITY);
  const taken: { type: StreamType; lines: readonly string[] }[] = [];
  for (let next = backlog.take(); next; next = backlog.take()) {
    taken.push({ type: next.batch.streamType, lines: decodePush(next.batch.body).lines });
  }
  return taken;
}

test('each stream fills a batch of its own', () => {
  const { backlog, add } = setUp();
  add('function', 'a');
  add('platform', 'p');
  add('function', 'b');
  add('extension', 'e');
  assert.equal(backlog.heldEntries(), 4);
  const taken = takeAll(backlog);
  assert.deepEqual(
    new Map(taken.map(({ type, lines }) => [type, lines])),
    new Map([
      ['extension', ['e']],
      ['platform', ['p']],
      ['function', ['a', 'b']],
    ]),
  );
});

test('equal lines of one millisecond have moments of their own in their stream', () => {
  const { backlog } = setUp();
  for (let count = 0; count < 3; count++) {
    backlog.add('function', { ms: START_MS, nanos: 0 }, entryOf('same'), START_MS);
  }
  backlog.add('platform', { ms: START_MS, nanos: 0 }, entryOf('same'), START_MS);
  backlog.seal(START_MS);
  for (let next = backlog.take(); next; next = backlog.take()) {
    const nanos = decodePush(next.batch.body).entries.map((entry) => entry.nanos);
    assert.deepEqual(
      nanos,
      nanos.map((_, index) => index),
    );
  }
});

test('seal takes only what was begun by then', () => {
  const { backlog, add } = setUp();
  add('function', 'early');
  add('platform', 'late');
  backlog.seal(START_MS);
  assert.equal(backlog.readyBatches(), 1);
  assert.equal(backlog.oldestUnsealedMs(), START_MS + 1);
  assert.equal(backlog.oldestMs(), START_MS);
});

test('a batch that was taken is not taken twice until it is given back', () => {
  const { backlog, add } = setUp();
  add('function', 'a');
  backlog.seal(Number.POSITIVE_INFINITY);
  const taken = backlog.take();
  assert.ok(taken);
  assert.equal(backlog.take(), undefined);
  assert.equal(backlog.readyBatches(), 0);
  assert.equal(backlog.heldEntries(), 1, 'what is under way is held');
  backlog.giveBack(taken);
  assert.equal(backlog.take(), taken);
  backlog.settle(taken);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(backlog.heldBytes(), 0);
  assert.equal(backlog.oldestMs(), undefined);
});

test('the batch with the fewest failures goes first, the oldest of these', () => {
  const { backlog, add } = setUp({ maxBatchBytes: 100 });
  for (const line of ['a', 'b', 'c']) add('function', line.repeat(60));
  backlog.seal(Number.POSITIVE_INFINITY);
  const first = backlog.take();
  assert.ok(first);
  first.failures = 1;
  backlog.giveBack(first);
  assert.deepEqual(
    takeAll(backlog).map(({ lines }) => lines[0]?.[0]),
    ['b', 'c', 'a'],
  );
});

test('halves take the place of the whole, in order, and the books balance', () => {
  const { backlog, add } = setUp();
  for (let index = 0; index < 5; index++) add('function', `line ${index}`);
  backlog.seal(Number.POSITIVE_INFINITY);
  const whole = backlog.take();
  assert.ok(whole);
  backlog.settle(
    whole,
    halve(whole.batch).map((half) => queued(half)),
  );
  assert.equal(backlog.heldEntries(), 5);
  assert.equal(backlog.readyBatches(), 2);
  assert.deepEqual(
    takeAll(backlog).flatMap(({ lines }) => lines),
    ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'],
  );
});

test('a full buffer drops the oldest first, counts it, and stays within its bound', () => {
  const { backlog, drops, add, droppedEntries } = setUp({ maxBufferBytes: 65_536, maxBatchBytes: 8_192 });
  for (let index = 0; index < 200; index++) {
    add('function', `${index} ${noise(1_000, index)}`);
    assert.ok(backlog.heldBytes() <= 65_536);
  }
  assert.ok(drops.every(({ reason }) => reason === 'buffer_full'));
  const numbers = takeAll(backlog).flatMap(({ lines }) => lines.map((line) => Number(line.split(' ')[0])));
  assert.equal(droppedEntries() + numbers.length, 200);
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => 200 - numbers.length + index),
  );
  assert.ok(numbers.length > 30, `${numbers.length} are kept`);
});

test('extension lines go before platform lines, those before function lines, errors last', () => {
  const { backlog, add } = setUp({ maxBufferBytes: 65_536, maxBatchBytes: 8_192 });
  add('function', `error ${noise(4_000, 1)}`, true);
  for (let index = 0; index < 6; index++) add('extension', `extension ${noise(4_000, 10 + index)}`);
  for (let index = 0; index < 3; index++) add('platform', `platform ${noise(4_000, 20 + index)}`);
  const kinds = () => new Set(takeAllWithout(backlog));
  for (let index = 0; index < 16; index++) add('function', `function ${noise(4_000, 30 + index)}`);
  assert.deepEqual(kinds(), new Set(['function', 'error']));
});

function takeAllWithout(backlog: Backlog): string[] {
  return takeAll(backlog).flatMap(({ lines }) => lines.map((line) => line.split(' ')[0] ?? ''));
}

test('an error survives any number of ordinary lines', () => {
  const { backlog, add } = setUp({ maxBufferBytes: 32_768, maxBatchBytes: 4_096 });
  add('extension', `error ${noise(500, 1)}`, true);
  for (let index = 0; index < 300; index++) add('function', `function ${noise(700, index)}`);
  assert.ok(takeAllWithout(backlog).includes('error'));
});

test('with nothing but errors the oldest of them go, so that the bound holds', () => {
  const { backlog, add, droppedEntries } = setUp({ maxBufferBytes: 32_768, maxBatchBytes: 4_096 });
  for (let index = 0; index < 100; index++) add('function', `${index} ${noise(1_000, index)}`, true);
  assert.ok(backlog.heldBytes() <= 32_768);
  const numbers = takeAllWithout(backlog).map(Number);
  assert.equal(droppedEntries() + numbers.length, 100);
  assert.equal(numbers.at(-1), 99);
});

test('what is under way is not dropped, and the bound holds for the rest', () => {
  const { backlog, add, drops } = setUp({ maxBufferBytes: 32_768, maxBatchBytes: 8_192 });
  for (let index = 0; index < 24; index++) add('function', `${index} ${noise(1_000, index)}`);
  backlog.seal(Number.POSITIVE_INFINITY);
  const taken = [backlog.take(), backlog.take(), backlog.take(), backlog.take()];
  const underWay = taken.reduce((sum, next) => sum + (next?.batch.entryCount ?? 0), 0);
  for (let index = 0; index < 200; index++) {
    add('function', noise(1_000, 100 + index));
    assert.ok(backlog.heldBytes() <= 32_768 + 1_100, `${backlog.heldBytes()} bytes`);
  }
  for (const next of taken) assert.ok(next && backlog.holds(next));
  assert.ok(backlog.heldEntries() >= underWay);
  assert.equal(drops.reduce((sum, { entries }) => sum + entries, 0) + backlog.heldEntries(), 224);
});

test('an entry larger than the whole buffer is dropped and counted', () => {
  const { backlog, add, droppedEntries } = setUp({ maxBufferBytes: 16_384 });
  add('function', noise(40_000, 1));
  assert.equal(backlog.heldEntries() + droppedEntries(), 1);
  assert.ok(backlog.heldBytes() <= 16_384);
});

test('clear says how many entries it dropped, those under way and those not sealed included', () => {
  const { backlog, add } = setUp();
  for (let index = 0; index < 5; index++) add('function', `line ${index}`);
  backlog.seal(Number.POSITIVE_INFINITY);
  const taken = backlog.take();
  add('function', 'unsealed');
  add('platform', 'unsealed');
  assert.equal(backlog.clear(), 7);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(backlog.heldBytes(), 0);
  assert.equal(backlog.oldestMs(), undefined);
  assert.ok(taken);
  backlog.settle(taken);
  assert.equal(backlog.heldBytes(), 0, 'settling what is gone changes nothing');
});
