import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker } from '../../../src/loki/breaker.ts';
import { START_MS } from '../../fakes/fake-clock.ts';

const open = () => createBreaker({ minMs: 100, maxMs: 10_000 }, () => 1);

test('a fresh breaker is closed and stands against nothing', () => {
  const breaker = open();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitUntilMs(), 0);
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
  assert.equal(breaker.waitUntilMs(), START_MS + 100);
});

test('a good answer does not bring forward a moment that Loki asked for', () => {
  const breaker = open();
  breaker.failed(START_MS, START_MS + 5_000);
  breaker.accepted();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitUntilMs(), START_MS + 5_000);
});

test('each failure asks for a longer wait', () => {
  const breaker = open();
  breaker.failed(START_MS);
  assert.equal(breaker.waitUntilMs(), START_MS + 100);
  breaker.failed(START_MS + 100);
  assert.equal(breaker.waitUntilMs(), START_MS + 300);
});

test('an answer that is good closes it and forgets the failures', () => {
  const breaker = open();
  for (let count = 0; count < 5; count++) breaker.failed(START_MS);
  breaker.reset();
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitUntilMs(), 0);
  breaker.failed(START_MS);
  assert.equal(breaker.isOpen(), false);
  assert.equal(breaker.waitUntilMs(), START_MS + 100);
});

test('a trip opens it at once', () => {
  const breaker = open();
  breaker.trip(START_MS);
  assert.equal(breaker.isOpen(), true);
  assert.ok(breaker.waitUntilMs() > START_MS);
});

test('a moment that Loki asked for goes before a shorter backoff, and a longer backoff before it', () => {
  const breaker = open();
  breaker.failed(START_MS, START_MS + 5_000);
  assert.equal(breaker.waitUntilMs(), START_MS + 5_000);
  const patient = open();
  for (let count = 0; count < 6; count++) patient.failed(START_MS + count * 10_000, START_MS + 10);
  assert.equal(patient.waitUntilMs(), START_MS + 53_200);
});

test('a moment that Loki asked for is not brought forward by a later failure', () => {
  const breaker = open();
  breaker.failed(START_MS, START_MS + 30_000);
  breaker.failed(START_MS + 50);
  assert.ok(breaker.waitUntilMs() >= START_MS + 30_000, `${breaker.waitUntilMs() - START_MS} ms`);
});
