import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START_MS } from '../fakes/fake-clock.ts';
import { at } from '../fakes/records.ts';
import { invoke, setUp, shutdown } from './extension-setup.ts';

test('an invocation: begun, told, waited for, flushed, and only then the next event', async () => {
  const { clock, names, nextAtMs } = setUp([invoke(3_000)], { runtimeDoneAfterMs: 50, flushTakesMs: 30 });
  await clock.advance(5_000);
  const order = names().filter((name) => name !== 'reportLosses');
  assert.deepEqual(order, ['next', 'begin', 'resume', 'invoked', 'flush', 'next']);
  assert.deepEqual(nextAtMs(), [0, 80]);
  assert.equal(clock.pendingTimers, 0);
});

test('before each next event is asked for the deliverer is told of the freeze that may come, and after it of its end', async () => {
  const events = [invoke(3_000), invoke(3_000), shutdown(2_000)];
  const { clock, over, suspendedAtNext } = setUp(events, { runtimeDoneAfterMs: 0, lastReportAfterMs: 0 });
  await clock.until(over, 5_000);
  assert.deepEqual(suspendedAtNext, [false, true, true]);
});

test('a flush is held no longer than the flush timeout', async () => {
  const { clock, calls, nextAtMs } = setUp([invoke(60_000)], { runtimeDoneAfterMs: 100, flushTakesMs: 50_000 });
  await clock.advance(70_000);
  assert.equal(calls.find(({ name }) => name === 'flush')?.untilMs, 2_100);
  assert.equal(nextAtMs()[1], 2_100);
});

test('a flush never goes past the deadline less the margin', async () => {
  const { clock, calls, nextAtMs } = setUp([invoke(3_000)], { runtimeDoneAfterMs: 2_500, flushTakesMs: 50_000 });
  await clock.advance(10_000);
  assert.equal(calls.find(({ name }) => name === 'flush')?.untilMs, 2_800);
  assert.equal(nextAtMs()[1], 2_800);
});

test('an invocation whose end never comes is let go before its deadline, its lines on their way', async () => {
  const { clock, names, nextAtMs } = setUp([invoke(3_000)]);
  await clock.advance(10_000);
  assert.ok(names().includes('sendNow'));
  assert.ok(!names().includes('flush'));
  assert.equal(nextAtMs()[1], 2_800);
});

test('with little time left the margin is a part of it', async () => {
  const { clock, nextAtMs } = setUp([invoke(100)]);
  await clock.advance(1_000);
  assert.equal(at(nextAtMs(), 1), 80, 'a fifth of it');
});

test('with the deadline past nothing is waited for', async () => {
  const { clock, nextAtMs } = setUp([invoke(-1_000), invoke(0)]);
  await clock.settle();
  assert.deepEqual(nextAtMs(), [0, 0, 0]);
});

test('a freeze in the middle of the wait: the deadline is a wall-clock moment', async () => {
  const { clock, nextAtMs } = setUp([invoke(3_000)]);
  await clock.settle();
  await clock.freeze(60_000);
  await clock.settle();
  assert.equal(nextAtMs()[1], 60_000);
});

for (const byMs of [300_000, -300_000]) {
  test(`with the clock set by ${byMs} ms while the function runs, a flush lasts as long as it may`, async () => {
    const { clock, calls, nextAtMs } = setUp([invoke(60_000)], { runtimeDoneAfterMs: 100, flushTakesMs: 50_000 });
    await clock.advance(50);
    clock.set(byMs);
    await clock.advance(10_000);
    assert.equal(calls.find(({ name }) => name === 'flush')?.untilMs, byMs + 2_100);
    assert.equal(nextAtMs()[1], byMs + 2_100);
  });

  test(`with the clock set by ${byMs} ms, the deadline less the margin is where it was`, async () => {
    const { clock, nextAtMs } = setUp([invoke(3_000)], { runtimeDoneAfterMs: 2_500, flushTakesMs: 50_000 });
    await clock.advance(50);
    clock.set(byMs);
    await clock.advance(10_000);
    assert.equal(nextAtMs()[1], byMs + 2_800);
  });

  test(`with the clock set by ${byMs} ms at SHUTDOWN, all the time that is left is used and no more`, async () => {
    const { clock, calls, over } = setUp([shutdown(2_000)], { lastReportAfterMs: 100, drainTakesMs: 50_000 });
    await clock.advance(50);
    clock.set(byMs);
    await clock.until(over, 3_000);
    const drains = calls.filter(({ name }) => name === 'drain');
    assert.deepEqual(drains, [{ name: 'drain', atMs: byMs + 100, untilMs: byMs + 1_946 }]);
  });
}

