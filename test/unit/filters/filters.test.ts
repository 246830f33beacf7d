import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, functionRecord, platformRecord } from '../../fakes/records.ts';
import { setUpFiltered } from './filter-setup.ts';

test('events that are dropped are counted by their rule, and the lifecycle sees them', async () => {
  const { pipeline, clock, ledger, filtered, arrived } = setUpFiltered({ LOKI_DROP_EVENTS: 'all' });
  pipeline.invoked({ requestId: 'r-1', traceHeader: undefined, invokedArn: undefined });
  const done = pipeline.invocations.runtimeDone('r-1');
  pipeline.receive(
    bodyOf(
      platformRecord('start', { requestId: 'r-1', tenantId: 'tenant-a' }),
      functionRecord('a line'),
      platformRecord('runtimeDone', { requestId: 'r-1', status: 'success' }),
      platformRecord('logsDropped', { droppedRecords: 3, droppedBytes: 30 }),
    ),
  );
  await clock.settle();
  await done;
  const [entry, ...others] = await arrived();
  assert.deepEqual(
    [entry?.line, entry?.metadata['request_id'], entry?.metadata['tenant_id']],
    ['a line', 'r-1', 'tenant-a'],
  );
  assert.deepEqual(others, []);
  assert.deepEqual(filtered(), { drop_events: 3 });
  assert.equal(ledger.totals().received, 4);
  assert.equal(ledger.takeLosses('log')?.platformRecords, 3, 'what the platform lost is told all the same');
});

test('lines below the level are filtered, those without one and those of others are sent', async () => {
  const { pipeline, filtered, ledger, lines } = setUpFiltered(
    { LOKI_MIN_LEVEL: 'warn' },
    { logTypes: ['platform', 'function', 'extension'] },
  );
  const time = '2026-01-05T10:00:00.118Z';
  pipeline.receive(
    bodyOf(
      functionRecord('INFO below'),
      functionRecord('ERROR above'),
      functionRecord('says nothing'),
      { time, type: 'function', record: { level: 'DEBUG', message: 'below' } },
      { time, type: 'function', record: { level: 'WARN', message: 'at it' } },
      { time, type: 'extension', record: 'DEBUG of a neighbour\n' },
      functionRecord(''),
    ),
  );
  assert.deepEqual(await lines(), [
    'ERROR above',
    'says nothing',
    '{"level":"WARN","message":"at it"}',
    'DEBUG of a neighbour',
  ]);
  assert.deepEqual(filtered(), { min_level: 2 });
  const { received, accepted, dropped } = ledger.totals();
  assert.deepEqual([received, accepted, dropped.empty_line], [7, 4, 1]);
});

test('a long line that is filtered is one', async () => {
  const { pipeline, filtered, lines } = setUpFiltered({ LOKI_MIN_LEVEL: 'warn' }, { maxLineBytes: 1_024 });
  pipeline.receive(bodyOf(functionRecord(`INFO ${'x'.repeat(5_000)}`)));
  assert.deepEqual(await lines(), []);
  assert.deepEqual(filtered(), { min_level: 1 });
});

test('what is filtered is no loss: nobody is warned of it', async () => {
  const { pipeline, log, ledger, lines } = setUpFiltered({ LOKI_MIN_LEVEL: 'fatal' });
  pipeline.receive(bodyOf(functionRecord('INFO a')));
  await lines();
  pipeline.reportLosses();
  assert.equal(ledger.takeLosses('log'), undefined);
  assert.deepEqual(log.messages, []);
});
