// Plays an arrival pattern of hours in simulated time against the extension's own lifecycle and pipeline; only the platform,
// the network and the clock are made up. Computing takes no time here, so what is held and delayed is what the strategy
// costs: buffering periods, round trips and freezes.

import snappy from 'snappyjs';
import { parseConfig } from '../../src/config/config.ts';
import { runLifecycle } from '../../src/extension.ts';
import type { FlushStrategy } from '../../src/flush-strategy.ts';
import { createLog } from '../../src/log.ts';
import type { PushClient } from '../../src/loki/push-client.ts';
import { createLedger } from '../../src/losses.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { createPace } from '../../src/time.ts';
import { TARGET } from '../../test/fakes/doubles.ts';
import { decodePushRequest } from '../../test/fakes/loki/push-request.ts';
import type { Pattern, Played, PlayedInvocation, PlayedLine } from './patterns.ts';
import { functionRecord, reportRecord, requestIdOf, runtimeDoneRecord, startRecord } from './records.ts';
import { createPlatform, type Platform } from './simulated-platform.ts';
import { type SimulatedSandbox, type SimulatedTime, simulateTime } from './simulated-time.ts';

const START_MS = Date.UTC(2026, 0, 1);
export const LOKI_ROUND_TRIP_MS = 20;
const FUNCTION_TIMEOUT_MS = 900_000 + 60_000;
const SHUTDOWN_MS = 2_000;

export async function simulate(pattern: Pattern, strategy: FlushStrategy): Promise<Played> {
  const time = simulateTime(START_MS);
  const sandbox = time.openSandbox();
  const loki = createLoki(time, sandbox);
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: 'http://loki.example', LOKI_FLUSH_STRATEGY: strategy });
  const log = createLog('silent', () => Promise.reject(new Error('nothing is printed')), time.now);
  const ledger = createLedger();
  const pipeline = createPipeline({
    config,
    identity: {
      functionName: 'orders-api',
      functionVersion: '$LATEST',
      accountId: '123456789012',
      region: 'eu-central-1',
    },
    concurrent: false,
    client: loki.client,
    ledger,
    log,
    target: () => TARGET,
    mask: (text) => text,
    clock: sandbox.clock,
    random: () => 0.5,
    drawInstanceId: () => 'simulated',
    isOwnLine: () => false,
    defer: (run) => void sandbox.clock.after(0, run),
  });
  const platform = createPlatform(sandbox, (body) => pipeline.receive(body));
  const ended = runLifecycle({
    nextEvent: platform.nextEvent,
    deliverer: () => Promise.resolve(pipeline),
    terminated: new Promise(() => {}),
    strategy,
    onlyShutdown: false,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: 1 / 3,
    pace: createPace(1, time.now, () => 0),
    clock: sandbox.clock,
    log,
  });

  const invocations: PlayedInvocation[] = [];
  const lines: Omit<PlayedLine, 'inLokiMs'>[] = [];
  for (let index = 0; index < pattern.invocations; index++) {
    await time.run(START_MS + 1_000 + index * pattern.intervalMs, () => false);
    invocations.push(
      await playOne(time, platform, pattern, index, (printedMs) => lines.push({ invocation: index, printedMs })),
    );
  }
  await time.run(time.now() + pattern.silenceMs);
  platform.send({ kind: 'shutdown', reason: 'spindown', deadlineMs: time.now() + SHUTDOWN_MS });
  await time.run(time.now() + SHUTDOWN_MS);
  await ended;
  return {
    invocations,
    lines: lines.map((line, marker) => ({ ...line, inLokiMs: loki.arrivedMs.get(marker) ?? Number.NaN })),
  };

  async function playOne(
    ...[, , { durationMs, linesAtMs }, index, printed]: [
      SimulatedTime,
      Platform,
      Pattern,
      number,
      (printedMs: number) => void,
    ]
  ): Promise<PlayedInvocation> {
    const startMs = time.now();
    const requestId = requestIdOf(index);
    platform.send({
      kind: 'invoke',
      requestId,
      deadlineMs: startMs + FUNCTION_TIMEOUT_MS,
      traceHeader: undefined,
      invokedArn: undefined,
    });
    if (index > 0) platform.record(reportRecord(requestIdOf(index - 1), startMs));
    platform.record(startRecord(requestId, startMs));
    for (const atMs of linesAtMs) {
      time.at(startMs + atMs, () => {
        platform.record(functionRecord(`#${lines.length} working on an order`, time.now()));
        printed(time.now());
      });
    }
    await time.run(startMs + durationMs);
    platform.record(runtimeDoneRecord(requestId, time.now()));
    const doneMs = time.now();
    await time.run(doneMs + FUNCTION_TIMEOUT_MS, platform.isAsked);
    if (!platform.isAsked()) throw new Error('the extension has not asked for the next event');
    sandbox.freeze();
    return { startMs, doneMs, freeMs: time.now() };
  }
}

function createLoki(
  time: SimulatedTime,
  sandbox: SimulatedSandbox,
): { client: PushClient; arrivedMs: Map<number, number> } {
  const arrivedMs = new Map<number, number>();
  const { after } = sandbox.clock;
  return {
    arrivedMs,
    client: {
      push: (body) =>
        new Promise((resolve) => {
          // A request or an answer that is under way when the sandbox freezes gets through at the thaw.
          after(LOKI_ROUND_TRIP_MS / 2, () => {
            for (const marker of markersOf(body)) arrivedMs.set(marker, time.now());
            after(LOKI_ROUND_TRIP_MS / 2, () => resolve({ kind: 'accepted', status: 204 }));
          });
        }),
      expectFreeze() {},
      distrustConnections() {},
      waitsFor: () => undefined,
    },
  };
}

function markersOf(body: Buffer): number[] {
  const streams = decodePushRequest(snappy.uncompress(body));
  if ('problem' in streams) throw new Error(`a push cannot be read: ${streams.problem}`);
  return streams.flatMap(({ entries }) =>
    entries.flatMap(({ line }) => {
      const marker = /^#(\d+) /.exec(line)?.[1];
      return marker === undefined ? [] : [Number(marker)];
    }),
  );
}
