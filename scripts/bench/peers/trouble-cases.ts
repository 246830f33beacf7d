// The cases of trouble: with Loki, with the function, with the network, at the end. What is printed is ordinary;
// counted is what is in Loki after SHUTDOWN. Sandboxes are frozen between invocations.

import { setTimeout as wait } from 'node:timers/promises';
import type { Case, Stage } from './trial.ts';

const outageMs = 10_000;
const rateLimitMs = 5_000;
/** Lambda's default. */
const functionTimeoutMs = 3_000;

export const troubleCases: readonly Case[] = [
  {
    title: 'Timeout of the function',
    about:
      'An invocation prints 10 lines at once and 10 in its last 100 ms, and runs into its timeout of 3 s; SHUTDOWN follows at once. One good invocation before, one after. Loki is well.',
    limitMs: 20_000,
    async story({ invoke, lines, emulator, shutdown }) {
      await invoke({ lines: lines(5), durationMs: 30 });
      await invoke({
        lines: lines(10),
        outcome: 'timeout',
        deadlineInMs: functionTimeoutMs,
        during: async () => {
          await wait(functionTimeoutMs - 100);
          emulator.log(lines(10));
        },
      });
      await invoke({ lines: lines(5), durationMs: 30 });
      await shutdown();
    },
  },
  {
    title: 'Outage of 10 s',
    about:
      'Loki refuses connections for 10 s. One invocation before, one every 2.5 s meanwhile, three after, 25 lines each, then SHUTDOWN.',
    limitMs: 45_000,
    async story(stage) {
      await stage.invoke({ lines: stage.lines(25), durationMs: 30 });
      await stage.loki.refuse();
      const over = wait(outageMs).then(() => stage.loki.listen());
      await every(2_500, 4, () => stage.invoke({ lines: stage.lines(25), durationMs: 30 }));
      await over;
      await every(1_000, 3, () => stage.invoke({ lines: stage.lines(25), durationMs: 30 }));
      await stage.shutdown();
    },
  },
  {
    title: '429 for 5 s',
    about: 'Loki answers 429 for 5 s. One invocation before, three meanwhile, two after, 25 lines each, then SHUTDOWN.',
    limitMs: 45_000,
    async story(stage) {
      await stage.invoke({ lines: stage.lines(25), durationMs: 30 });
      const untilMs = performance.now() + rateLimitMs;
      stage.loki.script(() => (performance.now() < untilMs ? { status: 429 } : undefined));
      await every(1_500, 3, () => stage.invoke({ lines: stage.lines(25), durationMs: 30 }));
      await wait(Math.max(0, untilMs - performance.now()));
      await every(1_000, 2, () => stage.invoke({ lines: stage.lines(25), durationMs: 30 }));
      await stage.shutdown();
    },
  },
  {
    title: 'Connections reset in each freeze',
    about: '20 invocations of 5 lines; in each freeze all connections to Loki are reset, as a load balancer does.',
    limitMs: 60_000,
    inFreeze: 'cut',
    story: (stage) => frozenInvocations(stage, 20),
  },
  {
    title: 'Connections forgotten in each freeze',
    about:
      '20 invocations of 5 lines, with a timeout of 3 s; in each freeze all connections to Loki are forgotten, as a NAT gateway does: no reset, what is sent vanishes. The freezes last milliseconds here. At a gateway it is minutes, and a Go client by itself gives up connections that were idle for 90 s.',
    limitMs: 75_000,
    inFreeze: 'blackhole',
    story: (stage) => frozenInvocations(stage, 20),
  },
  {
    title: 'SHUTDOWN in mid-push',
    about:
      'The runtime crashes while a push of its 20 lines is under way; that push is answered with 503 after 500 ms, the next ones are taken. Where no push comes within 3 s the crash comes without one.',
    limitMs: 20_000,
    async story({ invoke, lines, loki }) {
      await invoke({ lines: lines(5), durationMs: 30 });
      const before = loki.requests.length;
      let refused = false;
      loki.script(() => {
        if (refused) return undefined;
        refused = true;
        return { status: 503, delayMs: 500 };
      });
      const underWay = () => loki.waitFor(({ requests }) => requests.length > before, 3_000).catch(() => {});
      await invoke({ lines: lines(20), outcome: 'crash', during: underWay });
    },
  },
];

async function frozenInvocations({ invoke, lines, shutdown }: Stage, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    await invoke({ lines: lines(5), durationMs: 10, deadlineInMs: functionTimeoutMs });
  }
  await shutdown();
}

/** `count` times at the given distance, later where the one before takes longer. */
async function every(intervalMs: number, count: number, act: () => Promise<unknown>): Promise<void> {
  const beginMs = performance.now();
  for (let index = 0; index < count; index++) {
    await wait(Math.max(0, beginMs + index * intervalMs - performance.now()));
    await act();
  }
}
