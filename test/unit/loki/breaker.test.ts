import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, createBreaker } from '../../../src/loki/breaker.ts';
import { START_MS } from '../../fakes/fake-clock.ts';

const open = () => createBreaker({ minMs: 100, maxMs: 10_000 }, () => 1);

test('a fresh breaker is closed and stands against nothing', () => {
  const breaker = open();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitMs(START_MS), 0);
});

test('it opens after repeated failure, not after an accident', () => {
  const breaker = open();
  breaker.failed(START_MS);
  assert.equal(breaker.isOpen(), false);
  breaker.failed(START_MS + 100);
  assert.equal(breaker.isOpen(), false);
  breaker.failed(START_MS + 300);
  assert.equal(breaker.isOpen(), true);
});

test('pushes that were under way together and fail together are one failure', () => {
  const breaker = open();
  for (let count = 0; count < 4; count++) breaker.failed(START_MS + count);
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitMs(START_MS), 100);
  breaker.failed(START_MS + 99);
  assert.equal(breaker.waitMs(START_MS), 100);
  breaker.failed(START_MS + 100);
  assert.equal(breaker.waitMs(START_MS + 100), 200);
});

test('a good answer does not bring forward a moment that Loki asked for', () => {
  const breaker = open();
  breaker.failed(START_MS, 5_000);
  breaker.passed();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitMs(START_MS), 5_000);
});

test('each failure asks for a longer wait', () => {
  const breaker = open();
  breaker.failed(START_MS);
  assert.equal(breaker.waitMs(START_MS), 100);
  breaker.failed(START_MS + 100);
  assert.equal(breaker.waitMs(START_MS + 100), 200);
});

test('an answer that is good closes it and forgets the failures', () => {
  const breaker = open();
  for (let count = 0; count < 5; count++) breaker.failed(START_MS);
  breaker.reset();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitMs(START_MS), 0);
  breaker.failed(START_MS);
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitMs(START_MS), 100);
});

test('after an outage it is closed by the first push that passes, and forgets a failure with each', () => {
  const breaker = open();
  for (let count = 0; count < 5; count++) breaker.failed(START_MS + count * 60_000);
  breaker.passed();
  assert.deepEqual([breaker.isOpen(), breaker.isRecovering()], [false, true]);
  for (let count = 0; count < 3; count++) breaker.passed();
  assert.equal(breaker.isRecovering(), true);
  breaker.passed();
  assert.equal(breaker.isRecovering(), false);
  breaker.failed(START_MS);
  assert.deepEqual([breaker.isOpen(), breaker.waitMs(START_MS)], [false, 100]);
});

test('a failure before it has recovered opens it again, with the delay that was reached', () => {
  const breaker = open();
  for (let count = 0; count < 5; count++) breaker.failed(START_MS + count * 60_000);
  breaker.passed();
  const nowMs = START_MS + 600_000;
  breaker.failed(nowMs);
  assert.deepEqual([breaker.isOpen(), breaker.waitMs(nowMs)], [true, 1_600]);
});

test('however long an outage was, as many pushes have to pass as there are steps to the longest delay', () => {
  const breaker = open();
  for (let count = 0; count < 100; count++) breaker.failed(START_MS + count * 60_000);
  let passes = 0;
  do {
    breaker.passed();
    passes++;
  } while (breaker.isRecovering());
  assert.equal(passes, 10);
});

test('one accident, or two, are forgotten at once', () => {
  const breaker = open();
  breaker.failed(START_MS);
  breaker.failed(START_MS + 1_000);
  breaker.passed();
  assert.equal(breaker.isRecovering(), false);
});

test('a trip opens it at once', () => {
  const breaker = open();
  breaker.trip(START_MS);
  assert.equal(breaker.isOpen(), true);
  assert.ok(breaker.waitMs(START_MS) > 0);
});

test('a moment that Loki asked for goes before a shorter backoff, and a longer backoff before it', () => {
  const breaker = open();
  breaker.failed(START_MS, 5_000);
  assert.equal(breaker.waitMs(START_MS), 5_000);
  const patient = open();
  for (let count = 0; count < 6; count++) patient.failed(START_MS + count * 10_000, 10);
  assert.equal(patient.waitMs(START_MS + 50_000), 3_200);
});

test('a moment that Loki asked for is not brought forward by a later failure', () => {
  const breaker = open();
  breaker.failed(START_MS, 30_000);
  breaker.failed(START_MS + 50);
  assert.equal(breaker.waitMs(START_MS + 50), 29_950);
});

test('after a push that passes nothing is waited for, however long the backoff before it was', () => {
  const breaker = open();
  for (let count = 0; count < 6; count++) breaker.failed(START_MS + count * 100_000);
  const nowMs = START_MS + 500_000;
  assert.ok(breaker.waitMs(nowMs) > 0);
  breaker.passed();
  assert.equal(breaker.waitMs(nowMs), 0);
});

test('asked afresh, nothing that was before stands against it', () => {
  const breaker = open();
  for (let count = 0; count < 3; count++) breaker.failed(START_MS + count * 100_000, 60_000);
  assert.ok(breaker.isOpen());
  breaker.reset();
  assert.deepEqual([breaker.isOpen(), breaker.isRecovering(), breaker.waitMs(START_MS + 200_000)], [false, false, 0]);
});

test('a clock that was set back ends every wait', () => {
  const breaker = open();
  breaker.failed(START_MS, 30_000);
  assert.equal(breaker.waitMs(START_MS - 20_000), 0);
  assert.equal(breaker.waitMs(START_MS - 3_600_000), 0);
  breaker.failed(START_MS - 3_600_000);
  assert.equal(breaker.waitMs(START_MS - 3_600_000), 200, 'what fails from then on is waited for');
});

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
