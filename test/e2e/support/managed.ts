// The executable on Lambda Managed Instances: started, its records awaited without any event, shut down.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Bench, type BenchOptions, createBench } from '../../fakes/extension.ts';
import type { FakeLoki } from '../../fakes/fake-loki.ts';

const nextPath = '/2020-01-01/extension/event/next';
/** What comes by itself comes within a second or so; a loaded machine needs longer. */
export const arrivalTimeoutMs = 20_000;

/**
 * The executable, started, with the default flush strategy, which should not matter. Managed Instances have whole CPUs,
 * and 2 GB of memory at least.
 */
export async function createManaged(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const bench = await createBench(t, {
    mode: 'managed-instances',
    ...options,
    function: { memorySizeMb: 2_048, ...options.function },
    environment: { LOKI_FLUSH_STRATEGY: undefined, ...options.environment },
  });
  await bench.emulator.start();
  return bench;
}

function nextCalls({ emulator }: Bench): number {
  return emulator.calls.filter(({ path }) => path === nextPath).length;
}

/** Resolves when everything that was emitted so far is in Loki. */
export async function arrived({ loki, emulator }: Bench): Promise<void> {
  const count = (server: FakeLoki) => server.lines('function').length + server.lines('platform').length;
  await loki.waitFor((server) => count(server) >= emulator.emitted.length, arrivalTimeoutMs);
}

/** SHUTDOWN, in time, on the one request for next. */
export async function shutDown(bench: Bench): Promise<void> {
  const { exitCode, exitedBeforeDeadline } = await bench.emulator.shutdown();
  assert.equal(exitCode, 0);
  assert.equal(exitedBeforeDeadline, true);
  assert.equal(nextCalls(bench), 1, 'there is one request for next, which SHUTDOWN answers');
}
