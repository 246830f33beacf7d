// The built executable for SOAK_MINUTES under mixed traffic, freezes and faults that come and go. At the end the ledger is exact, and
// nothing grows: memory, descriptors, threads, and how often it wakes up where nothing is to be done (a timer too many would show there).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBench } from '../fakes/extension.ts';
import { generateLines, seededRandom } from '../fakes/generate.ts';
import { FAULTS, type World } from '../faults/support/faults.ts';
import { openWay, type Way } from '../faults/support/way.ts';

/** What one process is at a calm moment. */
interface Sample {
  readonly memoryKb: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly wakeUps: number;
}

const { SOAK_MINUTES = '10', SOAK_SEED = '1' } = process.env;
const CALM_MS = 1_000;
const ROUND_INVOCATIONS = 12;
/** Faults that lose nothing once they are over, and leave the process alive. */
const PASSING = FAULTS.filter(
  ({ loses, invoke, endpoint, prepare, atEnd }) => !loses && !invoke && !endpoint && !prepare && !atEnd,
).filter(({ name }) => !/hostile|two bodies|8 MiB|many in a row|^next|nearly/.test(name));
/** What may come on top of the median at the beginning. */
const MAX_GROWTH: Readonly<Record<keyof Sample, number>> = { memoryKb: 4_096, descriptors: 3, threads: 0, wakeUps: 10 };

test(`nothing grows and nothing is lost in ${SOAK_MINUTES} minutes`, async (t) => {
  const random = seededRandom(Number(SOAK_SEED));
  const endMs = Date.now() + 60_000 * Number(SOAK_MINUTES);
  let way: Way | undefined;
  const { loki, emulator } = await createBench(t, {
    freeze: true,
    endpoint: async (fake) => {
      const opened = await openWay(() => fake.port);
      way = opened;
      t.after(() => opened.close());
      return opened.url;
    },
    environment: {
      LOKI_FLUSH_STRATEGY: 'adaptive',
      LOKI_FLUSH_TIMEOUT_MS: '400',
      LOKI_PUSH_TIMEOUT_MS: '700',
      LOKI_RETRY_MIN_BACKOFF_MS: '10',
      LOKI_RETRY_MAX_BACKOFF_MS: '50',
    },
  });
  assert.ok(way !== undefined);
  const world: World = { emulator, loki, way, random, nextAnswers: [], wallClock: { aheadSeconds: 0 } };
  await emulator.start();
  const samples: Sample[] = [];
  let lines = 0;
  let invocations = 0;
  while (Date.now() < endMs) {
    const fault = PASSING[Math.floor(random() * PASSING.length)];
    for (let count = 0; count < ROUND_INVOCATIONS; count++) {
      const isBad = count >= 2 && count < 4;
      const during = count === 2 ? { during: async () => void (await fault?.begin?.(world)) } : {};
      const printed = generateLines([0, 1, 10, 100, 1_000][Math.floor(random() * 5)] ?? 0, { seed: invocations++ });
      lines += printed.length;
      const durationMs = count === ROUND_INVOCATIONS - 1 ? 1_500 : 20 * random();
      const { extensionTimedOut } = await emulator.invoke({
        lines: printed,
        deadlineInMs: 15_000,
        durationMs,
        ...during,
      });
      assert.equal(extensionTimedOut, false, fault?.name);
      if (count === 3) await fault?.end?.(world);
      if (isBad) await sleep(50 * random());
    }
    // In a long invocation in which nothing is printed all is sent and the process is at rest.
    const during = async () => void samples.push(await measure(emulator.pid));
    await emulator.invoke({ deadlineInMs: 15_000, during });
    assert.equal(loki.lines('function').length, lines, `after ${fault?.name}`);
    loki.forget();
    lines = 0;
  }
  const { exitCode } = await emulator.shutdown();
  assert.equal(exitCode, 0);
  assert.deepEqual(emulator.violations, []);
  assert.ok(!emulator.output.includes('log lines were lost'), emulator.output.slice(-2_000));
  t.diagnostic(`${invocations} invocations, ${samples.length} rounds; the last: ${JSON.stringify(samples.at(-1))}`);
  // The first rounds load what is loaded late.
  const quarter = Math.ceil(samples.length / 4);
  for (const key of ['memoryKb', 'descriptors', 'threads', 'wakeUps'] as const) {
    const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)].map((part) =>
      median(part, key),
    );
    assert.ok((late ?? 0) <= (early ?? 0) + MAX_GROWTH[key], `${key}: ${early} early, ${late} late`);
  }
});

async function measure(pid: number | undefined): Promise<Sample> {
  await sleep(CALM_MS);
  const before = switches(pid);
  await sleep(CALM_MS);
  return {
    memoryKb: Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
    wakeUps: switches(pid) - before,
  };
}

/** How often its main thread has gone to sleep so far. */
function switches(pid: number | undefined): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
