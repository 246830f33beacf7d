// Is it the batch, or is it Loki? What passes, what waits, what is split, and how many requests that takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import {
  ACCEPTED,
  CUT,
  FAILED,
  type FakePush,
  INTERRUPTED,
  REFUSED,
  TOO_LARGE,
  UNANSWERED,
  UNREACHABLE,
  UNREADABLE,
} from '../../fakes/doubles.ts';
import { at } from '../../fakes/records.ts';
import { setUp } from './delivery-setup.ts';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);
const REJECTED: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };
const lostOf = ({ ledger }: ReturnType<typeof setUp>) =>
  Object.fromEntries(Object.entries(ledger.totals().dropped).filter(([, count]) => count > 0));

for (const dislike of [REFUSED, FAILED, CUT, UNANSWERED]) {
  const poisoned = ({ lines: sent }: FakePush) => (sent.includes('poison') ? dislike : ACCEPTED);

  test(`${dislike.kind} for one line: the others leave at once, it alone is given up`, async () => {
    const bench = setUp(poisoned);
    const { clock, ledger, flush, backlog } = bench;
    await flush('before');
    await flush(...lines(100), 'poison', ...lines(19));
    for (let count = 0; count < 4; count++) {
      await clock.freeze(1_000);
      await flush(`after ${count}`);
    }
    assert.ok(ledger.totals().accepted >= 120, `${ledger.totals().accepted} accepted`);
    for (let count = 0; count < 20; count++) {
      await clock.advance(30_000);
      await flush(`later ${count}`);
    }
    assert.equal(backlog.heldEntries(), 0);
    assert.deepEqual(lostOf(bench), { [dislike === REFUSED ? 'rejected' : 'retries_exhausted']: 1 });
  });

  test(`${dislike.kind} for larger requests, and the first and only one is: all of it leaves`, async () => {
    const bench = setUp(({ requestBytes }) => (requestBytes > 2_000 ? dislike : ACCEPTED));
    bench.receive(...lines(200));
    await bench.clock.advance(30_000);
    assert.equal(bench.ledger.totals().accepted, 200);
    assert.ok(bench.client.pushes.length < 100, `${bench.client.pushes.length} requests`);
  });

  test(`${dislike.kind} for everything: nothing is lost, few parts are made, few requests are sent`, async () => {
    const bench = setUp(() => dislike);
    const { clock, client, backlog, flush } = bench;
    for (let count = 0; count < 60; count++) {
      await flush(...lines(20));
      await clock.advance(5_000);
    }
    assert.equal(backlog.heldEntries(), 1_200);
    assert.ok(client.pushes.length < 100, `${client.pushes.length} requests in five minutes`);
    assert.ok(backlog.readyBatches() < 20, `${backlog.readyBatches()} batches`);
    client.pushes.length = 0;
    client.script = () => ACCEPTED;
    await clock.advance(30_000);
    assert.equal(backlog.heldEntries(), 0);
    assert.ok(client.pushes.length < 25, `${client.pushes.length} requests when it is over`);
  });
}

test('a Loki without a connection is no line at fault: when it is back, few requests bring all that was held', async () => {
  const bench = setUp(() => UNREACHABLE);
  const { clock, client, backlog, flush, hold } = bench;
  for (let count = 0; count < 60; count++) {
    for (const line of ['START', 'REPORT']) hold(line, 'platform');
    await flush(...lines(20));
    await clock.advance(5_000);
  }
  client.pushes.length = 0;
  client.script = () => ACCEPTED;
  await clock.advance(60_000);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(client.pushes.length, 4, 'one of each stream that failed first, and one of each that was filled since');
});

test('a line that nothing answers is found within seconds, as what is at fault is not waited for long', async () => {
  let answerLater: (delayMs: number, push: FakePush) => void = () => {};
  const bench = setUp((push) => {
    if (!push.lines.includes('poison')) return ACCEPTED;
    answerLater(push.answerMs ?? 5_000, push);
    return undefined;
  });
  const { clock, ledger, client, flush } = bench;
  answerLater = (delayMs, push) => clock.after(delayMs, () => push.answer(UNANSWERED));
  await flush('before');
  bench.hold('beside it', 'platform');
  await flush(...lines(60), 'poison', ...lines(60));
  for (let count = 0; count < 20; count++) {
    await clock.advance(300);
    await flush(`after ${count}`);
  }
  assert.equal(ledger.totals().accepted, 142, `in ${client.pushes.length} pushes`);
});

test('where others pass, a line that nothing answers is waited for twice as long each time, from 300 ms on', async () => {
  let answerLater: (delayMs: number, push: FakePush) => void = () => {};
  const bench = setUp((push) => {
    if (!push.lines.includes('poison')) return ACCEPTED;
    answerLater(push.answerMs ?? 5_000, push);
    return undefined;
  });
  const { clock, client, flush } = bench;
  answerLater = (delayMs, push) => clock.after(delayMs, () => push.answer(UNANSWERED));
  await flush('before');
  bench.hold('beside it', 'platform');
  await flush('poison', 'and another');
  for (let count = 0; count < 40; count++) {
    await clock.advance(1_000);
    await flush(`after ${count}`);
  }
  const alone = client.pushes.filter(({ lines: sent }) => sent.length === 1 && sent.includes('poison'));
  assert.deepEqual(
    alone.slice(0, 4).map(({ answerMs }) => answerMs),
    [300, 600, 1_200, 2_400],
  );
});

