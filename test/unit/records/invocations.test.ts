import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import { createInvocations, type Invocations } from '../../../src/records/invocations.ts';
import { toLogRecord } from '../../../src/records/record.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { functionRecord, platformRecord } from '../../fakes/records.ts';
import { heapGrowthOf } from './heap.ts';

const readTime = createTimeReader();
const record = (raw: unknown) => toLogRecord(toByteString(JSON.stringify(raw)), readTime);
const event = (name: string, requestId?: string, more: object = {}) =>
  record(platformRecord(name, { ...(requestId !== undefined && { requestId }), ...more }));
const line = (text: string) => record(functionRecord(text));

async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new FakeClock().settle();
  return settled;
}

function observeAll(invocations: Invocations, ...records: ReturnType<typeof record>[]): void {
  for (const each of records) invocations.observe(each);
}

test('a line falls in the invocation that has started and not ended', () => {
  const invocations = createInvocations(false);
  assert.equal(invocations.invocationOf(line('init')), undefined);
  invocations.observe(event('start', 'r-1'));
  assert.equal(invocations.invocationOf(line('x'))?.requestId, 'r-1');
  invocations.observe(event('runtimeDone', 'r-1'));
  assert.equal(invocations.invocationOf(line('late'))?.requestId, 'r-1', 'lines may follow runtimeDone');
  invocations.observe(event('report', 'r-1'));
  assert.equal(invocations.invocationOf(line('between')), undefined);
});

test('the report of the last invocation, coming after the start of this one, does not end this one', () => {
  const invocations = createInvocations(false);
  observeAll(
    invocations,
    event('start', 'r-1'),
    event('runtimeDone', 'r-1'),
    event('start', 'r-2'),
    event('report', 'r-1'),
  );
  assert.equal(invocations.invocationOf(line('x'))?.requestId, 'r-2');
});

test('a line that names its request belongs to that one, wherever it stands', () => {
  const id = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
  const invocations = createInvocations(false);
  invocations.invoked(id, { traceId: 'trace-1' });
  observeAll(invocations, event('start', 'r-2'));
  const late = line(`2026-01-05T10:00:00.446Z\t${id}\tINFO\tlate`);
  assert.deepEqual(
    [invocations.invocationOf(late)?.requestId, invocations.invocationOf(late)?.traceId],
    [id, 'trace-1'],
  );
});

test('a platform record without a request belongs to none', () => {
  const invocations = createInvocations(false);
  invocations.observe(event('start', 'r-1'));
  assert.equal(invocations.invocationOf(event('extension')), undefined);
});

test('where invocations overlap, a line that names none belongs to none', () => {
  const invocations = createInvocations(true);
  observeAll(invocations, event('start', 'r-1'), event('start', 'r-2'));
  assert.equal(invocations.invocationOf(line('whose?')), undefined);
});

test('the trace of the event goes before that of a record', () => {
  const invocations = createInvocations(false);
  invocations.invoked('r-1', { traceId: 'from-event' });
  const tracing = { tracing: { value: 'Root=from-record' } };
  invocations.observe(event('start', 'r-1', tracing));
  assert.equal(invocations.invocationOf(event('report', 'r-1'))?.traceId, 'from-event');
  invocations.observe(event('start', 'r-2', tracing));
  assert.equal(invocations.invocationOf(event('report', 'r-2'))?.traceId, 'from-record');
});

for (const end of ['runtimeDone', 'end', 'report']) {
  test(`${end} says that the runtime is done with that invocation, and with no other`, async () => {
    const invocations = createInvocations(false);
    invocations.invoked('r-1');
    const done = invocations.runtimeDone('r-1');
    observeAll(invocations, event('start', 'r-1'), event(end, 'r-0'));
    assert.equal(await isSettled(done), false);
    invocations.observe(event(end, 'r-1'));
    assert.equal(await isSettled(done), true);
  });
}

test('runtimeDone that came before anybody asked is remembered', async () => {
  const invocations = createInvocations(false);
  invocations.observe(event('runtimeDone', 'r-1'));
  invocations.invoked('r-1');
  assert.equal(await isSettled(invocations.runtimeDone('r-1')), true);
});

