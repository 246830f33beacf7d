// What the extension takes of the function's memory while nothing happens: after the first request for the next event, with
// and without the records of the init, after an invocation, and after ten thousand. Private-dirty memory is the stable
// figure, as it does not depend on the page cache; proportional memory does, and is given beside it.

import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, atMostAboveFloor, type Figure, toFigure } from '../figures.ts';
import { playInit, playInvocations } from '../invocations.ts';
import { type Memory, memoryOf } from '../proc.ts';
import { type Sandbox, startSandbox } from '../sandbox.ts';

const MAX_ABOVE_FLOOR_MB = 6;
const MAX_GROWTH_MB = 4;
const MB = 1024 * 1024;
const SETTLE_MS = 400;
const WARM_INVOCATIONS = 10_000;
/** Longer than the oldest line is held: what waits to be sent is no growth. */
const SENT_MS = 2_000;

export async function measureMemory(bench: Bench): Promise<Figure[]> {
  const all = bench.all;
  const idle = await alternate(all, bench.runs, (candidate) => idleMemory(bench, candidate, async () => {}));
  const init = await alternate(bench.extensions, bench.runs, (candidate) => idleMemory(bench, candidate, playInit));
  const invoked = await alternate(bench.extensions, bench.runs, (candidate) =>
    idleMemory(bench, candidate, async (sandbox) => {
      await playInit(sandbox);
      await playInvocations(sandbox, 1);
    }),
  );
  const floor = idle.pick(privateDirtyMb)['floor'] ?? [];
  const judge = atMostAboveFloor(MAX_ABOVE_FLOOR_MB);
  const withFloor = (samples: Record<string, number[]>) => ({ floor, ...samples });
  return [
    idle.figure('private-dirty after the first next', 'MB', privateDirtyMb, { judge }),
    idle.figure('private after the first next', 'MB', privateMb, { note: 'clean private pages too' }),
    idle.figure('proportional after the first next', 'MB', proportionalMb, {
      note: 'moves with the page cache',
    }),
    toFigure('private-dirty, init records delivered', 'MB', withFloor(init.pick(privateDirtyMb)), { judge }),
    toFigure('private-dirty after one invocation', 'MB', withFloor(invoked.pick(privateDirtyMb)), {
      note: 'its logs pushed: every library is loaded and in use',
    }),
    ...(await measureGrowth(bench, 'end')),
    ...(await measureGrowth(bench, 'adaptive')),
  ];
}

async function measureGrowth(bench: Bench, strategy: string): Promise<Figure[]> {
  const invocations = bench.quick ? WARM_INVOCATIONS / 20 : WARM_INVOCATIONS;
  const taken = await alternate(bench.extensions, bench.longRuns, async ({ executable }) => {
    await bench.sink.reset();
    await using sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: strategy }));
    await playInit(sandbox);
    await playInvocations(sandbox, 1);
    await sleep(SETTLE_MS);
    const before = memoryOf(sandbox.pid).privateDirtyBytes;
    await playInvocations(sandbox, invocations, 1);
    await sleep(SENT_MS);
    await bench.sink.settled();
    await sleep(SETTLE_MS);
    const after = memoryOf(sandbox.pid).privateDirtyBytes;
    return { after, growth: after - before };
  });
  const count = invocations.toLocaleString('en');
  return [
    taken.figure(`private-dirty after ${count} invocations, ${strategy}`, 'MB', ({ after }) => after / MB),
    taken.figure(`growth over ${count} invocations, ${strategy}`, 'MB', ({ growth }) => growth / MB, {
      judge: atMost(MAX_GROWTH_MB),
      note: 'against private-dirty after the first invocation',
    }),
  ];
}

async function idleMemory(
  bench: Bench,
  { executable }: Candidate,
  act: (sandbox: Sandbox) => Promise<void>,
): Promise<Memory> {
  await using sandbox = await startSandbox(executable, settings(bench));
  await sandbox.asked();
  await act(sandbox);
  await sandbox.asked();
  await sleep(SETTLE_MS);
  return memoryOf(sandbox.pid);
}

const privateDirtyMb = (memory: Memory) => memory.privateDirtyBytes / MB;
const privateMb = (memory: Memory) => memory.privateBytes / MB;
const proportionalMb = (memory: Memory) => memory.proportionalBytes / MB;
