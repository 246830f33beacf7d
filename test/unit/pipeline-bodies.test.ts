// Bodies on their way through the pipeline: every step gets further, whatever a record holds, and nothing is read past
// a deadline.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';
import { bodyOf, functionRecord, isoTime, platformRecord } from '../fakes/records.ts';
import { setUp } from './pipeline-setup.ts';

const element = (record: string) => `{"time":"${isoTime(START_MS)}","type":"function","record":${record}}`;
const before = element('"before"');
const after = element('"after"');

const deepNumber = `${'['.repeat(3_000)}12345678901234567890${']'.repeat(3_000)}`;

for (const [name, record] of [
  [
    'with a list of things like records, a long number and deep brackets',
    `{"l":[{"a":1},{"time":""}],"a":${deepNumber}}`,
  ],
  ['nested 10,000 deep', `${'{"a":['.repeat(5_000)}1${']}'.repeat(5_000)}`],
  ['with a number of 80,000 zeros', `{"n":1.${'0'.repeat(80_000)}1,"id":12345678901234567890}`],
  ['with numbers that no double holds', '{"a":[1e400,1e-400,0.1000000000000000055511151231257827,1.0],"1":-0}'],
  ['with doubled keys', '{"b":1,"1":2,"b":{"time":"x"}}'],
  ['with odd blanks', '{ "a" :\t[ ] }'],
] as const) {
  test(`a record ${name} arrives as it was written, and so do its neighbours`, async () => {
    const { pipeline, ledger, arrived } = setUp();
    pipeline.begin();
    pipeline.receive(Buffer.from(`[${before},${element(record)},${after}]`));
    pipeline.receive(Buffer.from(`[ ${before} , ${element(record)} ]`));
    const lines = (await arrived()).map(({ line }) => line);
    assert.deepEqual(lines, ['before', record, 'after', 'before', record]);
    assert.equal(ledger.totals().received, 5);
  });
}

test('a record that breaks something is lost alone, whichever way its body is read', async () => {
  for (const [open, close] of [
    ['[', ']'],
    ['[ ', ' ]'],
  ]) {
    const { pipeline, ledger, arrived } = setUp({ logTypes: ['function', 'extension'] }, undefined, false, {
      isOwnLine(line) {
        if (line === 'bug') throw new Error('a bug');
        return false;
      },
    });
    pipeline.begin();
    const bug = element('"bug"').replace('"function"', '"extension"');
    pipeline.receive(Buffer.from(`${open}${[before, bug, after, bug, bug, before].join(',')}${close}`));
    pipeline.receive(bodyOf(functionRecord('next body')));
    const lines = (await arrived()).map(({ line }) => line);
    assert.deepEqual(lines, ['before', 'after', 'before', 'next body']);
    assert.equal(ledger.totals().dropped.unreadable_record, 3);
    assert.equal(ledger.totals().received, 7);
  }
});

test('a flush ends at its deadline, however much there is to read, and what is left is read later', async () => {
  const clock = new FakeClock();
  let workedMs = 0;
  const { pipeline, client, ledger } = setUp({ logTypes: ['extension'] }, undefined, false, {
    clock: { now: () => clock.now() + workedMs, steadyMs: () => clock.steadyMs() + workedMs, after: clock.after },
    // Each line takes a millisecond.
    isOwnLine() {
      workedMs++;
      return false;
    },
    defer: setImmediate,
  });
  const lines = Array.from({ length: 1_000 }, (_, index) => ({ type: 'extension', record: `${index}` }));
  pipeline.begin();
  pipeline.receive(bodyOf(...lines));
  await pipeline.flush(clock.now() + 200);
  assert.ok(workedMs >= 100 && workedMs < 200, `${workedMs} ms`);
  assert.ok(client.pushes.length > 0, 'what was read has left');
  while (ledger.totals().received < 1_000) await clock.settle();
  pipeline.sendNow();
  await clock.settle();
  assert.equal(ledger.totals().accepted, 1_000);
});

test('the end of an invocation is known when its record is there, however much is to be read before it', async () => {
  const later: (() => void)[] = [];
  const { pipeline, ledger } = setUp({}, undefined, false, { defer: (run) => void later.push(run) });
  pipeline.begin();
  pipeline.invoked({ requestId: 'r-1', traceHeader: undefined, invokedArn: undefined });
  let isDone = false;
  void pipeline.invocations.runtimeDone('r-1').then(() => {
    isDone = true;
  });
  pipeline.receive(bodyOf(...Array.from({ length: 5_000 }, (_, index) => functionRecord(`line ${index}`))));
  // A line that repeats the record is no record.
  const done = platformRecord('runtimeDone', { requestId: 'r-1', status: 'success' });
  pipeline.receive(bodyOf(functionRecord(JSON.stringify(done))));
  await Promise.resolve();
  assert.equal(isDone, false);
  pipeline.receive(bodyOf(functionRecord('the last line'), done));
  await Promise.resolve();
  assert.equal(isDone, true);
  assert.equal(ledger.totals().received, 0);
});

