// The stage on which a pattern is played in real time against the executable, which SIGSTOP freezes as the platform does.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pattern, Played } from './patterns.ts';
import { play } from './player.ts';
import { monotonicMs } from './proc.ts';
import { gatherRecords, initRecords } from './records.ts';
import type { Sandbox } from './sandbox.ts';
import type { Sink } from './sink.ts';

const INIT_MS = 200;

/** Starts from a sandbox that has just been started and ends it. */
export async function playLive(sandbox: Sandbox, sink: Sink, pattern: Pattern): Promise<Played> {
  let isFrozen = false;
  /** What came due in the freeze. */
  const late: (() => void)[] = [];
  let delivered: Promise<void> = Promise.resolve();
  const whenAwake = (delayMs: number, run: () => void) =>
    setTimeout(() => (isFrozen ? late.push(run) : run()), delayMs);
  const record = gatherRecords(whenAwake, (body) => {
    // One request at a time, in order. At SHUTDOWN the last may find nobody any more.
    delivered = delivered.then(() => sandbox.deliver(body)).catch(() => {});
  });

  function thaw(): void {
    isFrozen = false;
    sandbox.thaw();
    for (const run of late.splice(0)) run();
  }

  await sandbox.asked();
  for (const each of initRecords()) record(each);
  await sleep(INIT_MS);
  const stage = {
    nowMs: monotonicMs,
    epochMs: Date.now,
    // Never at once: a freeze lasts for a millisecond at least.
    until: (momentMs: number) => sleep(Math.max(0, momentMs - monotonicMs())),
    invoke(requestId: string) {
      thaw();
      sandbox.invoke(requestId);
    },
    record,
    asked: sandbox.asked,
    freeze() {
      isFrozen = true;
      sandbox.freeze();
    },
    async shutDown() {
      thaw();
      await sandbox.shutDown();
    },
    arrivals: async () => new Map((await sink.report()).arrivals),
  };
  return play(stage, pattern);
}
