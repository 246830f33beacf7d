// What the readers of lines ask of single characters, of fields and of what stands behind a word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endsField,
  fieldEnd,
  HEAD_CHARACTERS,
  indexInHead,
  isBlank,
  isCategory,
  isDigit,
  isLetter,
  isLowerCase,
  isUpperCase,
  isValue,
  skipSeparators,
  skipSpaces,
  wordEnd,
} from '../../../src/records/line-scan.ts';

test('each character is of the kinds that a person would say, and the end of a text is blank', () => {
  for (let code = 0; code < 0x100; code++) {
    const character = String.fromCharCode(code);
    const about = `${code}`;
    assert.equal(isUpperCase(code), /[A-Z]/.test(character), about);
    assert.equal(isLowerCase(code), /[a-z]/.test(character), about);
    assert.equal(isLetter(code), /[A-Za-z_]/.test(character), about);
    assert.equal(isDigit(code), /[0-9]/.test(character), about);
    assert.equal(isBlank(code), code <= 0x20, about);
    assert.equal(endsField(code), code <= 0x20 || '|],;:[>'.includes(character), about);
  }
  for (const isKind of [isUpperCase, isLowerCase, isLetter, isDigit]) assert.equal(isKind(Number.NaN), false);
  assert.equal(isBlank(Number.NaN), true);
});

test('a field ends before what separates it from the next, and within the head of the line', () => {
  for (const [field, behind] of [
    ['orders', ' x'],
    ['orders', '\tx'],
    ['orders', ''],
    ['orders', '] x'],
    ['orders', '| x'],
    ['orders', ', x'],
    ['orders', ';x'],
    ['orders', '> x'],
    ['orders', '\u001b[0m'],
    ['orders', ': x'],
    ['orders', ':'],
    ['orders:7', ' x'],
    ['orders:7', ''],
    ['orders::db', ': x'],
    ['a-b/c[d(e=f', ' x'],
  ] as const) {
    assert.equal(fieldEnd(`- ${field}${behind}`, 2), 2 + field.length, JSON.stringify(field + behind));
  }
  const long = 'x'.repeat(300);
  assert.equal(fieldEnd(long, 150), HEAD_CHARACTERS);
  assert.equal(fieldEnd(long.slice(0, 100), 50), 100);
});

test('what stands between two fields is skipped within the head of the line', () => {
  for (const [between, field] of [
    ['', 'x'],
    [' \t-|,;] ', 'x'],
    [' : ', 'x'],
    [' ', ':x'],
    [' ', '[x]'],
    [' ', '(x)'],
    [' ', '_x'],
    ['', '\nx'],
  ] as const) {
    assert.equal(skipSeparators(`INFO${between}${field}`, 4), 4 + between.length, JSON.stringify(between + field));
  }
  assert.equal(skipSeparators(' '.repeat(300), 150), HEAD_CHARACTERS);
});

test('letters, spaces and marks are looked for within the head', () => {
  assert.equal(wordEnd('- some_Word2', 2), 11);
  assert.equal(wordEnd('- 2', 2), 2);
  assert.equal(wordEnd('x'.repeat(500), 100), 100 + HEAD_CHARACTERS);
  assert.equal(skipSpaces('a   b', 1), 4);
  assert.equal(skipSpaces('a \tb', 1), 2);
  assert.equal(skipSpaces(' '.repeat(500), 100), 100 + HEAD_CHARACTERS);
  assert.equal(indexInHead(`${'x'.repeat(199)}]`, ']', 5), 199);
  assert.equal(indexInHead(`${'x'.repeat(200)}]`, ']', 5), -1);
  assert.equal(indexInHead('] x', ']', 1), -1);
});

test('behind a word there is a value and no message where a person would say so, in upper case less often', () => {
  for (const [text, lower, upper] of [
    ...[
      'null',
      'nil',
      '<nil>',
      'none',
      'undefined',
      'NaN',
      'OK',
      'n/a',
      'N/A',
      'unknown',
      '""',
      "''",
      '{}',
      '[]',
      '--',
    ].map((value) => [value, true, false] as const),
    ...['true', 'false', 'on', 'off', 'yes', 'no', 'True'].map((value) => [value, true, true] as const),
    ...['none.', 'ok!'].map((value) => [value, true, false] as const),
    ...['0', '12', '-1', '+1', '1.5', '1,000', '12%', '3, x', '3; x', '3 | x', '3\nx'].map(
      (value) => [value, true, true] as const,
    ),
    ...['3 retries: 5', '3 retries=5', 'true\nx', 'none \nx'].map(
      (value) => [value, true, !value.startsWith('none')] as const,
    ),
    ...['3 retries left', '3x', 'none of it', 'true story', 'no disk', 'hello', '(none)', '- x', '1: x'].map(
      (value) => [value, false, false] as const,
    ),
    ...['', '\n'].map((value) => [value, false, false] as const),
  ] as const) {
    for (const blanks of ['', ' ', '   ']) {
      assert.equal(isValue(`x:${blanks}${text}`, 2, false), lower, JSON.stringify(blanks + text));
      assert.equal(isValue(`x:${blanks}${text}`, 2, true), upper, JSON.stringify(blanks + text));
    }
  }
});

test('of a value 40 characters are read', () => {
  assert.equal(isValue(`x:${' '.repeat(39)}3 x`, 2, false), true, 'the number is the last that is read');
  assert.equal(isValue(`x:${' '.repeat(37)}3 x`, 2, false), false);
});

test('a category of .NET is a name with the number of an event', () => {
  for (const text of [' Orders.Worker[0]', ' Orders[12] x', ' Orders.Worker`1[7]', ' A.B+C<D>[0]']) {
    assert.equal(isCategory(`info:${text}`, 5), true, text);
  }
  for (const text of [
    'Orders[0]',
    '  Orders[0]',
    ' Orders',
    ' Orders[]',
    ' Orders[a]',
    ' Orders [0]',
    ' [0]',
    ' a-b[0]',
  ]) {
    assert.equal(isCategory(`info:${text}`, 5), false, text);
  }
});
