// The times at the beginning of a line: where each of them ends, and what is none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlainTime, skipTime } from '../../../src/records/line-time.ts';

const TIMES = [
  '2026-01-05T10:00:00.118Z',
  '2026-01-05T10:00:00.118123456Z',
  '2026-01-05T10:00:00Z',
  '2026-01-05T10:00:00+01:00',
  '2026-01-05T10:00:00 -0100',
  '2026-01-05 10:00:00',
  '2026-01-05 10:00:00,118',
  '2026-01-05 10:00:00.118 UTC',
  '2026-01-05 10:00:00 GMT',
  '2026-01-05 10:00:00 CEST',
  '2026-01-05 10:00:00 ET',
  '2026-01-05, 10:00:00',
  '2026-01-05,10:00:00',
  '2026-01-05 - 10:00:00',
  '2026-01-05_10:00:00',
  '2026-01-05:10:00:00',
  '2026-01-05::10:00:00',
  '2026/01/05 10:00:00',
  '2026.01.05 10:00:00',
  '2026-01-05 10:00:00:118:5',
  '1/5/2026 9:00:00 AM',
  '1/5/2026 9:00PM',
  '05.01.26 10:00:00',
  '05/Jan/2026:10:00:00 +0000',
  '5 Jan 2026 10:00:00',
  'Mon, 05 Jan 2026 10:00:00 GMT',
  'Jan 05, 2026 10:00:00 AM',
  'Jan  5 10:00:00',
  'Dec. 05 2026 10:00:00',
  'Mon Jan 05 10:00:00 2026',
  'Mon Jan  5 10:00:00 UTC 2026',
  '10:00:00',
  '9:00:00.118',
  '10:00:00 PM',
  '9:00AM',
  '1767607200',
  '1767607200.118',
  '1767607200118',
  '1.7e+09',
  '1.76760720011812345678e+09',
  '0.1s',
  '123456789.123456789s',
];

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const weekdays = 'Mon Tue Wed Thu Fri Sat Sun'.split(' ');

test('a time ends where a person would say so, wherever it begins and whatever stands behind it', () => {
  const dates = [...months.map((month) => `${month} 05`), ...weekdays.map((weekday) => `${weekday} Jan 05`)];
  for (const time of [...TIMES, ...dates.map((date) => `${date} 10:00:00`)]) {
    for (const behind of ['', ' hello', '\thello', '] hello', ' INFO hello']) {
      assert.equal(skipTime(time + behind, 0), time.length, JSON.stringify(time + behind));
      assert.equal(skipTime(`[${time}${behind}`, 1), 1 + time.length, JSON.stringify(time + behind));
    }
  }
});

test('a date alone, a time of day without seconds, a number and a word are no time', () => {
  for (const text of [
    '',
    'hello',
    '2026-01-05',
    '2026-01-05 hello',
    '2026-01-05T',
    '10:00',
    '10:00 hello',
    '2026-01-05 10:00',
    '10',
    '176760720',
    '17676072001',
    '176760720011',
    '17676072001180',
    '1767607200-5',
    '1767607200:5',
    '1.5',
    '5s',
    '1.5e+5',
    '1.767607200118123456789e+09',
    '0.1234567891s',
    '123456789012.1s',
    '0.118 s',
    'Jan',
    'Jan 05',
    'Foo 05 10:00:00',
    'jan 05 10:00:00',
    'January 05 10:00:00',
    'hello 10:00:00',
  ]) {
    assert.equal(skipTime(text, 0), 0, JSON.stringify(text));
    assert.equal(skipTime(`x${text}`, 1), 1, JSON.stringify(text));
  }
});

test('a word behind a time is no zone of it', () => {
  const time = '10:00:00';
  for (const behind of [' ZERO', ' ABCDT', ' T', ' UTC2', ' GMTX', ' TESTS', ' 20261', ' +1', '.x', ',']) {
    assert.equal(skipTime(time + behind, 0), time.length, behind);
  }
});

test('the usual form is known by its marks, at any place', () => {
  const plain = '2026-01-05T10:00:00.118Z';
  assert.equal(isPlainTime(plain, 0), true);
  assert.equal(isPlainTime(`[${plain}] hello`, 1), true);
  assert.equal(isPlainTime(`[${plain}] hello`, 0), false);
  for (const at of [10, 13, 16, 23]) {
    assert.equal(isPlainTime(`${plain.slice(0, at)} ${plain.slice(at + 1)}`, 0), false, `${at}`);
  }
});
