// Invocations that must not be held much longer than the flush timeout, whatever Loki does.
// Backoffs are short, so that a test sees the end of an outage soon.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Bench, type BenchOptions, createBench } from '../../fakes/extension.ts';
import type { InvokeOptions } from '../../fakes/lambda/options.ts';
import { assertUnharmed } from './expect.ts';

const flushTimeoutMs = 500;
/** What a loaded machine may add. Whoever waited for a push timeout or for the deadline would be held far longer. */
const marginMs = 2_500;

const environment = {
  LOKI_FLUSH_TIMEOUT_MS: String(flushTimeoutMs),
  LOKI_PUSH_TIMEOUT_MS: '9000',
  LOKI_RETRY_MIN_BACKOFF_MS: '10',
  LOKI_RETRY_MAX_BACKOFF_MS: '50',
};

/** The executable, started, with a short flush timeout, short backoffs and a long push timeout. */
export async function createStarted(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const bench = await createBench(t, { ...options, environment: { ...environment, ...options.environment } });
  await bench.emulator.start();
  return bench;
}

/** One invocation that must not be held much longer than the flush timeout. */
export async function invoke({ emulator }: Bench, options: InvokeOptions): Promise<void> {
  const { heldMs, extensionTimedOut } = await emulator.invoke({ deadlineInMs: 20_000, ...options });
  assert.equal(extensionTimedOut, false);
  assert.ok((heldMs ?? 0) < flushTimeoutMs + marginMs, `held for ${heldMs} ms`);
}

/** SHUTDOWN, in time and without harm. */
export async function shutDown({ emulator }: Bench): Promise<void> {
  const { exitCode, exitedBeforeDeadline } = await emulator.shutdown({ deadlineInMs: 5_000 });
  assert.equal(exitCode, 0);
  assert.equal(exitedBeforeDeadline, true);
  assertUnharmed(emulator);
}
