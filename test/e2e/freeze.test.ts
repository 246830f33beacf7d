// Between invocations no code runs, and what was connected may be dead afterwards: the real process, stopped with SIGSTOP
// while its connections are cut, or forgotten without a word as a NAT gateway does it.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createBench } from '../fakes/extension.ts';
import type { FakeLoki } from '../fakes/fake-loki.ts';
import { generateLines } from '../fakes/generate.ts';
import type { InvokeResult } from '../fakes/lambda/options.ts';
import { type Relay, startRelay } from '../fakes/relay.ts';
import { assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';

/** The default of `LOKI_FLUSH_TIMEOUT_MS`: whoever waits for something dead is held for so long. */
const flushTimeoutMs = 2_000;

suite('freeze', { concurrency: 2 }, () => {
  test('loses and doubles nothing in 200 invocations, every connection cut in each freeze', async (t) => {
    let loki: FakeLoki | undefined;
    const bench = await createBench(t, { freeze: true, onFrozen: () => loki?.destroyConnections() });
    ({ loki } = bench);
    const { emulator } = bench;
    await emulator.start();
    const held: number[] = [];
    for (let count = 0; count < 200; count++) {
      const result = await emulator.invoke({ lines: generateLines(5, { seed: count }) });
      held.push(heldMs(result));
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
    assert.ok(loki.connectionCount >= 200, 'each invocation needed a new connection');
    reportHeld(t, held);
    assert.ok(Math.max(...held) < flushTimeoutMs, 'no invocation waited for a dead connection');
  });

  test('loses nothing when connections are forgotten in each freeze, and lets each invocation go in time', async (t) => {
    let relay: Relay | undefined;
    const bench = await createBench(t, {
      freeze: true,
      onFrozen: () => relay?.blackhole(),
      endpoint: async (loki) => {
        relay = await startRelay(loki.port);
        t.after(() => relay?.close());
        return relay.url;
      },
    });
    const { emulator } = bench;
    await emulator.start();
    const held: number[] = [];
    for (let count = 0; count < 10; count++) {
      const result = await emulator.invoke({ lines: generateLines(5, { seed: count }) });
      assert.equal(result.extensionTimedOut, false);
      held.push(heldMs(result));
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
    reportHeld(t, held);
    assert.ok(Math.max(...held) < 2 * flushTimeoutMs);
  });

  for (const strategy of ['continuous', 'adaptive']) {
    test(`loses and doubles nothing when pushes are frozen and cut in mid-flight (${strategy})`, async (t) => {
      let loki: FakeLoki | undefined;
      const bench = await createBench(t, {
        freeze: true,
        onFrozen: () => loki?.destroyConnections(),
        environment: { LOKI_FLUSH_STRATEGY: strategy, LOKI_BATCH_MAX_WAIT_MS: '1' },
      });
      ({ loki } = bench);
      loki.latencyMs = 5;
      const { emulator } = bench;
      await emulator.start();
      for (let count = 0; count < 60; count++) {
        const result = await emulator.invoke({ lines: generateLines(5, { seed: count }) });
        assert.equal(result.extensionTimedOut, false);
      }
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertUnharmed(emulator);
      assert.equal(emulator.output, '', 'a connection that a freeze has cost is nothing to report');
      t.diagnostic(`${loki.duplicates} entries came again, ${loki.requests.length} pushes`);
    });
  }

  test('loses nothing when Loki has stored a push whose answer the freeze has cost', async (t) => {
    let loki: FakeLoki | undefined;
    const bench = await createBench(t, {
      freeze: true,
      onFrozen: () => loki?.destroyConnections(),
      environment: { LOKI_FLUSH_STRATEGY: 'continuous', LOKI_BATCH_MAX_WAIT_MS: '1' },
    });
    ({ loki } = bench);
    const { emulator } = bench;
    await emulator.start();
    for (let count = 0; count < 5; count++) {
      const stored = loki.lines('function').length;
      // Stored, and not answered before the freeze.
      loki.latencyMs = 60_000;
      await emulator.invoke({
        lines: generateLines(5, { seed: count }),
        during: async () => loki?.waitFor((server) => server.lines('function').length === stored + 5),
      });
      loki.latencyMs = 0;
      await emulator.invoke({
        during: async () => loki?.waitFor((server) => server.duplicates >= 5 * (count + 1)),
      });
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertUnharmed(emulator);
    assert.equal(emulator.output, '');
  });

  test('is not confused by timers that fall due in a freeze', async (t) => {
    const bench = await createBench(t, {
      freeze: true,
      onFrozen: () => wait(1_500),
      environment: {
        LOKI_FLUSH_STRATEGY: 'continuous',
        LOKI_PUSH_TIMEOUT_MS: '1000',
        LOKI_BATCH_MAX_WAIT_MS: '1',
      },
    });
    const { emulator, loki } = bench;
    loki.latencyMs = 100;
    await emulator.start();
    for (let count = 0; count < 3; count++) await emulator.invoke({ lines: generateLines(5, { seed: count }) });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertUnharmed(emulator);
    assert.equal(emulator.output, '');
  });
});

function heldMs({ heldMs: held }: InvokeResult): number {
  assert.notEqual(held, undefined, 'the extension asked for the next event in time');
  return held ?? 0;
}

function reportHeld(t: TestContext, held: readonly number[]): void {
  const ordered = [...held].sort((a, b) => a - b);
  const at = (share: number) => `${(ordered[Math.floor((ordered.length - 1) * share)] ?? 0).toFixed(0)} ms`;
  t.diagnostic(`held for ${at(0.5)} (median), ${at(0.99)} (99 %), ${at(1)} (longest)`);
}
