import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, drawHex } from '../../src/random.ts';

test('sixteen hexadecimal digits, other ones each time', () => {
  const drawn = Array.from({ length: 20 }, () => drawHex());
  assert.ok(drawn.every((digits) => /^[\da-f]{16}$/.test(digits)));
  assert.equal(new Set(drawn).size, 20);
});

test('without the file of the kernel, or without a descriptor for it, there is chance all the same', () => {
  const fail = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  };
  assert.match(drawHex(fail), /^[\da-f]{16}$/);
  assert.notEqual(drawHex(fail), drawHex(fail));
});

test('the seed is drawn once, and not before the first number', () => {
  let draws = 0;
  const random = createRandom(() => {
    draws++;
    return '89abcdef01234567';
  });
  assert.equal(draws, 0);
  for (let count = 0; count < 100; count++) random();
  assert.equal(draws, 1);
});

test('numbers are even from 0 to 1, whatever the seed', () => {
  for (const seed of ['00000000', 'ffffffff', '00000001', '7fffffff00000000']) {
    const random = createRandom(() => seed);
    const numbers = Array.from({ length: 10_000 }, random);
    assert.ok(numbers.every((number) => number >= 0 && number < 1));
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    assert.ok(Math.abs(mean - 0.5) < 0.02, `${seed}: ${mean}`);
    assert.ok(new Set(numbers).size > 9_900);
  }
});
