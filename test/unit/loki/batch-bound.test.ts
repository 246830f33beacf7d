import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Batch, createBatchBuilder } from '../../../src/loki/batch.ts';
import { entryOf } from '../../fakes/records.ts';

const NOW_MS = 1_767_607_200_000;
const entry = entryOf('x'.repeat(100));

function fill(maxBytes: number): { taken: number; batch: Batch | undefined } {
  const builder = createBatchBuilder('function', '{a="b"}', maxBytes);
  let taken = 0;
  while (taken < 10 && builder.add({ ms: NOW_MS, nanos: taken + 1 }, entry, NOW_MS)) taken++;
  return { taken, batch: builder.seal() };
}

test('a batch may have exactly as many bytes as the limit says, and not one more', () => {
  const exactBytes = fill(1_000).batch?.requestBytes ?? 0;
  const { taken } = fill(1_000);
  assert.ok(taken > 2 && taken < 10);
  assert.equal(fill(exactBytes).taken, taken);
  assert.equal(fill(exactBytes).batch?.requestBytes, exactBytes);
  assert.equal(fill(exactBytes - 1).taken, taken - 1);
});
