// How long an invocation is held under the strategy `end`: from the moment at which the platform makes its runtimeDone record
// until the extension asks for the next event. Of this the platform's own buffering (25 ms, the least that can be asked for)
// and one round trip to Loki cannot be avoided; what is above them is ours. Both are taken as they were, not as they were set.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type Candidate, settings, taken } from '../bench.ts';
import { atMost, type Figure, type Subject, toFigure } from '../figures.ts';
import { functionRecord, initRecords, reportRecord, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { monotonicMs, type Sandbox, startSandbox } from '../sandbox.ts';
import type { SinkReport } from '../sink.ts';

const MAX_EXCESS_MS = 3;
const BUFFERING_MS = 25;
const HANDLER_MS = 40;
const LOKI_DELAYS_MS = [0, 5, 20, 100];
const LINES = 20;

interface Held {
  readonly doneMs: number;
  readonly deliveredMs: number;
  readonly nextMs: number;
}

interface Sample {
  readonly heldMs: number;
  readonly excessMs: number;
}

export async function measureHeld(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const delayMs of LOKI_DELAYS_MS) {
    const samples = new Map<Subject, Sample[]>();
    const firsts = new Map<Subject, number[]>();
    for (const candidate of bench.extensions) {
      const [first, ...warm] = await holdInvocations(bench, candidate, delayMs);
      if (first === undefined) throw new Error('no invocation was played');
      firsts.set(candidate.subject, [first.excessMs]);
      samples.set(candidate.subject, warm);
    }
    const warm = taken(samples);
    figures.push(
      warm.figure(`held by end, Loki ${delayMs} ms away`, 'ms', ({ heldMs }) => heldMs),
      warm.figure(`above buffering and round trip, Loki ${delayMs} ms away`, 'ms', ({ excessMs }) => excessMs, {
        judge: atMost(MAX_EXCESS_MS),
      }),
      toFigure(`the same for the first invocation, Loki ${delayMs} ms away`, 'ms', Object.fromEntries(firsts), {
        note: 'connects to Loki and runs all code for the first time',
      }),
    );
  }
  return figures;
}

async function holdInvocations(bench: Bench, { executable }: Candidate, delayMs: number): Promise<Sample[]> {
  await bench.sink.reset(delayMs);
  await using sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }));
  await sandbox.asked();
  await sandbox.deliver(JSON.stringify(initRecords()));
  await sleep(HANDLER_MS);
  const held: Held[] = [];
  for (let index = 0; index <= bench.runs; index++) held.push(await holdOne(sandbox, index));
  const report = await bench.sink.report();
  const expected = held.length * LINES;
  if (report.functionLines !== expected) throw new Error(`${report.functionLines} of ${expected} lines have arrived`);
  return held.map((one) => toSample(one, report));
}

/** The lines come during the handler's work, the runtimeDone record alone and a whole buffering period after it. */
async function holdOne(sandbox: Sandbox, index: number): Promise<Held> {
  const requestId = requestIdOf(index);
  sandbox.invoke(requestId);
  const lines = Array.from({ length: LINES }, (_, line) =>
    functionRecord(`line ${line} of a handler that works on an order`),
  );
  const before = index > 0 ? [reportRecord(requestIdOf(index - 1))] : [];
  await sandbox.deliver(JSON.stringify([...before, startRecord(requestId), ...lines]));
  await sleep(HANDLER_MS);
  const done = JSON.stringify([runtimeDoneRecord(requestId)]);
  const doneMs = monotonicMs();
  await sleep(BUFFERING_MS);
  const deliveredMs = monotonicMs();
  const delivered = sandbox.deliver(done);
  const nextMs = await sandbox.asked();
  await delivered;
  return { doneMs, deliveredMs, nextMs };
}

function toSample({ doneMs, deliveredMs, nextMs }: Held, { pushes }: SinkReport): Sample {
  const trips = pushes
    .filter(({ receivedMs }) => receivedMs >= deliveredMs && receivedMs <= nextMs)
    .map(({ receivedMs, answeredMs }) => answeredMs - receivedMs);
  // The pushes of one flush are under way together: the slowest counts.
  const roundTripMs = Math.max(0, ...trips);
  return { heldMs: nextMs - doneMs, excessMs: nextMs - deliveredMs - roundTripMs };
}
