import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filters } from '../../src/filters/filters.ts';
import { LOG_NAME } from '../../src/log.ts';
import type { PushOutcome } from '../../src/loki/answer.ts';
import type { LogRecord } from '../../src/records/record.ts';
import { ACCEPTED, METADATA_DISALLOWED, UNREACHABLE } from '../fakes/doubles.ts';
import { START_MS } from '../fakes/fake-clock.ts';
import { at, bodyOf, functionRecord, isoTime, noise, platformRecord } from '../fakes/records.ts';
import { INSTANCE, OWN_PID, setUp } from './pipeline-setup.ts';

test('bodies before the first event are kept until then, in order', async () => {
  const { clock, client, pipeline, arrived } = setUp();
  pipeline.receive(bodyOf(functionRecord('one')));
  pipeline.receive(bodyOf(functionRecord('two')));
  await clock.advance(60_000);
  assert.equal(client.pushes.length, 0);
  assert.equal(clock.pendingTimers, 0);
  pipeline.begin();
  assert.deepEqual(
    (await arrived()).map(({ line }) => line),
    ['one', 'two'],
  );
});

test('the instance is drawn at the first event and not before, once', async () => {
  const { pipeline, instancesDrawn, arrived } = setUp();
  pipeline.receive(bodyOf(functionRecord('early')));
  assert.equal(instancesDrawn(), 0);
  pipeline.begin();
  pipeline.begin();
  assert.equal(instancesDrawn(), 1);
  assert.equal(at(await arrived(), 0).metadata['instance'], INSTANCE);
});

test('up to 4 MiB before the first event are kept as they are; a flood is read, but not sent', async () => {
  const { clock, client, pipeline, arrived } = setUp();
  let released = 0;
  const flood = (bodies: number) => {
    for (let index = 0; index < bodies; index++) {
      pipeline.receive(bodyOf(functionRecord(`${index} ${noise(100_000, index)}`)), () => released++);
    }
  };
  flood(40);
  await clock.advance(5_000);
  assert.equal(released, 0, 'nothing is read');
  flood(10);
  await clock.advance(5_000);
  assert.equal(released, 50, 'the flood is not kept back');
  assert.equal(client.pushes.length, 0, 'a snapshot must hold no connection');
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('after')));
  const entries = await arrived();
  assert.equal(entries.length, 51);
  assert.equal(at(entries, -1).line, 'after');
  assert.equal(at(entries, -1).metadata['instance'], INSTANCE);
});

test('only the types that were asked for are sent; the others are not even counted', async () => {
  const { pipeline, ledger, arrived } = setUp({ logTypes: ['function'] });
  pipeline.begin();
  const extensionLine = { time: isoTime(START_MS), type: 'extension', record: 'hello\n' };
  pipeline.receive(bodyOf(platformRecord('start', { requestId: 'r-1' }), functionRecord('line'), extensionLine));
  const entries = await arrived();
  assert.deepEqual(
    entries.map(({ line }) => line),
    ['line'],
  );
  assert.equal(at(entries, 0).metadata['request_id'], 'r-1', 'platform records are understood all the same');
  assert.equal(ledger.totals().received, 1);
});

test('our own lines never come back round, those of other extensions are sent', async () => {
  const { pipeline, arrived } = setUp({ logTypes: ['extension'] });
  pipeline.begin();
  const own = `{"level":"warn","time":1767607200118,"name":"${LOG_NAME}","pid":${OWN_PID},"msg":"log lines were lost"}\n`;
  const lines = [own, 'another extension\n', own.replace(`:${OWN_PID},`, ':99,')];
  pipeline.receive(bodyOf(...lines.map((record) => ({ time: isoTime(START_MS), type: 'extension', record }))));
  assert.deepEqual(
    (await arrived()).map(({ line }) => line),
    lines.slice(1).map((line) => line.trimEnd()),
  );
});

test('anything is a record: no shape stops what comes after it', async () => {
  const odd = [
    null,
    1,
    'text',
    [],
    {},
    { type: 'function' },
    { record: 'x' },
    { type: 7, record: {} },
    { time: {}, type: 'x' },
  ];
  const { pipeline, ledger, arrived } = setUp();
  pipeline.begin();
  pipeline.receive(bodyOf(...odd, functionRecord('after')));
  const entries = await arrived();
  assert.deepEqual(
    entries.filter(({ type }) => type === 'platform').map(({ line }) => line),
    odd.map((record) => JSON.stringify(record)),
  );
  assert.equal(entries.filter(({ line }) => line === 'after').length, 1);
  assert.equal(ledger.totals().accepted, odd.length + 1);
});