test('an outage in the middle of a search for the entry at fault makes few parts and loses nothing', async () => {
  let isDown = false;
  const bench = setUp(({ lines: sent }) => (isDown || sent.includes('poison') ? REFUSED : ACCEPTED));
  const { clock, client, backlog, flush } = bench;
  await flush('before');
  client.script = (push) => {
    if (push.lines.length <= 500) isDown = true;
    return isDown || push.lines.includes('poison') ? REFUSED : ACCEPTED;
  };
  bench.receive(...lines(1_000), 'poison', ...lines(1_000));
  await clock.advance(60_000);
  await flush('after');
  assert.ok(backlog.readyBatches() < 30, `${backlog.readyBatches()} batches`);
  assert.deepEqual(lostOf(bench), {});
});

test('a batch that may be at fault holds no invocation', async () => {
  const { flush, clock } = setUp(({ lines: sent }) => (sent.includes('poison') ? FAILED : ACCEPTED));
  await flush('before');
  await flush('poison');
  for (let count = 0; count < 5; count++) {
    await clock.freeze(500);
    assert.ok((await flush(`line ${count}`)) < 500);
  }
});

test('lines that nothing answers take no more than half of the connections', async () => {
  const { clock, client, ledger, hold, delivery } = setUp(
    ({ lines: sent }) => (sent[0]?.startsWith('poison') ? undefined : ACCEPTED),
    { batchMaxBytes: 1_024 },
  );
  for (let count = 0; count < 8; count++) hold(`poison ${count} ${'x'.repeat(900)}`);
  for (let round = 0; round < 40; round++) {
    hold(`good ${round}`);
    delivery.sendNow();
    await clock.advance(5_000);
    for (const push of client.pushes) if (!push.answered) push.answer(UNANSWERED);
  }
  hold('last');
  delivery.sendNow();
  await clock.settle();
  assert.ok(client.lines.includes('last'), 'it is sent at once');
  assert.ok(ledger.totals().accepted >= 40);
});

test('whole batches that are refused for good one after the other are a setting: what comes after two is kept', async () => {
  for (const refusal of [REJECTED, TOO_LARGE]) {
    const bench = setUp(() => refusal);
    const { client, clock, delivery, flush, backlog, log, ledger } = bench;
    for (let count = 0; count < 10; count++) {
      await flush(`line ${count}`);
      await clock.advance(10_000);
    }
    assert.equal(backlog.heldEntries(), 8);
    assert.equal(delivery.isHealthy(), false);
    assert.equal(log.messages.filter(({ level }) => level === 'error').length, 1);
    client.script = () => ACCEPTED;
    await clock.advance(60_000);
    assert.equal(ledger.totals().accepted, 8);
  }
});

test('refusals between which others pass are about the batches', async () => {
  const { flush, backlog, ledger } = setUp(({ lines: sent }) => (sent[0] === 'bad' ? REJECTED : ACCEPTED));
  for (let count = 0; count < 10; count++) {
    await flush('bad');
    await flush('good');
  }
  assert.equal(ledger.totals().dropped.rejected, 10);
  assert.equal(backlog.heldEntries(), 0);
});

test('what is answered unreadably is sent twice, then rests until something else has passed', async () => {
  const { clock, client, flush, ledger } = setUp(() => UNREADABLE);
  await flush('line');
  await clock.advance(50_000);
  assert.equal(client.pushes.length, 2);
  client.script = () => ACCEPTED;
  await flush('other');
  await clock.settle();
  assert.equal(ledger.totals().accepted, 2);
});

test('a batch that meets freeze after freeze lets others pass, and is not sent in a circle', async () => {
  const { clock, client, ledger, hold, delivery } = setUp(({ lines: sent }) =>
    sent.includes('unlucky') ? INTERRUPTED : ACCEPTED,
  );
  hold('unlucky');
  hold('report', 'platform');
  delivery.sendNow();
  await clock.advance(2_000);
  assert.equal(ledger.totals().accepted, 1);
  assert.ok(client.pushes.length < 12, `${client.pushes.length} pushes`);
});

test('a bug of ours counts as a failure: others go on, and it does not come back for ever', async () => {
  const bench = setUp(() => ACCEPTED);
  const { clock, client, backlog, delivery, hold, ledger } = bench;
  const push = client.push.bind(client);
  client.push = (body) => {
    if (body.includes('bug')) throw new Error('a bug of ours');
    return push(body);
  };
  hold('bug');
  delivery.wake();
  for (let count = 0; count < 40; count++) {
    hold(`line ${count}`, 'platform');
    delivery.wake();
    await clock.advance(20_000);
  }
  assert.equal(ledger.totals().accepted, 40);
  assert.deepEqual(lostOf(bench), { retries_exhausted: 1 });
  assert.equal(backlog.heldEntries(), 0);
});

