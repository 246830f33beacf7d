import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimestamps } from '../../../src/loki/timestamps.ts';
import type { Instant } from '../../../src/time.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { seededRandom } from '../../fakes/records.ts';

const nanosecond = ({ ms, nanos }: Instant) => BigInt(ms) * 1_000_000n + BigInt(nanos);

test('the first entry of a millisecond keeps its moment, those after it get the next nanoseconds', () => {
  const stamp = createTimestamps();
  const given = [1, 2, 3].map(() => stamp({ ms: START_MS, nanos: 0 }));
  assert.deepEqual(
    given,
    [0, 1, 2].map((nanos) => ({ ms: START_MS, nanos })),
  );
});

test('stated nanoseconds are kept while they are free', () => {
  const stamp = createTimestamps();
  assert.deepEqual(stamp({ ms: START_MS, nanos: 456_789 }), { ms: START_MS, nanos: 456_789 });
  assert.deepEqual(stamp({ ms: START_MS, nanos: 456_789 }), { ms: START_MS, nanos: 456_790 });
});

test('entries of one millisecond stay in the order of receipt', () => {
  const stamp = createTimestamps();
  const given = [500, 0, 499, 501].map((nanos) => nanosecond(stamp({ ms: START_MS, nanos })));
  assert.deepEqual(
    given,
    given.toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.equal(new Set(given).size, 4);
});

test('the last nanosecond of a millisecond is followed by the first of the next', () => {
  const stamp = createTimestamps();
  assert.deepEqual(stamp({ ms: START_MS, nanos: 999_999 }), { ms: START_MS, nanos: 999_999 });
  assert.deepEqual(stamp({ ms: START_MS, nanos: 999_999 }), { ms: START_MS + 1, nanos: 0 });
  assert.deepEqual(stamp({ ms: START_MS + 1, nanos: 0 }), { ms: START_MS + 1, nanos: 1 });
});

test('a million entries and more in one millisecond run over into those after it', () => {
  const stamp = createTimestamps();
  stamp({ ms: START_MS + 1, nanos: 999_999 });
  stamp({ ms: START_MS, nanos: 999_998 });
  const given = Array.from({ length: 5 }, () => nanosecond(stamp({ ms: START_MS, nanos: 0 })));
  assert.equal(new Set(given).size, 5);
  assert.ok(given.every((value) => value > BigInt(START_MS) * 1_000_000n));
  assert.ok(!given.includes(BigInt(START_MS + 1) * 1_000_000n + 999_999n));
});

test('a record that comes late gets a nanosecond of its own', () => {
  const stamp = createTimestamps();
  stamp({ ms: START_MS, nanos: 0 });
  stamp({ ms: START_MS + 500, nanos: 0 });
  assert.deepEqual(stamp({ ms: START_MS, nanos: 0 }), { ms: START_MS, nanos: 1 });
});

test('a millisecond that is still in use is not forgotten, however many others come meanwhile', () => {
  const stamp = createTimestamps();
  const given = new Set<bigint>();
  // A thousand at least are remembered: it is used again after 900 others.
  for (let index = 0; index < 9_000; index++) {
    if (index % 900 === 0) {
      for (let count = 0; count < 50; count++) given.add(nanosecond(stamp({ ms: START_MS, nanos: 0 })));
    }
    given.add(nanosecond(stamp({ ms: START_MS + 1 + index, nanos: 0 })));
  }
  assert.equal(given.size, 9_500);
  assert.deepEqual(stamp({ ms: START_MS, nanos: 0 }), { ms: START_MS, nanos: 500 }, 'it goes on where it was');
  const forgotten = stamp({ ms: START_MS + 1, nanos: 0 });
  assert.deepEqual(forgotten, { ms: START_MS + 1, nanos: 1 }, 'what it gave out is not taken for what is forgotten');
});

test('a record of a millisecond that was long forgotten gets a nanosecond that is free, behind those given before', () => {
  const stamp = createTimestamps();
  const early = [0, 0, 0].map((nanos) => nanosecond(stamp({ ms: START_MS, nanos })));
  for (let index = 1; index <= 5_000; index++) stamp({ ms: START_MS + index, nanos: 0 });
  const late = [0, 0].map((nanos) => nanosecond(stamp({ ms: START_MS, nanos })));
  assert.equal(new Set([...early, ...late]).size, 5);
  assert.ok(late.every((value) => value > (early[2] ?? 0n) && value < BigInt(START_MS + 1) * 1_000_000n));
});

test('no two of many entries in random order within a minute are alike', () => {
  const random = seededRandom(4);
  const stamp = createTimestamps();
  const given = new Set<bigint>();
  for (let index = 0; index < 100_000; index++) {
    given.add(nanosecond(stamp({ ms: START_MS + Math.floor(random() * 60_000), nanos: 0 })));
  }
  assert.equal(given.size, 100_000);
});

test('one record at the very end of its millisecond, long ago, does not push those that come late out of theirs', () => {
  const stamp = createTimestamps();
  stamp({ ms: START_MS, nanos: 999_999 });
  for (let index = 1; index <= 5_000; index++) stamp({ ms: START_MS + index, nanos: 0 });
  assert.equal(stamp({ ms: START_MS + 7, nanos: 0 }).ms, START_MS + 7);
});

test('no two of many entries in random order within a second are alike', () => {
  const random = seededRandom(3);
  const stamp = createTimestamps();
  const given = new Set<bigint>();
  for (let index = 0; index < 50_000; index++) {
    const nanos = random() < 0.5 ? 0 : Math.floor(random() * 1e6);
    const instant = stamp({ ms: START_MS + Math.floor(random() * 900), nanos });
    assert.ok(instant.nanos >= 0 && instant.nanos <= 999_999);
    given.add(nanosecond(instant));
  }
  assert.equal(given.size, 50_000);
});

test('two streams number their entries each on its own', () => {
  assert.deepEqual(createTimestamps()({ ms: START_MS, nanos: 0 }), createTimestamps()({ ms: START_MS, nanos: 0 }));
});

test('the next to last nanosecond of a millisecond that was forgotten is not given out twice', () => {
  const stamp = createTimestamps();
  stamp({ ms: START_MS, nanos: 999_998 });
  for (let index = 1; index <= 5_000; index++) stamp({ ms: START_MS + index, nanos: 0 });
  assert.deepEqual(stamp({ ms: START_MS, nanos: 999_998 }), { ms: START_MS, nanos: 999_999 });
});