test('an event that is tried again under its id is an invocation of its own', async () => {
  const invocations = createInvocations(false);
  const settled = (...promises: readonly Promise<void>[]) => Promise.all(promises.map(isSettled));
  const attempt = () => [invocations.runtimeDone('r-1'), invocations.lastReport()] as const;
  invocations.invoked('r-1');
  observeAll(invocations, event('start', 'r-1'), event('runtimeDone', 'r-1'), event('end', 'r-1'));
  assert.deepEqual(await settled(...attempt()), [true, false]);

  invocations.invoked('r-1');
  const second = attempt();
  observeAll(invocations, event('end', 'r-1'), event('report', 'r-1'), event('start', 'r-1'));
  assert.deepEqual(await settled(...second), [false, false], 'the report is that of the first');
  assert.equal(invocations.invocationOf(line('x'))?.requestId, 'r-1');
  observeAll(invocations, event('runtimeDone', 'r-1'));
  assert.deepEqual(await settled(...second), [true, false]);
  observeAll(invocations, event('report', 'r-1'));
  assert.deepEqual(await settled(...second), [true, true]);

  // All of it before the event.
  observeAll(invocations, event('start', 'r-1'), event('runtimeDone', 'r-1'));
  invocations.invoked('r-1');
  assert.deepEqual(await settled(...attempt()), [true, false]);
  observeAll(invocations, event('report', 'r-1'));
  assert.deepEqual(await settled(...attempt()), [true, true]);

  // The end of the fourth was lost, and the fifth comes in another order.
  invocations.invoked('r-1');
  invocations.endLost();
  assert.deepEqual(await settled(...attempt()), [true, false]);
  observeAll(invocations, event('runtimeDone', 'r-1'), event('start', 'r-1'));
  invocations.invoked('r-1');
  assert.deepEqual(await settled(...attempt()), [true, false]);
});

test('a start that comes twice begins no invocation that is waited for in vain', async () => {
  const invocations = createInvocations(false);
  const settled = (...promises: readonly Promise<void>[]) => Promise.all(promises.map(isSettled));
  const attempt = () => [invocations.runtimeDone('r-1'), invocations.lastReport()] as const;
  invocations.invoked('r-1');
  const first = attempt();
  observeAll(invocations, event('start', 'r-1'), event('start', 'r-1'), event('runtimeDone', 'r-1'));
  assert.deepEqual(await settled(...first), [true, false]);
  observeAll(invocations, event('start', 'r-1'), event('runtimeDone', 'r-1'), event('report', 'r-1'));
  assert.deepEqual(await settled(...attempt()), [true, true]);
});

test('a runtimeDone that comes before the start, and both before the event, is remembered', async () => {
  const invocations = createInvocations(false);
  observeAll(invocations, event('runtimeDone', 'r-1'), event('start', 'r-1'));
  invocations.invoked('r-1');
  assert.equal(await isSettled(invocations.runtimeDone('r-1')), true);
});

test('when the platform has lost records, runtimeDone is not waited for any more', async () => {
  const invocations = createInvocations(false);
  invocations.invoked('r-1');
  const done = invocations.runtimeDone('r-1');
  invocations.observe(event('logsDropped'));
  assert.equal(await isSettled(done), true);
});

test('a runtimeDone that names no request is that of the latest invocation, and no other record is', async () => {
  const nameless = [
    event('runtimeDone'),
    record({ time: '2026-01-05T10:00:00.118Z', type: 'platform.runtimeDone' }),
    record(platformRecord('runtimeDone', 'Status: success')),
    event('runtimeDone', undefined, { spans: ['x'.repeat(70_000)], requestId: 'r-1' }),
  ];
  for (const done of nameless) {
    const invocations = createInvocations(false);
    invocations.observe(done);
    invocations.invoked('r-1');
    const isDone = invocations.runtimeDone('r-1');
    observeAll(invocations, event('start'), event('report'), event('end'), event('initRuntimeDone'));
    assert.equal(await isSettled(isDone), false);
    invocations.observe(done);
    assert.equal(await isSettled(isDone), true);
  }
});

