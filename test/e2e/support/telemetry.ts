// The executable on the Telemetry API, started, and one body of records delivered to it.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Bench, type BenchOptions, createBench } from '../../fakes/extension.ts';
import type { StoredEntry } from '../../fakes/loki/store.ts';
import { inOrder } from './expect.ts';

/** The executable, started, where the Telemetry API is asked for unless told otherwise. */
export async function createTelemetry(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const bench = await createBench(t, {
    ...options,
    environment: { LOKI_EXTENSION_API: 'telemetry', ...options.environment },
  });
  await bench.emulator.start();
  return bench;
}

/** Delivers one body, as it stands, within an invocation; gives the entries that came of it, in the order of their time. */
export async function deliverBody(
  { emulator, loki }: Bench,
  body: string,
  requestId?: string,
): Promise<readonly StoredEntry[]> {
  const deliver = async () => {
    const [delivery] = await emulator.deliver([body]);
    assert.equal(delivery?.attempts[0]?.outcome, 200);
  };
  await emulator.invoke({ during: deliver, ...(requestId === undefined ? {} : { requestId }) });
  assert.equal((await emulator.shutdown()).exitCode, 0);
  const own = new Set(emulator.emitted.map((record) => JSON.stringify(record)));
  return (['function', 'platform', 'extension'] as const)
    .flatMap((type) => inOrder(loki, type))
    .filter(({ line }) => !own.has(line));
}
