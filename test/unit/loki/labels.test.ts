// The text form of a label set, its escapes, and the limits of names and values.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutToBytes, formatLabels, isLabelName } from '../../../src/loki/labels.ts';

/** Reads a value back by the rules of a Go string literal in double quotes, which are those of Loki's parser. */
function readGoString(literal: string): string {
  assert.match(literal, /^"(?:[^"\\\n\ufffd]|\\(?:["\\abfnrtv]|u[0-9a-f]{4}|x[0-9a-f]{2}))*"$/);
  const plain: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return literal.slice(1, -1).replaceAll(/\\(?:[ux]([0-9a-f]+)|(.))/g, (_, hex: string | undefined, sign: string) => {
    const code = Number.parseInt(hex ?? '0', 16);
    assert.ok(code < 0xd800 || code > 0xdfff, 'a lone surrogate');
    return hex === undefined ? (plain[sign] ?? sign) : String.fromCharCode(code);
  });
}

test('sorts labels by name, whatever order they come in', () => {
  const expected = '{a="1",b="2",b_c="4",bc="3"}';
  assert.equal(formatLabels({ b: '2', a: '1', bc: '3', b_c: '4' }), expected);
  assert.equal(formatLabels({ b_c: '4', bc: '3', a: '1', b: '2' }), expected);
});

test('sorts as Loki does: upper case before the underscore before lower case', () => {
  assert.equal(formatLabels({ a: '1', _a: '2', A: '3', a1: '4', Z: '5' }), '{A="3",Z="5",_a="2",a="1",a1="4"}');
});

test('leaves empty values out', () => {
  assert.equal(formatLabels({ a: '', b: '2', c: '' }), '{b="2"}');
  assert.equal(formatLabels({ a: '' }), '{}');
  assert.equal(formatLabels({}), '{}');
});

for (const [value, text] of [
  ['plain', '"plain"'],
  ['a "quote"', '"a \\"quote\\""'],
  ['back\\slash', '"back\\\\slash"'],
  ['line\nfeed', '"line\\nfeed"'],
  ['carriage\rreturn', '"carriage\\rreturn"'],
  ['a\ttab', '"a\\ttab"'],
  ['$LATEST {a=~"b"}', '"$LATEST {a=~\\"b\\"}"'],
  ['K\u00e4se \u4fa1\u683c \ud83e\uddc0', '"K\u00e4se \u4fa1\u683c \ud83e\uddc0"'],
  ['a \ufffd b', '"a ? b"'],
  ['half \ud83e', '"half ?"'],
  ['\udd80 half', '"? half"'],
] as const) {
  test(`writes the value ${JSON.stringify(value)} as ${JSON.stringify(text)}`, () => {
    assert.equal(formatLabels({ a: value }), `{a=${text}}`);
  });
}

test('writes every character so that Loki reads the same back', () => {
  for (let code = 0; code < 0x10000; code += 1) {
    if (code === 0xfffd || (code >= 0xd800 && code <= 0xdfff)) continue;
    const value = `<${String.fromCharCode(code)}>`;
    const text = formatLabels({ a: value });
    assert.equal(readGoString(text.slice(3, -1)), value);
  }
});

test('takes the names that every Loki takes, and no others', () => {
  for (const name of ['a', 'A9', '_', '_a', 'a__b', 'on', 'by', 'constructor', 'n'.repeat(1024)]) {
    assert.equal(isLabelName(name), true, name);
  }
  for (const name of ['', '1a', 'a.b', 'a-b', 'a b', 'a:b', '\u00e9', '__', '__name__', 'a\n', 'n'.repeat(1025)]) {
    assert.equal(isLabelName(name), false, name);
  }
});

test('cuts text to a number of bytes between two characters', () => {
  assert.equal(cutToBytes('abc', 3), 'abc');
  assert.equal(cutToBytes('abcd', 3), 'abc');
  for (const character of ['\u00e9', '\u4fa1', '\ud83e\uddc0']) {
    const size = Buffer.byteLength(character);
    for (let maxBytes = 0; maxBytes <= 4 * size; maxBytes += 1) {
      assert.equal(cutToBytes(character.repeat(4), maxBytes), character.repeat(Math.floor(maxBytes / size)));
    }
  }
});
