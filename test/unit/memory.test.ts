import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTidier } from '../../src/memory.ts';

function setUp() {
  let collections = 0;
  const tidier = createTidier(() => {
    collections++;
  });
  return { tidier, collections: () => collections };
}

test('collects once in 400 invocations', () => {
  const { tidier, collections } = setUp();
  for (let count = 0; count < 2_000; count++) {
    tidier.received(1_000);
    tidier.idle();
  }
  assert.equal(collections(), 5);
});

test('collects at the end of an invocation that brought a flood, once', () => {
  const { tidier, collections } = setUp();
  for (let count = 0; count < 20; count++) tidier.received(1024 * 1024);
  assert.equal(collections(), 0);
  tidier.idle();
  tidier.idle();
  assert.equal(collections(), 1);
});
