// The sums that are sent now and then where the stream of extensions is wanted, and nowhere else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLedger } from '../../src/losses.ts';
import { createTotals } from '../../src/totals.ts';
import { ACCEPTED, UNREACHABLE } from '../fakes/doubles.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { bodyOf, functionRecord } from '../fakes/records.ts';
import { setUp } from './pipeline-setup.ts';

const QUARTER_MS = 15 * 60_000;

test('the totals are in the stream of extensions every quarter of an hour, where that stream is wanted', async () => {
  const { clock, pipeline, arrived } = setUp({ logTypes: ['function', 'extension'] });
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one'), functionRecord('')));
  await arrived();
  for (const ms of [QUARTER_MS - 10_000, 10_000, QUARTER_MS - 10_000, 10_000]) {
    await clock.advance(ms);
    pipeline.reportLosses();
    pipeline.reportLosses();
  }
  const told = (await arrived()).filter(({ type }) => type === 'extension');
  assert.equal(told.length, 2);
  assert.deepEqual(
    told.map(({ metadata }) => metadata['level']),
    ['info', 'info'],
  );
  const { slowestPushMs, heldMs, ...counts } = JSON.parse(told[0]?.line ?? '');
  assert.deepEqual(counts, {
    ...{ level: 'info', message: 'totals', received: 2, accepted: 1, filtered: 0, dropped: 1, withheld: 0, held: 0 },
    timesHeld: 1,
  });
  assert.deepEqual([typeof slowestPushMs, typeof heldMs], ['number', 'number']);
});

test('a clock that was set back delays no totals for long', async () => {
  const { clock, pipeline, arrived } = setUp({ logTypes: ['extension'] });
  pipeline.begin();
  clock.set(-86_400_000);
  pipeline.reportLosses();
  assert.equal((await arrived()).length, 1);
});

test('no totals go anywhere where the stream is not wanted, or while Loki is not well', async () => {
  const quiet = setUp();
  quiet.pipeline.begin();
  await quiet.clock.advance(QUARTER_MS);
  quiet.pipeline.reportLosses();
  assert.deepEqual(await quiet.arrived(), []);

  let isAway = true;
  const away = setUp({ logTypes: ['function', 'extension'] }, () => (isAway ? UNREACHABLE : ACCEPTED));
  away.pipeline.begin();
  away.pipeline.receive(bodyOf(functionRecord('one')));
  await away.clock.advance(QUARTER_MS);
  const before = away.client.pushes.length;
  away.pipeline.reportLosses();
  assert.ok(!away.client.pushes.slice(before).some(({ labels }) => labels.includes('type="extension"')));
  isAway = false;
});

test('how often and how long invocations were held is added up', () => {
  const parts = { ledger: createLedger(), heldEntries: () => 3, slowestPushMs: () => 70, clock: new FakeClock() };
  const { held, sums } = createTotals({ ...parts, tellLoki: undefined });
  const ofHolding = () => [sums()['timesHeld'], sums()['heldMs']];
  assert.deepEqual(ofHolding(), [0, 0]);
  for (const ms of [20, 15]) held(ms);
  assert.deepEqual(ofHolding(), [2, 35]);
  assert.deepEqual([sums()['held'], sums()['slowestPushMs']], [3, 70]);
});

test('the quarter of an hour begins at the first event, not when a snapshot was made', async () => {
  const { clock, pipeline, arrived } = setUp({ logTypes: ['extension'] });
  await clock.advance(QUARTER_MS - 1);
  pipeline.begin();
  await clock.advance(1);
  pipeline.reportLosses();
  assert.deepEqual(await arrived(), []);
  await clock.advance(QUARTER_MS - 2);
  pipeline.reportLosses();
  assert.deepEqual(await arrived(), []);
  await clock.advance(1);
  pipeline.reportLosses();
  assert.equal((await arrived()).length, 1);
});
