// What is known of a body without reading it, and how much of one is read or kept: at each limit and past it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBodyReader } from '../../../src/records/body-json.ts';
import { countRecords, doneRequestIn, mayHideEnd, scanBody } from '../../../src/records/body-scan.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';

const TIME = '2026-01-05T10:00:00.118Z';
const line = (text: string) => JSON.stringify({ time: TIME, type: 'function', record: text });
const bodyOf = (...elements: readonly string[]) => Buffer.from(`[${elements.join(',')}]`);
const lines = (count: number, text = 'hello') => Array<string>(count).fill(line(text));

test('records are counted by their beginnings, and a body has one at least', () => {
  for (const text of ['', '[]', 'hello', '[{"type":"function"}]', '{"time":"']) {
    assert.equal(countRecords(Buffer.from(text)), 1, text);
  }
  for (const count of [1, 2, 3, 1_999, 2_000]) assert.equal(countRecords(bodyOf(...lines(count))), count);
  assert.equal(countRecords(Buffer.from('{"time":"{"time":"{"time":"')), 3, 'one right behind the other');
});

test('beyond 2,000 records the rest is estimated from their length', () => {
  for (const count of [2_001, 3_000, 20_000]) assert.equal(countRecords(bodyOf(...lines(count))), count);
  const long = line('x'.repeat(1_000 * line('hello').length));
  assert.equal(countRecords(bodyOf(...lines(1_999), long)), 2_000, 'counted');
  const estimated = countRecords(bodyOf(...lines(2_000), long));
  assert.ok(estimated >= 2_970 && estimated <= 3_010, `${estimated}: it is as long as a thousand`);
});

test('the last request that a body says is done is found where its record names it', () => {
  const done = (id: string) =>
    `{"time":"${TIME}","type":"platform.runtimeDone","record":{"requestId":"${id}","status":"success"}}`;
  for (const [body, id] of [
    [bodyOf(done('r-1')), 'r-1'],
    [bodyOf(done('r-1'), line('hello')), 'r-1'],
    [bodyOf(done('r-1'), done('r-2')), 'r-2'],
    [bodyOf(done('r-1'), `{"type":"platform.report","record":{"requestId":"r-2"}}`), 'r-1'],
    [bodyOf(`{"requestId":"r-0","type":"platform.runtimeDone"}`), undefined],
    [bodyOf(`{"type":"platform.start","record":{"requestId":"r-1"}}`), undefined],
    [bodyOf(done('')), undefined],
    [bodyOf(done('r\\n')), undefined],
    [bodyOf(line('hello')), undefined],
    [Buffer.alloc(0), undefined],
  ] as const) {
    assert.equal(doneRequestIn(body), id, body.toString());
  }
});

test('of a body that breaks off, tells of an end or is not there the end of an invocation may be lost', () => {
  const done = `{"time":"${TIME}","type":"platform.runtimeDone","record":{`;
  for (const [body, hidesEnd] of [
    [undefined, true],
    ['', true],
    [`[${line('x')},`, true],
    [`[${line('x')}`, true],
    [`[${line('x')},{"time":"2026`, true],
    [`[${line('x')},${done}]`, true],
    [`${line('x')}\n${done}"requestId":"r-1"}}`, true],
    [`[${line('x')}]`, false],
    [line('x'), false],
    [`[${line('x')},{"a":NaN}] \r\n\t`, false],
    [`[${line(`${done}}}`)}]`, false],
  ] as const) {
    assert.equal(mayHideEnd(body === undefined ? undefined : Buffer.from(body)), hidesEnd, body);
  }
});

test('an id is looked for in the 200 characters behind the type', () => {
  const id = '"requestId":"r-1"';
  for (const [characters, found] of [
    [200, 'r-1'],
    [201, undefined],
  ] as const) {
    const between = ','.padEnd(characters - id.length);
    assert.equal(doneRequestIn(Buffer.from(`{"type":"platform.runtimeDone"${between}${id}}`)), found, `${characters}`);
  }
});

test('an event of up to 160 KiB is read in one go, and a longer one is left to be read in stretches', () => {
  for (const [characters, scanned] of [
    [160 * 1024, 3],
    [160 * 1024 + 1, 1],
  ] as const) {
    const event = `{"time":"${TIME}","type":"platform.x","record":"~"}`;
    const long = event.replace('~', 'x'.repeat(characters - event.length + 1));
    assert.equal(long.length, characters);
    const scan = scanBody(bodyOf(line('before'), long, line('after')), createTimeReader());
    let count = 0;
    while (scan.next() !== undefined) count++;
    assert.equal(count, scanned);
    assert.equal(scan.rest() === undefined, scanned === 3);
  }
});

test('the head of a cut record is kept up to 4 MiB, in one piece or in two, and is lost beyond', () => {
  const begin = `{"time":"${TIME}","type":"function","record":`;
  const tail = `[${begin}end"}]`;
  const limit = 4 * 1024 * 1024;
  for (const [bytes, isKept] of [
    [limit, true],
    [limit + 1, false],
  ] as const) {
    const value = `"${'x'.repeat(bytes - begin.length - 1)}`;
    for (const pieces of [[value], [value.slice(0, 1_000_000), value.slice(1_000_000)]]) {
      const reader = createBodyReader();
      let lost = 0;
      const read = (body: string) => [
        ...reader.read(Buffer.from(body), (records) => {
          lost += records;
        }),
      ];
      for (const piece of pieces) assert.deepEqual(read(`[${begin}${piece}}]`).filter(Boolean), []);
      assert.deepEqual([reader.isWaiting(), reader.waitingBytes(), lost], [true, isKept ? bytes : 0, isKept ? 0 : 1]);
      const records = read(tail).filter(Boolean);
      assert.deepEqual(
        records.map((json) => json?.length),
        isKept ? [bytes + 'end"}'.length] : [],
      );
      assert.deepEqual([reader.isWaiting(), reader.giveUp(), lost], [false, 0, isKept ? 0 : 1]);
    }
  }
});

test('a head that is too long to be kept is counted once, also where it is given up', () => {
  const reader = createBodyReader();
  let lost = 0;
  const begin = `{"time":"${TIME}","type":"function","record":`;
  const head = Buffer.from(`[${begin}"${'x'.repeat(5 * 1024 * 1024)}}]`);
  for (const _ of reader.read(head, (records) => {
    lost += records;
  }));
  assert.deepEqual([lost, reader.isWaiting(), reader.giveUp(), reader.isWaiting()], [1, true, 0, false]);
});
