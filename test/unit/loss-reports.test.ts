// What is said of losses: how often, with which sums and causes, and that the line itself is in no account.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../src/loki/answer.ts';
import { ACCEPTED, UNREACHABLE } from '../fakes/doubles.ts';
import { bodyOf, functionRecord } from '../fakes/records.ts';
import { setUp } from './pipeline-setup.ts';

const REJECTED: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };

test('a line about losses that Loki refuses is no loss, and its sums are told with the next', async () => {
  const core = setUp({}, ({ labels }) => (labels.includes('type="extension"') ? REJECTED : ACCEPTED));
  const { pipeline, ledger, clock, client } = core;
  pipeline.begin();
  for (let count = 0; count < 3; count++) {
    ledger.received(1);
    ledger.dropped('rejected', 1);
    pipeline.reportLosses();
    await core.arrived();
    await clock.advance(60_000);
  }
  assert.equal(ledger.totals().received, 3);
  assert.equal(core.droppedEntries(), 3);
  client.script = () => ACCEPTED;
  pipeline.reportLosses();
  const summaries = (await core.arrived()).filter(({ type }) => type === 'extension');
  assert.match(summaries.at(-1)?.line ?? '', /"dropped":\{"rejected":3\}/);
});

test('losses are told once a minute, with the sums, in our own log and in Loki', async () => {
  const { pipeline, ledger, clock, log, arrived } = setUp();
  pipeline.begin();
  for (let second = 0; second < 120; second++) {
    ledger.dropped('buffer_full', 1);
    pipeline.reportLosses();
    await clock.advance(1_000);
  }
  assert.deepEqual(
    log.messages.map(({ fields }) => fields['buffer_full']),
    [1, 60],
  );
  assert.ok(!log.messages.some(({ fields }) => 'platformRecords' in fields), 'the platform has lost none');
  const lines = (await arrived()).filter(({ type }) => type === 'extension').map(({ line }) => line);
  assert.equal(lines.length, 2);
});

test('what went wrong last stands beside what was lost, but not beside what came broken', async () => {
  const { pipeline, clock, log } = setUp({}, () => UNREACHABLE);
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one')));
  await clock.until(pipeline.drain(clock.now() + 100), 100);
  pipeline.abandon();
  const lost = log.messages.at(-1);
  assert.equal(lost?.fields['shutdown_deadline'], 1);
  assert.match(String(lost.fields['cause']), /refuses the connection/);
  const broken = setUp();
  broken.ledger.dropped('unreadable_record', 1);
  broken.pipeline.reportLosses();
  assert.equal(broken.log.messages[0]?.fields['cause'], undefined);
});

test('losses of the same moment are told once, and the later ones a minute later', async () => {
  const { pipeline, ledger, clock, log } = setUp();
  pipeline.begin();
  for (let count = 0; count < 3; count++) {
    ledger.dropped('buffer_full', 1);
    pipeline.reportLosses();
  }
  await clock.advance(60_000);
  pipeline.reportLosses();
  assert.deepEqual(
    log.messages.map(({ fields }) => fields['buffer_full']),
    [1, 2],
  );
});
