// How long an invocation is held under the strategy `end`: from the moment at which the platform makes its runtimeDone record
// until the extension asks for the next event. Of this the platform's own buffering (25 ms, the least that can be asked for)
// and one round trip to Loki cannot be avoided; what is above them is ours. Both are taken as they were, not as they were set.

import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, type Figure } from '../figures.ts';
import { type Held, playHeld, playInit } from '../invocations.ts';
import { startSandbox } from '../sandbox.ts';
import type { SinkReport } from '../sink.ts';

const MAX_EXCESS_MS = 3;
const INIT_MS = 40;
const LOKI_DELAYS_MS = [0, 5, 20, 100];
const LINES = 20;

interface Sample {
  readonly heldMs: number;
  readonly excessMs: number;
}

export async function measureHeld(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const delayMs of LOKI_DELAYS_MS) {
    const taken = await alternate(bench.extensions, 1, (candidate) => holdInvocations(bench, candidate, delayMs));
    const first = taken.parts((invocations) => invocations.slice(0, 1));
    const warm = taken.parts((invocations) => invocations.slice(1));
    figures.push(
      warm.figure(`held by end, Loki ${delayMs} ms away`, 'ms', ({ heldMs }) => heldMs),
      warm.figure(`above buffering and round trip, Loki ${delayMs} ms away`, 'ms', ({ excessMs }) => excessMs, {
        judge: atMost(MAX_EXCESS_MS),
      }),
      first.figure(`the same for the first invocation, Loki ${delayMs} ms away`, 'ms', ({ excessMs }) => excessMs, {
        note: 'connects to Loki and runs all code for the first time',
      }),
    );
  }
  return figures;
}

async function holdInvocations(bench: Bench, { executable }: Candidate, delayMs: number): Promise<Sample[]> {
  await bench.sink.reset(delayMs);
  await using sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }));
  await playInit(sandbox);
  await sleep(INIT_MS);
  const held: Held[] = [];
  for (let index = 0; index <= bench.runs; index++) held.push(await playHeld(sandbox, index, LINES));
  const report = await bench.sink.reportOf(held.length * LINES);
  return held.map((one) => toSample(one, report));
}

function toSample({ doneMs, deliveredMs, nextMs }: Held, { pushes }: SinkReport): Sample {
  const trips = pushes
    .filter(({ receivedMs }) => receivedMs >= deliveredMs && receivedMs <= nextMs)
    .map(({ receivedMs, answeredMs }) => answeredMs - receivedMs);
  // The pushes of one flush are under way together: the slowest counts.
  const roundTripMs = Math.max(0, ...trips);
  return { heldMs: nextMs - doneMs, excessMs: nextMs - deliveredMs - roundTripMs };
}
