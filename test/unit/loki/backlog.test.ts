import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Backlog, createBacklog } from '../../../src/loki/backlog.ts';
import { halve, type StreamType } from '../../../src/loki/batch.ts';
import type { QueuedBatch } from '../../../src/loki/queue.ts';
import type { DropReason } from '../../../src/losses.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { decodePush, entryOf, noise, seededRandom } from '../../fakes/records.ts';

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

const NOW_MS = START_MS + 60_000;
const take = (backlog: Backlog) => backlog.take(NOW_MS, true, 'oldest');

/** Everything that can be taken, by line. */
function takeAll(backlog: Backlog): { type: StreamType; lines: readonly string[] }[] {
  backlog.seal(0, NOW_MS);
  const taken: { type: StreamType; lines: readonly string[] }[] = [];
  for (let next = take(backlog); next; next = take(backlog)) {
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
  backlog.seal(0, START_MS);
  for (let next = take(backlog); next; next = take(backlog)) {
    const nanos = decodePush(next.batch.body).entries.map((entry) => entry.nanos);
    assert.deepEqual(
      nanos,
      nanos.map((_, index) => index),
    );
  }
});

test('seal takes only what has reached the age', () => {
  const { backlog, add } = setUp();
  add('function', 'early');
  add('platform', 'late');
  backlog.seal(1_000, START_MS + 1_000);
  assert.equal(backlog.readyBatches(), 1);
  assert.equal(backlog.oldestUnsealedMs(), START_MS + 1);
  assert.equal(backlog.oldestMs(), START_MS);
});

test('a batch that was taken is not taken twice until it is given back', () => {
  const { backlog, add } = setUp();
  add('function', 'a');
  backlog.seal(0, NOW_MS);
  const taken = take(backlog);
  assert.ok(taken);
  assert.equal(take(backlog), undefined);
  assert.equal(backlog.readyBatches(), 0);
  assert.equal(backlog.heldEntries(), 1, 'what is under way is held');
  backlog.giveBack(taken);
  assert.equal(take(backlog), taken);
  backlog.remove(taken);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(backlog.heldBytes(), 0);
  assert.equal(backlog.oldestMs(), undefined);
});

test('the batch with the fewest failures goes first, the oldest of these', () => {
  const { backlog, add } = setUp({ maxBatchBytes: 100 });
  for (const line of ['a', 'b', 'c']) add('function', line.repeat(60));
  backlog.seal(0, NOW_MS);
  const first = take(backlog);
  assert.ok(first);
  backlog.fail(first, { passes: 0, isSuspect: false });
  assert.deepEqual(
    takeAll(backlog).map(({ lines }) => lines[0]?.[0]),
    ['b', 'c', 'a'],
  );
});

test('halves take the place of the whole, in order, and the books balance', () => {
  const { backlog, add } = setUp();
  for (let index = 0; index < 5; index++) add('function', `line ${index}`);
  backlog.seal(0, NOW_MS);
  const whole = take(backlog);
  assert.ok(whole);
  backlog.divide(whole, halve(whole.batch), { atFault: false, isHurried: false, passes: 0 });
  assert.equal(backlog.heldEntries(), 5);
  assert.equal(backlog.readyBatches(), 2);
  assert.deepEqual(
    takeAll(backlog).flatMap(({ lines }) => lines),
    ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'],
  );
});

