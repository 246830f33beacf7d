// JSON that is read as it is written: where values and strings end, and which texts are taken for JSON.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteString, toByteString } from '../../../src/byte-string.ts';
import {
  elementsOf,
  isEscaped,
  isJson,
  isJsonInStretches,
  parseShort,
  readString,
  skipSpace,
  stringEnd,
  valueEnd,
} from '../../../src/records/json-text.ts';

const values = [
  '1',
  '-1.5e3',
  'true',
  'null',
  '""',
  '"a"',
  '"a\\"b"',
  '"\\\\"',
  '"a]}, "',
  '{}',
  '[]',
  '{"a":[1,{"b":"]}"}]}',
  '[[[]],"\\"]"]',
  '[ 1 , 2 ]',
];

test('a value ends behind its last character, whatever stands behind it', () => {
  for (const value of values) {
    for (const behind of ['', ',1', ']', '}', ' ', '\n', '\t,', '\r']) {
      assert.equal(valueEnd(`:${value}${behind}`, 1), 1 + value.length, value + behind);
    }
    assert.equal(valueEnd(value, 0, value.length), value.length, value);
  }
  for (const open of ['[1,2', '{"a":1', '"abc', '123'])
    assert.equal(valueEnd(open, 0), open.length, 'the end of the text');
  assert.equal(valueEnd('[1,2,3]', 0, 4), 4);
  assert.equal(valueEnd('12345', 0, 3), 3);
});

test('a string ends behind the first quote that is no part of an escape', () => {
  for (const [text, end] of [
    ['""', 2],
    ['"a"b"', 3],
    ['"\\"', 3],
    ['"\\""', 4],
    ['"\\\\"', 4],
    ['"\\\\\\""', 6],
    ['"\\\\\\\\"x', 6],
    ['"', 1],
    ['"abc', 4],
  ] as const) {
    assert.equal(stringEnd(text, 0), end, text);
    assert.equal(stringEnd(`\\${text}`, 1), 1 + end, text);
  }
  for (let backslashes = 0; backslashes < 6; backslashes++) {
    assert.equal(isEscaped(`"${'\\'.repeat(backslashes)}"`, 1 + backslashes), backslashes % 2 === 1, `${backslashes}`);
  }
});

test('blanks are skipped, and nothing else', () => {
  assert.equal(skipSpace('a \n\r\tb', 1), 5);
  assert.equal(skipSpace('ab', 1), 1);
  assert.equal(skipSpace('a  ', 1), 3);
  assert.equal(skipSpace('a\u00a0b', 1), 1);
});

test('the elements of a list come as they are written, from the first to the last', () => {
  const list = values.join(',') as ByteString;
  assert.deepEqual([...elementsOf(list, 0, list.length)], values);
  const spaced = values.map((value) => ` ${value}\n`).join(',') as ByteString;
  assert.deepEqual([...elementsOf(spaced, 0, spaced.length)], values);
  const inside = `[${list}]` as ByteString;
  assert.deepEqual([...elementsOf(inside, 1, inside.length - 1)], values);
  assert.deepEqual([...elementsOf(' ' as ByteString, 0, 1)], []);
});

test('between two stretches of a long element there is a pause, and none in short ones', () => {
  const pausesIn = (text: string) =>
    [...elementsOf(text as ByteString, 0, text.length)].filter((each) => each === undefined).length;
  const objectOf = (characters: number) => `{${'"a":1,'.repeat(Math.ceil(characters / 6))}"a":1}`;
  const stretch = 64 * 1024;
  assert.equal(pausesIn(objectOf(stretch - 20)), 0);
  assert.equal(pausesIn(objectOf(stretch)), 1);
  assert.equal(pausesIn(objectOf(4 * stretch)), 4);
  assert.equal(pausesIn('1,'.repeat(stretch)), 0);
});

test('up to 64 KiB a text is JSON if JSON.parse takes it, and of a longer one the structure counts', () => {
  const inStretches = (text: string) => {
    const steps = isJsonInStretches(text);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  };
  const ofLength = (text: string, characters: number) => text.replace('~', 'x'.repeat(characters - text.length + 1));
  const limit = 64 * 1024;
  for (const [text, short, long] of [
    ['["~"]', true, true],
    ['["~",01]', false, true],
    ['["~",1e]', false, true],
    ['["~\n"]', false, true],
    ['["~"', false, false],
    ['["~"}', false, false],
    ['["~"],1', false, false],
    ['1,["~"]', false, false],
    ['["~",]', false, false],
    ['"~"', true, true],
  ] as const) {
    for (const [characters, expected] of [
      [limit, short],
      [limit + 1, long],
    ] as const) {
      const json = ofLength(text, characters);
      assert.equal(json.length, characters);
      assert.equal(isJson(json), expected, `${characters} of ${text}`);
      assert.equal(inStretches(json), expected, `${characters} of ${text}`);
    }
    const whole = ofLength(text, limit) as ByteString;
    assert.equal(parseShort(whole) !== undefined, short, text);
    assert.equal(parseShort(ofLength(text, limit + 1) as ByteString), undefined, text);
  }
});

test('a string is read as the bytes of what it stands for, with and without escapes', () => {
  for (const text of ['', 'abc', 'a "b" \\ \n', 'é 価 🧀', '\u0001']) {
    assert.equal(readString(toByteString(JSON.stringify(text))), toByteString(text), text);
    const escaped = JSON.stringify(text).replaceAll(
      /[^ -~]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    assert.equal(readString(escaped as ByteString), toByteString(text), escaped);
    assert.equal(readString(toByteString(`"é\\u00e9 ${escaped.slice(1)}`)), toByteString(`éé ${text}`), escaped);
    assert.equal(parseShort(toByteString(JSON.stringify(text))), text);
  }
  for (const odd of ['1', 'null', '{}', '"a', 'a"', '"\n"', '"\\x"'])
    assert.equal(readString(odd as ByteString), undefined, odd);
});