test('continuous never waits', async () => {
  const events = [invoke(3_000, 'r-1'), invoke(3_000, 'r-2'), invoke(3_000, 'r-3')];
  const { clock, names, nextAtMs } = setUp(events, { runtimeDoneAfterMs: 500 }, { strategy: 'continuous' });
  await clock.settle();
  assert.deepEqual(nextAtMs(), [0, 0, 0, 0]);
  assert.ok(!names().includes('flush'));
});

test('every event thaws: connections are distrusted before anything is sent', async () => {
  const { clock, names } = setUp([invoke(3_000), shutdown(5_000)], { runtimeDoneAfterMs: 10, lastReportAfterMs: 1 });
  await clock.advance(5_000);
  assert.equal(names().filter((name) => name === 'resume').length, 2);
  assert.ok(names().indexOf('resume') < names().indexOf('flush'));
  assert.ok(names().lastIndexOf('resume') < names().indexOf('drain'));
});

test('SHUTDOWN with 2000 ms: late records, everything pushed, over well before the deadline', async () => {
  const { clock, calls, over } = setUp([shutdown(2_000)], { lastReportAfterMs: 40, drainTakesMs: 200 });
  await clock.until(over, 2_000);
  const drain = calls.find(({ name }) => name === 'drain');
  assert.equal(drain?.atMs, 40);
  assert.ok((drain?.untilMs ?? 0) >= 1_500 && (drain?.untilMs ?? 0) < 2_000);
  assert.equal(at(calls, -1).name, 'abandon');
});

test('SHUTDOWN with 2000 ms and no last report: late records are waited for 300 ms', async () => {
  const { clock, calls, over } = setUp([shutdown(2_000)]);
  await clock.until(over, 2_000);
  assert.equal(calls.find(({ name }) => name === 'drain')?.atMs, 300);
});

test('SHUTDOWN with 400 ms: a third of the 346 up to the exit for late records, and over before the deadline', async () => {
  const { clock, calls, over } = setUp([shutdown(400)], { drainTakesMs: 10_000 });
  const startMs = clock.now();
  await clock.until(over, 400);
  assert.ok(Math.abs((calls.find(({ name }) => name === 'drain')?.atMs ?? 0) - 115) <= 1);
  assert.ok(clock.now() - startMs < 400, `${clock.now() - startMs} ms`);
});

test('SHUTDOWN with 400 ms where records are buffered for 250 ms: that and more for late records', async () => {
  const { clock, calls, over } = setUp([shutdown(400)], { drainTakesMs: 10_000 }, { lateShare: 3 / 4 });
  await clock.until(over, 400);
  assert.equal(calls.find(({ name }) => name === 'drain')?.atMs, (400 - 54) * (3 / 4));
});

test('however slow the sandbox is, as much time as late records were waited for is left to push them', async () => {
  const pace = { begin: () => ({ end() {} }), slowness: () => 20 };
  const { clock, calls, over } = setUp(
    [shutdown(400)],
    { drainTakesMs: 10_000 },
    { pace, lateShare: 1 / 2, onlyShutdown: true },
  );
  const startMs = clock.now();
  await clock.until(over, 400);
  const drainAtMs = calls.find(({ name }) => name === 'drain')?.atMs ?? Number.NaN;
  assert.equal(Math.round(drainAtMs), 67);
  assert.equal(Math.round(clock.now() - startMs), 133);
});

