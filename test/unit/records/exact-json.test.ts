import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodyReader } from '../../../src/records/body-json.ts';
import { mayLoseDigits, parseExactly } from '../../../src/records/exact-json.ts';

describe('exact JSON', () => {
  for (const number of ['12345678901234567890', '-9007199254740993', '0.12345678901234567890', '1e400', '1.5e-400']) {
    it(`writes ${number} back as it was`, () => {
      assert.equal(JSON.stringify(parseExactly(`{"id":[${number}]}`)), `{"id":[${number}]}`);
    });

    it(`suspects ${number}`, () => {
      assert.ok(mayLoseDigits(`{"id": ${number}}`));
    });
  }

  it('leaves ordinary numbers numbers', () => {
    assert.deepEqual(parseExactly('{"a":1,"b":-0.5,"c":1.0,"d":1767607200447,"e":1000}'), {
      a: 1,
      b: -0.5,
      c: 1,
      d: 1767607200447,
      e: 1000,
    });
    assert.equal(mayLoseDigits('{"a":1,"b":-0.5,"d":1767607200447}'), false);
  });

  it('keeps the 64-bit ids of a line that is an object', () => {
    const line = '{"orderId":12345678901234567890,"amount":1.10,"level":"info"}';
    const { records } = createBodyReader().read(Buffer.from(`[{"type":"function","record":${line}}]`));
    const [{ record }] = records as [{ record: unknown }];
    assert.equal(JSON.stringify(record), '{"orderId":12345678901234567890,"amount":1.1,"level":"info"}');
  });
});
