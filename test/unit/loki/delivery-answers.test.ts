// The table of answers, seen from the ledger and the own log: what becomes of the entries, and who hears of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome, RefusedEntries } from '../../../src/loki/answer.ts';
import { ACCEPTED, FAILED, METADATA_DISALLOWED, REFUSED, TOO_LARGE, throttled } from '../../fakes/doubles.ts';
import { at } from '../../fakes/records.ts';
import { setUp } from './delivery-setup.ts';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

function rejected(entries: RefusedEntries): PushOutcome {
  return { kind: 'rejected', reason: 'line_too_long', entries, status: 400, detail: '400 Max entry size exceeded' };
}

test('204 takes the batch out and counts it as accepted', async () => {
  const { ledger, backlog, log, flush } = setUp(() => ACCEPTED);
  await flush(...lines(3));
  assert.equal(ledger.totals().accepted, 3);
  assert.equal(backlog.heldEntries(), 0);
  assert.deepEqual(log.messages, []);
});

test('400 for one entry drops that one, counts the others as stored, and never resends', async () => {
  const { client, ledger, backlog, log, flush } = setUp(() => rejected({ refused: 1 }));
  await flush(...lines(5));
  assert.equal(ledger.totals().accepted, 4);
  assert.equal(ledger.totals().dropped.line_too_long, 1);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(client.pushes.length, 1);
  assert.equal(log.messages.length, 1);
});

test('an answer that counts more refused entries than there were drops no more than there were', async () => {
  const { ledger, flush } = setUp(() => rejected({ refused: 99 }));
  await flush(...lines(5));
  assert.equal(ledger.totals().accepted, 0);
  assert.equal(ledger.totals().dropped.line_too_long, 5);
});

test('the same refusal is logged once per minute', async () => {
  const { clock, log, flush } = setUp(() => rejected('all'));
  await flush('a');
  await clock.advance(59_000);
  await flush('b');
  assert.equal(log.messages.length, 1);
  await clock.advance(1_001);
  await flush('c');
  assert.equal(log.messages.length, 2);
});

test('401 keeps the entries, says so once a minute, and lets invocations go by without waiting', async () => {
  const { clock, backlog, log, flush } = setUp(() => REFUSED);
  assert.equal(await flush('a'), 0);
  await clock.advance(59_000);
  assert.equal(log.messages.length, 1);
  assert.equal(await flush('b'), 0);
  await clock.advance(3_600_000);
  assert.equal(backlog.heldEntries(), 2);
  assert.ok(log.messages.length <= 62);
});

test('after a 401 a later push that is accepted brings everything out', async () => {
  const { clock, client, ledger, delivery, flush } = setUp(() => REFUSED);
  await flush('a');
  await flush('b');
  assert.equal(delivery.isHealthy(), false);
  client.script = () => ACCEPTED;
  await clock.advance(15_000);
  assert.equal(delivery.isHealthy(), true);
  assert.equal(ledger.totals().accepted, 2);
});

test('413 halves the batch until it passes, in order, and loses nothing', async () => {
  const { client, ledger, flush } = setUp(({ entries }) => (entries.length > 2 ? TOO_LARGE : ACCEPTED));
  await flush(...lines(8));
  const passed = client.pushes.filter(({ entries }) => entries.length <= 2);
  assert.deepEqual(
    passed.flatMap((push) => push.lines),
    lines(8),
  );
  assert.equal(ledger.totals().accepted, 8);
});

test('413 for a single entry drops it with a reason, and the others pass', async () => {
  const { ledger, backlog, flush } = setUp((push) => (push.lines.includes('line 3') ? TOO_LARGE : ACCEPTED));
  await flush(...lines(8));
  assert.equal(ledger.totals().accepted, 7);
  assert.equal(ledger.totals().dropped.line_too_long, 1);
  assert.equal(backlog.heldEntries(), 0);
});

test('429 keeps the batch and sends it again later', async () => {
  const { ledger, backlog, clock, flush } = setUp((_, index) => (index === 0 ? throttled() : ACCEPTED));
  await flush('line');
  await clock.settle();
  assert.equal(ledger.totals().accepted, 1);
  assert.equal(backlog.heldEntries(), 0);
});

test('429 that says the request alone is too much splits it', async () => {
  const { ledger, client, clock, flush } = setUp(({ entries }) =>
    entries.length > 3 ? throttled(undefined, true) : ACCEPTED,
  );
  await flush(...lines(9));
  await clock.advance(60_000);
  assert.equal(ledger.totals().accepted, 9);
  assert.ok(client.pushes.every(({ entries }, index) => index === 0 || entries.length < 9));
});