test('SHUTDOWN with the deadline past: what can leave is sent, and it is over at once', async () => {
  const { clock, names, over } = setUp([invoke(5_000), shutdown(-500)], {
    runtimeDoneAfterMs: 0,
    drainTakesMs: 10_000,
  });
  await clock.until(over, 10);
  assert.ok(names().includes('sendNow') && !names().includes('drain'));
  assert.equal(names().at(-1), 'abandon');
});

test('at SHUTDOWN what is held leaves before late records are waited for', async () => {
  const { clock, calls, over } = setUp([shutdown(2_000)]);
  await clock.until(over, 2_000);
  assert.equal(calls.find(({ name }) => name === 'sendNow')?.atMs, 0);
});

test('a SHUTDOWN without any invocation before it is no different', async () => {
  const { clock, names, over } = setUp([shutdown(2_000)], { lastReportAfterMs: 1 });
  await clock.until(over, 2_000);
  assert.ok(names().indexOf('begin') < names().indexOf('drain'));
});

test('without any invocation before it, a SHUTDOWN that leaves no time to load what sends is over at once', async () => {
  for (const [slowness, deadlineInMs, onlyShutdown, isTime] of [
    [14, 300, false, false],
    [14, 300, true, true],
    [14, 2_000, false, true],
    [1, 300, false, true],
  ] as const) {
    const pace = { begin: () => ({ end() {} }), slowness: () => slowness };
    const { clock, names, over } = setUp([shutdown(deadlineInMs)], { lastReportAfterMs: 1 }, { pace, onlyShutdown });
    await clock.until(over, deadlineInMs);
    assert.equal(names().includes('begin'), isTime, `${slowness}, ${deadlineInMs} ms`);
  }
});

test('the time needed to load what sends is 36 ms of CPU time, and with that much left it is loaded', async () => {
  for (const [slowness, deadlineInMs, isTime] of [
    [1, 35, false],
    [1, 36, true],
    [10, 359, false],
    [10, 360, true],
  ] as const) {
    const pace = { begin: () => ({ end() {} }), slowness: () => slowness };
    const { clock, names, over } = setUp([shutdown(deadlineInMs)], {}, { pace });
    await clock.until(over, deadlineInMs);
    assert.equal(names().includes('begin'), isTime, `${slowness}, ${deadlineInMs} ms`);
  }
});

test('what the first drain lost is told, and leaves with a second one, which is the last', async () => {
  const { clock, names, over } = setUp([shutdown(2_000)], { lastReportAfterMs: 1, drainTakesMs: 10 });
  await clock.until(over, 2_000);
  assert.deepEqual(names().slice(names().indexOf('sendNow') + 1), [
    'reportLosses',
    'drain',
    'reportLosses',
    'drain',
    'abandon',
  ]);
});

test('what counts as our own work begins with the event and ends before anything is waited for', async () => {
  const stretches: (readonly [string, atMs: number])[] = [];
  const { clock, calls, over } = setUp(
    [invoke(3_000), shutdown(5_000)],
    { runtimeDoneAfterMs: 500 },
    {
      pace: {
        begin() {
          stretches.push(['begin', clock.now() - START_MS]);
          return { end: () => stretches.push([`end after ${calls.at(-1)?.name}`, clock.now() - START_MS]) };
        },
        slowness: () => 1,
      },
    },
  );
  await clock.until(over, 5_000);
  assert.deepEqual(stretches, [
    ['begin', 0],
    ['end after resume', 0],
    ['begin', 500],
    ['end after sendNow', 500],
  ]);
});

test('adaptive counts the invocations: the first four wait, and the fifth in quick succession does not', async () => {
  const events = Array.from({ length: 5 }, (_, index) => invoke(60_000, `r-${index}`));
  const { clock, nextAtMs } = setUp(events, { runtimeDoneAfterMs: 100 }, { strategy: 'adaptive' });
  await clock.advance(10_000);
  assert.deepEqual(nextAtMs(), [0, 100, 200, 300, 400, 400]);
});

