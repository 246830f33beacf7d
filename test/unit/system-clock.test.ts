// The clock of the system, whose wall clock is moved by hand: a timer of 1 ms may then strike hours late.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isAged, pauseLeftMs, systemClock } from '../../src/time.ts';
import { START_MS } from '../fakes/fake-clock.ts';

/** A timer of 1 ms, and what makes it strike so much too late. */
function setUp(t: TestContext, lateMs: number) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: START_MS });
  let runs = 0;
  const timer = systemClock.after(1, () => {
    runs++;
  });
  return { timer, strike: () => t.mock.timers.tick(1 + lateMs), runs: () => runs };
}

const inputIsRead = () => new Promise<void>((resolve) => setImmediate(resolve));

for (const [lateMs, runsAtOnce] of [
  [0, true],
  [99, true],
  [100, false],
  [3_600_000, false],
] as const) {
  test(`a timer that is ${lateMs} ms late ${runsAtOnce ? 'runs at once' : 'lets input be read first'}`, async (t) => {
    const { strike, runs } = setUp(t, lateMs);
    assert.equal(runs(), 0);
    strike();
    assert.equal(runs(), runsAtOnce ? 1 : 0);
    await inputIsRead();
    assert.equal(runs(), 1);
  });
}

test('what a late timer would do can still be called off by what is read before it', async (t) => {
  const { timer, strike, runs } = setUp(t, 3_600_000);
  strike();
  timer.cancel();
  await inputIsRead();
  assert.equal(runs(), 0);
});

test('a timer that is cancelled does not run, and keeps nothing alive', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  systemClock.after(3_600_000, () => {}).cancel();
  assert.equal(timers(), before);
  const { timer, strike, runs } = setUp(t, 0);
  timer.cancel();
  strike();
  await inputIsRead();
  assert.equal(runs(), 0);
});

test('what has passed is told in whole milliseconds, rounded down', (t) => {
  t.mock.method(process, 'hrtime', () => [12, 345_999_999]);
  assert.equal(systemClock.steadyMs(), 12_345);
});

test('a pause lasts until its end, and is over where the clock was set back to before it', () => {
  const pause = { sinceMs: 1_000, untilMs: 3_000 };
  const left = [999, 1_000, 1_001, 2_999, 3_000, 4_000].map((nowMs) => pauseLeftMs(pause, nowMs));
  assert.deepEqual(left, [0, 2_000, 1_999, 1, 0, 0]);
});

test('an age is reached at its very moment, and by what lies in the future', () => {
  const aged = [999, 1_000, 1_001, 1_499, 1_500, 2_000].map((nowMs) => isAged(1_000, 500, nowMs));
  assert.deepEqual(aged, [true, false, false, false, true, true]);
});
