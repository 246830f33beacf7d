// What each extension costs while little happens: start, memory, size. Start is measured against the benchmarks' lean
// platform, everything else against the emulator; the processor is used by one extension at a time where time is measured.

import { readFileSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { startFakeLoki } from '../../../test/fakes/fake-loki.ts';
import { createLambdaEmulator } from '../../../test/fakes/lambda-emulator.ts';
import { byTurns } from '../bench.ts';
import { median as medianOf } from '../figures.ts';
import { settleInCache } from '../page-cache.ts';
import { type Memory, memoryOf } from '../proc.ts';
import { startSandbox } from '../sandbox.ts';
import { type Subject, untilPortIsFree } from './subjects.ts';

/** One row: a value for each subject, in their order; less is better. `undefined`: there was nothing to measure. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly (number | undefined)[];
  /** How it was taken, for the report. */
  readonly about: string;
  /** Whoever loses lines saves what they cost: such a row praises nobody who has lost some in the flood. */
  readonly ofTheFlood?: boolean;
}

const startRuns = 15;
const runsInPlace = 4;
const memoryRuns = 5;
const MB = 1e6;
/** Longer than the longest buffering that any of them has asked for. */
const settleMs = 1_300;

export async function measureStart(subjects: readonly Subject[]): Promise<readonly Figure[]> {
  const loki = await startFakeLoki();
  // The first turn only warms the page cache.
  const starts = await byTurns(subjects, 1 + startRuns, async (subject, run) => {
    await untilPortIsFree(subject);
    // Where in memory a file happens to lie moves all its starts: it is put there anew now and then, as in `make bench`.
    if (run % runsInPlace === 0) settleInCache(subject.executable);
    await using sandbox = await startSandbox(subject.executable, await subject.environment(loki.url));
    const askedMs = (await sandbox.asked()) - sandbox.spawnedMs;
    return { registeredMs: sandbox.registeredMs() - sandbox.spawnedMs, askedMs };
  });
  await loki.close();
  const values = (name: 'registeredMs' | 'askedMs') =>
    starts.map(([, runs]) => median(runs.slice(1).map((run) => run[name])));
  const about = `median of ${startRuns} starts, by turns, from a warm page cache`;
  return [
    { name: 'exec to register', unit: 'ms', values: values('registeredMs'), about },
    { name: 'exec to first next', unit: 'ms', values: values('askedMs'), about },
  ];
}

export async function measureMemory(subjects: readonly Subject[]): Promise<readonly Figure[]> {
  for (const { executable } of subjects) settleInCache(executable);
  const taken: MemoryRun[][] = [];
  for (let run = 0; run < memoryRuns; run++) taken.push(await Promise.all(subjects.map(memoryOfOne)));
  const values = (bytes: (run: MemoryRun) => number) =>
    subjects.map((_, index) => median(taken.flatMap((run) => run.slice(index, index + 1).map(bytes))) / MB);
  const about = `median of ${memoryRuns}, after everything has settled; pages that no other process shares, those of the executable that were only read included`;
  const written = 'the pages of the private memory that were written to: what the system cannot drop and read again';
  const used = 'private memory, after an invocation of 20 lines';
  return [
    { name: 'private memory, idle after init', unit: 'MB', values: values(({ idle }) => idle.privateBytes), about },
    {
      name: 'of it written to, idle after init',
      unit: 'MB',
      values: values(({ idle }) => idle.privateDirtyBytes),
      about: written,
    },
    { name: used, unit: 'MB', values: values((run) => run.used.privateBytes), about },
    {
      name: 'of it written to, after an invocation of 20 lines',
      unit: 'MB',
      values: values((run) => run.used.privateDirtyBytes),
      about: written,
    },
  ];
}

interface MemoryRun {
  readonly idle: Memory;
  readonly used: Memory;
}

async function memoryOfOne(subject: Subject): Promise<MemoryRun> {
  await untilPortIsFree(subject);
  await using loki = await startFakeLoki();
  const { executable } = subject;
  await using emulator = await createLambdaEmulator({ executable, environment: await subject.environment(loki.url) });
  await emulator.start();
  const { pid = 0 } = emulator;
  await wait(settleMs);
  const idle = memoryOf(pid);
  await emulator.invoke({ lines: Array.from({ length: 20 }, (_, index) => `order ${index} stored`), durationMs: 30 });
  await wait(settleMs);
  return { idle, used: memoryOf(pid) };
}

export async function measureSize(subjects: readonly Subject[]): Promise<readonly Figure[]> {
  const sizes = subjects.map(({ executable }) => statSync(executable).size / MB);
  const zip = async ({ executable }: Subject) =>
    (await promisify(deflateRaw)(readFileSync(executable), { level: 9 })).length / MB;
  const zips = await Promise.all(subjects.map(zip));
  return [
    { name: 'executable', unit: 'MB', values: sizes, about: 'as built, symbols stripped' },
    {
      name: 'the executable zipped',
      unit: 'MB',
      values: zips,
      about: "deflate, level 9, the same for all; the layers' own may be smaller",
    },
  ];
}

/** `NaN` of nothing. */
export function median(samples: readonly number[]): number {
  return samples.length === 0 ? Number.NaN : medianOf(samples);
}
