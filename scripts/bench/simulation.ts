// The stage on which a pattern of hours is played in simulated time against the extension's own lifecycle and pipeline; only the
// platform, the network and the clock are made up. Computing takes no time here, so what is held and delayed is what the strategy
// costs: buffering periods, round trips and freezes.

import snappy from 'snappyjs';
import { parseConfig } from '../../src/config/config.ts';
import type { FlushStrategy } from '../../src/flush-strategy.ts';
import type { PushClient } from '../../src/loki/push-client.ts';
import { decodePushRequest } from '../../test/fakes/loki/push-request.ts';
import type { Pattern, Played } from './patterns.ts';
import { play } from './player.ts';
import { SHUTDOWN_MS, startExtension } from './simulated-extension.ts';
import { type SimulatedSandbox, type SimulatedTime, simulateTime } from './simulated-time.ts';

const START_MS = Date.UTC(2026, 0, 1);
const INIT_MS = 1_000;
export const LOKI_ROUND_TRIP_MS = 20;
const FUNCTION_TIMEOUT_MS = 900_000 + 60_000;

export async function simulate(pattern: Pattern, strategy: FlushStrategy): Promise<Played> {
  const time = simulateTime(START_MS);
  const sandbox = time.openSandbox();
  const loki = createLoki(time, sandbox);
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: 'http://loki.example', LOKI_FLUSH_STRATEGY: strategy });
  const { platform, ended } = startExtension(config, 'orders-api', sandbox, {
    client: loki.client,
    random: () => 0.5,
    drawInstanceId: () => 'simulated',
  });
  await time.run(START_MS + INIT_MS);
  const stage = {
    nowMs: time.now,
    epochMs: time.now,
    until: (momentMs: number) => time.run(momentMs),
    invoke: (requestId: string) => platform.invoke(requestId, FUNCTION_TIMEOUT_MS),
    record: platform.record,
    async asked() {
      await time.run(time.now() + FUNCTION_TIMEOUT_MS, platform.isAsked);
      if (!platform.isAsked()) throw new Error('the extension has not asked for the next event');
      return time.now();
    },
    freeze: sandbox.freeze,
    async shutDown() {
      platform.shutDown();
      await time.run(time.now() + SHUTDOWN_MS);
      await ended;
    },
    arrivals: async () => loki.arrivedMs,
  };
  return play(stage, pattern);
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
