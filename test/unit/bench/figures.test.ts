// Medians, quantiles and budgets of the benchmarks: what they say must follow from the samples alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atLeast,
  atMost,
  atMostAboveFloor,
  atMostTimesFloor,
  format,
  median,
  quantile,
  ratio,
  toFigure,
} from '../../../scripts/bench/figures.ts';

test('the median of an even number of samples lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 5]), 5);
});

test('a quantile is taken from the sorted values and leaves the given ones as they are', () => {
  const values = [30, 10, 20];
  assert.equal(quantile(values, 0), 10);
  assert.equal(quantile(values, 1), 30);
  assert.equal(quantile(values, 0.75), 25);
  assert.deepEqual(values, [30, 10, 20]);
});

test('a figure without samples is refused', () => {
  assert.throws(() => toFigure('held', 'ms', { ours: [] }), /held of ours was not measured/);
  assert.throws(() => toFigure('held', 'ms', { ours: [1, Number.NaN] }), /was not measured/);
});

test('budgets are judged on the medians, and the limit itself is within', () => {
  const verdict = (judge: Parameters<typeof toFigure>[3]) =>
    toFigure('f', 'ms', { ours: [21, 99, 1], floor: [20] }, judge).budget?.met;
  assert.equal(verdict({ judge: atMost(21) }), true);
  assert.equal(verdict({ judge: atMost(20.9) }), false);
  assert.equal(verdict({ judge: atLeast(21) }), true);
  assert.equal(verdict({ judge: atLeast(22) }), false);
  assert.equal(verdict({ judge: atMostTimesFloor(1.05) }), true);
  assert.equal(verdict({ judge: atMostTimesFloor(1.04) }), false);
  assert.equal(verdict({ judge: atMostAboveFloor(1) }), true);
  assert.equal(verdict({ judge: atMostAboveFloor(0.5) }), false);
});

test('a budget against the floor is not judged where the floor was not measured', () => {
  assert.equal(toFigure('f', 'ms', { ours: [1] }, { judge: atMostTimesFloor(1.05) }).budget, undefined);
});

test('ratios are those of the medians', () => {
  const figure = toFigure('f', 'ms', { ours: [30, 10, 20], floor: [10], base: [40] });
  assert.equal(ratio(figure, 'floor'), 2);
  assert.equal(ratio(figure, 'base'), 0.5);
  assert.equal(ratio(toFigure('f', '', { ours: [1], floor: [0] }), 'floor'), undefined);
});

test('numbers are shown with the digits that count', () => {
  assert.deepEqual([0, 0.123, 9.876, 12.345, 123.4, 12_345.6].map(format), [
    '0',
    '0.12',
    '9.88',
    '12.3',
    '123',
    '12,346',
  ]);
});
