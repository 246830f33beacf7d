import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ByteString, toByteString } from '../../../src/byte-string.ts';
import { readExpression } from '../../../src/filters/expression.ts';
import { jsonStart, textOf, viewOf, withoutUnicodeEscapes } from '../../../src/filters/redact.ts';
import { createRedactor } from '../../../src/filters/redactor.ts';
import { property } from '../../fakes/properties.ts';

function redactorOf(regex: string | undefined, names: readonly string[] = []) {
  const expression = regex === undefined ? undefined : readExpression(regex);
  if (expression && 'reason' in expression) assert.fail(expression.reason);
  const { find, redact } = createRedactor(names, expression && { ...expression, tooSlow() {} });
  return (text: string): string | undefined => {
    const view = viewOf(toByteString(text));
    const line = redact(view, { written: find(view.text), escaped: view.escaped.map((each) => find(each.text)) });
    return line && textOf(line);
  };
}

const HEAD = '2026-01-05T10:00:00.118Z\t8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\tINFO\t';

for (const [what, regex, text, redacted] of [
  ['a word', 'secret', 'a secret and a secret', 'a [redacted] and a [redacted]'],
  ['nothing', 'secret', 'nothing here', undefined],
  ['what touches is one', String.raw`\d`, 'pin 1234 and 5', 'pin [redacted] and [redacted]'],
  ['an empty match is none', 'x*', 'abc', undefined],
  ['a named group alone', 'password=(?<it>[^&]+)', 'a&password=p w&b', 'a&password=[redacted]&b'],
  ['a group without a name changes nothing', '(password|token)=[^&]+', 'token=x&b', '[redacted]&b'],
  ['all, where the named group is not there', 'a(?<it>b)?c', 'ac abc', '[redacted] a[redacted]c'],
  ['characters that are no bytes', 'J(ü|ö)rgen 🧀', 'von Jürgen 🧀.', 'von [redacted].'],
  ['a text in JSON', 'secret', '{"a":"my secret","b":1}', '{"a":"my [redacted]","b":1}'],
  ['a key in JSON', 'secret', '{"my secret":1}', '{"my [redacted]":1}'],
  ['a number in JSON', '4111', '{"a":4111,"b":[14111]}', '{"a":"[redacted]","b":["[redacted]"]}'],
  [
    'beyond a text in JSON',
    '"password":"[^"]*"',
    '{"u":"x","password":"p","b":2}',
    '{"u":"x","[redacted]":"[redacted]","b":2}',
  ],
  ['the group alone', '"password":"(?<it>[^"]*)"', '{"password":"p","b":2}', '{"password":"[redacted]","b":2}'],
  ['brackets stay', '.+', '{"a":[true,null,{"b":""}]}', '{"[redacted]":["[redacted]","[redacted]",{"[redacted]":""}]}'],
  [
    'what an escape means',
    'say "hi"',
    String.raw`{"a":"they say \"hi\" \u00e9\/"}`,
    String.raw`{"a":"they [redacted] \u00e9\/"}`,
  ],
  ['across a line end', 'one two', '{"a":"x one two\\ny"}', '{"a":"x [redacted]\\ny"}'],
  ['a line end', String.raw`one\stwo`, String.raw`{"a":"x one\ntwo"}`, '{"a":"x [redacted]"}'],
  ['no digits of an escape', String.raw`\d+`, String.raw`{"a":"\u00e9 7"}`, String.raw`{"a":"\u00e9 [redacted]"}`],
  [
    'a character that is written as an escape',
    'café',
    String.raw`{"a":"un caf\u00e9 noir"}`,
    '{"a":"un [redacted] noir"}',
  ],
  ['a pair of escapes', '🧀', String.raw`{"a":"x\ud83e\uddc0y"}`, '{"a":"x[redacted]y"}'],
  [
    'across a text with escapes and its key',
    'k":"a',
    String.raw`{"k":"a\"b"}`,
    String.raw`{"[redacted]":"[redacted]\"b"}`,
  ],
  [
    'within a text with escapes and beyond its end',
    '1|2b","c":',
    String.raw`{"a":"1\"2b","c":"x"}`,
    String.raw`{"a":"[redacted]\"[redacted]","[redacted]":"x"}`,
  ],
  ['from the quote of a text with escapes', '"1', String.raw`{"a":"1\"2"}`, String.raw`{"a":"[redacted]\"2"}`],
  ['to the quote of a text with escapes', '2"', String.raw`{"a":"1\"2"}`, String.raw`{"a":"1\"[redacted]"}`],
  ['a text with escapes alone', 'hi "x"', String.raw`"oh hi \"x\""`, '"oh [redacted]"'],
  ['JSON behind a head', 'secret', `${HEAD}{"a":"secret","b":"\\\\"}`, `${HEAD}{"a":"[redacted]","b":"\\\\"}`],
  ['a head and JSON', 'INFO.*', `${HEAD}{"a":5}`, `${HEAD.replace('INFO\t', '[redacted]')}{"[redacted]":"[redacted]"}`],
  ['a part of what only looks like JSON', 'a', '{a "b}', '{[redacted] "b}'],
  ['what only looks like JSON', 'b', '{a "b}', '{a "[redacted]}'],
  ['a JSON text alone', 'b', '"abc"', '"a[redacted]c"'],
] as const) {
  test(`${what}: ${regex} on ${text.slice(0, 60)}`, () => {
    assert.equal(redactorOf(regex)(text), redacted);
    if (redacted !== undefined) assert.equal(redactorOf(regex)(text), redacted, 'and a second time');
  });
}

