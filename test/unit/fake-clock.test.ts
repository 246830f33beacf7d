import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';

test('time stands still until it is moved', async () => {
  const clock = new FakeClock();
  await clock.settle();
  assert.equal(clock.now(), START_MS);
});

test('timers run in the order in which they are due, at the moment they are due', async () => {
  const clock = new FakeClock();
  const ran: [string, number][] = [];
  clock.after(20, () => ran.push(['second', clock.now() - START_MS]));
  clock.after(10, () => ran.push(['first', clock.now() - START_MS]));
  clock.after(31, () => ran.push(['third', clock.now() - START_MS]));
  await clock.advance(30);
  assert.deepEqual(ran, [
    ['first', 10],
    ['second', 20],
  ]);
  assert.equal(clock.pendingTimers, 1);
  assert.equal(clock.nextDueMs, START_MS + 31);
});

test('a cancelled timer does not run and is not pending', async () => {
  const clock = new FakeClock();
  const timer = clock.after(5, () => assert.fail('it ran'));
  timer.cancel();
  timer.cancel();
  assert.equal(clock.pendingTimers, 0);
  await clock.advance(10);
});

test('a timer that a timer sets runs in the same advance', async () => {
  const clock = new FakeClock();
  let ranAtMs = 0;
  clock.after(1, () => {
    clock.after(1, () => {
      ranAtMs = clock.now();
    });
  });
  await clock.advance(2);
  assert.equal(ranAtMs, START_MS + 2);
});

test('promises settle between two timers', async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  clock.after(1, () => void Promise.resolve().then(() => order.push('promise')));
  clock.after(1, () => order.push('timer'));
  await clock.advance(1);
  assert.deepEqual(order, ['promise', 'timer']);
});

test('a freeze runs overdue timers late, at its end', async () => {
  const clock = new FakeClock();
  const ranAtMs: number[] = [];
  clock.after(10, () => ranAtMs.push(clock.now() - START_MS));
  clock.after(20, () => ranAtMs.push(clock.now() - START_MS));
  await clock.freeze(1_000);
  assert.deepEqual(ranAtMs, [1_000, 1_000]);
});

test('until stops at the moment the promise settles, and fails when it never does', async () => {
  const clock = new FakeClock();
  const slow = new Promise<string>((resolve) => clock.after(250, () => resolve('done')));
  assert.equal(await clock.until(slow), 'done');
  assert.equal(clock.now(), START_MS + 250);
  await assert.rejects(clock.until(new Promise(() => {}), 10));
});

test('a delay that is not a number is refused', () => {
  assert.throws(() => new FakeClock().after(Number.NaN, () => {}), RangeError);
});