test('records nested deeper than any stack reach Loki or are counted, and so do those beside them', async () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const body = Buffer.from(
    `[{"type":"function","record":"before"},{"type":"function","record":${deep}},{"type":"function","record":"after"}]`,
  );
  const { clock, pipeline, ledger, arrived, droppedEntries } = setUp();
  pipeline.begin();
  pipeline.receive(body);
  pipeline.receive(bodyOf(functionRecord(deep)));
  await clock.settle();
  const lines = (await arrived()).map(({ line }) => line);
  assert.ok(lines.includes('before') && lines.includes('after'), `${lines.length} lines`);
  assert.equal(ledger.totals().received, ledger.totals().accepted + droppedEntries());
});

test('a long line is split into numbered parts that together are the line', async () => {
  const { pipeline, arrived } = setUp({ maxLineBytes: 1_024 });
  pipeline.begin();
  const line = 'Käse 🧀 '.repeat(300);
  pipeline.receive(bodyOf(functionRecord(line)));
  const entries = await arrived();
  assert.equal(entries.map((entry) => entry.line).join(''), line);
  assert.deepEqual(
    entries.map(({ metadata }) => metadata['part']),
    entries.map((_, index) => `${index + 1}/${entries.length}`),
  );
  assert.equal(new Set(entries.map(({ nanoseconds }) => nanoseconds)).size, entries.length);
});

test('a body that was too large and bodies that are not JSON are counted, and later ones are read', async () => {
  const { pipeline, ledger, arrived } = setUp();
  pipeline.begin();
  pipeline.receive(undefined);
  pipeline.receive(Buffer.from('no json'));
  pipeline.receive(Buffer.alloc(0));
  pipeline.receive(bodyOf(functionRecord('after')));
  assert.deepEqual(
    (await arrived()).map(({ line }) => line),
    ['after'],
  );
  assert.equal(ledger.totals().dropped.body_too_large, 1);
  assert.equal(ledger.totals().dropped.unreadable_record, 1);
});

test('the head of a cut record finds its tail in the next body, or is counted when that body has none', async () => {
  const { pipeline, ledger, arrived } = setUp();
  pipeline.begin();
  const envelope = (value: string) =>
    Buffer.from(`[{"time":"${isoTime(START_MS)}","type":"function","record":${value}}]`);
  for (const value of ['"cut \\', '"here\\""', '"never ends']) pipeline.receive(envelope(value));
  pipeline.receive(bodyOf(functionRecord('whole')));
  assert.deepEqual(
    (await arrived()).map(({ line }) => line),
    ['cut "here"', 'whole'],
  );
  assert.equal(ledger.totals().dropped.unreadable_record, 1);
});

test('the memory of a body that was read is given back, and that of its neighbours is left alone', async () => {
  const { pipeline, arrived } = setUp();
  pipeline.begin();
  const large = Buffer.alloc(Buffer.poolSize, ' ');
  bodyOf(functionRecord('large')).copy(large);
  const broken = Buffer.alloc(Buffer.poolSize, ' ');
  broken.write('[{"time":"x"},oops');
  const [small, neighbour] = [Buffer.from(bodyOf(functionRecord('small'))), Buffer.from('a neighbour')];
  assert.equal(small.buffer, neighbour.buffer, 'small buffers share their memory');
  for (const body of [large, broken, small]) pipeline.receive(body);
  assert.deepEqual(
    (await arrived()).map(({ line }) => line),
    ['large', 'small', '{"time":"x"}'],
  );
  assert.deepEqual([large.length, broken.length], [0, 0]);
  assert.equal(neighbour.toString(), 'a neighbour');
});

test('the trace comes from the event or from the record', async () => {
  const { pipeline, arrived } = setUp();
  pipeline.begin();
  pipeline.invoked({
    requestId: 'r-1',
    traceHeader: 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1',
    invokedArn: 'arn:aws:lambda:eu-central-1:123456789012:function:orders-api:live',
  });
  pipeline.receive(bodyOf(platformRecord('start', { requestId: 'r-1' }), functionRecord('line')));
  for (const { metadata } of await arrived()) assert.equal(metadata['trace_id'], '1-695b8ba0-0f3c2b1a4d5e6f7081920a1b');
});

test('the line of one invocation never carries the id or the trace of another', async () => {
  const { pipeline, arrived } = setUp();
  pipeline.begin();
  for (const id of ['a', 'b', 'c']) {
    pipeline.invoked({ requestId: id, traceHeader: `Root=trace-${id}`, invokedArn: undefined });
    pipeline.receive(
      bodyOf(
        platformRecord('start', { requestId: id }),
        functionRecord(`line ${id}`),
        platformRecord('end', { requestId: id }),
      ),
    );
  }
  for (const { line, metadata } of (await arrived()).filter(({ type }) => type === 'function')) {
    assert.equal(`line ${metadata['request_id']}`, line);
    assert.equal(`trace-${metadata['request_id']}`, metadata['trace_id']);
  }
});

