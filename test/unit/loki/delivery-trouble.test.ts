// What a Loki that fails does to the function and to the queue: the breaker, poisonous batches, the last flush.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { ACCEPTED, FAILED, type FakePush, REFUSED, UNREACHABLE } from '../../fakes/doubles.ts';
import { at, seededRandom } from '../../fakes/records.ts';
import { setUp } from './delivery-setup.ts';

const poisoned = ({ lines }: FakePush): PushOutcome => (lines.includes('poison') ? FAILED : ACCEPTED);

test('with Loki down, the breaker opens and invocations go by without waiting', async () => {
  const { flush, delivery } = setUp(() => UNREACHABLE);
  const heldMs: number[] = [];
  for (let index = 0; index < 5; index++) heldMs.push(await flush(`line ${index}`));
  assert.equal(delivery.isHealthy(), false);
  assert.deepEqual(heldMs.slice(1), [0, 0, 0, 0]);
});

test('with the breaker open one push at a time probes', async () => {
  const { clock, client, hold, flush, receive } = setUp(() => UNREACHABLE, { batchMaxBytes: 1_024 });
  await flush('line');
  client.mostOpen = 0;
  client.script = () => undefined;
  for (let index = 0; index < 50; index++) hold('x'.repeat(300));
  receive('more');
  await clock.advance(20_000);
  assert.equal(client.mostOpen, 1);
});

test('when Loki is back, what was held goes out and no timer stays', async () => {
  const { clock, client, ledger, flush } = setUp(() => UNREACHABLE);
  for (let index = 0; index < 20; index++) await flush(`line ${index}`);
  client.script = () => ACCEPTED;
  await clock.advance(30_000);
  assert.equal(ledger.totals().accepted, 20);
  assert.equal(clock.pendingTimers, 0);
});

test('a flush that had only a moment left does not open the breaker: Loki has not failed', async () => {
  const { clock, client, delivery, receive } = setUp(() => undefined);
  receive('line');
  await clock.until(delivery.flush(clock.now() + 5));
  assert.equal(delivery.isHealthy(), true);
  at(client.pushes, 0).answer(ACCEPTED);
});

test('a poisonous batch does not keep others from leaving', async () => {
  const { ledger, flush, clock } = setUp(poisoned);
  await flush('poison');
  for (let index = 0; index < 10; index++) {
    await flush(`good ${index}`);
    await clock.advance(60_000);
  }
  assert.equal(ledger.totals().accepted, 10);
});

test('of a poisonous batch only the entry at fault is lost', async () => {
  const { ledger, backlog, receive, clock } = setUp(poisoned);
  receive('a', 'b', 'poison', 'c', 'd', 'e');
  for (let index = 0; index < 60; index++) {
    await clock.advance(10_000);
    receive(`good ${index}`);
  }
  await clock.advance(60_000);
  assert.equal(ledger.totals().dropped.retries_exhausted, 1);
  assert.equal(ledger.totals().accepted, 65);
  assert.equal(backlog.heldEntries(), 0);
});

test('in an outage nothing is given up: no batch is at fault when none passes', async () => {
  const { clock, ledger, backlog, receive, client } = setUp(() => FAILED);
  for (let index = 0; index < 100; index++) {
    receive(`line ${index}`);
    await clock.advance(5_000);
  }
  assert.equal(backlog.heldEntries(), 100);
  client.script = () => ACCEPTED;
  await clock.advance(30_000);
  assert.equal(ledger.totals().accepted, 100);
});

for (const [what, away, most] of [
  ['cannot be reached', UNREACHABLE, 4],
  ['answers 503', FAILED, 4],
  ['answers 500', { kind: 'failed', status: 500, detail: '500' }, 16],
] as const) {
  test(`what comes while Loki ${what} leaves in few requests when it is back, one after the other`, async () => {
    const { clock, client, ledger, receive } = setUp(() => away);
    for (let index = 0; index < 48; index++) {
      receive(`line ${index}`);
      await clock.advance(5_000);
    }
    client.script = () => ACCEPTED;
    client.pushes.length = 0;
    client.mostOpen = 0;
    await clock.advance(60_000);
    assert.equal(ledger.totals().accepted, 48);
    assert.ok(client.pushes.length <= most, `${client.pushes.length} requests`);
    assert.equal(client.mostOpen, 1);
  });
}

test('where one batch is answered with 503 and others would pass, they do', async () => {
  const { clock, ledger, receive } = setUp(poisoned);
  receive('poison');
  await clock.advance(30_000);
  for (let index = 0; index < 20; index++) receive(`line ${index}`);
  await clock.advance(30_000);
  assert.equal(ledger.totals().accepted, 20);
});

test('a Loki that fails every other request for a while, whichever it is, loses nothing', async () => {
  const losses: number[] = [];
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededRandom(seed);
    const { clock, hold, flush, client, droppedEntries } = setUp(() => (random() < 0.5 ? FAILED : ACCEPTED));
    for (let index = 0; index < 40; index++) {
      hold(`report ${index}`, 'platform');
      await flush(`line ${index} a`, `line ${index} b`);
      await clock.advance(1_000);
    }
    client.script = () => ACCEPTED;
    await clock.advance(60_000);
    losses.push(droppedEntries());
  }
  assert.deepEqual(losses, Array(10).fill(0));
});

