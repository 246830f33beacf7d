// The order in which sealed batches are tried, and what the queue says of them: what counts as untried, as smallest, as at fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../../src/loki/batch.ts';
import { createQueue, earlierOf, type Queue, type QueuedBatch, type Setback } from '../../../src/loki/queue.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { at } from '../../fakes/records.ts';

const batchOf = (entryCount: number): Batch => ({
  streamType: 'function',
  body: Buffer.alloc(10),
  requestBytes: 10,
  entryCount,
  errorEntries: [],
  oldestMs: START_MS,
});

/** A queue of batches with so many entries each. */
function queueOf(...sizes: readonly number[]): Queue {
  const queue = createQueue();
  for (const size of sizes) queue.add(batchOf(size));
  return queue;
}

function take(queue: Queue, prefer: 'oldest' | 'smallest' = 'oldest'): QueuedBatch {
  const taken = queue.take(START_MS, true, prefer);
  assert.ok(taken);
  return taken;
}

/** Takes the next one, and gives it back with a failure more. */
function failNext(queue: Queue, passes = 0, setback: Partial<Setback> = {}): QueuedBatch {
  const taken = take(queue);
  queue.fail(taken, { passes, isSuspect: false, ...setback });
  return taken;
}

const sizesOf = (queue: Queue, count: number, prefer: 'oldest' | 'smallest') =>
  Array.from({ length: count }, () => take(queue, prefer).batch.entryCount);

test('the oldest goes first, or the smallest where that is asked for, and of equals the oldest', () => {
  assert.deepEqual(sizesOf(queueOf(3, 1, 2), 3, 'oldest'), [3, 1, 2]);
  assert.deepEqual(sizesOf(queueOf(3, 1, 2), 3, 'smallest'), [1, 2, 3]);
  const queue = createQueue();
  const equals = [batchOf(2), batchOf(2)];
  for (const batch of equals) queue.add(batch);
  assert.equal(take(queue, 'smallest').batch, at(equals, 0));
});

test('another batch is untried while it has not failed, or while it is being tried', () => {
  const queue = queueOf(1, 1);
  const first = take(queue);
  assert.equal(queue.holdsUntried(first), true, 'one is ready');
  const second = take(queue);
  assert.equal(queue.holdsUntried(first), true, 'one is in flight');
  queue.fail(second, { passes: 0, isSuspect: false });
  assert.equal(queue.holdsUntried(first), false, 'it has failed');
  queue.giveBack(first);
  queue.remove(first);
  assert.equal(queue.holdsUntried(second), false, 'nothing else is there');
});

test('a batch is the smallest if each smaller one has failed more often, by two at least', () => {
  for (const [failuresOfSmaller, isSmallest] of [
    [0, false],
    [1, false],
    [2, true],
  ] as const) {
    const queue = queueOf(1);
    for (let count = 0; count < failuresOfSmaller; count++) failNext(queue);
    queue.add(batchOf(2));
    const larger = [take(queue), ...(failuresOfSmaller === 0 ? [take(queue)] : [])].at(-1);
    assert.ok(larger?.batch.entryCount === 2);
    assert.equal(queue.isSmallest(larger), isSmallest, `${failuresOfSmaller} failures`);
  }
  const equals = queueOf(2, 2);
  assert.equal(equals.isSmallest(take(equals)), true, 'one of the same size is not smaller');
});

test('a failure counts against a batch from the second on, and only if others passed since the one before', () => {
  const queue = queueOf(1);
  const blame = (passes: number) => failNext(queue, passes).blame;
  assert.deepEqual([3, 3, 4, 4, 9].map(blame), [0, 0, 1, 1, 2]);
});

test('a batch as it came is no part, carries no suspicion, and has no failure', () => {
  const { failures, blame, isPart, stripped, restamped, isSuspect, isHurried, passesAtFirstFailure } = take(queueOf(1));
  assert.deepEqual(
    { failures, blame, isPart, stripped, restamped, isSuspect, isHurried, passesAtFirstFailure },
    {
      failures: 0,
      blame: 0,
      isPart: false,
      stripped: false,
      restamped: false,
      isSuspect: false,
      isHurried: false,
      passesAtFirstFailure: undefined,
    },
  );
});

test('parts know whether the whole was at fault, and since when', () => {
  for (const atFault of [true, false]) {
    const queue = queueOf(2);
    queue.divide(take(queue), [batchOf(1), batchOf(1)], { atFault, isHurried: atFault, passes: 7 });
    for (let count = 0; count < 2; count++) {
      const { isPart, isHurried, passesAtFirstFailure, failures } = take(queue);
      assert.deepEqual([isPart, isHurried, failures], [atFault, atFault, 0]);
      assert.equal(passesAtFirstFailure, atFault ? 7 : undefined);
    }
  }
});

test('it is known how long until the first may go: of what rests the least, of suspects only where they may go', () => {
  const pauseOf = (pauseMs: number) => ({ pause: { sinceMs: START_MS, untilMs: START_MS + pauseMs } });
  const queue = queueOf(1, 2);
  assert.equal(queue.restMs(START_MS, true), 0);
  failNext(queue, 0, pauseOf(500));
  failNext(queue, 0, { ...pauseOf(200), isSuspect: true });
  assert.equal(queue.restMs(START_MS, true), 200);
  assert.equal(queue.restMs(START_MS, false), 500);
  assert.equal(queue.take(START_MS + 199, true, 'oldest'), undefined);
  assert.equal(queue.take(START_MS + 200, false, 'oldest'), undefined, 'a suspect');
  assert.equal(queue.take(START_MS + 200, true, 'oldest')?.batch.entryCount, 2);
  assert.equal(queue.take(START_MS + 500, false, 'oldest')?.batch.entryCount, 1);
  assert.equal(queue.restMs(START_MS + 500, true), undefined);
});

test('a long pause is ended only where that is asked for, any other always', () => {
  const pause = { sinceMs: START_MS, untilMs: START_MS + 500 };
  const queue = queueOf(1, 2);
  failNext(queue, 0, { pause, isLong: true });
  failNext(queue, 0, { pause });
  queue.endPauses(false);
  assert.equal(take(queue).batch.entryCount, 2);
  assert.equal(queue.restMs(START_MS, true), 500);
  queue.endPauses(true);
  assert.equal(queue.restMs(START_MS, true), 0);
});

test('what is let go is counted as what its last failure said, else as too late', () => {
  const queue = queueOf(1, 2, 3);
  failNext(queue, 0, { lostAs: 'rejected' });
  failNext(queue);
  take(queue);
  const drops: [string, number][] = [];
  queue.clear((reason, entries) => drops.push([reason, entries]));
  assert.deepEqual(drops, [
    ['rejected', 1],
    ['shutdown_deadline', 2],
    ['shutdown_deadline', 3],
  ]);
  assert.deepEqual([queue.entries(), queue.bytes(), queue.readyBatches(), queue.untriedBatches()], [0, 0, 0, 0]);
});

test('the earlier of two moments is that which is there, or the smaller', () => {
  for (const [one, other, earlier] of [
    [undefined, undefined, undefined],
    [1, undefined, 1],
    [undefined, 2, 2],
    [1, 2, 1],
    [2, 1, 1],
  ] as const) {
    assert.equal(earlierOf(one, other), earlier);
  }
});
