// Init is the cheap moment: what it has logged is pushed at once, so that code, TLS session and connection are warm when the first invocation
// comes. Nobody waits for that push, and a freeze can fall into any moment of it. A snapshot is the exception: see snapstart.test.ts.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, createBench, freePort } from '../fakes/extension.ts';
import type { FakeLoki } from '../fakes/fake-loki.ts';
import { generateLines } from '../fakes/generate.ts';
import { certificatePath, startTlsRelay, type TlsRelay } from '../fakes/tls-relay.ts';
import { assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';

const flushTimeoutMs = 2_000;
const STATIC_CODE = ['static code', 'more of it'];

/** Init is over, and what it has logged is in Loki. */
async function initialise({ emulator, loki }: Bench): Promise<void> {
  await emulator.start();
  emulator.log(STATIC_CODE);
  await emulator.delivered();
  const { length } = emulator.emitted;
  await loki.waitFor((server) => server.lines('function').length + server.lines('platform').length === length);
}

async function endWell(bench: Bench): Promise<void> {
  assert.equal((await bench.emulator.shutdown()).exitCode, 0);
  assertDelivered(bench);
  assertHealthy(bench);
}

suite('init', { concurrency: 2 }, () => {
  for (const initializationType of ['on-demand', 'provisioned-concurrency']) {
    test(`what it has logged is pushed before any event, as by the sandbox that it becomes (${initializationType})`, async (t) => {
      const bench = await createBench(t, { freeze: true, function: { initializationType } });
      await initialise(bench);
      const { emulator, loki } = bench;
      assert.equal(loki.connectionCount, 1, 'streams share the first connection');
      await emulator.freeze();
      await emulator.invoke({ lines: ['first call'] });
      await endWell(bench);
      assert.equal(new Set(loki.entries().map(({ metadata }) => metadata['instance'])).size, 1);
    });
  }

  test('it makes one handshake, and the first invocation a second one at most', async (t) => {
    let relay: TlsRelay | undefined;
    const bench = await createBench(t, {
      environment: { NODE_EXTRA_CA_CERTS: certificatePath },
      endpoint: async (loki) => {
        relay = await startTlsRelay(loki.port);
        t.after(() => relay?.close());
        return relay.url;
      },
    });
    await initialise(bench);
    assert.equal(relay?.trusted, 1);
    await bench.emulator.invoke({ lines: ['first call'] });
    assert.ok((relay?.trusted ?? 0) <= 2);
    await endWell(bench);
  });

  test('its push waits for the next event to be asked for', async (t) => {
    let askedAtEpochMs = Number.POSITIVE_INFINITY;
    const bench = await createBench(t, {
      intercept({ path }) {
        if (path.endsWith('/event/next')) askedAtEpochMs = Math.min(askedAtEpochMs, Date.now());
        return undefined;
      },
    });
    await initialise(bench);
    const [first] = bench.loki.requests;
    assert.ok(first !== undefined && first.arrivedAtEpochMs >= askedAtEpochMs);
    await endWell(bench);
  });

  for (const afterMs of [0, 5, 10, 15, 20, 30, 40, 60, 80, 120]) {
    test(`a freeze ${afterMs} ms after its first body costs no line and nothing that a person would hear of`, async (t) => {
      let loki: FakeLoki | undefined;
      const bench = await createBench(t, { freeze: true, onFrozen: () => loki?.destroyConnections() });
      ({ loki } = bench);
      loki.latencyMs = 40;
      const { emulator } = bench;
      await emulator.start();
      emulator.log(STATIC_CODE);
      await wait(afterMs);
      await emulator.freeze();
      await wait(100);
      const { extensionTimedOut, heldMs } = await emulator.invoke({ lines: generateLines(5) });
      assert.equal(extensionTimedOut, false);
      assert.ok((heldMs ?? 0) < flushTimeoutMs, `held for ${heldMs} ms`);
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertUnharmed(emulator);
      assert.equal(emulator.output, '');
    });
  }

  test('a Loki that cannot be reached holds nobody: not the init, and not the first invocations', async (t) => {
    const bench = await createBench(t, { endpoint: async () => `http://127.0.0.1:${await freePort()}` });
    const { emulator } = bench;
    await emulator.start();
    emulator.log(STATIC_CODE);
    // Three failures open the breaker: with the pauses between them that is less than this.
    await wait(1_500);
    const held = await holdAll(bench, 3);
    assertUnharmed(emulator);
    assert.ok(Math.max(...held) < flushTimeoutMs / 4, `held for ${held.join(', ')} ms`);
    assert.equal((await emulator.shutdown()).exitCode, 0);
  });
});

async function holdAll({ emulator }: Bench, invocations: number): Promise<number[]> {
  const held: number[] = [];
  for (let count = 0; count < invocations; count++) held.push((await emulator.invoke({ lines: ['call'] })).heldMs ?? 0);
  return held;
}
