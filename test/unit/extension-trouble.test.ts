// Whatever goes wrong on our side, the function goes on: only SHUTDOWN ends the lifecycle.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START_MS } from '../fakes/fake-clock.ts';
import { invoke, setUp, shutdown } from './extension-setup.ts';

for (const failing of ['begin', 'resume', 'invoked', 'reportLosses', 'flush']) {
  test(`a bug in ${failing} does not end the loop and does not hold the invocation, and is said once`, async () => {
    const events = [invoke(3_000, 'r-1'), invoke(3_000, 'r-2')];
    const { clock, log, nextAtMs } = setUp(events, { failing, runtimeDoneAfterMs: 10 });
    await clock.advance(1_000);
    assert.equal(nextAtMs().length, 3);
    assert.equal(log.messages.length, 1);
    assert.equal(log.messages[0]?.level, 'error');
  });
}

for (const failing of ['begin', 'resume']) {
  test(`after a bug in ${failing} the end of the invocation, which may never be known, is not waited for`, async () => {
    const { clock, names, nextAtMs } = setUp([invoke(3_000)], { failing });
    await clock.settle();
    assert.ok(names().includes('invoked'));
    assert.deepEqual(nextAtMs(), [0, 0]);
  });
}

for (const failing of ['begin', 'resume', 'sendNow', 'drain', 'reportLosses', 'abandon']) {
  test(`a bug in ${failing} does not keep SHUTDOWN from ending in time`, async () => {
    const { clock, over } = setUp([shutdown(2_000)], { failing, lastReportAfterMs: 10 });
    await clock.until(over, 2_000);
  });
}

test('a bug before the last flush does not keep what is held from being pushed at SHUTDOWN', async () => {
  for (const failing of ['begin', 'resume', 'sendNow', 'reportLosses']) {
    const { clock, names, over } = setUp([shutdown(2_000)], { failing, lastReportAfterMs: 10 });
    await clock.until(over, 2_000);
    assert.ok(names().includes('drain'), `a bug in ${failing}`);
  }
});

test('a deliverer that cannot be had does not end the loop', async () => {
  const { clock, nextAtMs, over } = setUp(
    [invoke(3_000), shutdown(5_000)],
    {},
    {
      deliverer: () => Promise.reject(new Error('the late half is broken')),
    },
  );
  await clock.until(over, 5_000);
  assert.equal(nextAtMs().length, 2);
});

test('without a deliverer events are taken one after another, and SHUTDOWN ends at once', async () => {
  const events = [invoke(3_000), invoke(3_000), shutdown(5_000)];
  const { clock, log, calls, over } = setUp(events, { withoutDeliverer: true });
  await clock.until(over, 0);
  assert.deepEqual(log.messages, []);
  assert.deepEqual(
    calls.map(({ name }) => name),
    ['next', 'next', 'next'],
  );
});

test('an error of next is tried again soon, and the first is not worth a word', async () => {
  const { clock, log, nextAtMs } = setUp([new Error('ECONNRESET'), invoke(3_000)], { runtimeDoneAfterMs: 10 });
  await clock.advance(3_000);
  assert.equal(nextAtMs().length, 3);
  assert.ok((nextAtMs()[1] ?? 0) <= 100);
  assert.deepEqual(log.messages, []);
});

test('errors of next are never given up on, never tried in a tight loop, and said once a minute', async () => {
  const errors = Array.from({ length: 400 }, () => new Error('ECONNREFUSED'));
  const { clock, log, nextAtMs, names } = setUp([...errors, shutdown(1_000_000)], { lastReportAfterMs: 1 });
  await clock.advance(300_000);
  const gaps = nextAtMs().map((atMs, index) => atMs - (nextAtMs()[index - 1] ?? -20));
  assert.ok(gaps.every((gapMs) => gapMs >= 20 && gapMs <= 5_000));
  assert.ok(nextAtMs().length > 60, 'it goes on');
  assert.ok(log.messages.length >= 1 && log.messages.length <= 6, `${log.messages.length} messages`);
  await clock.advance(300_000);
  assert.ok(names().includes('abandon'), 'SHUTDOWN came through in the end');
});

test('asked to end by a signal: SHUTDOWN with two seconds, while next is pending and while an invocation is held', async () => {
  for (const events of [[], [invoke(60_000)]]) {
    const terminated = Promise.withResolvers<void>();
    const { clock, calls, over } = setUp(
      events,
      { drainTakesMs: 10_000, lastReportAfterMs: 1 },
      { terminated: terminated.promise },
    );
    await clock.advance(5_000);
    terminated.resolve();
    await clock.until(over, 2_000);
    assert.ok(clock.now() - START_MS > 6_000, 'it takes its time');
    assert.deepEqual(
      calls.map(({ name }) => name).filter((name) => ['drain', 'abandon'].includes(name)),
      ['drain', 'abandon'],
    );
  }
});

test('a signal during SHUTDOWN changes nothing', async () => {
  const terminated = Promise.withResolvers<void>();
  const { clock, names, over } = setUp([shutdown(2_000)], { drainTakesMs: 1_000 }, { terminated: terminated.promise });
  await clock.advance(500);
  terminated.resolve();
  await clock.until(over, 2_000);
  assert.equal(names().filter((name) => name === 'abandon').length, 1);
});

test('the log loads nothing any more once SHUTDOWN has come', async () => {
  const { clock, log, over } = setUp([invoke(3_000), shutdown(5_000)], { runtimeDoneAfterMs: 1, lastReportAfterMs: 1 });
  assert.equal(log.closed, false);
  await clock.until(over, 5_000);
  assert.equal(log.closed, true);
});
