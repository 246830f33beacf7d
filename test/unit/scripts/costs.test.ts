// scripts/costs.ts: the reckoning by hand, and the page that it writes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  costsOf,
  dollars,
  heldMs,
  PRICES,
  readWorkload,
  type Workload,
  withCostsTable,
} from '../../../scripts/costs.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/costs.md'), 'utf8');
const load: Workload = {
  invocationsADay: 1_000_000,
  lines: 10,
  lineBytes: 200,
  memoryMb: 1024,
  durationMs: 100,
  busy: 0.5,
};

test('the table of the page is the one that the script writes', () => {
  assert.equal(page, withCostsTable(page), 'run make pages');
});

test('the page names the prices that the script reckons with, their date and their region', () => {
  const prices = [...PRICES.cloudWatchTiers.map(({ dollarsPerGb }) => dollarsPerGb), PRICES.dollarsPerGbSecond];
  for (const price of prices) assert.ok(page.includes(`$${price < 0.001 ? price : price.toFixed(2)}`), String(price));
  assert.ok(page.includes(`${PRICES.date} in ${PRICES.region}`));
});

test('a function costs its time times its memory, and CloudWatch the bytes of each line and 26 more', () => {
  const costs = costsOf(load);
  // 30 million invocations of 0.1 s in 1 GB.
  assert.equal(costs.function.toFixed(4), (3_000_000 * 0.0000166667).toFixed(4));
  // 10 lines of 226 bytes, and 428 of START, END and REPORT: 80.64 GB.
  assert.equal(costs.cloudWatch.toFixed(2), (80.64 * 0.5).toFixed(2));
});

test('continuous adds nothing, adaptive what the invocations that wait add, end all of it', () => {
  const costs = costsOf(load);
  assert.equal(costs.continuous, 0);
  assert.equal(costs.adaptive, costs.end / 2);
  assert.equal((costs.end / costs.function).toFixed(4), (heldMs(1024) / 100).toFixed(4));
});

test('large volumes come into the lower tiers', () => {
  const atMost = costsOf({ ...load, invocationsADay: 1e9 }).cloudWatch;
  assert.ok(atMost > 10_240 * 0.5 && atMost < 80_640 * 0.5);
});

test('between two sizes that were measured the time held lies on a straight line', () => {
  const sizes = [
    { memoryMb: 128, ms: 20 },
    { memoryMb: 256, ms: 10 },
  ];
  assert.deepEqual(
    [64, 128, 192, 256, 512].map((memoryMb) => heldMs(memoryMb, sizes)),
    [50, 50, 45, 40, 40],
  );
});

test('options are numbers, and what is not one is named', () => {
  assert.equal(readWorkload(['--lines=20']).lines, 20);
  assert.equal(readWorkload([]).memoryMb, 128);
  assert.throws(() => readWorkload(['--lines=many']), /--lines must be a number, not many/);
});

test('small amounts are shown as such', () => {
  assert.deepEqual([0, 0.004, 0.5, 42.4].map(dollars), ['$0', 'under 1 cent', '$0.50', '$42']);
});
