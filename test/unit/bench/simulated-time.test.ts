// Simulated time with the freeze of a sandbox, on which the figures of the long arrival patterns rest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateTime } from '../../../scripts/bench/simulated-time.ts';

test('things happen when they are due, and time ends where it was told to', async () => {
  const time = simulateTime(1_000);
  const seen: [string, number][] = [];
  time.at(1_500, () => seen.push(['world', time.now()]));
  time.sandboxClock.after(200, () => seen.push(['sandbox', time.now()]));
  await time.run(3_000);
  assert.deepEqual(seen, [
    ['sandbox', 1_200],
    ['world', 1_500],
  ]);
  assert.equal(time.now(), 3_000);
});

test('a timer of a frozen sandbox runs late, at the thaw, and the world goes on meanwhile', async () => {
  const time = simulateTime(0);
  const seen: [string, number][] = [];
  time.sandboxClock.after(100, () => seen.push(['sandbox', time.now()]));
  time.at(200, () => seen.push(['world', time.now()]));
  time.freeze();
  await time.run(500);
  assert.deepEqual(seen, [['world', 200]]);
  time.thaw();
  await time.run(600);
  assert.deepEqual(seen, [
    ['world', 200],
    ['sandbox', 500],
  ]);
});

test('what is called off does not happen', async () => {
  const time = simulateTime(0);
  let ran = false;
  const timer = time.sandboxClock.after(10, () => {
    ran = true;
  });
  timer.cancel();
  timer.cancel();
  await time.run(100);
  assert.equal(ran, false);
});

test('promises that follow from an event settle before the next event', async () => {
  const time = simulateTime(0);
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  void promise.then(() => seen.push('followed'));
  time.at(10, resolve);
  time.at(11, () => seen.push('next'));
  await time.run(20);
  assert.deepEqual(seen, ['followed', 'next']);
});
