// The end of a sandbox: time-outs, crashes, reports that come late or never, and deadlines that are close.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import { generateLines, lineOfBytes } from '../fakes/generate.ts';
import type { ShutdownResult } from '../fakes/lambda/options.ts';
import {
  assertAccounted,
  assertDelivered,
  assertHealthy,
  assertUnharmed,
  ownMessages,
  sumOf,
} from './support/expect.ts';

/** So long a busy machine may take for an exit that is asked for sooner. */
const orderlyMs = 10_000;

suite('shutdown', { concurrency: 2 }, () => {
  test('delivers the lines of a function that times out, and starts again', async (t) => {
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    const { shutdown } = await emulator.invoke({
      lines: generateLines(200),
      outcome: 'timeout',
      deadlineInMs: 1_000,
      lateLines: ['Task timed out after 1.00 seconds'],
      reportDelivery: 'shutdown',
    });
    assert.equal(shutdown?.exitCode, 0);
    assert.equal(shutdown.exitedBeforeDeadline, true);
    assert.ok(loki.lines('platform').some((line) => line.includes('"status":"timeout"')));
    await emulator.invoke({ lines: ['a new sandbox'] });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('delivers what a function logs until the very moment of its timeout', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    const endsAtMs = Date.now() + 1_500;
    let count = 0;
    await emulator.invoke({
      outcome: 'timeout',
      deadlineInMs: endsAtMs - Date.now(),
      during: async () => {
        while (Date.now() < endsAtMs - 20) {
          emulator.log([`still at work ${count++}`]);
          await new Promise((later) => setTimeout(later, 10));
        }
      },
    });
    assert.ok(count > 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('delivers the lines of a function that crashes, and its fault', async (t) => {
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    const { shutdown } = await emulator.invoke({
      lines: [...generateLines(200), 'the last words'],
      outcome: 'crash',
      reportDelivery: 'shutdown',
    });
    assert.equal(shutdown?.exitCode, 0);
    assert.ok(loki.lines('platform').some((line) => line.includes('"platform.fault"')));
    await emulator.invoke({ lines: ['a new sandbox'] });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('does not wait for a report that never comes', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['one'], reportDelivery: 'never' });
    await emulator.invoke({ lines: ['two'], reportDelivery: 'never' });
    const { exitCode, exitedBeforeDeadline } = await emulator.shutdown({ deadlineInMs: 5_000 });
    assert.equal(exitCode, 0);
    assert.equal(exitedBeforeDeadline, true);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('takes lines and the report that come during SHUTDOWN', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['one'], reportDelivery: 'shutdown' });
    const { exitCode } = await emulator.shutdown({ lateLines: generateLines(500), lateAfterMs: 100 });
    assert.equal(exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  for (const strategy of ['end', 'continuous', 'adaptive']) {
    test(`what is held when SHUTDOWN is 400 ms away is in Loki or told as lost (${strategy})`, async (t) => {
      const bench = await createBench(t, { environment: { LOKI_FLUSH_STRATEGY: strategy } });
      const { emulator } = bench;
      await emulator.start();
      for (let count = 0; count < 3; count++) {
        await emulator.invoke({ lines: generateLines(100, { seed: count }) });
      }
      await emulator.delivered();
      const taken = emulator.emitted.length;
      const end = await emulator.shutdown({ deadlineInMs: 400, killInMs: orderlyMs, lateLines: ['late'] });
      assertAccounted(bench, [end], taken);
    });
  }

  test('the lines of a timeout and of a crash are in Loki or told as lost when SHUTDOWN is 400 ms away', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    const ends: (ShutdownResult | undefined)[] = [];
    let taken = 0;
    for (const outcome of ['timeout', 'crash'] as const) {
      const { shutdown } = await emulator.invoke({
        lines: generateLines(100),
        outcome,
        deadlineInMs: 1_000,
        reportDelivery: 'never',
        shutdown: { deadlineInMs: 400, killInMs: orderlyMs },
        async during() {
          await emulator.delivered();
          taken += 100;
        },
      });
      ends.push(shutdown);
    }
    assertAccounted(bench, ends, taken);
  });

  test('ends at once when the deadline has passed already', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['one'] });
    const { exitCode, exitedBeforeDeadline } = await emulator.shutdown({ deadlineInMs: 0, killInMs: orderlyMs });
    assert.equal(exitCode, 0);
    assert.equal(exitedBeforeDeadline, true);
    assertUnharmed(emulator);
  });

  test('pushes in parallel: four slow answers take as long as one', async (t) => {
    const batchBytes = 65_536;
    const bench = await createBench(t, { environment: { LOKI_BATCH_MAX_BYTES: String(batchBytes) } });
    const { emulator, loki } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['one'], reportDelivery: 'never' });
    loki.latencyMs = 700;
    // One after another these would need far more time than there is.
    const lateLines = Array.from({ length: 8 }, (_, index) => lineOfBytes(batchBytes - 2_000, String(index)));
    const { exitCode } = await emulator.shutdown({ deadlineInMs: 5_000, lateLines });
    assert.equal(exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('exits before the deadline while Loki stalls, and says what was lost', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_FLUSH_TIMEOUT_MS: '100' } });
    const { emulator, loki } = bench;
    await emulator.start();
    loki.script(() => ({ stall: true }));
    await emulator.invoke({ lines: ['one', 'two', 'three'] });
    const { exitCode, exitedBeforeDeadline } = await emulator.shutdown({ deadlineInMs: 1_500 });
    assert.equal(exitCode, 0);
    assert.equal(exitedBeforeDeadline, true);
    const losses = ownMessages(emulator).filter(({ fields }) => fields['shutdown_deadline'] !== undefined);
    assert.equal(sumOf({ lost: Number(losses[0]?.fields['shutdown_deadline']) }), emulator.emitted.length);
    assertUnharmed(emulator);
  });

  for (const state of ['next is pending', 'an invocation is held'] as const) {
    test(`takes SIGTERM for a SHUTDOWN, while ${state}`, async (t) => {
      const { emulator, loki } = await createBench(t);
      await emulator.start();
      // What listens for the signal is there once a line is taken: it is set up beside the request for the first event.
      const terminate = async () => {
        await emulator.delivered();
        process.kill(emulator.pid ?? 0, 'SIGTERM');
      };
      const invoked = emulator.invoke({
        lines: ['the last one'],
        ...(state !== 'next is pending' && { durationMs: 60_000, during: terminate }),
      });
      if (state === 'next is pending') {
        await invoked;
        await terminate();
      } else {
        invoked.catch(() => {});
      }
      const exit = () => emulator.violations.find((violation) => violation.startsWith('exit outside of SHUTDOWN'));
      while (exit() === undefined) await new Promise((later) => setTimeout(later, 10));
      assert.match(exit() ?? '', /\{"code":0,"signal":null\}/);
      assert.deepEqual(loki.lines('function'), ['the last one']);
    });
  }

  test('makes a last attempt at SHUTDOWN after Loki was down, and delivers everything', async (t) => {
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    await loki.refuse();
    for (let count = 0; count < 5; count++) await emulator.invoke({ lines: [`during the outage ${count}`] });
    await loki.listen();
    const { exitCode } = await emulator.shutdown();
    assert.equal(exitCode, 0);
    assertDelivered(bench);
    assertUnharmed(emulator);
    assert.equal(loki.duplicates, 0);
  });
});
