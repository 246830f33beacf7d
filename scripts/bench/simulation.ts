// Plays an arrival pattern of hours in simulated time against the extension's own lifecycle and pipeline; only the platform,
// the network and the clock are made up. Computing takes no time here, so what is held and delayed is what the strategy
// costs: buffering periods, round trips and freezes.

import snappy from 'snappyjs';
import { parseConfig } from '../../src/config/config.ts';
import { runLifecycle } from '../../src/extension.ts';
import type { FlushStrategy } from '../../src/flush-strategy.ts';
import type { NextEvent } from '../../src/lambda/extensions-api.ts';
import { createLog } from '../../src/log.ts';
import type { PushClient } from '../../src/loki/push-client.ts';
import { createLedger } from '../../src/losses.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { createPace } from '../../src/time.ts';
import { TARGET } from '../../test/fakes/doubles.ts';
import { decodePushRequest } from '../../test/fakes/loki/push-request.ts';
import type { Pattern, Played, PlayedInvocation, PlayedLine } from './patterns.ts';
import {
  functionRecord,
  type LambdaRecord,
  reportRecord,
  requestIdOf,
  runtimeDoneRecord,
  startRecord,
} from './records.ts';
import { type SimulatedTime, simulateTime } from './simulated-time.ts';

const START_MS = Date.UTC(2026, 0, 1);
const BUFFERING_MS = 25;
export const LOKI_ROUND_TRIP_MS = 20;
const FUNCTION_TIMEOUT_MS = 900_000 + 60_000;
const SHUTDOWN_MS = 2_000;

export async function simulate(pattern: Pattern, strategy: FlushStrategy): Promise<Played> {
  const time = simulateTime(START_MS);
  const loki = createLoki(time);
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
    clock: time.sandboxClock,
    random: () => 0.5,
    drawInstanceId: () => 'simulated',
    isOwnLine: () => false,
    defer: (run) => void time.sandboxClock.after(0, run),
  });
  const platform = createPlatform(time, (body) => pipeline.receive(body));
  const ended = runLifecycle({
    nextEvent: platform.nextEvent,
    deliverer: () => Promise.resolve(pipeline),
    terminated: new Promise(() => {}),
    strategy,
    onlyShutdown: false,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: 1 / 3,
    pace: createPace(1, time.now, () => 0),
    clock: time.sandboxClock,
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
    time.freeze();
    return { startMs, doneMs, freeMs: time.now() };
  }
}

interface Platform {
  readonly nextEvent: () => Promise<NextEvent>;
  /** Whether the extension waits for an event. */
  readonly isAsked: () => boolean;
  /** Thaws the sandbox with an event. */
  send(event: NextEvent): void;
  /** A record is made; it is delivered with what else there is a buffering period later, if the sandbox is awake. */
  record(record: LambdaRecord): void;
}

function createPlatform(time: SimulatedTime, receive: (body: Buffer) => void): Platform {
  let buffered: LambdaRecord[] = [];
  let answer: ((event: NextEvent) => void) | undefined;

  return {
    nextEvent: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    isAsked: () => answer !== undefined,
    send(event) {
      const resolve = answer;
      if (!resolve) throw new Error('an event before it was asked for');
      answer = undefined;
      time.thaw();
      resolve(event);
    },
    record(record) {
      buffered.push(record);
      if (buffered.length > 1) return;
      // Delivery needs both sides: while the sandbox is frozen it waits.
      time.sandboxClock.after(BUFFERING_MS, () => {
        const body = Buffer.from(JSON.stringify(buffered));
        buffered = [];
        receive(body);
      });
    },
  };
}

function createLoki(time: SimulatedTime): { client: PushClient; arrivedMs: Map<number, number> } {
  const arrivedMs = new Map<number, number>();
  const { after } = time.sandboxClock;
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
