// An idle extension uses no CPU: while nothing is held there is no timer. After the first request for the next event, and again
// after an invocation, what the kernel has counted for all threads: CPU time and context switches. V8 looks once, about
// 8 s after it was busy, whether to tidy its heap, so the first twelve seconds are shown and the ten that follow are judged.

import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, type Figure } from '../figures.ts';
import { playInvocations } from '../invocations.ts';
import { type Activity, activityOf } from '../proc.ts';
import { initRecords } from '../records.ts';
import { type Sandbox, startSandbox } from '../sandbox.ts';

const TIDYING_S = 12;
const WATCH_S = 10;

interface Idle {
  readonly tidying: Activity;
  readonly watched: Activity;
}

interface Sample {
  readonly fresh: Idle;
  /** Of the floor there is none: it takes no invocation. */
  readonly used: Idle | undefined;
}

export async function measureIdle(bench: Bench): Promise<Figure[]> {
  await bench.sink.reset();
  // All samples of one at once, as they do nothing.
  const taken = await alternate(bench.all, 1, (candidate) =>
    Promise.all(Array.from({ length: bench.longRuns }, () => watch(bench, candidate))),
  );
  return (['fresh', 'used'] as const).flatMap((state) => {
    const after = state === 'fresh' ? 'the first next' : 'an invocation';
    const idle = taken.parts((samples) => samples.flatMap((sample) => sample[state] ?? []));
    return [
      idle.figure(`CPU in the first ${TIDYING_S} s after ${after}`, 'ms', ({ tidying }) => tidying.cpuNs / 1e6, {
        note: 'V8 looks once whether to tidy its heap',
      }),
      idle.figure(`CPU in the ${WATCH_S} s after that`, 'ms', ({ watched }) => watched.cpuNs / 1e6),
      idle.figure(`context switches in these ${WATCH_S} s`, '', ({ watched }) => watched.contextSwitches, {
        judge: atMost(0),
      }),
    ];
  });
}

async function watch(bench: Bench, { subject, executable }: Candidate): Promise<Sample> {
  await using sandbox = await startSandbox(executable, settings(bench));
  await sandbox.asked();
  const fresh = await activityWhileIdle(bench, sandbox);
  if (subject === 'floor') return { fresh, used: undefined };
  await sandbox.deliver(initRecords());
  await playInvocations(sandbox, 1);
  return { fresh, used: await activityWhileIdle(bench, sandbox) };
}

async function activityWhileIdle(bench: Bench, { pid }: Sandbox): Promise<Idle> {
  const secondMs = bench.quick ? 100 : 1_000;
  const before = activityOf(pid);
  await sleep(TIDYING_S * secondMs);
  const tidied = activityOf(pid);
  await sleep(WATCH_S * secondMs);
  return { tidying: difference(tidied, before), watched: difference(activityOf(pid), tidied) };
}

function difference(after: Activity, before: Activity): Activity {
  return { cpuNs: after.cpuNs - before.cpuNs, contextSwitches: after.contextSwitches - before.contextSwitches };
}