test('when what told the end may be lost, the latest invocation is not waited for any more', async () => {
  const invocations = createInvocations(false);
  invocations.endLost();
  invocations.invoked('r-1');
  invocations.invoked('r-2');
  const done = [invocations.runtimeDone('r-1'), invocations.runtimeDone('r-2')] as const;
  assert.deepEqual(await Promise.all(done.map(isSettled)), [false, false]);
  invocations.endLost();
  assert.deepEqual(await Promise.all(done.map(isSettled)), [false, true]);
});

test('the last report is that of the latest invocation; runtimeDone and end are none', async () => {
  const invocations = createInvocations(false);
  assert.equal(await isSettled(invocations.lastReport()), false);
  invocations.invoked('r-1');
  invocations.invoked('r-2');
  observeAll(invocations, event('report', 'r-1'), event('runtimeDone', 'r-2'), event('end', 'r-2'));
  assert.equal(await isSettled(invocations.lastReport()), false);
  invocations.observe(event('report', 'r-2'));
  assert.equal(await isSettled(invocations.lastReport()), true);
});

test('a report in text form counts', async () => {
  const id = 'f7a4e9c1-2b7d-4e55-b1de-3c8f0a6d4e21';
  const invocations = createInvocations(false);
  invocations.invoked(id);
  invocations.observe(record(platformRecord('report', `REPORT RequestId: ${id}\tDuration: 3000.00 ms\t\n`)));
  assert.equal(await isSettled(invocations.lastReport()), true);
});

test('a thousand invocations later the current one is still known, with its trace', async () => {
  const invocations = createInvocations(false);
  for (let index = 0; index < 1_000; index++) {
    const id = `r-${index}`;
    invocations.invoked(id, { traceId: `trace-${index}` });
    const done = invocations.runtimeDone(id);
    observeAll(invocations, event('start', id), event('runtimeDone', id), event('report', id));
    if (index % 250 === 0) assert.equal(await isSettled(done), true);
  }
  assert.equal(invocations.invocationOf(event('report', 'r-999'))?.traceId, 'trace-999');
});

for (const [concurrent, remembered] of [
  [false, 64],
  [true, 1_024],
] as const) {
  test(`the last ${remembered} invocations are known, and the one before them is forgotten: ${concurrent}`, () => {
    const invocations = createInvocations(concurrent);
    const traceOf = (index: number) => invocations.invocationOf(event('report', `r-${index}`))?.traceId;
    for (let index = 0; index < remembered; index++) invocations.invoked(`r-${index}`, { traceId: `trace-${index}` });
    assert.equal(traceOf(0), 'trace-0');
    invocations.invoked(`r-${remembered}`, { traceId: 'the latest' });
    assert.equal(traceOf(0), undefined);
    assert.deepEqual([traceOf(1), traceOf(remembered)], ['trace-1', 'the latest'], 'one is forgotten for one');
  });
}

test('neither the invocation that is open nor the one that is waited for is forgotten, where they are not the same', () => {
  const invocations = createInvocations(false);
  observeAll(invocations, event('start', 'r-open', { tenantId: 't-1' }));
  invocations.invoked('r-latest', { traceId: 'trace-1' });
  for (let index = 0; index < 200; index++) invocations.observe(event('end', `forged-${index}`));
  assert.equal(invocations.invocationOf(event('report', 'r-open'))?.tenantId, 't-1');
  assert.equal(invocations.invocationOf(event('report', 'r-latest'))?.traceId, 'trace-1');
  invocations.observe(event('report', 'r-open'));
  assert.equal(invocations.invocationOf(line('x')), undefined, 'it is the same one that ends');
});

test('a line that names a request makes no invocation of it', () => {
  const strange = '7d4c8a52-4c0e-4c61-9d63-0f5c5cf2b1aa';
  const invocations = createInvocations(false);
  invocations.observe(line(`2026-01-05T10:00:00.446Z\t${strange}\tINFO\tforged`));
  assert.equal(invocations.invocationOf({ ...line('x'), mentionedId: strange }), undefined);
});