test('the last flush asks neither breaker nor backoff and pushes in parallel', async () => {
  const { clock, client, hold, flush, delivery, ledger } = setUp(() => UNREACHABLE);
  for (let index = 0; index < 6; index++) await flush(`line ${index}`);
  hold('report', 'platform');
  hold('summary', 'extension');
  client.pushes.length = 0;
  client.mostOpen = 0;
  client.script = () => undefined;
  const drained = delivery.drain(clock.now() + 1_000);
  await clock.settle();
  assert.ok(client.mostOpen > 1, `${client.mostOpen} under way`);
  client.script = () => ACCEPTED;
  for (const push of client.pushes) push.answer(ACCEPTED);
  await clock.until(drained, 0);
  assert.equal(ledger.totals().accepted, 8);
  assert.equal(clock.pendingTimers, 0);
});

test('the last flush ends at its deadline', async () => {
  const { clock, delivery, receive } = setUp(() => undefined);
  receive('line');
  const startMs = clock.now();
  await clock.until(delivery.drain(startMs + 1_900));
  assert.equal(clock.now(), startMs + 1_900);
});

test('a last flush whose time is over sends nothing and ends at once', async () => {
  const { clock, client, delivery, receive } = setUp(() => undefined);
  receive('line');
  await clock.until(delivery.drain(clock.now() - 50), 0);
  assert.equal(client.pushes.length, 0);
});

test('after the last flush nothing is sent any more, whatever comes and whatever is answered', async () => {
  const { clock, client, delivery, receive } = setUp(() => undefined);
  receive('line');
  await clock.until(delivery.drain(clock.now() + 100), 100);
  assert.equal(client.pushes.length, 1);
  receive('late');
  delivery.wake();
  at(client.pushes, 0).answer(UNREACHABLE);
  await clock.advance(60_000);
  assert.equal(client.pushes.length, 1);
  assert.equal(clock.pendingTimers, 0);
});

test('a second last flush sends what came meanwhile', async () => {
  const { clock, client, delivery, receive } = setUp(() => ACCEPTED);
  receive('line');
  await clock.until(delivery.drain(clock.now() + 100), 100);
  receive('late');
  await clock.until(delivery.drain(clock.now() + 100), 100);
  assert.equal(client.pushes.length, 2);
});

test('an answer that comes after everything was dropped is not counted a second time', async () => {
  const { clock, client, ledger, backlog, receive, delivery } = setUp(() => undefined);
  receive('line');
  delivery.sendNow();
  backlog.abandon();
  at(client.pushes, 0).answer(ACCEPTED);
  await clock.settle();
  const { received, accepted, dropped } = ledger.totals();
  assert.equal(received, accepted + dropped.shutdown_deadline + backlog.heldEntries());
});

test('after a batch that was stamped anew metadata is sent as before', async () => {
  const refusal = { kind: 'rejected', reason: 'too_old', entries: 'all', untimely: true } as const;
  const TOO_OLD: PushOutcome = { ...refusal, status: 400, detail: '400 old' };
  let answers = 0;
  const { flush, delivery, client, ledger } = setUp(() => (answers++ === 0 ? TOO_OLD : ACCEPTED));
  await flush('line');
  assert.equal(client.pushes.length, 2);
  assert.equal(ledger.totals().accepted, 1);
  assert.equal(delivery.takesMetadata(), true);
});

test('the last flush tries once where everything was refused before, for somebody may have mended it', async () => {
  const { clock, client, flush, delivery, ledger } = setUp(() => REFUSED);
  for (const line of ['a', 'b', 'c', 'd']) {
    await flush(line);
    await clock.advance(60_000);
  }
  client.script = () => ACCEPTED;
  await clock.until(delivery.drain(clock.now() + 1_900));
  assert.equal(ledger.totals().accepted, 4);
});

test('what rests as it may be stored is sent in the last flush as soon as anything passes', async () => {
  const UNREADABLE: PushOutcome = { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: 'SSH-2.0' };
  const { clock, client, flush, hold, delivery, ledger } = setUp(() => UNREADABLE);
  for (const line of ['a', 'b', 'c', 'd']) await flush(line);
  client.script = () => ACCEPTED;
  const { accepted } = ledger.totals();
  hold('fresh');
  const startMs = clock.now();
  await clock.until(delivery.drain(startMs + 1_900));
  assert.deepEqual([accepted, ledger.totals().accepted], [0, 5]);
  assert.ok(clock.now() - startMs < 1_900);
});

test('a setting that was wrong and is right again does not end the last flush at its first refusal', async () => {
  const { clock, client, backlog, delivery, hold, flush } = setUp(() => REFUSED);
  for (let count = 0; count < 4; count++) {
    await flush('refused');
    await clock.advance(60_000);
  }
  client.script = () => ACCEPTED;
  await clock.advance(60_000);
  assert.equal(backlog.heldEntries(), 0);
  hold('one');
  let pushes = 0;
  client.script = () => (pushes++ === 0 ? REFUSED : ACCEPTED);
  await clock.until(delivery.drain(clock.now() + 2_000), 2_000);
  assert.equal(backlog.heldEntries(), 0);
});
