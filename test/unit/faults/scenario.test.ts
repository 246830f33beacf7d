// The generator of the fault matrix: reproducible, complete, and able to make a scenario smaller.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELLS, type Scenario, scenarioOf, smaller } from '../../faults/support/scenario.ts';

const cellOf = ({ fault, moment, strategy, api }: Scenario) => [fault, moment, strategy, api].join(' | ');

test('a seed says all', () => {
  for (const seed of [1, 7, 4_711]) assert.deepEqual(scenarioOf(seed), scenarioOf(seed));
});

test('seeds in a row come to every cell once', () => {
  assert.equal(new Set(Array.from({ length: CELLS }, (_, seed) => cellOf(scenarioOf(seed + 1)))).size, CELLS);
});

test('what is smaller is the same fault in the same cell, with no more lines', () => {
  const scenario = scenarioOf(42);
  const linesIn = ({ lines }: Scenario) => lines.reduce((sum, count) => sum + count, 0);
  for (const candidate of smaller(scenario)) {
    assert.equal(cellOf(candidate), cellOf(scenario));
    assert.ok(linesIn(candidate) <= linesIn(scenario));
    assert.notDeepEqual(candidate, scenario);
  }
});
