import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../src/loki/answer.ts';
import { createLedger, DROP_REASONS } from '../../src/losses.ts';
import { ACCEPTED, FAILED, METADATA_DISALLOWED, REFUSED, TOO_LARGE, throttled, UNREACHABLE } from '../fakes/doubles.ts';
import { at, bodyOf, functionRecord, platformRecord, seededRandom } from '../fakes/records.ts';
import { filtersOf } from './filters/filter-setup.ts';
import { setUp } from './pipeline-setup.ts';

test('a fresh ledger is empty and has nothing to tell', () => {
  const ledger = createLedger();
  const { received, accepted, dropped } = ledger.totals();
  assert.deepEqual([received, accepted], [0, 0]);
  assert.deepEqual(Object.keys(dropped), [...DROP_REASONS]);
  assert.ok(Object.values(dropped).every((count) => count === 0));
  assert.equal(ledger.takeLosses('log'), undefined);
});

test('losses are told once, each with its reason', () => {
  const ledger = createLedger();
  ledger.dropped('rejected', 2);
  ledger.dropped('buffer_full', 3);
  assert.deepEqual(ledger.takeLosses('log')?.dropped, { rejected: 2, buffer_full: 3 });
  assert.equal(ledger.takeLosses('log'), undefined);
  ledger.dropped('rejected', 1);
  assert.deepEqual(ledger.takeLosses('log')?.dropped, { rejected: 1 });
  assert.equal(ledger.totals().dropped.rejected, 3);
});

test('skipped empty lines are counted and are no loss', () => {
  const ledger = createLedger();
  ledger.dropped('empty_line', 5);
  assert.equal(ledger.takeLosses('log'), undefined);
  assert.equal(ledger.totals().dropped.empty_line, 5);
});

test('what the platform lost is told and is not part of what was received', () => {
  const ledger = createLedger();
  ledger.droppedByPlatform(10, 1_000);
  ledger.droppedByPlatform(5, 500);
  const losses = ledger.takeLosses('log');
  assert.deepEqual([losses?.platformRecords, losses?.platformBytes], [15, 1_500]);
  assert.equal(ledger.totals().received, 0);
  assert.equal(ledger.takeLosses('log'), undefined);
});

test('what did not reach one listener is told to it with the next, and to the other only once', () => {
  const ledger = createLedger();
  ledger.droppedByPlatform(10, 1_000);
  ledger.dropped('rejected', 3);
  const losses = ledger.takeLosses('loki');
  assert.ok(losses);
  ledger.giveBackLosses('loki', losses);
  ledger.droppedByPlatform(5, 500);
  ledger.dropped('buffer_full', 1);
  const all = { dropped: { rejected: 3, buffer_full: 1 }, platformRecords: 15, platformBytes: 1_500 };
  assert.deepEqual([ledger.takeLosses('log'), ledger.takeLosses('loki')], [all, all]);
  assert.deepEqual([ledger.takeLosses('log'), ledger.takeLosses('loki')], [undefined, undefined]);
});

test('totals are a copy', () => {
  const ledger = createLedger();
  const before = ledger.totals();
  ledger.dropped('rejected', 1);
  assert.equal(before.dropped.rejected, 0);
});

const OUTCOMES: readonly PushOutcome[] = [
  ACCEPTED,
  ACCEPTED,
  ACCEPTED,
  FAILED,
  UNREACHABLE,
  REFUSED,
  TOO_LARGE,
  METADATA_DISALLOWED,
  throttled(),
  throttled(3_000, true),
  { kind: 'rejected', reason: 'rejected', entries: { refused: 1 }, status: 400, detail: '400' },
  { kind: 'rejected', reason: 'too_old', entries: 'all', status: 400, detail: '400' },
  { kind: 'rejected', reason: 'blocked', entries: 'all', status: 260, detail: '260' },
];

const FILTERS = {
  LOKI_DROP_EVENTS: 'logsDropped',
  LOKI_MIN_LEVEL: 'fatal',
  LOKI_EXCLUDE_REGEX: '[1-4]$',
  LOKI_REDACT: 'all',
};

/** One random thing that happens to a pipeline. */
async function happen(core: ReturnType<typeof setUp>, random: () => number): Promise<void> {
  const { clock, client, pipeline } = core;
  const pick = <T>(list: readonly T[]) => at(list, Math.floor(random() * list.length));
  const line = () =>
    `${Math.floor(random() * 1e9)} ${pick(['', 'ERROR ', '🧀'])}${'x'.repeat(Math.floor(random() * 3_000))}`;
  switch (Math.floor(random() * 8)) {
    case 0:
    case 1:
      return pipeline.receive(
        bodyOf(...Array.from({ length: Math.floor(random() * 30) }, () => functionRecord(line(), clock.now()))),
      );
    case 2:
      return pipeline.receive(
        bodyOf(
          platformRecord('report', { requestId: line() }, clock.now()),
          functionRecord('', clock.now()),
          platformRecord('logsDropped', { droppedRecords: 2 }),
        ),
      );
    case 3:
      return pipeline.receive(
        pick([undefined, Buffer.from('no json'), Buffer.from('[{"type":"function","record":{"mes}]')]),
      );
    case 4:
      if (client.pushes.length > 0) pick(client.pushes).answer(pick(OUTCOMES));
      return;
    case 5:
      return clock.advance(Math.floor(random() * 3_000));
    case 6:
      await clock.freeze(Math.floor(random() * 60_000));
      return pipeline.resume();
    default:
      pipeline.reportLosses();
      return clock.until(pipeline.flush(clock.now() + 500), 500);
  }
}

for (let seed = 1; seed <= 6; seed++) {
  test(`received = accepted + filtered + dropped + held at every moment, whatever Loki answers (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const script = () => (random() < 0.3 ? undefined : at(OUTCOMES, Math.floor(random() * OUTCOMES.length)));
    const core = setUp(
      {
        bufferMaxBytes: 65_536,
        batchMaxBytes: 16_384,
        maxLineBytes: 2_048,
        logTypes: ['platform', 'function', 'extension'],
      },
      script,
      false,
      // Every other seed, so that both ways are gone.
      seed % 2 === 0 ? {} : { filters: filtersOf(FILTERS).filters },
    );
    const balanced = () => {
      const { received, accepted, filtered } = core.ledger.totals();
      const sum = Object.values(filtered).reduce((total, count) => total + count, 0);
      assert.equal(received, accepted + sum + core.droppedEntries() + core.pipeline.heldEntries());
    };
    core.pipeline.begin();
    for (let step = 0; step < 150; step++) {
      await happen(core, random);
      await core.clock.settle();
      balanced();
    }
    await core.clock.until(core.pipeline.drain(core.clock.now() + 1_000), 1_000);
    core.pipeline.abandon();
    balanced();
    assert.equal(core.pipeline.heldEntries(), 0);
    for (const push of core.client.pushes) push.answer(ACCEPTED);
    await core.clock.settle();
    balanced();
    assert.ok(core.ledger.totals().received > 100);
  });
}