test('of what is still being filled the oldest goes first, also where it is stamped an hour ago', () => {
  const { backlog, drops } = setUp({ maxBufferBytes: 4_096, maxBatchBytes: 1_024 });
  const add = (type: StreamType, what: string, agoMs: number, nowMs: number) =>
    backlog.add(type, { ms: nowMs - agoMs, nanos: 0 }, entryOf(`${what} ${noise(850, agoMs)}`), nowMs);
  add('extension', 'late', 3_600_000, START_MS);
  add('extension', 'fresh', 0, START_MS + 1);
  add('platform', 'late', 3_600_000, START_MS + 2);
  add('platform', 'fresh', 0, START_MS + 3);
  assert.deepEqual(drops, []);
  add('function', 'fresh', 0, START_MS + 4);
  assert.deepEqual(drops, [{ reason: 'buffer_full', entries: 1 }]);
  assert.deepEqual(
    takeAll(backlog)
      .map(({ type, lines }) => `${type} ${lines[0]?.split(' ')[0]}`)
      .toSorted(),
    ['extension fresh', 'function fresh', 'platform fresh', 'platform late'],
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
  const KINDS = ['extension', 'platform', 'function', 'error'] as const;
  /** How many lines of each kind are left of three when so many more have come. */
  function leftAfter(more: number): readonly number[] {
    const { backlog, add } = setUp({ maxBufferBytes: 65_536, maxBatchBytes: 8_192 });
    // In the opposite order of their going, so that it is not by age.
    for (let index = 0; index < 3; index++) add('function', `error ${noise(4_000, index)}`, true);
    for (let index = 0; index < 3; index++) add('function', `function ${noise(4_000, 10 + index)}`);
    for (let index = 0; index < 3; index++) add('platform', `platform ${noise(4_000, 20 + index)}`);
    for (let index = 0; index < 3; index++) add('extension', `extension ${noise(4_000, 30 + index)}`);
    for (let index = 0; index < more; index++) add('function', `more ${noise(4_000, 40 + index)}`);
    const kinds = takeAllWithout(backlog);
    return KINDS.map((kind) => kinds.filter((each) => each === kind).length);
  }
  const steps = Array.from({ length: 40 }, (_, more) => leftAfter(more));
  assert.deepEqual(steps[0], [3, 3, 3, 3]);
  assert.deepEqual(steps.at(-1), [0, 0, 0, 3]);
  for (const left of steps) {
    const first = left.findIndex((count) => count > 0);
    assert.ok(
      left.slice(first + 1).every((count) => count === 3),
      `in their order: ${left}`,
    );
  }
  assert.equal(new Set(steps.map((left) => left.findIndex((count) => count > 0))).size, 4, 'each in its turn');
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

test('the bound holds again after each entry, also where several batches have to go for one', () => {
  for (const isError of [false, true]) {
    const { backlog, add } = setUp({ maxBufferBytes: 32_768, maxBatchBytes: 4_096 });
    for (let index = 0; index < 20; index++) {
      for (let count = 0; count < 6; count++) add('function', noise(1_000, 10 * index + count), isError);
      add('function', noise(15_000, 500 + index), isError);
      assert.ok(backlog.heldBytes() <= 32_768, `${backlog.heldBytes()} bytes`);
    }
  }
});

test('what is more than 50 minutes old fills a batch of its own', () => {
  const oldMs = 50 * 60_000;
  for (const [agoMs, batches] of [
    [oldMs, 1],
    [oldMs + 1, 2],
  ] as const) {
    const { backlog } = setUp();
    for (const ms of [NOW_MS, NOW_MS - agoMs]) backlog.add('function', { ms, nanos: 0 }, entryOf('line'), NOW_MS);
    assert.equal(takeAll(backlog).length, batches);
  }
});

test('where the smallest is asked for it goes first of those with the fewest failures, else the oldest', () => {
  const { backlog } = setUp();
  for (const [index, count] of [3, 1, 2].entries()) {
    for (let line = 0; line < count; line++) {
      backlog.add('function', { ms: NOW_MS, nanos: 0 }, entryOf(`${index}`), NOW_MS);
    }
    backlog.seal(0, NOW_MS);
  }
  const entriesOf = (prefer: 'oldest' | 'smallest') => {
    const taken = backlog.take(NOW_MS, true, prefer);
    if (taken) backlog.giveBack(taken);
    return taken?.batch.entryCount;
  };
  assert.deepEqual([entriesOf('oldest'), entriesOf('smallest')], [3, 1]);
  const smallest = backlog.take(NOW_MS, true, 'smallest');
  assert.ok(smallest);
  backlog.fail(smallest, { passes: 0, isSuspect: false });
  assert.deepEqual([entriesOf('oldest'), entriesOf('smallest')], [3, 2]);
});

test('a pause is ended by the last flush, unless it is said to be a long one', () => {
  for (const [isLong, isOver] of [
    [undefined, true],
    [false, true],
    [true, false],
  ] as const) {
    const { backlog, add } = setUp();
    add('function', 'line');
    backlog.seal(0, NOW_MS);
    const taken = take(backlog);
    assert.ok(taken);
    const pause = { sinceMs: NOW_MS, untilMs: NOW_MS + 1_000 };
    backlog.fail(taken, { passes: 0, isSuspect: false, pause, ...(isLong !== undefined && { isLong }) });
    backlog.endPauses(false);
    assert.equal(take(backlog) !== undefined, isOver);
    backlog.endPauses(true);
    assert.equal(backlog.restMs(NOW_MS, true), isOver ? undefined : 0);
  }
});

test('what is under way is not dropped, and the bound holds for the rest', () => {
  const { backlog, add, drops } = setUp({ maxBufferBytes: 32_768, maxBatchBytes: 8_192 });
  for (let index = 0; index < 24; index++) add('function', `${index} ${noise(1_000, index)}`);
  backlog.seal(0, NOW_MS);
  const taken = [take(backlog), take(backlog), take(backlog), take(backlog)];
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

test('abandon says how many entries it dropped, those under way and those not sealed included', () => {
  const { backlog, add } = setUp();
  for (let index = 0; index < 5; index++) add('function', `line ${index}`);
  backlog.seal(0, NOW_MS);
  const taken = take(backlog);
  add('function', 'unsealed');
  add('platform', 'unsealed');
  assert.equal(backlog.abandon(), 7);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(backlog.heldBytes(), 0);
  assert.equal(backlog.oldestMs(), undefined);
  assert.ok(taken);
  backlog.remove(taken);
  assert.equal(backlog.heldBytes(), 0, 'removing what is gone changes nothing');
});

test('what is left at the end counts as its last trouble says, else as out of time', () => {
  const { backlog, add, drops } = setUp({ maxBatchBytes: 100 });
  for (const line of ['a', 'b']) add('function', line.repeat(60));
  backlog.seal(0, NOW_MS);
  const suspect = take(backlog);
  assert.ok(suspect);
  backlog.fail(suspect, { passes: 1, isSuspect: true, lostAs: 'rejected' });
  backlog.abandon();
  assert.deepEqual(drops, [
    { reason: 'rejected', entries: 1 },
    { reason: 'shutdown_deadline', entries: 1 },
  ]);
});

test('a batch that rests is not taken before its pause is over, and the backlog says when that is', () => {
  const { backlog, add } = setUp({ maxBatchBytes: 100 });
  add('function', 'a');
  backlog.seal(0, NOW_MS);
  const taken = take(backlog);
  assert.ok(taken);
  assert.equal(backlog.restMs(NOW_MS, true), undefined, 'nothing is ready');
  const pause = { sinceMs: NOW_MS, untilMs: NOW_MS + 500 };
  backlog.fail(taken, { passes: 0, isSuspect: true, pause });
  assert.equal(take(backlog), undefined);
  assert.equal(backlog.restMs(NOW_MS + 100, true), 400);
  assert.equal(backlog.restMs(NOW_MS + 100, false), undefined, 'suspects are not asked for');
  assert.equal(backlog.take(NOW_MS + 500, false, 'oldest'), undefined);
  assert.equal(backlog.take(NOW_MS + 500, true, 'oldest'), taken);
  backlog.fail(taken, { passes: 0, isSuspect: false, pause });
  assert.equal(backlog.take(NOW_MS - 1, true, 'oldest'), taken, 'a clock that was set back has ended it');
});

test('blame is counted only where others passed between two failures', () => {
  const { backlog, add } = setUp();
  add('function', 'a');
  backlog.seal(0, NOW_MS);
  const taken = take(backlog);
  assert.ok(taken);
  for (const [passes, blame] of [
    [5, 0],
    [5, 0],
    [6, 1],
    [6, 1],
    [9, 2],
  ] as const) {
    backlog.fail(taken, { passes, isSuspect: false });
    assert.equal(taken.blame, blame);
  }
  assert.equal(taken.failures, 5);
  assert.equal(taken.passesAtFirstFailure, 5);
});

test('after any random sequence the sums are those of the batches', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const { backlog, add, droppedEntries } = setUp({ maxBatchBytes: 600, maxBufferBytes: 20_000 });
    let added = 0;
    let gone = 0;
    const taken = new Set<QueuedBatch>();
    for (let step = 0; step < 400; step++) {
      const dice = random();
      const [any] = taken;
      if (dice < 0.5) {
        add(random() < 0.5 ? 'function' : 'platform', noise(1 + random() * 200, step), random() < 0.3);
        added++;
      } else if (dice < 0.6) backlog.seal(0, NOW_MS);
      else if (dice < 0.75) {
        const next = take(backlog);
        if (next) taken.add(next);
      } else if (any) {
        taken.delete(any);
        if (dice < 0.85) backlog.fail(any, { passes: step, isSuspect: random() < 0.5 });
        else if (dice < 0.9 && any.batch.entryCount > 1) {
          backlog.divide(any, halve(any.batch), { atFault: true, isHurried: true, passes: step });
        } else if (dice < 0.95) backlog.giveBack(any);
        else {
          gone += any.batch.entryCount;
          backlog.remove(any);
        }
      }
      assert.equal(added, backlog.heldEntries() + droppedEntries() + gone, `seed ${seed}, step ${step}`);
    }
    for (const each of taken) backlog.giveBack(each);
    backlog.seal(0, NOW_MS);
    const ready = backlog.readyBatches();
    assert.equal(takeAll(backlog).length, ready);
    assert.equal(backlog.untriedBatches(), 0);
    backlog.abandon();
    assert.equal(backlog.heldBytes(), 0);
    assert.equal(backlog.heldEntries(), 0);
  }
});

test('old entries alone, which are being filled, make room like any others', () => {
  const { backlog, droppedEntries } = setUp({ maxBatchBytes: 20_000, maxBufferBytes: 40_000 });
  const stated = { ms: START_MS - 3 * 3_600_000, nanos: 0 };
  for (let index = 0; index < 100; index++) {
    backlog.add('function', stated, entryOf(noise(900, index)), START_MS);
    assert.ok(backlog.heldBytes() <= 40_000, `${backlog.heldBytes()} bytes`);
    assert.equal(backlog.heldEntries() + droppedEntries(), index + 1);
  }
  assert.ok(droppedEntries() > 0);
});

test('of one old and one recent entry that are being filled both make room', () => {
  const { backlog, droppedEntries } = setUp({ maxBatchBytes: 20_000, maxBufferBytes: 40_000 });
  for (let index = 0; index < 100; index++) {
    const ageMs = index % 2 === 0 ? 3 * 3_600_000 : 0;
    backlog.add('function', { ms: START_MS - ageMs, nanos: 0 }, entryOf(noise(900, index)), START_MS);
    assert.ok(backlog.heldBytes() <= 40_000, `${backlog.heldBytes()} bytes`);
    assert.equal(backlog.heldEntries() + droppedEntries(), index + 1);
  }
});
