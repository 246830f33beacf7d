// Plays what happens in a sandbox of the benchmarks: its init, invocations of several kinds.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './proc.ts';
import {
  BUFFERING_MS,
  beginRecords,
  type Flood,
  functionRecord,
  initRecords,
  requestIdOf,
  runtimeDoneRecord,
  startRecord,
} from './records.ts';
import type { Sandbox } from './sandbox.ts';

const LINES = ['handling an order', '{"level":"info","msg":"order stored","orderId":4711}', 'done in 3 ms'];
const HANDLER_MS = 40;

/** Resolves when the first event has been asked for and the records of the init are delivered. */
export async function playInit(sandbox: Sandbox): Promise<void> {
  await sandbox.asked();
  await sandbox.deliver(initRecords());
}

/**
 * Warm invocations as fast as the extension takes them: no buffering period, no freeze. The records of each come in one body,
 * the report of the one before it first, as the platform delivers them. Resolves when the next event has been asked for after
 * the last one. `first` numbers the first of them.
 */
export async function playInvocations(sandbox: Sandbox, count: number, first = 0): Promise<void> {
  for (let index = first; index < first + count; index++) {
    const requestId = requestIdOf(index);
    await sandbox.asked();
    sandbox.invoke(requestId);
    const lines = LINES.map((line) => functionRecord(`${new Date().toISOString()}\t${requestId}\tINFO\t${line}`));
    await sandbox.deliver([...beginRecords(index), ...lines, runtimeDoneRecord(requestId)]);
    await sandbox.asked();
  }
}

/** One invocation and all that it prints, body after body. Resolves when the next event has been asked for. */
export async function playFlood(
  sandbox: Sandbox,
  { requestId, bodies }: Flood,
  deliver: Sandbox['deliver'] = sandbox.deliver,
): Promise<void> {
  sandbox.invoke(requestId);
  await deliver([startRecord(requestId)]);
  for (const body of bodies) await deliver(body);
  await deliver([runtimeDoneRecord(requestId)]);
  await sandbox.asked();
}

/** Monotonic milliseconds. */
export interface Held {
  /** The function was done: its record was made. */
  readonly doneMs: number;
  /** The record was delivered. */
  readonly deliveredMs: number;
  /** The extension has asked for the next event. */
  readonly nextMs: number;
}

/** The lines come during the handler's work, the runtimeDone record alone and a whole buffering period after it. */
export async function playHeld(sandbox: Sandbox, index: number, lines: number): Promise<Held> {
  await sandbox.asked();
  const requestId = requestIdOf(index);
  sandbox.invoke(requestId);
  const printed = Array.from({ length: lines }, (_, line) =>
    functionRecord(`line ${line} of a handler that works on an order`),
  );
  const delivered = sandbox.deliver([...beginRecords(index), ...printed]);
  await sleep(HANDLER_MS);
  await delivered;
  const doneMs = monotonicMs();
  const done = [runtimeDoneRecord(requestId)];
  await sleep(BUFFERING_MS);
  const deliveredMs = monotonicMs();
  const deliveredDone = sandbox.deliver(done);
  const nextMs = await sandbox.asked();
  await deliveredDone;
  return { doneMs, deliveredMs, nextMs };
}