test('after SHUTDOWN no next event is asked for', async () => {
  const { clock, nextAtMs, over } = setUp([shutdown(2_000), invoke(5_000)]);
  await clock.until(over, 2_000);
  assert.equal(nextAtMs().length, 1);
  assert.equal(clock.pendingTimers, 0);
});

test('the slower the sandbox lets us work, the more time is kept for the exit, and never more than two thirds', async () => {
  const reservedMs = async (slowness: number, deadlineInMs: number) => {
    const pace = { begin: () => ({ end() {} }), slowness: () => slowness };
    const behaviour = { runtimeDoneAfterMs: 0, drainTakesMs: 10_000, lastReportAfterMs: 1 };
    const parts = setUp([invoke(5_000), shutdown(deadlineInMs)], behaviour, { pace });
    const startMs = parts.clock.now();
    await parts.clock.until(parts.over, deadlineInMs);
    return deadlineInMs - (parts.clock.now() - startMs);
  };
  assert.equal(await reservedMs(1, 2_000), 40 + 14);
  assert.equal(await reservedMs(14, 2_000), 40 + 14 * 14);
  assert.equal(await reservedMs(14, 500), 40 + 14 * 14);
  assert.equal(await reservedMs(14, 300), 200);
});

test('where little CPU time is left what is held is sent as it is, and where Loki is not well the one try comes at once', async () => {
  const callsOf = async (slowness: number, deadlineInMs: number, isHealthy: boolean) => {
    const pace = { begin: () => ({ end() {} }), slowness: () => slowness };
    const parts = setUp([invoke(5_000), shutdown(deadlineInMs)], { isHealthy, runtimeDoneAfterMs: 0 }, { pace });
    await parts.clock.until(parts.over, deadlineInMs);
    const drainAtMs = parts.calls.find(({ name }) => name === 'drain')?.atMs;
    return [parts.names().includes('hurry'), Math.round(drainAtMs ?? Number.NaN)];
  };
  assert.deepEqual(await callsOf(1, 300, true), [false, 82]);
  assert.deepEqual(await callsOf(14, 300, true), [true, 33]);
  assert.deepEqual(await callsOf(14, 300, false), [true, 0]);
  // Too little for a single turn in which something is sent.
  assert.deepEqual(await callsOf(14, 120, true), [true, Number.NaN]);
  assert.deepEqual(await callsOf(14, 2_000, false), [false, 300]);
});

test('what leaves before a timeout of the function is sent as it is, and what comes later is compressed again', async () => {
  const { clock, names, over } = setUp([invoke(1_000), shutdown(2_000)]);
  await clock.until(over, 10_000);
  const at = names().indexOf('hurry');
  assert.deepEqual(names().slice(at, at + 3), ['hurry', 'sendNow', 'take time']);
});

test('losses of an invocation are told before its lines are flushed, so that they leave with them', async () => {
  const { clock, names } = setUp([invoke(3_000)], { runtimeDoneAfterMs: 10, flushTakesMs: 5 });
  await clock.advance(1_000);
  const at = names().indexOf('flush');
  assert.deepEqual(names().slice(at - 2, at + 1), ['reportLosses', 'reportLosses', 'flush']);
});

test('a drain begins where one turn of the event loop fits before the exit, and not where none does', async () => {
  const drains = async (slowness: number) => {
    const pace = { begin: () => ({ end() {} }), slowness: () => slowness };
    const { clock, names, over } = setUp([invoke(5_000), shutdown(105)], { runtimeDoneAfterMs: 0 }, { pace });
    await clock.until(over, 105);
    return names().includes('drain');
  };
  // Two thirds of the time are kept, a third of the rest goes to late records: 23 ms are left.
  assert.equal(await drains(11), true);
  assert.equal(await drains(12), false);
});
