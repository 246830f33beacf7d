// Simulated time with the freeze of a sandbox, on which the figures of the long arrival patterns rest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateTime } from '../../../scripts/bench/simulated-time.ts';

test('things happen when they are due, and time ends where it was told to', async () => {
  const time = simulateTime(1_000);
  const sandbox = time.openSandbox();
  const seen: [string, number][] = [];
  time.at(1_500, () => seen.push(['world', time.now()]));
  sandbox.clock.after(200, () => seen.push(['sandbox', time.now()]));
  await time.run(3_000);
  assert.deepEqual(seen, [
    ['sandbox', 1_200],
    ['world', 1_500],
  ]);
  assert.equal(time.now(), 3_000);
});

test('a timer of a frozen sandbox runs late, at the thaw, and the world goes on meanwhile', async () => {
  const time = simulateTime(0);
  const sandbox = time.openSandbox();
  const other = time.openSandbox();
  other.clock.after(150, () => seen.push(['another sandbox', time.now()]));
  const seen: [string, number][] = [];
  sandbox.clock.after(100, () => seen.push(['sandbox', time.now()]));
  time.at(200, () => seen.push(['world', time.now()]));
  sandbox.freeze();
  await time.run(500);
  assert.deepEqual(seen, [
    ['another sandbox', 150],
    ['world', 200],
  ]);
  sandbox.thaw();
  await time.run(600);
  assert.deepEqual(seen.slice(2), [['sandbox', 500]]);
});

test('what is called off does not happen', async () => {
  const time = simulateTime(0);
  const sandbox = time.openSandbox();
  let ran = false;
  const timer = sandbox.clock.after(10, () => {
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

test('whatever order things are made in, they happen in that of their moments, and of their making where those are equal', async () => {
  const time = simulateTime(0);
  const seen: number[] = [];
  const moments = Array.from({ length: 200 }, (_, index) => (index * 37) % 50);
  for (const [index, moment] of moments.entries()) time.at(moment, () => seen.push(index));
  await time.run(100);
  const expected = [...moments.keys()].sort((a, b) => (moments[a] ?? 0) - (moments[b] ?? 0) || a - b);
  assert.deepEqual(seen, expected);
});
