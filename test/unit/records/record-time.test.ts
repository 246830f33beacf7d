import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimeReader, type TimeReader } from '../../../src/records/record-time.ts';
import { heapGrowthOf } from './heap.ts';

const TEN_MS = Date.UTC(2026, 0, 5, 10);
const read = (time: unknown) => createTimeReader()(time);

test('every notation that was seen or is likely is read to the nanosecond it states', () => {
  const expected: [unknown, number, number][] = [
    ['2026-01-05T10:00:00.118Z', 118, 0],
    ['2026-01-05T10:00:00.123456Z', 123, 456_000],
    ['2026-01-05T10:00:00.123456789Z', 123, 456_789],
    ['2026-01-05T10:00:00.1234567899Z', 123, 456_789],
    ['2026-01-05T10:00:00Z', 0, 0],
    ['2026-01-05T10:00:00.5Z', 500, 0],
    ['2026-01-05T12:00:00.500+02:00', 500, 0],
    ['2026-01-05T05:30:00.500-0430', 500, 0],
    ['2026-01-05T10:00:00.250', 250, 0],
    ['2026-01-05 10:00:00,250', 250, 0],
    ['2026-01-05t10:00:00.250z', 250, 0],
    [' 2026-01-05T10:00:00.250Z\n', 250, 0],
    ['2026-01-05T10:00:00.000000001Z', 0, 1],
    ['2026-01-05T10:00:00.999999999Z', 999, 999_999],
    [TEN_MS + 7, 7, 0],
    [TEN_MS + 0.5, 0, 500_000],
  ];
  for (const [time, ms, nanos] of expected) assert.deepEqual(read(time), { ms: TEN_MS + ms, nanos }, String(time));
});

test('what states no readable time is undefined', () => {
  const unreadable = [
    '',
    ' ',
    'not a time',
    '10:00:00',
    '2026-01-05',
    '2026-13-05T10:00:00Z',
    '2026-01-05T25:00:00Z',
    null,
  ];
  for (const time of [...unreadable, undefined, true, {}, [], Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(read(time), undefined, String(time));
  }
});

test('what Loki cannot store is undefined', () => {
  assert.equal(read('1969-12-31T23:59:59.999Z'), undefined);
  assert.equal(read(-1), undefined);
  assert.equal(read(1e300), undefined);
  assert.deepEqual(read('1970-01-01T00:00:00.000Z'), { ms: 0, nanos: 0 });
});

test('a second that was read before is not taken for another', () => {
  const reader = createTimeReader();
  const times = ['10:00:00.118Z', '10:00:00.119Z', '10:00:01.000Z', '10:00:00.001Z', '10:00:59.999Z', '10:01:00.000Z'];
  for (const time of times) {
    assert.deepEqual(reader(`2026-01-05T${time}`), { ms: Date.parse(`2026-01-05T${time}`), nanos: 0 });
  }
  assert.equal(reader('2026-01-05T10:01:00.x00Z'), undefined);
  assert.deepEqual(reader('2026-01-05T10:01:00.123+01:00')?.ms, Date.parse('2026-01-05T09:01:00.123Z'));
  assert.deepEqual(reader('2026-01-05T10:01:00.123Z')?.ms, Date.parse('2026-01-05T10:01:00.123Z'));
});

test('a reader that met nonsense reads on', () => {
  const reader = createTimeReader();
  for (const time of ['', 'nonsense of the right size', null, '                       Z'])
    assert.equal(reader(time), undefined);
  assert.deepEqual(reader('2026-01-05T10:00:00.001Z'), { ms: TEN_MS + 1, nanos: 0 });
});

test('of times that follow each other only the first in a second is parsed', (t) => {
  const parse = t.mock.method(Date, 'parse');
  const reader = createTimeReader();
  for (const [second, parsed] of [
    ['10:00:00', 1],
    ['10:00:01', 2],
    ['10:00:00', 3],
  ] as const) {
    for (const ms of ['118', '000', '001', '010', '100', '999']) {
      const nanos = reader(`2026-01-05T${second}.${ms}Z`);
      assert.deepEqual(nanos, { ms: Date.UTC(2026, 0, 5, 10, 0, Number(second.slice(6)), Number(ms)), nanos: 0 });
    }
    assert.equal(parse.mock.callCount(), parsed);
  }
});

test('a time that is no time is none in a second that was parsed either', () => {
  for (const odd of ['.1\u002f8Z', '.1:8Z', '.:18Z', './18Z', '.11:Z', '.11/Z', '.-18Z', ',118x', ':118z', ' 118Z']) {
    const reader = createTimeReader();
    reader('2026-01-05T10:00:00.118Z');
    const time = `2026-01-05T10:00:00${odd}`;
    assert.deepEqual(reader(time), read(time), odd);
  }
});

test('the last moment that Loki stores is read, and the next millisecond is not', () => {
  const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);
  assert.deepEqual(read('9999-12-31T23:59:59.999Z'), { ms: lastMs + 999, nanos: 0 });
  assert.deepEqual(read(lastMs), { ms: lastMs, nanos: 0 });
  assert.equal(read(lastMs + 1_000), undefined);
  assert.deepEqual(read(0), { ms: 0, nanos: 0 });
  assert.deepEqual(read(0.25), { ms: 0, nanos: 250_000 });
  assert.equal(read(-0.25), undefined);
});

test('the second that a reader remembers does not keep the body that the time was cut out of', () => {
  const growthBytes = heapGrowthOf(() => {
    const readers: TimeReader[] = [];
    for (let index = 0; index < 500; index++) {
      const body = Buffer.alloc(64 * 1024, '2026-01-05T10:00:00.118Z').toString('latin1');
      const reader = createTimeReader();
      assert.equal(reader(body.slice(0, 24))?.ms, TEN_MS + 118);
      readers.push(reader);
    }
    return readers;
  });
  assert.ok(growthBytes < 4 * 1024 * 1024, `${growthBytes} bytes`);
});