test('a large request that is throttled again and again is split, as a smaller one may fit under the limit', async () => {
  const { ledger, clock, receive } = setUp(({ requestBytes }) => (requestBytes > 100_000 ? throttled() : ACCEPTED));
  receive(...Array.from({ length: 8 }, () => 'z'.repeat(50_000)));
  await clock.advance(600_000);
  assert.equal(ledger.totals().accepted, 8);
});

test('a small request is never dropped or split for being throttled', async () => {
  const { clock, client, ledger, backlog, receive } = setUp(() => throttled());
  receive('one', 'two');
  await clock.advance(600_000);
  assert.equal(backlog.heldEntries(), 2);
  assert.ok(client.pushes.every(({ entries }) => entries.length === 2));
  assert.deepEqual(
    Object.values(ledger.totals().dropped).filter((count) => count > 0),
    [],
  );
});

test('a Loki without structured metadata gets the same batch without it, and one warning is printed', async () => {
  const { client, ledger, log, delivery, flush } = setUp(({ entries }) =>
    entries.some(({ metadata }) => metadata.length > 0) ? METADATA_DISALLOWED : ACCEPTED,
  );
  await flush('first');
  await flush('second');
  assert.equal(ledger.totals().accepted, 2);
  assert.equal(delivery.takesMetadata(), false);
  assert.equal(
    client.pushes.filter(({ entries }) => at(entries, 0).metadata.length > 0).length,
    1,
    'it was tried once',
  );
  assert.equal(at(client.pushes, 0).entries[0]?.nanos, at(client.pushes, 1).entries[0]?.nanos);
  assert.deepEqual(
    log.messages.map(({ level }) => level),
    ['warn'],
  );
});

test('batches under way in parallel all come back without metadata, whatever the order of the answers', async () => {
  const { clock, client, ledger, delivery, hold } = setUp(() => undefined);
  hold('function line');
  hold('platform line', 'platform');
  hold('extension line', 'extension');
  delivery.sendNow();
  const [first, second, third] = client.pushes;
  client.script = ({ entries }) => (at(entries, 0).metadata.length > 0 ? METADATA_DISALLOWED : ACCEPTED);
  second?.answer(METADATA_DISALLOWED);
  await clock.settle();
  first?.answer(FAILED);
  third?.answer(METADATA_DISALLOWED);
  await clock.advance(10_000);
  assert.equal(ledger.totals().accepted, 3);
  assert.equal(client.pushes.slice(3).filter(({ entries }) => at(entries, 0).metadata.length > 0).length, 0);
});

test('halves of a batch whose metadata was taken out have none either', async () => {
  const { client, ledger, flush } = setUp(({ entries }) => {
    if (entries.some(({ metadata }) => metadata.length > 0)) return METADATA_DISALLOWED;
    return entries.length > 1 ? TOO_LARGE : ACCEPTED;
  });
  await flush(...lines(4));
  assert.equal(ledger.totals().accepted, 4);
  assert.equal(client.pushes.filter(({ entries }) => at(entries, 0).metadata.length > 0).length, 1);
});

test('a batch that is refused as a whole for its age is sent again with the present moment, the old one beside it', async () => {
  const { client, ledger, flush, clock } = setUp((_, index) =>
    index === 0
      ? {
          kind: 'rejected',
          reason: 'too_old',
          entries: 'all',
          untimely: true,
          status: 400,
          detail: '400 entry too far behind',
        }
      : ACCEPTED,
  );
  const statedMs = clock.now();
  await flush('report', 'line');
  assert.equal(ledger.totals().accepted, 2);
  assert.deepEqual(at(client.pushes, 1).lines, ['report', 'line']);
  for (const { metadata } of at(client.pushes, 1).entries) {
    const original = Object.fromEntries(metadata)['original_time'] ?? '';
    assert.match(original, new RegExp(`^${new Date(statedMs).toISOString().slice(0, -1)}00000\\dZ$`));
    assert.equal(Object.fromEntries(metadata)['request_id'], 'r-1');
  }
  assert.equal(new Set(at(client.pushes, 1).entries.map(({ nanos }) => nanos)).size, 2);
});

test('a batch that is refused for its age again is dropped with that reason', async () => {
  const { client, ledger, backlog, flush } = setUp(() => ({
    kind: 'rejected',
    reason: 'too_old',
    entries: 'all',
    untimely: true,
    status: 400,
    detail: '400 entry too far behind',
  }));
  await flush('report', 'line');
  assert.equal(ledger.totals().dropped.too_old, 2);
  assert.equal(backlog.heldEntries(), 0);
  assert.equal(client.pushes.length, 2);
});
