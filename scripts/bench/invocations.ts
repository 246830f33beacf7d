// Plays warm invocations as fast as the extension takes them: no buffering period, no freeze. The records of each come in one
// body, the report of the one before it first, as the platform delivers them.

import {
  functionRecord,
  type LambdaRecord,
  reportRecord,
  requestIdOf,
  runtimeDoneRecord,
  startRecord,
} from './records.ts';
import type { Sandbox } from './sandbox.ts';

const LINES = ['handling an order', '{"level":"info","msg":"order stored","orderId":4711}', 'done in 3 ms'];

/** Resolves when the next event has been asked for after the last one. `first` numbers the first of them. */
export async function playInvocations(sandbox: Sandbox, count: number, first = 0): Promise<void> {
  for (let index = first; index < first + count; index++) {
    const requestId = requestIdOf(index);
    await sandbox.asked();
    sandbox.invoke(requestId);
    await sandbox.deliver(JSON.stringify(recordsOf(requestId, index)));
    await sandbox.asked();
  }
}

function recordsOf(requestId: string, index: number): LambdaRecord[] {
  return [
    ...(index > 0 ? [reportRecord(requestIdOf(index - 1))] : []),
    startRecord(requestId),
    ...LINES.map((line) => functionRecord(`${new Date().toISOString()}\t${requestId}\tINFO\t${line}`)),
    runtimeDoneRecord(requestId),
  ];
}
