import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimit, createPace, settledBy } from '../../src/time.ts';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';

test('a promise that settles in time is reported as settled, and no timer stays', async () => {
  const clock = new FakeClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const settled = settledBy(clock, promise, START_MS + 100);
  await clock.advance(99);
  resolve();
  assert.equal(await settled, true);
  assert.equal(clock.pendingTimers, 0);
});

test('a rejection counts as settled and is not thrown', async () => {
  const clock = new FakeClock();
  assert.equal(await settledBy(clock, Promise.reject(new Error('no')), START_MS + 100), true);
  assert.equal(clock.pendingTimers, 0);
});

test('at the moment that was set the wait is over', async () => {
  const clock = new FakeClock();
  assert.equal(await clock.until(settledBy(clock, new Promise(() => {}), START_MS + 100)), false);
  assert.equal(clock.now(), START_MS + 100);
  assert.equal(clock.pendingTimers, 0);
});

test('a moment in the past is not waited for', async () => {
  const clock = new FakeClock();
  assert.equal(await settledBy(clock, new Promise(() => {}), START_MS), false);
  assert.equal(await settledBy(clock, new Promise(() => {}), START_MS - 1), false);
  assert.equal(clock.pendingTimers, 0);
});

test('a wait that was frozen over ends with the thaw', async () => {
  const clock = new FakeClock();
  const settled = settledBy(clock, new Promise(() => {}), START_MS + 100);
  await clock.freeze(3_600_000);
  assert.equal(await settled, false);
});

test('the pace of a sandbox: what was expected, or what all stretches that are long enough to tell come to', () => {
  let nowMs = 0;
  let cpuMs = 0;
  const pace = createPace(
    3,
    () => nowMs,
    () => cpuMs,
  );
  const work = (usedMs: number, tookMs: number) => {
    const stretch = pace.begin();
    cpuMs += usedMs;
    nowMs += tookMs;
    stretch.end();
    return pace.slowness();
  };
  assert.equal(pace.slowness(), 3);
  assert.equal(work(10, 10), 3);
  assert.equal(work(0.1, 90), 3, 'too short to tell');
  assert.equal(work(2, 40), 50 / 12, 'a machine that was busy once');
  assert.equal(work(20, 300), 350 / 32);
  assert.equal(work(4, 10), 10);
  assert.equal(work(5, 5_000), 20, 'slower than any function is');
});

test('a shorter limit takes the place of a longer one, however the wall clock was set meanwhile', async () => {
  for (const setByMs of [3_600_000, -3_600_000]) {
    const clock = new FakeClock();
    const passed: number[] = [];
    const limit = createLimit(clock, (limitMs) => passed.push(limitMs));
    limit.set(5_000);
    clock.set(setByMs);
    limit.set(100);
    limit.set(6_000);
    await clock.advance(100);
    assert.deepEqual(passed, [100]);
  }
});

test('of several limits the one that ends first holds, until they are lifted for good', async () => {
  const clock = new FakeClock();
  const passed: number[] = [];
  const limit = createLimit(clock, (limitMs) => passed.push(limitMs));
  limit.set(500);
  limit.set(800);
  await clock.advance(100);
  limit.set(399);
  limit.set(399);
  assert.equal(clock.pendingTimers, 1);
  await clock.advance(398);
  assert.equal(passed.length, 0);
  await clock.advance(1);
  assert.deepEqual(passed, [399]);
  const other = createLimit(clock, (limitMs) => passed.push(limitMs));
  other.set(10);
  other.lift();
  other.set(5);
  await clock.advance(1_000);
  assert.deepEqual(passed, [399]);
  assert.equal(clock.pendingTimers, 0);
});