/** JSON that is the text of a field of JSON, so many times. */
const nest = (value: object, times: number): string =>
  times === 0 ? JSON.stringify(value) : JSON.stringify({ message: nest(value, times - 1), n: 1 });

test('JSON within a text is looked at as it is meant, as deep as Lambda and a queue put it', () => {
  const redact = redactorOf('"pin":"(?<it>[^"]*)"', ['email', 'card']);
  const value = (pin: string, to: string, card: unknown) => ({ a: 'é "q" \\ \n 🧀', pin, to, card, z: [{ b: '"' }] });
  for (let times = 0; times <= 4; times++) {
    const secret = nest(value('1234', 'a@b.example', '4111111111111111'), times);
    assert.equal(redact(secret), nest(value('[redacted]', '[redacted]', '[redacted]'), times), secret);
    assert.equal(redact(nest(value('', 'nobody', 17), times)), undefined);
  }
  // Beyond that as it is written, in any case.
  const deep = redact(nest(value('1234', 'a@b.example', '4111111111111111'), 5)) ?? assert.fail();
  assert.ok(!deep.includes('a@b.example') && !deep.includes('4111111111111111'));
  JSON.parse(deep);
});

test('of JSON within a text what is found across its texts is taken out of each, and its escapes are none of it', () => {
  for (const [regex, inner, redacted] of [
    [String.raw`\d+`, String.raw`{"a":"\u00e9 7\"","b":8}`, String.raw`{"a":"\u00e9 [redacted]\"","b":[redacted]}`],
    ['2b","c":', String.raw`{"a":"1\"2b","c":"x"}`, String.raw`{"a":"1\"[redacted]"x"}`],
    ['u0', String.raw`{"a":"\u00e9\""}`, undefined],
    ['x', String.raw`{"a":"\"x" y`, String.raw`{"a":"\"[redacted]" y`],
    ['q', String.raw`"a \"q\""`, String.raw`"a \"[redacted]\""`],
  ] as const) {
    const line = (text: string) => JSON.stringify({ message: text, n: 'k' });
    assert.equal(redactorOf(regex)(line(inner)), redacted && line(redacted), `${regex} in ${inner}`);
  }
});

test('patterns look into JSON as expressions do', () => {
  const redact = redactorOf(undefined, ['email', 'card', 'private-key']);
  assert.equal(
    redact(
      String.raw`{"to":"\u003ca@b.example\u003e","card":4111111111111111,"k":"-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----\n"}`,
    ),
    String.raw`{"to":"\u003c[redacted]\u003e","card":"[redacted]","k":"[redacted]\n"}`,
  );
});

const anyText = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.toWellFormed());
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
const regexes = fc.constantFrom('[a-c]', '\\W', '.', '"[^"]*"', 'e', '\\d+', '[^\\x00-\\x7f]', ',', 'u0', '":');

property(
  'JSON stays JSON with the same shape, and nothing is left of what was found',
  fc.tuple(json, regexes, fc.boolean()),
  ([value, regex, escapes]) => {
    const plain = JSON.stringify({ value });
    const text = escapes
      ? plain.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : plain;
    const redacted = redactorOf(regex)(text.toWellFormed());
    if (redacted === undefined) return;
    assert.equal(shapeOf(redacted), shapeOf(text));
  },
);

