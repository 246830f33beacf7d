import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTidier, free } from '../../src/memory.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

const MB = 1024 * 1024;

function setUp() {
  const clock = new FakeClock();
  const heap = { usedBytes: 5 * MB, collections: 0, givenBack: 0 };
  const deferred: (() => void)[] = [];
  const tidier = createTidier(
    {
      usedBytes: () => heap.usedBytes,
      collectGarbage(giveBack) {
        heap.collections++;
        if (giveBack) heap.givenBack++;
        heap.usedBytes = 5 * MB;
      },
    },
    clock,
    (run) => void deferred.push(run),
  );
  return {
    tidier,
    heap,
    clock,
    /** An event comes, and what it asks of us is done. */
    awake() {
      tidier.awake();
      for (const run of deferred.splice(0)) run();
    },
  };
}

test('collects once for each 2 MB by which the heap has grown', () => {
  const { tidier, heap, awake } = setUp();
  for (let invocation = 0; invocation <= 100; invocation++) {
    awake();
    heap.usedBytes += MB / 10;
    tidier.idle();
  }
  assert.equal(heap.collections, 4);
});

test('never collects a heap that does not grow', () => {
  const { tidier, heap, awake } = setUp();
  for (let invocation = 0; invocation < 1_000; invocation++) {
    awake();
    tidier.idle();
  }
  assert.equal(heap.collections, 0);
});

test('measures from what V8 has left when it has collected by itself', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  tidier.idle();
  for (const usedMb of [6.9, 3, 4.9]) {
    heap.usedBytes = usedMb * MB;
    awake();
    tidier.idle();
  }
  awake();
  assert.equal(heap.collections, 0);
  heap.usedBytes = 5.1 * MB;
  tidier.idle();
  awake();
  assert.equal(heap.collections, 1);
});

test('leaves alone what the first record needs', () => {
  const { tidier, heap, awake } = setUp();
  heap.usedBytes = 3 * MB;
  tidier.idle();
  heap.usedBytes = 6 * MB;
  awake();
  tidier.idle();
  awake();
  assert.equal(heap.collections, 0);
});

test('waits for the next event, and for what it asks of us, when the sandbox is frozen', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  tidier.idle();
  heap.usedBytes += 2 * MB;
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
  heap.usedBytes += 2 * MB;
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

test('gives the pages back after a flood, and not after a few lines', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  tidier.idle();
  for (const grownMb of [2, 10]) {
    heap.usedBytes += grownMb * MB;
    tidier.idle();
    awake();
  }
  assert.deepEqual([heap.collections, heap.givenBack], [2, 1]);
});

test('sees a flood that the first invocation brings', () => {
  const { tidier, heap, awake } = setUp();
  awake();
  heap.usedBytes = 20 * MB;
  tidier.idle();
  awake();
  assert.equal(heap.givenBack, 1);
});

test('the pages are given back from a growth of 4 MB on', () => {
  for (const [grownBytes, givenBack] of [
    [4 * MB - 1, 0],
    [4 * MB, 1],
  ] as const) {
    const { tidier, heap, awake } = setUp();
    awake();
    tidier.idle();
    heap.usedBytes += grownBytes;
    tidier.idle();
    awake();
    assert.deepEqual([heap.collections, heap.givenBack], [1, givenBack]);
  }
});

test('an event that comes before the sandbox is idle ends the wait for that', async () => {
  const { tidier, heap, clock, awake } = setUp();
  awake();
  tidier.idle();
  heap.usedBytes += 2 * MB;
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
