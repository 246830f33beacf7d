import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { ACCEPTED, FAILED, throttled, UNREACHABLE } from '../../fakes/doubles.ts';
import { at } from '../../fakes/records.ts';
import { setUp } from './delivery-setup.ts';

const REJECTED: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };

test('nothing held, no timer pending and nothing to wait for', async () => {
  const { clock, delivery, client } = setUp(() => ACCEPTED);
  delivery.wake();
  delivery.sendNow();
  await delivery.flush(clock.now() + 2_000);
  await delivery.drain(clock.now() + 2_000);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(client.pushes.length, 0);
});

test('a batch leaves when its oldest entry has reached the longest wait, and not before', async () => {
  const { clock, client, receive } = setUp(() => ACCEPTED);
  receive('first');
  await clock.advance(600);
  receive('second');
  await clock.advance(399);
  assert.equal(client.pushes.length, 0);
  await clock.advance(1);
  assert.deepEqual(client.lines, ['first', 'second']);
  assert.equal(clock.pendingTimers, 0);
});

test('a batch that is full leaves at once', async () => {
  const { clock, client, receive } = setUp(() => ACCEPTED, { batchMaxBytes: 1_024 });
  receive(...Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(100)}`));
  await clock.settle();
  assert.ok(client.pushes.length >= 1);
  for (const { requestBytes } of client.pushes) assert.ok(requestBytes <= 1_024, `${requestBytes} bytes`);
});

test('a flush sends every stream at once, resolves with the last answer and leaves no timer', async () => {
  const { clock, client, hold, receive, delivery } = setUp(() => undefined);
  hold('report', 'platform');
  hold('summary', 'extension');
  receive('line');
  const flushed = delivery.flush(clock.now() + 2_000);
  await clock.settle();
  assert.equal(client.pushes.length, 3);
  at(client.pushes, 0).answer(ACCEPTED);
  at(client.pushes, 1).answer(ACCEPTED);
  await clock.settle();
  assert.ok(clock.pendingTimers > 0, 'the flush goes on');
  at(client.pushes, 2).answer(ACCEPTED);
  await clock.until(flushed, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('lines that come during a flush leave with it', async () => {
  const { clock, client, delivery, receive } = setUp(() => undefined);
  receive('early');
  const flushed = delivery.flush(clock.now() + 2_000);
  await clock.settle();
  receive('late');
  await clock.settle();
  assert.deepEqual(client.lines, ['early', 'late']);
  for (const push of client.pushes) push.answer(ACCEPTED);
  await clock.until(flushed, 0);
});

test('a flush hurries what is held, and nothing that comes after it', async () => {
  const { clock, client, delivery, receive, flush } = setUp(() => ACCEPTED, { batchMaxWaitMs: 1_000 });
  await flush('in the flush');
  receive('after it');
  await clock.advance(999);
  assert.deepEqual(client.lines, ['in the flush']);
  await clock.advance(1);
  assert.deepEqual(client.lines, ['in the flush', 'after it']);
  receive('at once');
  delivery.sendNow();
  receive('after that');
  await clock.advance(999);
  assert.deepEqual(client.lines, ['in the flush', 'after it', 'at once']);
});

test('a flush that had its whole time in vain is the last that waits; one that was cut short is not', async () => {
  const { clock, delivery, hold, flush } = setUp(() => undefined);
  hold('x');
  await clock.until(delivery.flush(clock.now() + 1_999), 1_999);
  assert.equal(delivery.isHealthy(), true);
  assert.equal(await flush('y'), 2_000);
  assert.equal(delivery.isHealthy(), false);
  assert.equal(await flush('z'), 0);
});

test('a flush ends at its deadline, and an answer after that still counts', async () => {
  const { clock, client, ledger, backlog, flush } = setUp(() => undefined);
  assert.equal(await flush('slow'), 2_000);
  assert.equal(backlog.heldEntries(), 1);
  at(client.pushes, 0).answer(ACCEPTED);
  await clock.settle();
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(ledger.totals().accepted, 1);
  assert.equal(client.pushes.length, 1, 'it was sent once');
  assert.equal(clock.pendingTimers, 0);
});

test('a resend is the same byte for byte', async () => {
  const { client, flush } = setUp((_, index) => (index < 2 ? FAILED : ACCEPTED));
  await flush('one', 'two', 'three');
  assert.equal(client.pushes.length, 3);
  assert.deepEqual(at(client.pushes, 1).body, at(client.pushes, 0).body);
  assert.deepEqual(at(client.pushes, 2).body, at(client.pushes, 0).body);
});

test('each failure in a row doubles the wait', async () => {
  const { clock, client, receive } = setUp(() => UNREACHABLE);
  receive('line');
  await clock.advance(10_000);
  const gaps = client.pushes.slice(1).map(({ atMs }, index) => atMs - at(client.pushes, index).atMs);
  assert.deepEqual(gaps.slice(0, 6), [100, 200, 400, 800, 1_600, 3_200]);
});

test('at most four pushes are under way', async () => {
  const { clock, client, delivery, hold } = setUp(() => undefined, { batchMaxBytes: 1_024 });
  for (let index = 0; index < 100; index++) hold('y'.repeat(400));
  delivery.sendNow();
  await clock.settle();
  assert.equal(client.open, 4);
  for (let index = 0; client.open > 0; index++) {
    at(client.pushes, index).answer(ACCEPTED);
    await clock.settle();
  }
  assert.equal(client.mostOpen, 4);
});

test('Retry-After is waited for', async () => {
  const { clock, client, receive } = setUp((_, index) => (index === 0 ? throttled(30_000) : ACCEPTED));
  receive('line');
  await clock.advance(1_000 + 29_999);
  assert.equal(client.pushes.length, 1);
  await clock.advance(1);
  assert.equal(client.pushes.length, 2);
});

test('what Loki refuses for good is an answer: nothing waits for it, and it is no failure', async () => {
  const { clock, client, delivery, receive } = setUp((_, index) => (index % 2 === 0 ? REJECTED : ACCEPTED));
  for (let count = 1; count <= 6; count++) {
    receive(`line ${count}`);
    delivery.sendNow();
    await clock.settle();
    assert.equal(client.pushes.length, count);
    assert.equal(delivery.isHealthy(), true);
  }
});

test('Retry-After is believed up to five minutes', async () => {
  for (const asked of [300_000, 300_001, 86_400_000]) {
    const { clock, client, receive } = setUp((_, index) => (index === 0 ? throttled(asked) : ACCEPTED));
    receive('line');
    await clock.advance(1_000 + 299_999);
    assert.equal(client.pushes.length, 1);
    await clock.advance(1);
    assert.equal(client.pushes.length, 2);
  }
});

test('Retry-After is waited for although a flush runs out of time meanwhile', async () => {
  const { clock, client, flush } = setUp((_, index) => (index === 0 ? throttled(30_000) : ACCEPTED));
  await flush('line');
  await clock.advance(20_000);
  assert.equal(client.pushes.length, 1, 'nothing is sent before the moment that was asked for');
});

test('Retry-After is waited for although another push fails after it', async () => {
  const { clock, client, delivery, hold } = setUp((_, index) => [throttled(30_000), FAILED][index] ?? ACCEPTED);
  hold('line');
  hold('report', 'platform');
  delivery.sendNow();
  await clock.advance(20_000);
  assert.equal(client.pushes.length, 2);
});

test('Retry-After is waited for although a push that was under way is accepted after it', async () => {
  const { clock, client, delivery, hold } = setUp(() => undefined);
  hold('line');
  hold('report', 'platform');
  delivery.sendNow();
  at(client.pushes, 0).answer(throttled(30_000));
  await clock.settle();
  at(client.pushes, 1).answer(ACCEPTED);
  await clock.advance(20_000);
  assert.equal(client.pushes.length, 2);
});

test('a flush does not hold the invocation for a push that may not be sent before its deadline', async () => {
  const { flush } = setUp(() => throttled(30_000));
  const heldMs = await flush('line');
  assert.ok(heldMs < 2_000, `held for ${heldMs} ms for nothing`);
});

test('a thaw finds a backoff of the past over: what is held is sent at once', async () => {
  const { clock, client, delivery, receive } = setUp((_, index) => (index < 2 ? FAILED : ACCEPTED));
  receive('line');
  await clock.advance(1_100);
  assert.equal(client.pushes.length, 2);
  await clock.freeze(3_600_000);
  delivery.wake();
  await clock.settle();
  assert.equal(client.pushes.length, 3);
  assert.equal(clock.pendingTimers, 0);
});