/** Brackets, commas and colons: all that is neither a text nor a number nor a word. */
function shapeOf(line: string): string {
  JSON.parse(line);
  return line.replaceAll(/"(?:[^"\\]|\\.)*"|[^[\]{},:\s]+/gs, '_');
}

property(
  'of JSON in a text nothing is left of what was found, and the line stays what it was',
  fc.tuple(
    json,
    fc.constantFrom('s3cr3t', '"b":"(?<it>s3cr3t)"', '(?<it>s3cr3t)"'),
    fc.integer({ min: 0, max: 3 }),
    anyText,
  ),
  ([value, regex, times, text]) => {
    const secret = nest({ value, b: 's3cr3t', c: `${text}"` }, times);
    const redacted = redactorOf(regex)(secret);
    assert.equal(redacted, nest({ value, b: '[redacted]', c: `${text}"` }, times));
  },
);

property('a line in which nothing is found is left alone, whatever it is', anyText, (text) => {
  assert.equal(redactorOf('no such text in it', ['jwt', 'private-key'])(text), undefined);
});

property(
  'what a person does not see as secret is still there, and what is secret is not',
  fc.tuple(anyText, anyText),
  ([before, after]) => {
    const text = `x${before} s3cr3t ${after}`;
    const redacted = redactorOf('s3cr3t')(text) ?? '';
    assert.ok(!redacted.includes('s3cr3t'));
    assert.equal(redacted, text.replaceAll('s3cr3t', '[redacted]'));
  },
);

test('characters of JSON that are written as escapes are seen as they are meant, but for ASCII', () => {
  assert.equal(
    withoutUnicodeEscapes(String.raw`{"a":"caf\u00e9 \\u00e9 \u0022"}`),
    String.raw`{"a":"café \\u00e9 \u0022"}`,
  );
  assert.equal(withoutUnicodeEscapes(String.raw`caf\u00e9`), String.raw`caf\u00e9`);
  const [last, first] = [String.raw`["\u007f"]`, String.raw`["\u0080"]`];
  assert.deepEqual([withoutUnicodeEscapes(last), withoutUnicodeEscapes(first)], [last, '["\u0080"]']);
});

test('bytes that are no ASCII are read and written as UTF-8', () => {
  const line = Buffer.from('Grüße, geheim', 'utf8').toString('latin1') as ByteString;
  const { redact, find } = createRedactor([], { regExp: /geheim/u, steps: 6, tooSlow() {} });
  const view = viewOf(line);
  const redacted = redact(view, { written: find(view.text), escaped: [] }) ?? assert.fail();
  assert.equal(Buffer.from(redacted, 'latin1').toString('utf8'), 'Grüße, [redacted]');
});

test('JSON begins at the start of a line, or behind the three fields of a runtime', () => {
  for (const [text, at] of [
    ['{"a":1}', 0],
    ['[1]', 0],
    ['{}', 0],
    ['"a"', 0],
    ['', undefined],
    ['1', undefined],
    ['x{"a":1}', undefined],
    [' {"a":1}', undefined],
    ['a\tb\tc\t{"a":1}', 6],
    ['\t\t\t[1]', 3],
    ['a\tb\tc\t"a"', undefined],
    ['a\tb\tc\t {"a":1}', undefined],
    ['a\tb\t{"a":1}', undefined],
    ['a\tb\tc\td\t{"a":1}', undefined],
    [`${'x'.repeat(64)}\tb\t${'x'.repeat(64)}\t{}`, 132],
    [`${'x'.repeat(65)}\tb\tc\t{}`, undefined],
    [`a\tb\t${'x'.repeat(65)}\t{}`, undefined],
    ['INFO\thello\t{"message":"hello","level":"INFO"}', 11],
    [`EMERGENCY\t${'x{'.repeat(100)}\t{"message":"x"}`, 211],
    ['8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\tERROR\ta {b}\tc\t{"message":"x"}', 51],
    ['INFO\t\t{"message":"\\t{\\"message\\":1}"}', 6],
    ['INFO\thello\t{"text":"hello"}', undefined],
    ['INFO\thello {"message":"hello"}', undefined],
    ['HELLO\thello\t{"message":"hello"}', undefined],
    ['INFO hello\t{"message":"hello"}', undefined],
  ] as const) {
    assert.equal(jsonStart(text), at, JSON.stringify(text));
  }
});