test('what is learnt later completes an invocation, and what was learnt first stays', () => {
  const invocations = createInvocations(false);
  const told = () => {
    const { traceId, alias, tenantId } = invocations.invocationOf(event('report', 'r-1')) ?? {};
    return [traceId, alias, tenantId];
  };
  const arn = (alias: string) => `arn:aws:lambda:eu-central-1:123456789012:function:orders-api:${alias}`;
  invocations.invoked('r-1');
  assert.deepEqual(told(), [undefined, undefined, undefined]);
  for (const n of ['1', '2']) {
    const more = { tracing: { value: `Root=trace-${n}` }, functionArn: arn(`alias-${n}`), tenantId: `tenant-${n}` };
    invocations.observe(event('start', 'r-1', more));
    assert.deepEqual(told(), ['trace-1', 'alias-1', 'tenant-1']);
  }
  invocations.invoked('r-1', { traceId: 'trace-3', alias: 'alias-3' });
  assert.deepEqual(told(), ['trace-1', 'alias-1', 'tenant-1']);
});

test('ids that were cut out of bodies do not keep the bodies', () => {
  const invocations = createInvocations(true);
  const growthBytes = heapGrowthOf(() => {
    for (let index = 0; index < 500; index++) {
      const body = Buffer.alloc(64 * 1024, `${index} `).toString('latin1');
      const requestId = body.slice(0, 36);
      invocations.observe({ ...event('start'), requestId });
    }
    return invocations;
  });
  assert.ok(growthBytes < 4 * 1024 * 1024, `${growthBytes} bytes`);
});

test('forged starts do not push the invocation that is waited for out of the memory', async () => {
  const invocations = createInvocations(false);
  invocations.invoked('r-1', { traceId: 'trace-1' });
  const done = invocations.runtimeDone('r-1');
  for (let index = 0; index < 5_000; index++) invocations.observe(event('start', `forged-${index}`));
  assert.equal(invocations.invocationOf(event('report', 'r-1'))?.traceId, 'trace-1');
  invocations.observe(event('runtimeDone', 'r-1'));
  assert.equal(await isSettled(done), true);
  invocations.observe(event('report', 'r-1'));
  assert.equal(await isSettled(invocations.lastReport()), true);
});

test('an id in another place counts if this sandbox has seen its invocation', () => {
  const [own, earlier, strange] = ['8d1f5a1e', '9d1f5a1e', '7d4c8a52'].map(
    (start) => `${start}-4c0e-4c61-9d63-0f5c5cf2b1aa`,
  );
  const mention = (mentionedId: string | undefined) => ({ ...line('x'), mentionedId });
  const invocations = createInvocations(false);
  assert.equal(invocations.invocationOf(mention(own)), undefined, 'nothing was seen yet');
  observeAll(invocations, event('start', earlier), event('report', earlier), event('start', own));
  assert.equal(invocations.invocationOf(mention(own))?.requestId, own);
  assert.equal(invocations.invocationOf(mention(earlier))?.requestId, earlier);
  assert.equal(invocations.invocationOf(mention(strange))?.requestId, own, 'the open one');
  invocations.observe(event('report', own));
  assert.equal(invocations.invocationOf(mention(strange)), undefined, 'none is open');
  const overlapping = createInvocations(true);
  observeAll(overlapping, event('start', own));
  assert.equal(overlapping.invocationOf(mention(strange))?.requestId, strange, 'a line stands nowhere there');
});

test('the alias comes from the event or the record, the tenant from the record', () => {
  const invocations = createInvocations(true);
  const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:orders-api:blue';
  invocations.invoked('r-1', { alias: 'live' });
  observeAll(invocations, event('start', 'r-1', { tenantId: 't-1' }), event('start', 'r-2', { functionArn }));
  const { alias, tenantId } = invocations.invocationOf(event('report', 'r-1')) ?? {};
  assert.deepEqual([alias, tenantId], ['live', 't-1']);
  assert.equal(invocations.invocationOf(event('report', 'r-2'))?.alias, 'blue');
});
