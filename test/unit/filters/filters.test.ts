import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_NAME } from '../../../src/log.ts';
import { bodyOf, functionRecord, platformRecord } from '../../fakes/records.ts';
import { OWN_PID } from '../pipeline-setup.ts';
import { filtersOf, setUpFiltered } from './filter-setup.ts';

const TIME = '2026-01-05T10:00:00.118Z';

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
  pipeline.receive(
    bodyOf(
      functionRecord('INFO below'),
      functionRecord('ERROR above'),
      functionRecord('says nothing'),
      { time: TIME, type: 'function', record: { level: 'DEBUG', message: 'below' } },
      { time: TIME, type: 'function', record: { level: 'WARN', message: 'at it' } },
      { time: TIME, type: 'extension', record: 'DEBUG of a neighbour\n' },
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

test('what matches is sent, or is not, and the first rule that does not send a line is its rule', async () => {
  const settings = { LOKI_MIN_LEVEL: 'info', LOKI_INCLUDE_REGEX: 'order|café', LOKI_EXCLUDE_REGEX: 'health' };
  const { pipeline, filtered, arrived } = setUpFiltered(settings, { logTypes: ['platform', 'function', 'extension'] });
  pipeline.receive(
    bodyOf(
      functionRecord('order 1'),
      functionRecord('order health'),
      functionRecord('health'),
      functionRecord('DEBUG order'),
      functionRecord('au café'),
      { time: TIME, type: 'function', record: { level: 'INFO', message: 'order 2' } },
      { time: TIME, type: 'extension', record: 'of a neighbour\n' },
      platformRecord('report', { requestId: 'r-1' }),
    ),
  );
  const sent = (await arrived()).map(({ type, line }) => (type === 'function' ? line : type));
  const ofFunction = ['order 1', 'au café', '{"level":"INFO","message":"order 2"}'];
  assert.deepEqual(sent.sort(), [...ofFunction, 'extension', 'platform'].sort());
  assert.deepEqual(filtered(), { min_level: 1, include_regex: 1, exclude_regex: 1 });
});

test('a rule decided for one record never leaks to the next, however they are mixed', async () => {
  const { pipeline, filtered, lines } = setUpFiltered({ LOKI_EXCLUDE_REGEX: 'a', LOKI_REDACT_REGEX: 'b' });
  const texts = ['xa', 'xb', 'xc', 'xab', 'xbb', 'xa', 'xc', 'b', 'xb', 'c'];
  for (let round = 0; round < 4; round++) pipeline.receive(bodyOf(...texts.map((text) => functionRecord(text))));
  const expected = ['x[redacted]', 'xc', 'x[redacted]', 'xc', '[redacted]', 'x[redacted]', 'c'];
  assert.deepEqual(await lines(), Array(4).fill(expected).flat());
  assert.deepEqual(filtered(), { exclude_regex: 12 });
});

test('what is secret is taken out of lines, objects, platform events and the lines of others', async () => {
  const { pipeline, lines, arrived } = setUpFiltered(
    { LOKI_REDACT: 'email', LOKI_REDACT_REGEX: 'order-[0-9]+' },
    { logTypes: ['platform', 'function', 'extension'] },
  );
  pipeline.receive(
    bodyOf(
      functionRecord('to jane@example.com'),
      { time: TIME, type: 'function', record: { to: 'jane@example.com', id: 'order-17', level: 'WARN' } },
      { time: TIME, type: 'extension', record: 'for jane@example.com\n' },
      platformRecord('start', { requestId: 'r-1', tenantId: 'jane@example.com' }),
      functionRecord('nothing in it: Größe 5'),
    ),
  );
  const sent = await lines();
  assert.deepEqual(
    [...sent].sort(),
    [
      'to [redacted]',
      '{"to":"[redacted]","id":"[redacted]","level":"WARN"}',
      'for [redacted]',
      sent.find((line) => line.includes('platform.start')),
      'nothing in it: Größe 5',
    ].sort(),
  );
  const entries = await arrived();
  assert.ok(!JSON.stringify(entries.map(({ line, metadata }) => [line, metadata])).includes('jane'));
  assert.equal(entries.find(({ line }) => line.startsWith('nothing'))?.metadata['tenant_id'], '[redacted]');
  assert.equal(entries.find(({ line }) => line.startsWith('{"to"'))?.metadata['level'], 'warn');
});

test('a tenant is redacted also where its event is not sent', async () => {
  const { pipeline, arrived } = setUpFiltered({ LOKI_REDACT: 'email', LOKI_DROP_EVENTS: 'all' });
  const start = platformRecord('start', { requestId: 'r-1', tenantId: 'jane@example.com' });
  pipeline.receive(bodyOf(start, functionRecord('a line')));
  assert.equal((await arrived())[0]?.metadata['tenant_id'], '[redacted]');
});

test('where a redaction cannot be read nothing is sent but that, with its metadata, and it is counted', async () => {
  const { pipeline, ledger, arrived } = setUpFiltered({ LOKI_REDACT_REGEX: 's3cr3t(' });
  pipeline.receive(bodyOf(functionRecord('ERROR jane@example.com'), platformRecord('report', { requestId: 'r-1' })));
  const entries = await arrived();
  assert.deepEqual(new Set(entries.map(({ line }) => line)), new Set(['[withheld: LOKI_REDACT_REGEX cannot be read]']));
  assert.deepEqual(entries.map(({ metadata }) => metadata['level'] ?? metadata['event']).sort(), [
    'error',
    'platform.report',
  ]);
  const { received, accepted, withheld } = ledger.totals();
  assert.deepEqual([received, accepted, withheld], [2, 2, 2]);
});

test('fields of JSON lines are metadata, of the text as it is sent', async () => {
  const { pipeline, arrived } = setUpFiltered({
    LOKI_METADATA_FIELDS: 'orderId,customer.mail=mail',
    LOKI_REDACT: 'email',
  });
  pipeline.receive(
    bodyOf(
      { time: TIME, type: 'function', record: { orderId: 17, customer: { mail: 'jane@example.com' } } },
      functionRecord('{"orderId":"o-1","level":"info"}'),
      functionRecord('no JSON'),
    ),
  );
  const found = (await arrived()).map(({ metadata: { orderId, mail, level, instance } }) => [
    orderId,
    mail,
    level,
    instance?.length,
  ]);
  assert.deepEqual(found, [
    ['17', '[redacted]', undefined, 16],
    ['o-1', undefined, 'info', 16],
    [undefined, undefined, undefined, 16],
  ]);
});

test('a long line is redacted before it is split, and each part has the fields', async () => {
  const { pipeline, arrived } = setUpFiltered(
    { LOKI_REDACT_REGEX: 'secret', LOKI_METADATA_FIELDS: 'id' },
    { maxLineBytes: 1_024 },
  );
  pipeline.receive(bodyOf({ time: TIME, type: 'function', record: { id: 7, a: `${'x'.repeat(1_010)}secret` } }));
  const entries = await arrived();
  assert.deepEqual(
    entries.map(({ metadata }) => [metadata['part'], metadata['id']]),
    [
      ['1/2', '7'],
      ['2/2', '7'],
    ],
  );
  assert.ok(
    entries
      .map(({ line }) => line)
      .join('')
      .endsWith('x[redacted]"}'),
  );
});

test('our own lines do not come back round, whatever is redacted in them', async () => {
  const { pipeline, lines } = setUpFiltered({ LOKI_REDACT_REGEX: '.' }, { logTypes: ['extension'] });
  const own = { level: 'warn', time: 1_767_607_200_118, name: LOG_NAME, pid: OWN_PID, msg: 'x' };
  pipeline.receive(bodyOf({ time: TIME, type: 'extension', record: `${JSON.stringify(own)}\n` }));
  assert.deepEqual(await lines(), []);
});

test('what is still to be decided on at the end is lost with a reason, and is no mystery', async () => {
  let stops = 0;
  const { pipeline, ledger, clock, client } = setUpFiltered(
    { LOKI_EXCLUDE_REGEX: 'a+b' },
    {},
    {
      runBounded() {
        stops++;
        return false;
      },
      // Never enough to blame the expression for it.
      cpuMs: () => 0,
      now: () => 0,
    },
  );
  pipeline.receive(bodyOf(functionRecord('one'), functionRecord('two'), functionRecord('three')));
  await clock.settle();
  assert.ok(stops > 0);
  await clock.until(pipeline.drain(clock.now() + 100), 100);
  pipeline.abandon();
  const { received, accepted, dropped } = ledger.totals();
  assert.equal(received, accepted + dropped.shutdown_deadline);
  assert.equal(received, 3);
  assert.equal(client.lines.length, accepted);
});

test('our own text is redacted as the lines are', () => {
  const { filters } = filtersOf({ LOKI_REDACT: 'email,url-password', LOKI_REDACT_REGEX: 'tenant-[a-z]+' });
  assert.equal(filters.redactOwn('jane@example.com of tenant-blue'), '[redacted] of [redacted]');
  assert.equal(filters.redactOwn('{"cause":"tenant-blue"}'), '{"cause":"[redacted]"}');
  assert.equal(filters.redactOwn('Grüße'), 'Grüße');
});

test('near the deadline of an invocation an expression has less time, before and after it has all', async () => {
  const limits: number[] = [];
  const runBounded = (run: () => void, limitMs: number) => {
    limits.push(limitMs);
    run();
    return true;
  };
  const { pipeline, clock } = setUpFiltered({ LOKI_EXCLUDE_REGEX: 'a+b' }, {}, { runBounded });
  pipeline.invoked({
    requestId: 'r-1',
    traceHeader: undefined,
    invokedArn: undefined,
    deadlineMs: clock.now() + 3_000,
  });
  for (const ms of [0, 2_650, 100, 300]) {
    await clock.advance(ms);
    pipeline.receive(bodyOf(functionRecord('a line')));
    await clock.settle();
  }
  assert.deepEqual(limits, [50, 50, 10, 50]);
});
