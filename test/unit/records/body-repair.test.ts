// Heads of cut records and what comes instead of their tails: each is lost once, when that is known, and takes nothing with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBodyReader } from '../../../src/records/body-json.ts';

const envelope = (value: string, type = 'function') =>
  `{"time":"2026-01-05T10:30:00.910Z","type":"${type}","record":${value}}`;
const whole = (text: string) => envelope(JSON.stringify(text));

/** What is lost with each body, and whether a head waits behind it: a plus sign. */
function readAll(bodies: readonly string[]): { records: readonly unknown[]; told: string } {
  const reader = createBodyReader();
  const records: unknown[] = [];
  const told = bodies.map((body) => {
    let lost = 0;
    const elements = reader.read(Buffer.from(body), (count) => {
      lost += count;
    });
    for (const element of elements) if (element !== undefined) records.push(JSON.parse(element).record);
    return `${lost}${reader.isWaiting() ? '+' : ''}`;
  });
  return { records, told: told.join(' ') };
}

for (const [what, bodies, records, told] of [
  ['a tail', [`[${envelope('"one')}]`, `[${envelope(' two"')}]`], ['one two'], '0+ 0'],
  [
    'a whole record, and the tail too late',
    [`[${envelope('"one')}]`, `[${whole('x')}]`, `[${envelope(' two"')}]`],
    ['x'],
    '0+ 1 1',
  ],
  [
    'a record of another type, and the tail too late',
    [`[${envelope('"one')}]`, `[${envelope('{}', 'platform.end')},${envelope(' two"')}]`],
    [{}],
    '0+ 2',
  ],
  [
    'another head with its tail',
    [`[${envelope('"one')}]`, `[${envelope('"two')}]`, `[${envelope(' three"')}]`],
    ['two three'],
    '0+ 1+ 0',
  ],
  [
    'another head in the same body',
    [`[${envelope('"one')},${envelope('"two')}]`, `[${envelope(' three"')}]`],
    ['two three'],
    '1+ 0',
  ],
  [
    'the head of an object',
    [`[${envelope('"one')}]`, `[${envelope('{"a":"two')}]`, `[${envelope(' three"}')}]`],
    [{ a: 'two three' }],
    '0+ 1+ 0',
  ],
  ['a whole record in a body that breaks off', [`[${envelope('"one')}]`, `[${whole('x')}`], ['x'], '0+ 2'],
  ['a tail in a body that breaks off', [`[${envelope('"one')}]`, `[${envelope(' two"')}`], ['one two'], '0+ 1'],
  [
    'a tail and something broken behind it',
    [`[${envelope('"one')}]`, `[${envelope(' two"')},{"odd":BAD}]`, `[${whole('x')}]`],
    ['one two', 'x'],
    '0+ 1 0',
  ],
  [
    'a tail, something whole and something broken',
    [`[${envelope('"one')}]`, `[${envelope(' two"')},{"record":3},{"odd":BAD},${whole('x')}]`],
    ['one two', 3, 'x'],
    '0+ 1',
  ],
  ['a piece that is broken', [`[${envelope('"one')}]`, `[${envelope(' \\q"')}]`, `[${whole('x')}]`], ['x'], '0+ 2 0'],
  ['something broken', [`[${envelope('"one')}]`, `[${envelope('BAD')}]`, `[${whole('x')}]`], ['x'], '0+ 0+ 1'],
  ['a tail of another type', [`[${envelope('"one')}]`, `[${envelope(' two"', 'extension')}]`], [], '0+ 2'],
  [
    'a head, its middle and its tail with others around',
    [`[${whole('x')},${envelope('"one')}]`, `[${envelope(' two')}]`, `[${envelope(' three"')},${whole('y')}]`],
    ['x', 'one two three', 'y'],
    '0+ 0+ 0',
  ],
  ['one record that is no list', [`[${envelope('"one')}]`, whole('x')], ['x'], '0+ 1'],
  ['nothing', [`[${envelope('"one')}]`, '[]', `[${envelope(' two"')}]`], ['one two'], '0+ 0+ 0'],
  [
    'a tail, with blanks around all of them',
    [` [ ${envelope('"one')} ]\r\n \t`, `\n[\n${envelope(' two"')} \n, ${whole('x')} \n ]\n`],
    ['one two', 'x'],
    '0+ 0',
  ],
  [
    'a tail in a body that breaks off in blanks',
    [`[${envelope('"one')}]`, `[${envelope(' two"')} , ${whole('x')}  `],
    ['one two', 'x'],
    '0+ 1',
  ],
  ['a cut before the value', [`[${envelope('')}]`, `[${envelope('"one"')}]`], ['one'], '0+ 0'],
  ['a cut within an escape', [`[${envelope('"one\\')}]`, `[${envelope('n"')}]`], ['one\n'], '0+ 0'],
  [
    'a cut before digits',
    [`[${envelope('"one ')}]`, `[${envelope('1')}]`, `[${envelope('2"')}]`],
    ['one 12'],
    '0+ 0+ 0',
  ],
] as const) {
  test(`behind a head comes ${what}`, () => {
    const result = readAll(bodies);
    assert.deepEqual(result, { records, told });
  });
}

test('a body that is given up halfway changes nothing in what is read of the next', () => {
  const longer = `[${envelope('BAD')},${Array(9).fill(whole('a')).join(',')}]`;
  for (const element of createBodyReader().read(Buffer.from(longer), () => {})) if (element !== undefined) break;
  assert.deepEqual(readAll([`[${whole('x')},${envelope('BAD')},${whole('y')}]`]), { records: ['x', 'y'], told: '1' });
});
