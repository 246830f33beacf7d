import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toByteString } from '../../../src/byte-string.ts';
import { fieldsOf } from '../../../src/filters/fields.ts';
import { property } from '../../fakes/properties.ts';

const valueIn = (line: string, path: string) => fieldsOf(toByteString(line), [{ path, name: 'x' }])?.['x'];

for (const [path, line, value] of [
  ['a', '{"a":"b"}', 'b'],
  ['a', ' {"a":"b"}', undefined],
  ['a', '{ "z" : [1,{"a":2}] , "a" : 12.50 }', '12.50'],
  ['a', '{"a":true}', 'true'],
  ['a', '{"a":null}', undefined],
  ['a', '{"a":{"b":1}}', undefined],
  ['a', '{"a":[1]}', undefined],
  ['a', '{"a":""}', undefined],
  ['a.b', '{"a":{"c":0,"b":"deep"}}', 'deep'],
  ['a.b', '{"a":{"b":1},"a.b":2}', '2'],
  ['a.b.c', '{"a":{"b":{"c":"x"}}}', 'x'],
  ['a.b', '{"a":"b"}', undefined],
  ['ab', '{"a":1}', undefined],
  ['größe', '{"größe":"süß"}', 'süß'],
  ['a', String.raw`{"a":"x\n\u00e9\"y"}`, 'x\né"y'],
  ['a', '2026-01-05T10:00:00.118Z\t8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\tINFO\t{"a":1}', '1'],
  ['a', '[INFO]\t2026-01-05T10:00:00.118Z\t8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\t{"a":1}', '1'],
  ['a', '{"timestamp":"x","level":"INFO","message":{"a":1}}', '1'],
  ['a', '{"timestamp":"x","level":"INFO","message":{"a":{"b":1}}}', undefined],
  ['a.b', '{"timestamp":"x","level":"INFO","message":{"a":{"b":1}}}', '1'],
  ['a', String.raw`{"timestamp":"x","level":"INFO","message":"{\"a\":\"\\u00e9 \\\"y\"}"}`, 'é "y'],
  ['a', String.raw`{"timestamp":"x","level":"INFO","message":"{\u0022a\u0022:1.50}"}`, '1.50'],
  ['a', '{"timestamp":"x","a":2,"message":{"a":1}}', '2'],
  ['a', '{"timestamp":"x","a":null,"message":{"a":1}}', '1'],
  ['a', `{"timestamp":"x","message":"{\\"b\\":\\"${'x'.repeat(8173)}\\",\\"a\\":17}"}`, undefined],
  ['message.a', '{"timestamp":"x","level":"INFO","message":{"a":1}}', '1'],
  ['a', '{"level":"INFO","message":{"a":1}}', undefined],
  ['context.a', 'ERROR\tpayment {failed}\t{"message":"payment {failed}","level":"ERROR","context":{"a":17}}', '17'],
  ['a', 'text {"a":1}', undefined],
  ['a', '[{"a":1}]', undefined],
  ['a', '["a":1]', undefined],
  ['a.b', '{"a":["b":1]}', undefined],
  ['a.b', '{"a":1,"b":2}', undefined],
  ['a', '{"a"', undefined],
  ['a', '{"a":', undefined],
  ['a', '{"b":1 "a":2}', undefined],
] as const) {
  test(`${path} of ${line.slice(0, 60)} is ${value}`, () => {
    assert.equal(valueIn(line, path === 'größe' ? Buffer.from(path).toString('latin1') : path), value);
  });
}

test('the fields that a line has are given by their names, and nothing of those that it has not', () => {
  const fields = ['a', 'b', 'c.d'].map((path) => ({ path, name: `of_${path.replace('.', '_')}` }));
  const found = (line: string) => fieldsOf(toByteString(line), fields);
  assert.deepEqual(found('{"c":{"d":3},"b":"2","x":1}'), { of_b: '2', of_c_d: '3' });
  assert.deepEqual(found('{"a":1}'), { of_a: '1' });
  for (const line of ['{"x":1}', '{}', 'a', '']) assert.equal(found(line), undefined, line);
});

test('a value is cut at 256 bytes, between two characters', () => {
  assert.equal(valueIn(JSON.stringify({ a: 'x'.repeat(300) }), 'a'), 'x'.repeat(256));
  assert.equal(valueIn(JSON.stringify({ a: `x${'ü'.repeat(200)}` }), 'a'), `x${'ü'.repeat(127)}`);
});

property(
  'whatever the line is, reading a field of it ends, and of JSON it is what JSON.parse finds',
  fc.tuple(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 2 })), fc.string()),
  ([object, text]) => {
    valueIn(text, 'a.b');
    valueIn(`{${text}`, 'a');
    // As JSON has it: of -0 it makes 0.
    const { a } = JSON.parse(JSON.stringify(object)) as typeof object;
    const expected = typeof a === 'string' || typeof a === 'number' || typeof a === 'boolean' ? String(a) : undefined;
    const value = valueIn(JSON.stringify(object), 'a');
    if (typeof a === 'number') assert.equal(Number(value), a);
    else assert.equal(value, expected === undefined || expected === '' ? undefined : expected);
  },
);