test('a step of ours that throws keeps no place in flight', async () => {
  for (const step of ['strip', 'divide', 'fail', 'seal'] as const) {
    const bench = setUp(({ entries, lines: sent }) => {
      if (step === 'strip' && at(entries, 0).metadata.length > 0) {
        return { kind: 'metadata_disallowed', detail: '400 disallowed' };
      }
      return sent.length > 1 ? FAILED : ACCEPTED;
    });
    const { clock, backlog, hold, delivery, ledger } = bench;
    const original = backlog[step] as (...given: unknown[]) => unknown;
    let throws = 6;
    Object.assign(backlog, {
      [step](...given: unknown[]) {
        if (throws-- > 0) throw new Error(`a bug in ${step}`);
        return original(...given);
      },
    });
    for (let count = 0; count < 6; count++) {
      hold(`line ${count}`);
      hold(`second ${count}`);
      delivery.wake();
      hold(`report ${count}`, 'platform');
      await clock.advance(20_000);
    }
    await clock.advance(300_000);
    const { received, accepted } = ledger.totals();
    assert.equal(received, accepted + bench.droppedEntries() + backlog.heldEntries(), step);
    assert.equal(backlog.heldEntries(), 0, `${step}: all is out`);
  }
});

test('randomness that fails stops nothing', async () => {
  const { clock, client, receive, ledger } = setUp(
    (_, index) => (index < 5 ? FAILED : ACCEPTED),
    {},
    () => {
      throw new Error('no descriptors');
    },
  );
  receive('line');
  await clock.advance(30_000);
  assert.equal(client.pushes.length, 6);
  assert.equal(ledger.totals().accepted, 1);
});

test('a clock that is set back delays nothing', async () => {
  for (const backMs of [20_000, 3_600_000]) {
    const { clock, client, receive, delivery } = setUp((_, index) => (index === 0 ? FAILED : ACCEPTED));
    receive('first');
    clock.set(-backMs);
    await clock.advance(1_000);
    assert.equal(client.pushes.length, 1, 'it leaves by age');
    clock.set(-backMs);
    delivery.wake();
    await clock.advance(200);
    assert.equal(client.pushes.length, 2, 'a backoff is over');
    receive('second');
    clock.set(-backMs);
    receive('third');
    await clock.advance(1_000);
    assert.ok(client.lines.includes('second') && client.lines.includes('third'));
  }
});

test('the last flush makes one try where all was refused before, and none in the round after it', async () => {
  const { clock, client, delivery, flush } = setUp(() => REFUSED);
  for (let count = 0; count < 5; count++) {
    await flush(...lines(20));
    await clock.advance(20_000);
  }
  await clock.freeze(60_000);
  client.pushes.length = 0;
  const startMs = clock.now();
  await clock.until(delivery.drain(startMs + 1_900));
  assert.equal(client.pushes.length, 1);
  assert.equal(clock.now(), startMs);
  await clock.until(delivery.drain(startMs + 1_900));
  assert.equal(client.pushes.length, 1);
});

test('the last flush of a short life makes three tries at most where all is refused', async () => {
  for (const refusals of [1, 2]) {
    const { clock, client, delivery, hold, backlog } = setUp(() => REFUSED);
    hold('line');
    delivery.sendNow();
    await clock.advance(refusals === 1 ? 10 : 150);
    for (const type of ['platform', 'extension', 'function'] as const) hold('late', type);
    client.pushes.length = 0;
    const startMs = clock.now();
    await clock.until(delivery.drain(startMs + 1_900));
    assert.ok(client.pushes.length <= 3 - refusals, `${client.pushes.length} requests`);
    assert.ok(client.mostOpen <= 1);
    assert.ok(clock.now() < startMs + 1_000);
    assert.ok(backlog.heldEntries() > 0);
  }
});

test('the last flush makes a few tries where Loki is down, and all of it leaves where it is well again', async () => {
  const { clock, client, delivery, flush, backlog } = setUp(() => FAILED, { batchMaxBytes: 1_024 });
  for (let count = 0; count < 10; count++) await flush(...lines(50));
  client.pushes.length = 0;
  await clock.until(delivery.drain(clock.now() + 1_900));
  assert.ok(client.pushes.length <= 10, `${client.pushes.length} requests`);
  let failures = 1;
  client.script = () => (failures-- > 0 ? FAILED : ACCEPTED);
  await clock.until(delivery.drain(clock.now() + 1_900));
  assert.equal(backlog.heldEntries(), 0);
});

test('the last flush finds the entry at fault, and gives it up', async () => {
  const bench = setUp(({ lines: sent }) => (sent.includes('poison') ? REFUSED : ACCEPTED));
  const { clock, delivery, receive, backlog, client } = bench;
  receive(...lines(60), 'poison', ...lines(60));
  const startMs = clock.now();
  await clock.until(delivery.drain(startMs + 1_900));
  assert.equal(backlog.heldEntries(), 0);
  assert.deepEqual(lostOf(bench), { rejected: 1 });
  assert.ok(client.pushes.length < 40, `${client.pushes.length} requests`);
});
