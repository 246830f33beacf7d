// The flush strategies on the executable, with the arrival patterns of busy, rare and long invocations: who is held, and
// when a line is in Loki. The figures are the matter of `make bench`; here no limit is nearer than a loaded machine needs.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, type BenchOptions, createBench } from '../fakes/extension.ts';
import type { FakeLoki } from '../fakes/fake-loki.ts';
import { generateLines } from '../fakes/generate.ts';
import type { InvokeOptions } from '../fakes/lambda/options.ts';
import { type Relay, startRelay } from '../fakes/relay.ts';
import { assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';

const strategies = ['end', 'continuous', 'adaptive'] as const;
type Strategy = (typeof strategies)[number];

/** Whoever waits for the end of an invocation that is never told waits for nearly so long. */
const deadlineInMs = 8_000;
/** What asking for the next event may take on a loaded machine. */
const marginMs = 4_000;
/** A line must be in Loki by then, while calls keep coming. */
const oldestLineMs = 15_000;
/** So long calls keep coming where lines might stay behind for ever. */
const busyMs = oldestLineMs + 5_000;
/** A gap after which an adaptive sandbox counts as called rarely. */
const rareGapMs = 7_300;
/** As many invocations as it takes to be called often, and a few. */
const warmUpCalls = 8;

async function createStarted(t: TestContext, strategy: Strategy, options: BenchOptions = {}): Promise<Bench> {
  const bench = await createBench(t, {
    ...options,
    environment: { LOKI_FLUSH_STRATEGY: strategy, ...options.environment },
  });
  await bench.emulator.start();
  return bench;
}

/** One invocation that must not wait for anything: its end is not told, and Loki may not answer. */
async function invokeUnheld({ emulator }: Bench, options: InvokeOptions = {}): Promise<void> {
  const { heldMs, extensionTimedOut } = await emulator.invoke({ deadlineInMs, runtimeDone: 'never', ...options });
  assert.equal(extensionTimedOut, false);
  assert.ok((heldMs ?? 0) < marginMs, `held for ${heldMs} ms`);
}

async function shutDown(bench: Bench): Promise<void> {
  assert.equal((await bench.emulator.shutdown({ deadlineInMs: 5_000 })).exitCode, 0);
  assertDelivered(bench);
  assertUnharmed(bench.emulator);
  assert.equal(bench.emulator.output, '');
}

/** Every line that the function has printed is in Loki. */
function assertAllThere({ loki, emulator }: Bench, when: string): void {
  const printed = emulator.emitted.filter(({ type }) => type === 'function').length;
  assert.equal(loki.lines('function').length, printed, when);
}

/** Ages that the lines had when they first came to Loki; of those that have not come, the age they have now. */
function agesMs({ loki, emulator }: Bench): readonly number[] {
  const cameMs = new Map<string, number>();
  for (const { line, requestIndex } of loki.entries({ labels: { type: 'function' } })) {
    cameMs.set(line, loki.requests[requestIndex]?.arrivedAtEpochMs ?? Number.NaN);
  }
  return emulator.emitted
    .filter(({ type }) => type === 'function')
    .map(({ time, record }) => (cameMs.get(String(record).trimEnd()) ?? Date.now()) - Date.parse(time));
}

// Waiting is most of what these do: they can all wait at the same time.
suite('strategies', { concurrency: 8 }, () => {
  test('adaptive, busy and frozen in between, each connection cut: no line gets older than 15 s', async (t) => {
    let loki: FakeLoki | undefined;
    const bench = await createStarted(t, 'adaptive', {
      freeze: true,
      onFrozen: async () => {
        loki?.destroyConnections();
        await wait(350);
      },
    });
    ({ loki } = bench);
    // Longer than an invocation: no push in the background is answered before its connection is cut.
    loki.latencyMs = 60;
    const startMs = Date.now();
    const held: number[] = [];
    for (let count = 0; Date.now() - startMs < busyMs; count++) {
      const { heldMs } = await bench.emulator.invoke({ lines: [`call ${count}, a`, `call ${count}, b`] });
      if (count >= warmUpCalls) held.push(heldMs ?? Number.POSITIVE_INFINITY);
    }
    const ages = agesMs(bench);
    t.diagnostic(`${held.length} calls, the oldest line was ${Math.max(...ages)} ms old`);
    assert.ok(Math.max(...ages) < oldestLineMs, `a line of ${Math.max(...ages)} ms`);
    held.sort((a, b) => a - b);
    t.diagnostic(`held for ${held[held.length >> 1]?.toFixed(1)} ms (median)`);
    await shutDown(bench);
  });

  test('adaptive, busy, no push in the background ever gets to Loki: no line gets older than 15 s', async (t) => {
    let relay: Relay | undefined;
    const bench = await createStarted(t, 'adaptive', {
      freeze: true,
      onFrozen: async () => {
        relay?.cut();
        await wait(350);
      },
      endpoint: async (loki) => {
        // As far away as a handshake with TLS makes it: farther than an invocation is long.
        relay = await startRelay(loki.port, 60);
        t.after(() => relay?.close());
        return relay.url;
      },
    });
    const startMs = Date.now();
    for (let count = 0; Date.now() - startMs < busyMs; count++) {
      await bench.emulator.invoke({ lines: [`call ${count}`] });
    }
    const ages = agesMs(bench);
    t.diagnostic(`${ages.length} calls, the oldest line was ${Math.max(...ages)} ms old`);
    assert.ok(Math.max(...ages) < oldestLineMs, `a line of ${Math.max(...ages)} ms`);
    await shutDown(bench);
  });

  test('adaptive, busy: no invocation is held, and lines leave while calls keep coming', async (t) => {
    const bench = await createStarted(t, 'adaptive');
    const { emulator, loki } = bench;
    for (let count = 0; count < warmUpCalls; count++) await emulator.invoke({ lines: [`warm-up ${count}`] });
    const startMs = Date.now();
    const held: number[] = [];
    for (let count = 0; Date.now() - startMs < 4_000; count++) {
      const { heldMs } = await emulator.invoke({ lines: [`call ${count}`], durationMs: 100 });
      held.push(heldMs ?? Number.POSITIVE_INFINITY);
    }
    held.sort((a, b) => a - b);
    t.diagnostic(`held for ${held[held.length >> 1]?.toFixed(1)} ms (median), ${held.at(-1)?.toFixed(1)} ms (longest)`);
    assert.ok((held[held.length >> 1] ?? marginMs) < 50, 'at the median nobody is held');
    assert.ok(loki.lines('function').length > warmUpCalls, 'lines left in the background');
    assert.ok(Math.max(...agesMs(bench)) < oldestLineMs);
    await shutDown(bench);
  });

  test('adaptive, busy: nobody waits for an end that is not told, or for a Loki that takes its time', async (t) => {
    const bench = await createStarted(t, 'adaptive');
    for (let count = 0; count < warmUpCalls; count++) await bench.emulator.invoke({ lines: [`warm-up ${count}`] });
    bench.loki.latencyMs = deadlineInMs;
    for (let count = 0; count < 5; count++) await invokeUnheld(bench, { lines: [`call ${count}`] });
    bench.loki.latencyMs = 0;
    await shutDown(bench);
  });

  test('adaptive, rare: every line is in Loki before each freeze, also when a busy time is over', async (t) => {
    const bench: Bench = await createStarted(t, 'adaptive', { freeze: true });
    const { emulator } = bench;
    const rareCall = async (what: string) => {
      await emulator.invoke({ lines: generateLines(20), lateLines: [] });
      assertAllThere(bench, what);
    };
    await rareCall('the first call');
    await wait(rareGapMs);
    await rareCall('after a gap');
    for (let count = 0; count < warmUpCalls; count++) await emulator.invoke({ lines: [`busy ${count}`] });
    await wait(rareGapMs);
    await rareCall('after a busy time and a gap');
    await rareCall('soon after it');
    await shutDown(bench);
    assertHealthy(bench);
  });

  test('end: every line is in Loki before each freeze, however often calls come', async (t) => {
    const bench: Bench = await createStarted(t, 'end', { freeze: true });
    for (let count = 0; count < 3 * warmUpCalls; count++) {
      await bench.emulator.invoke({ lines: generateLines(5, { seed: count }) });
      assertAllThere(bench, `call ${count}`);
    }
    await shutDown(bench);
    assertHealthy(bench);
  });

  for (const freeze of [false, true]) {
    test(`continuous: holds no invocation, not even the first, and has all lines there after SHUTDOWN (${freeze ? 'frozen in between' : 'never frozen'})`, async (t) => {
      const bench = await createStarted(t, 'continuous', { freeze });
      const { emulator, loki } = bench;
      loki.latencyMs = deadlineInMs;
      for (let count = 0; count < 20; count++) await invokeUnheld(bench, { lines: generateLines(5, { seed: count }) });
      loki.latencyMs = 0;
      for (let count = 20; count < 40; count++) await emulator.invoke({ lines: generateLines(5, { seed: count }) });
      await shutDown(bench);
    });
  }

  for (const strategy of strategies) {
    test(`${strategy}: a long invocation flushes by age while it runs`, async (t) => {
      const bench = await createStarted(t, strategy);
      const { emulator, loki } = bench;
      const long = async () => {
        for (let step = 0; step < 4; step++) {
          const before = loki.lines('function').length;
          emulator.log(generateLines(10, { seed: step }));
          await loki.waitFor((server) => server.lines('function').length === before + 10, 15_000);
          await wait(50);
        }
      };
      await emulator.invoke({ during: long, deadlineInMs: 60_000 });
      assertAllThere(bench, 'before the end of the invocation');
      await shutDown(bench);
      assertHealthy(bench);
    });
  }
});
