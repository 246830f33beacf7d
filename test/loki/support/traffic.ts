// One function's story for tests of queries: each kind of thing that a query of ours looks for happens in it, and how often is known.

import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createRealBench, type RealBench } from './bench.ts';
import type { LokiPlace } from './loki.ts';

/** The request that fails: the id that the README's queries name. */
export const FAILED_REQUEST = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';

/** What happened. */
export const STORY = {
  invocations: 5,
  /** One error, one timeout. */
  failed: 2,
  timeouts: 1,
  coldStarts: 2,
  initMs: 100.5,
  /** Of the five invocations, longest first. */
  durationsMs: [700, 90, 60, 30, 20],
  memoryPercent: 95,
  memoryMb: 400,
  errorLines: ['an error in text', '{"level":"error","msg":"an error in JSON"}'],
  /** Five that the platform lost before it could deliver them, and a body that nobody can read. */
  lostLines: 6,
} as const;

/** Runs the story through the built extension; resolves when the sandbox has ended and all of it is in Loki. */
export async function runStory(t: TestContext, loki: LokiPlace): Promise<RealBench> {
  const { memoryMb, errorLines } = STORY;
  const bench = await createRealBench(t, loki, {
    function: { memorySizeMb: memoryMb },
    environment: { LOKI_FLUSH_STRATEGY: 'end' },
  });
  const { emulator } = bench;
  await emulator.invoke({
    requestId: FAILED_REQUEST,
    outcome: 'error',
    lines: [
      `${stamp()}\t${FAILED_REQUEST}\tINFO\tall is well`,
      `${stamp()}\t${FAILED_REQUEST}\tERROR\t${errorLines[0]}`,
    ],
    records: [{ type: 'function', record: `${errorLines[1]}\n` }],
    durationMs: 90,
  });
  const requestId = randomUUID();
  const metrics = { durationMs: 30, billedDurationMs: 30, memorySizeMB: memoryMb, maxMemoryUsedMB: 0.95 * memoryMb };
  await emulator.invoke({
    requestId,
    lines: ['nearly out of memory'],
    durationMs: 30,
    records: [{ type: 'platform.report', record: { requestId, metrics } }],
    reportDelivery: 'never',
  });
  const lost = { reason: 'Consumer seems to have fallen behind', droppedRecords: 5, droppedBytes: 500 };
  await emulator.invoke({
    lines: ['some lines are lost'],
    records: [{ type: 'platform.logsDropped', record: lost }],
    during: async () => void (await emulator.deliver(['not JSON'])),
    durationMs: 60,
  });
  await emulator.invoke({ lines: ['waiting for ever'], outcome: 'timeout', durationMs: 700, deadlineInMs: 700 });
  await emulator.invoke({ lines: ['a new sandbox'], durationMs: 20 });
  await emulator.shutdown();
  await bench.arrived('platform', emulator.emitted.filter(({ type }) => type.startsWith('platform.')).length);
  return bench;
}

function stamp(): string {
  return new Date().toISOString();
}