test('the end of an invocation is known also where the body before it is being read', async () => {
  let nowMs = START_MS;
  const { pipeline, ledger } = setUp({ logTypes: ['extension'] }, undefined, false, {
    clock: { now: () => nowMs, steadyMs: () => nowMs, after: new FakeClock().after },
    isOwnLine() {
      nowMs++;
      return false;
    },
    defer: setImmediate,
  });
  pipeline.begin();
  pipeline.invoked({ requestId: 'r-1', traceHeader: undefined, invokedArn: undefined });
  const lines = Array.from({ length: 5_000 }, (_, index) => ({ type: 'extension', record: `line ${index}` }));
  pipeline.receive(bodyOf(...lines));
  while (ledger.totals().received === 0) await new Promise((resolve) => setImmediate(resolve));
  pipeline.receive(bodyOf(platformRecord('runtimeDone', { requestId: 'r-1', status: 'success' })));
  await pipeline.invocations.runtimeDone('r-1');
  assert.ok(ledger.totals().received < 2_000);
  pipeline.abandon();
});

for (const [what, body, isReleased] of [
  [
    'a body that breaks off in its runtimeDone',
    `[${before},{"time":"${isoTime(START_MS)}","type":"platform.runti`,
    true,
  ],
  ['a body that was too large to be kept', undefined, true],
  [
    'a list of lines where a list of JSON should be',
    `${before}\n${JSON.stringify(platformRecord('runtimeDone', { requestId: 'r-1' }))}\n`,
    true,
  ],
  ['one broken record', `[${before},${element('{"value":NaN}')},${after}]`, false],
] as const) {
  test(`an invocation is ${isReleased ? 'not ' : ''}waited for any more when ${what} is lost`, async () => {
    const { clock, pipeline, droppedEntries } = setUp();
    pipeline.begin();
    pipeline.invoked({ requestId: 'r-1', traceHeader: undefined, invokedArn: undefined });
    let isDone = false;
    void pipeline.invocations.runtimeDone('r-1').then(() => {
      isDone = true;
    });
    pipeline.receive(body === undefined ? undefined : Buffer.from(body));
    await clock.settle();
    assert.equal(droppedEntries(), 1);
    assert.equal(isDone, isReleased);
  });
}

test('the records that nobody had the time to read are counted at the end, and the memory of their bodies is given back', async () => {
  const { pipeline, ledger } = setUp();
  let released = 0;
  const line = functionRecord('{"time":"2026"}');
  for (const body of [bodyOf(line), bodyOf(line, line, line), undefined, Buffer.from('no JSON')]) {
    pipeline.receive(body, () => released++);
  }
  pipeline.abandon();
  assert.equal(ledger.totals().dropped.shutdown_deadline, 1 + 3 + 1 + 1);
  assert.equal(released, 4);
});

test('of a body that was being read at the end the records that are left are counted', async () => {
  const { pipeline, ledger } = setUp();
  pipeline.begin();
  const lines = Array.from({ length: 5_000 }, (_, index) => functionRecord(`line ${index}`));
  pipeline.receive(bodyOf(...lines));
  while (ledger.totals().received === 0) await new Promise((resolve) => setImmediate(resolve));
  pipeline.abandon();
  const { received, dropped } = ledger.totals();
  // Beyond 2,000 records the number is an estimate.
  assert.ok(Math.abs(received - 5_000) < 50, `${received}`);
  assert.equal(dropped.shutdown_deadline, received);
});

test('each body is released when it has been read', async () => {
  const { pipeline, arrived } = setUp();
  const released: string[] = [];
  pipeline.begin();
  const release = (name: string) => () => void released.push(name);
  pipeline.receive(bodyOf(platformRecord('start', { requestId: 'r-1' })), release('events'));
  pipeline.receive(undefined, release('too large'));
  pipeline.receive(Buffer.from('no json'), release('no json'));
  pipeline.receive(Buffer.from(`[ ${before} ]`), release('blanks'));
  pipeline.receive(Buffer.alloc(0), release('nothing'));
  await arrived();
  assert.deepEqual(released, ['events', 'too large', 'no json', 'blanks', 'nothing']);
});

test('the head of a cut record whose tail never came is counted at the end, also where there was no time to flush', async () => {
  const { clock, pipeline, ledger } = setUp();
  pipeline.begin();
  pipeline.receive(Buffer.from(`[${before},${element('"cut off')}]`));
  await clock.advance(100);
  pipeline.abandon();
  const { received, dropped } = ledger.totals();
  assert.deepEqual([received, dropped.shutdown_deadline], [2, 2]);
});
