import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTidier, free } from '../../src/memory.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

const MB = 1024 * 1024;

function setUp() {
  const clock = new FakeClock();
  const heap = { usedBytes: 5 * MB, collections: 0, leftBytes: 5 * MB };
  const deferred: (() => void)[] = [];
  const tidier = createTidier(
    {
      usedBytes: () => heap.usedBytes,
      collectGarbage() {
        heap.collections++;
        heap.usedBytes = heap.leftBytes;
      },
    },
    clock,
    (run) => void deferred.push(run),
  );
  /** An event comes, and what it asks of us is done. */
  const awake = () => {
    tidier.awake();
    for (const run of deferred.splice(0)) run();
  };
  return {
    tidier,
    heap,
    clock,
    awake,
    /** Invocations, each of which ends with so much in use: counted from the first. */
    invocations(count: number, usedBytes: (index: number) => number) {
      for (let index = 0; index < count; index++) {
        awake();
        heap.usedBytes = usedBytes(index);
        tidier.idle();
      }
      awake();
    },
  };
}

/** A young generation that fills up in ten invocations. */
const youngBytes = (index: number) => ((index % 10) * 1.5 * MB) / 10;

test('collects when what has outlived the young generation has grown by 2 MB in 64 invocations, and no sooner', () => {
  for (const [grownBytes, collections] of [
    [2 * MB - 1, 0],
    [2 * MB, 1],
  ] as const) {
    const { heap, invocations } = setUp();
    invocations(64, () => 3 * MB);
    invocations(64, () => 5 * MB);
    assert.equal(heap.collections, 0, 'what grows first is code');
    invocations(63, (index) => 5 * MB + grownBytes + youngBytes(index % 5));
    assert.equal(heap.collections, 0);
    invocations(1, () => 5 * MB + grownBytes);
    assert.equal(heap.collections, collections);
    invocations(640, () => 5 * MB + 2 * MB - 1);
    assert.equal(heap.collections, collections, 'from then on it is measured from what is left');
  }
});

test('what a collection leaves is in use, and no reason for another one', () => {
  const { heap, invocations } = setUp();
  heap.leftBytes = 9 * MB;
  invocations(1, () => 5 * MB);
  invocations(200, () => 9 * MB);
  assert.equal(heap.collections, 1);
  invocations(1, () => 13 * MB);
  assert.equal(heap.collections, 2);
});

test('never collects what only the young generation fills', () => {
  const { heap, invocations } = setUp();
  invocations(2_000, (index) => 5 * MB + 2 * youngBytes(index));
  assert.equal(heap.collections, 0);
});

test('measures from what V8 has left when it has collected by itself', () => {
  const { heap, invocations } = setUp();
  for (const usedMb of [5, 7, 4, 5.9]) invocations(64, () => usedMb * MB);
  assert.equal(heap.collections, 0);
  invocations(64, () => 6 * MB);
  assert.equal(heap.collections, 1);
});

test('leaves alone what the first record needs', () => {
  const { tidier, heap, awake } = setUp();
  heap.usedBytes = 3 * MB;
  tidier.idle();
  heap.usedBytes = 9 * MB;
  awake();
  tidier.idle();
  awake();
  assert.equal(heap.collections, 0);
});

test('waits for the next event, and for what it asks of us, when the sandbox is frozen', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  tidier.idle();
  heap.usedBytes += 4 * MB;
  tidier.idle();
  assert.equal(heap.collections, 0, 'nothing may be begun now');
  tidier.awake();
  assert.equal(heap.collections, 0, 'the event comes first');
  awake();
  assert.equal(heap.collections, 1);
});

test('collects in a sandbox that stays awake and idle, once', async () => {
  const { tidier, heap, clock, awake } = setUp();
  awake();
  tidier.idle();
  heap.usedBytes += 4 * MB;
  tidier.idle();
  await clock.advance(999);
  assert.equal(heap.collections, 0);
  await clock.advance(1);
  assert.equal(heap.collections, 1);
  awake();
  assert.equal(heap.collections, 1);
});

test('an idle sandbox with nothing to collect has no timer', () => {
  const { tidier, clock, awake } = setUp();
  awake();
  tidier.idle();
  assert.equal(clock.pendingTimers, 0);
});

test('collects once after a flood, from a growth of 4 MB on', () => {
  for (const [grownBytes, collections] of [
    [4 * MB - 1, 0],
    [4 * MB, 1],
  ] as const) {
    const { heap, invocations } = setUp();
    invocations(1, () => 5 * MB);
    invocations(1, () => 5 * MB + grownBytes);
    invocations(10, () => 5 * MB);
    assert.equal(heap.collections, collections);
  }
});

test('sees a flood that the first invocation brings', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  heap.usedBytes = 20 * MB;
  tidier.idle();
  awake();
  assert.equal(heap.collections, 1);
});

test('an event that comes before the sandbox is idle ends the wait for that', async () => {
  const { tidier, heap, clock, awake } = setUp();
  awake();
  tidier.idle();
  heap.usedBytes += 4 * MB;
  tidier.idle();
  assert.equal(clock.pendingTimers, 1);
  tidier.awake();
  assert.equal(clock.pendingTimers, 0);
});

test('memory that is freed is empty from then on', () => {
  const { buffer } = new Uint8Array(8);
  free(buffer);
  assert.equal(buffer.byteLength, 0);
  assert.doesNotThrow(() => free(new SharedArrayBuffer(8)));
});
