// Plays an arrival pattern in real time against the executable, and freezes it between invocations with SIGSTOP, as the
// platform does: from the moment at which the function has finished and the extension has asked for the next event.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pattern, Played, PlayedInvocation, PlayedLine } from './patterns.ts';
import {
  functionRecord,
  initRecords,
  type LambdaRecord,
  reportRecord,
  requestIdOf,
  runtimeDoneRecord,
  startRecord,
} from './records.ts';
import { monotonicMs, type Sandbox } from './sandbox.ts';
import type { Sink } from './sink.ts';

const BUFFERING_MS = 25;

/** Starts from a sandbox that has just been started and ends it. */
export async function playLive(sandbox: Sandbox, sink: Sink, pattern: Pattern): Promise<Played> {
  await sandbox.asked();
  const delivery = createDelivery(sandbox);
  for (const record of initRecords()) delivery.record(record);
  await sleep(200);
  const invocations: PlayedInvocation[] = [];
  const printed: { invocation: number; printedMs: number }[] = [];
  const beginMs = monotonicMs();
  for (let index = 0; index < pattern.invocations; index++) {
    await sleep(Math.max(0, beginMs + index * pattern.intervalMs - monotonicMs()));
    const startMs = monotonicMs();
    const requestId = requestIdOf(index);
    delivery.thaw();
    sandbox.invoke(requestId);
    if (index > 0) delivery.record(reportRecord(requestIdOf(index - 1)));
    delivery.record(startRecord(requestId));
    for (const atMs of pattern.linesAtMs) {
      await sleepUntil(startMs + atMs);
      delivery.record(functionRecord(`#${printed.length} working on an order`));
      printed.push({ invocation: index, printedMs: monotonicMs() });
    }
    await sleepUntil(startMs + pattern.durationMs);
    const doneMs = monotonicMs();
    delivery.record(runtimeDoneRecord(requestId));
    const freeMs = Math.max(doneMs, await sandbox.asked());
    delivery.freeze();
    invocations.push({ startMs, doneMs, freeMs });
  }
  await sleep(pattern.silenceMs);
  delivery.thaw();
  await sandbox.shutDown();
  const arrived = new Map((await sink.report()).arrivals);
  const lines: PlayedLine[] = printed.map((line, marker) => ({ ...line, inLokiMs: arrived.get(marker) ?? Number.NaN }));
  return { invocations, lines };
}

/** The platform's buffer: what is due while the sandbox is frozen is delivered at the thaw. */
function createDelivery(sandbox: Sandbox) {
  let buffered: LambdaRecord[] = [];
  let frozen = false;
  let due = false;
  let delivered: Promise<void> = Promise.resolve();

  function deliver(): void {
    due = frozen;
    if (frozen) return;
    const body = JSON.stringify(buffered);
    buffered = [];
    // One request at a time, in order. At SHUTDOWN the last may find nobody any more.
    delivered = delivered.then(() => sandbox.deliver(body)).catch(() => {});
  }

  return {
    record(record: LambdaRecord): void {
      buffered.push(record);
      if (buffered.length === 1) setTimeout(deliver, BUFFERING_MS);
    },
    freeze(): void {
      frozen = true;
      sandbox.freeze();
    },
    thaw(): void {
      frozen = false;
      sandbox.thaw();
      if (due) deliver();
    },
  };
}

async function sleepUntil(momentMs: number): Promise<void> {
  const remainingMs = momentMs - monotonicMs();
  if (remainingMs > 0) await sleep(remainingMs);
}