test('invocations that overlap give their id to no line but those that state it', async () => {
  const { pipeline, arrived } = setUp({}, () => ACCEPTED, true);
  pipeline.begin();
  pipeline.receive(
    bodyOf(
      platformRecord('start', { requestId: 'r-1' }),
      platformRecord('start', { requestId: 'r-2' }),
      functionRecord('whose?'),
    ),
  );
  assert.equal((await arrived()).find(({ line }) => line === 'whose?')?.metadata['request_id'], undefined);
});

test('structured metadata can be switched off', async () => {
  const { pipeline, arrived } = setUp({ structuredMetadata: false });
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('line'), platformRecord('start', { requestId: 'r-1' })));
  for (const { metadata } of await arrived()) assert.deepEqual(metadata, {});
});

test('once Loki has refused structured metadata none is made', async () => {
  const { client, pipeline, arrived, ledger } = setUp({}, ({ entries }) =>
    entries.some(({ metadata }) => metadata.length > 0) ? METADATA_DISALLOWED : ACCEPTED,
  );
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('first')));
  await arrived();
  const pushes = client.pushes.length;
  pipeline.receive(bodyOf(functionRecord('second')));
  await arrived();
  assert.equal(client.pushes.length, pushes + 1);
  assert.equal(ledger.totals().accepted, 2);
});

test('in an outage no summary lines pile up, and when it is over one says what was lost', async () => {
  const { clock, client, pipeline, arrived } = setUp({ bufferMaxBytes: 65_536 }, () => UNREACHABLE);
  pipeline.begin();
  for (let index = 0; index < 50; index++) {
    pipeline.receive(bodyOf(functionRecord(noise(4_000, index))));
    await clock.until(pipeline.flush(clock.now() + 2_000), 2_000);
    pipeline.reportLosses();
  }
  client.script = () => ACCEPTED;
  await clock.advance(30_000);
  client.pushes.length = 0;
  pipeline.reportLosses();
  const summaries = (await arrived()).filter(({ type }) => type === 'extension');
  assert.equal(summaries.length, 1);
  assert.match(at(summaries, 0).line, /"buffer_full":\d+/);
});

test('what the last pushes have lost is told in the last flush, also where losses were told a moment ago', async () => {
  const REJECTED: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };
  const core = setUp({}, ({ lines }) => (lines.some((line) => line.startsWith('bad')) ? REJECTED : ACCEPTED));
  const { clock, client, pipeline, log } = core;
  const toldLoki = () => client.lines.flatMap((line) => /"rejected":\d+/.exec(line) ?? []);
  const toldLog = () => log.messages.flatMap(({ fields }) => fields['rejected'] ?? []);
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('bad one')));
  await core.arrived();
  pipeline.reportLosses();
  await clock.settle();
  assert.deepEqual([toldLoki(), toldLog()], [['"rejected":1'], [1]]);
  pipeline.receive(bodyOf(functionRecord('bad two')));
  await clock.until(pipeline.drain(clock.now() + 500), 500);
  pipeline.abandon();
  assert.deepEqual(
    [toldLoki(), toldLog()],
    [
      ['"rejected":1', '"rejected":1'],
      [1, 1],
    ],
  );
});

test('when the last flush has ended nothing is read any more: what comes then is counted as lost', async () => {
  const { clock, client, pipeline, ledger } = setUp();
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one')));
  await clock.until(pipeline.drain(clock.now() + 100), 100);
  await clock.advance(100);
  pipeline.receive(bodyOf(functionRecord('late'), functionRecord('later')));
  await clock.advance(1_000);
  pipeline.abandon();
  assert.deepEqual(client.lines, ['one']);
  const { accepted, dropped } = ledger.totals();
  assert.deepEqual([accepted, dropped.shutdown_deadline], [1, 2]);
});

for (const byMs of [300_000, -300_000]) {
  test(`with the clock set by ${byMs} ms in the last flush, reading and sending go on to its end and no longer`, async () => {
    const { clock, client, pipeline, ledger } = setUp();
    pipeline.begin();
    pipeline.receive(bodyOf(functionRecord('one')));
    client.script = () => undefined;
    const drained = pipeline.drain(clock.now() + 100);
    await clock.advance(50);
    clock.set(byMs);
    client.script = () => ACCEPTED;
    pipeline.receive(bodyOf(functionRecord('two')));
    await clock.advance(10);
    assert.deepEqual(client.lines, ['one', 'two']);
    await clock.until(drained, 40);
    pipeline.receive(bodyOf(functionRecord('late')));
    await clock.advance(1_000);
    pipeline.abandon();
    assert.deepEqual(client.lines, ['one', 'two']);
    assert.equal(ledger.totals().dropped.shutdown_deadline, 2, 'the first, which nobody answered, and the late one');
  });
}

