// The fleet of `make bench-fleet`, small: what it says must come from what really happened, and be the same each time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Played, peakRate, play, requestRate, type Scenario } from '../../../scripts/bench/fleet/scenario.ts';
import { createTenant, DEFAULT_LIMITS } from '../../../scripts/bench/fleet/tenant.ts';

const small: Scenario = {
  sandboxes: 12,
  functions: 3,
  intervalMs: 5_000,
  linesPerInvocation: 4,
  lineBytes: 120,
  startWithinMs: 5_000,
  durationMs: 60_000,
  endWithinMs: 2_000,
};
/** Start and end of each invocation, and its report. */
const EVENTS = 3;

/** The last report comes with the next invocation, of which there is none. */
const printed = ({ invocations }: Played) => invocations * (small.linesPerInvocation + EVENTS) - small.sandboxes;

for (const how of ['refused', '503'] as const) {
  test(`a fleet through an outage (${how}): all lines are in Loki, and it is met by no more than was held`, async () => {
    const outage = { fromMs: 20_000, untilMs: 40_000, how };
    const played = await play({ ...small, outage });
    assert.deepEqual(
      [played.received, played.accepted, played.stored],
      [printed(played), played.received, played.received],
    );
    const away = played.seconds.slice(21, 40);
    assert.ok(away.some(({ refused }) => refused > 0));
    assert.ok(away.every(({ accepted }) => accepted === 0));
    assert.equal(played.streams, 2 * small.functions);
  });
}

test('the same fleet does the same each time', async () => {
  const [one, other] = [await play(small), await play(small)];
  assert.deepEqual(one, other);
  assert.ok(one.invocations > small.sandboxes * 8);
});

test('what the buffer cannot hold is lost and counted', async () => {
  const environment = { LOKI_BUFFER_MAX_BYTES: '1048576' };
  const outage = { fromMs: 5_000, untilMs: 50_000, how: '503' } as const;
  const load = { linesPerInvocation: 2_000, lineBytes: 500, sandboxes: 2, functions: 1 };
  const { received, accepted, dropped } = await play({ ...small, ...load, environment, outage });
  assert.ok(dropped > 0);
  assert.equal(received, accepted + dropped);
});

test('the tenant refuses what is over its rate, and takes it later', () => {
  let nowMs = 0;
  const limits = { ...DEFAULT_LIMITS, ingestion: { bytesPerS: 40, burstBytes: 100 }, requestsPerS: 100 };
  const tenant = createTenant(limits, 0, () => nowMs);
  // An empty stream with the labels {a="b"}, in a snappy block.
  const body = Buffer.from('0b280a090a077b613d2262227d', 'hex');
  const statuses = () => Array.from({ length: 10 }, () => tenant.take(body).status);
  assert.deepEqual(statuses(), [...Array(9).fill(204), 429]);
  nowMs = 1_000;
  assert.deepEqual(statuses().filter((status) => status === 204).length, 3);
  assert.equal(tenant.seconds[1]?.refused, 7);
});

test('rates are means over seconds, and the peak is the highest of them', () => {
  const seconds = [1, 5, 3, 1].map((requests) => ({ requests, accepted: 0, refused: 0, acceptedBytes: 0 }));
  assert.equal(requestRate(seconds, 0, 4), 2.5);
  assert.equal(peakRate(seconds, 0, 4, 1), 5);
  assert.equal(peakRate(seconds, 0, 4, 2), 4);
});
