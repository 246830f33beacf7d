import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../../src/loki/backoff.ts';

const LIMITS = { minMs: 100, maxMs: 10_000 };
const ceiling = (failures: number) => backoffMs(LIMITS, failures, () => 1);

test('the ceiling doubles with every failure, from the least to the most', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(ceiling), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test('the jitter is full: the delay is anything from nothing to the ceiling', () => {
  assert.equal(
    backoffMs(LIMITS, 3, () => 0),
    0,
  );
  assert.equal(
    backoffMs(LIMITS, 3, () => 0.25),
    100,
  );
});

test('after any number of failures the delay is a number that is no more than the most', () => {
  for (const failures of [50, 1_000, 5_000, 1e9]) assert.equal(ceiling(failures), 10_000);
});