test('abandon counts what is held as lost at the end, and warns', async () => {
  const { clock, pipeline, ledger, log } = setUp({}, () => undefined);
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one'), functionRecord('two')));
  await clock.until(pipeline.drain(clock.now() + 100), 100);
  pipeline.abandon();
  assert.equal(ledger.totals().dropped.shutdown_deadline, 2);
  assert.equal(pipeline.heldEntries(), 0);
  const [warning, lost, ...more] = log.messages;
  assert.equal(warning?.fields['id'], 'no_answer');
  assert.equal(lost?.fields['shutdown_deadline'], 2);
  assert.equal(lost.fields['cause'], warning.message);
  assert.deepEqual(more, []);
});

test('after a freeze in which timers stood still, what has waited long enough leaves at once', async () => {
  const { clock, client, pipeline } = setUp({ batchMaxWaitMs: 1_000 });
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('waits')));
  await clock.settle();
  pipeline.suspend();
  clock.set(3_600_000);
  await clock.settle();
  assert.deepEqual(client.lines, []);
  pipeline.resume();
  assert.deepEqual(client.lines, ['waits']);
});

test('a flush waits for what is said of losses too, and no longer than it may last', async () => {
  for (const answered of [true, false]) {
    const { clock, client, pipeline } = setUp({ maxLineBytes: 1_000 }, (push) =>
      push.labels.includes('extension') ? undefined : ACCEPTED,
    );
    pipeline.begin();
    pipeline.receive(undefined);
    await clock.settle();
    pipeline.reportLosses();
    assert.equal(client.pushes.length, 1);
    const startMs = clock.now();
    const flushed = pipeline.flush(startMs + 500);
    await clock.advance(100);
    if (answered) client.pushes[0]?.answer(ACCEPTED);
    await clock.until(flushed, 500);
    assert.equal(clock.now() - startMs, answered ? 100 : 500);
  }
});

test('records that wait for their filters are counted when the sandbox ends', () => {
  const waiting: LogRecord[] = [];
  const filters: Filters = {
    add: (record) => void waiting.push(record),
    // Each takes too long.
    run: () => clock.set(2),
    waiting: () => waiting.length,
    hasRoom: () => true,
    clear: () => waiting.splice(0).length,
    redactOwn: (text) => text,
  };
  const { clock, pipeline, ledger } = setUp({}, () => ACCEPTED, false, { filters, defer() {} });
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one'), functionRecord('two')));
  pipeline.sendNow();
  assert.equal(waiting.length, 2);
  pipeline.abandon();
  const { received, dropped } = ledger.totals();
  assert.deepEqual([received, dropped.shutdown_deadline], [2, 2]);
});

test('idle, the pipeline has no timer', async () => {
  const { clock, pipeline, arrived } = setUp();
  pipeline.begin();
  pipeline.resume();
  pipeline.receive(bodyOf(functionRecord('line')));
  await arrived();
  pipeline.resume();
  pipeline.sendNow();
  pipeline.reportLosses();
  await clock.settle();
  assert.equal(clock.pendingTimers, 0);
});

test('where no instance can be drawn, what was kept back is read and sent without one', async () => {
  const drawInstanceId = () => {
    throw new Error('no chance');
  };
  const { pipeline, arrived } = setUp({}, () => ACCEPTED, false, { drawInstanceId });
  pipeline.receive(bodyOf(functionRecord('early')));
  assert.throws(() => pipeline.begin());
  pipeline.begin();
  const [entry] = await arrived();
  assert.deepEqual([entry?.line, entry?.metadata['instance']], ['early', undefined]);
});

test('a flush that ran out with a single line held says so', async () => {
  const { clock, pipeline, log } = setUp({}, () => undefined);
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('one')));
  await clock.until(pipeline.flush(clock.now() + 500), 500);
  assert.equal(log.messages[0]?.fields['id'], 'no_answer');
});

test('while a slice has time one body after the other is read in it', async () => {
  const deferred: (() => void)[] = [];
  const { pipeline } = setUp({}, undefined, false, { defer: (run) => void deferred.push(run) });
  pipeline.begin();
  for (let count = 0; count < 50; count++) pipeline.receive(bodyOf(functionRecord(`line ${count}`)));
  assert.equal(deferred.length, 1);
  deferred[0]?.();
  assert.equal(pipeline.heldEntries(), 50);
  assert.equal(deferred.length, 1, 'no other slice is needed');
});
