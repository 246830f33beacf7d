// Where a text stands in the grammar of JSON, held to JSON.parse for every short text there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atRecordValue,
  inEscape,
  isBroken,
  isComplete,
  isSpace,
  scanInStretches,
  scanJson,
  scanStart,
} from '../../../src/records/json-scan.ts';
import { parseJson } from '../../../src/records/json-text.ts';

const scan = (text: string) => scanJson(text, 0, text.length, scanStart(0));

/** Every text of so many of these characters. */
function* textsOf(characters: string, length: number): Generator<string, void> {
  if (length === 0) yield '';
  else for (const text of textsOf(characters, length - 1)) for (const character of characters) yield text + character;
}

test('a list of elements is complete where JSON.parse takes it, and broken where nothing can mend it', () => {
  for (const before of ['', '{"":', '[1,', '{"']) {
    for (let length = 1; length <= (before === '' ? 4 : 3); length++) {
      for (const end of textsOf('{}[],:"1\\ ', length)) {
        const text = before + end;
        const isJson = parseJson(`[${text}]`) !== undefined && text.trim() !== '';
        const state = scan(text);
        assert.equal(isComplete(state), isJson, text);
        if (isBroken(state)) assert.ok(isBroken(scan(`${text}1`)) && isBroken(scan(`${text}"`)), text);
      }
    }
  }
});

test('a text that goes on from where it was left is what it is in one go', () => {
  for (const text of textsOf('{}[],:"1\\', 3)) {
    const whole = scan(text);
    for (let at = 0; at <= text.length; at++) {
      assert.deepEqual(scanJson(text, at, text.length, scanJson(text, 0, at, scanStart(0))), whole, `${text} at ${at}`);
    }
  }
});

test('as long as it is not broken there is a way to complete it', () => {
  for (const [text, rest] of [
    ['', '1'],
    ['{', '}'],
    ['{"a', '":1}'],
    ['{"a"', ':1}'],
    ['{"a":', '1}'],
    ['{"a":1', '}'],
    ['{"a":1,', '"b":1}'],
    ['{"a":{}', '}'],
    ['{"a\\', 'n":1}'],
    ['"a\\', '\\"'],
    ['"a\\"', '"'],
    ['[', ']'],
    ['[[]', ',1]'],
    ['[1,', '{}]'],
    ['1,', '2'],
    ['tru', 'e'],
  ] as const) {
    assert.equal(isBroken(scan(text)), false, text);
    assert.equal(isComplete(scan(text)), text === 'tru', text);
    assert.equal(isComplete(scan(text + rest)), true, text + rest);
  }
  for (const text of [
    ']',
    '}',
    ',',
    ':',
    '1 1',
    '[1 ',
    '{,',
    '{1',
    '{"a"1',
    '{"a":}',
    '{"a":1,}',
    '[1,]',
    '[}',
    '{]',
    '1:',
  ]) {
    assert.equal(isBroken(scan(text)), text !== '[1 ', text);
  }
});

test('numbers and words begin as they may, and go on as they may', () => {
  const begins = '0123456789-tfn';
  const goesOn = '0123456789abcdefghijklmnopqrstuvwxyz-.+E';
  for (let code = 0x21; code < 0x100; code++) {
    const character = String.fromCharCode(code);
    if ('{}[]",:'.includes(character)) continue;
    assert.equal(isBroken(scan(character)), !begins.includes(character), character);
    assert.equal(isBroken(scan(`1${character}`)), !goesOn.includes(character), `1${character}`);
  }
});

test('behind a backslash stands what JSON knows', () => {
  for (let code = 0; code < 0x100; code++) {
    const character = String.fromCharCode(code);
    const isKnown = '"\\/bfnrtu'.includes(character);
    assert.equal(isBroken(scan(`"\\${character}`)), !isKnown, `${code}`);
    assert.equal(isBroken(scan(`{"\\${character}`)), !isKnown, `${code}`);
  }
});

test('blanks are the four of JSON', () => {
  for (let code = 0; code < 0x100; code++)
    assert.equal(isSpace(code), ' \n\r\t'.includes(String.fromCharCode(code)), `${code}`);
  assert.equal(isSpace(Number.NaN), false);
});

test('it is known where an element begins, where one of its own values does, and what is half an escape', () => {
  for (const [text, elementAt, isRecordValue, isHalfEscape] of [
    ['', 0, false, false],
    ['{"a":', 0, true, false],
    ['{"a": ', 0, true, false],
    ['{"a":1', 0, false, false],
    ['{"a":{"b":', 0, false, false],
    ['{"a":[', 0, false, false],
    ['[', 0, false, false],
    ['[1,', 0, true, false],
    ['{"a":1},', 8, false, false],
    ['{"a":1}, {"b":', 8, true, false],
    ['1,[2,3],', 8, false, false],
    ['"a\\', 0, false, true],
    ['{"a\\', 0, false, true],
    ['"a\\\\', 0, false, false],
    ['"a\\u', 0, false, false],
  ] as const) {
    const state = scan(text);
    assert.deepEqual(
      [state.elementAt, atRecordValue(state), inEscape(state)],
      [elementAt, isRecordValue, isHalfEscape],
      text,
    );
  }
});

test('brackets are open up to a depth of 16,384, and deeper is no record', () => {
  for (const open of ['[', '{"a":']) {
    assert.equal(isBroken(scan(open.repeat(16_384))), false);
    assert.equal(isBroken(scan(open.repeat(16_385))), true);
  }
  assert.equal(isComplete(scan(`${'['.repeat(16_384)}${']'.repeat(16_384)}`)), true);
  assert.equal(isComplete(scan(`${'[],'.repeat(20_000)}[]`)), true);
});

test('others have their turn after each 64 KiB, but not before the first and not after the last', () => {
  const stretch = 64 * 1024;
  for (const [characters, from, pauses] of [
    [stretch, 0, 0],
    [stretch + 1, 0, 1],
    [2 * stretch, 0, 1],
    [2 * stretch + 1, 0, 2],
    [2 * stretch + 1, 1, 1],
    [0, 0, 0],
  ] as const) {
    const text = '1'.repeat(characters);
    const steps = scanInStretches(text, from, text.length, scanStart(0));
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count++;
    assert.equal(count, pauses, `${characters} from ${from}`);
    assert.equal(isComplete(step.value), characters > 0);
  }
  assert.equal(
    [...scanInStretches(`}${' '.repeat(3 * stretch)}`, 0, 3 * stretch, scanStart(0))].length,
    0,
    'what is broken',
  );
});
