// What of the executable has to be read before the first request for the next event. Lambda reads a layer cold over a network, so
// every page counts. Cold: the file is dropped from the page cache before each start, and what is then read from the disk
// includes the kernel's read-ahead. Warm: the pages that are mapped when all of the file is in the page cache.

import { statSync } from 'node:fs';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { type Figure, toFigure } from '../figures.ts';
import { dropFromCache, readThrough, settleInCache } from '../page-cache.ts';
import { diskReadBytesOf, mappedBytesOf } from '../proc.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_COLD_RUNS = 10;

interface Pages {
  readonly mappedBytes: number;
  readonly readBytes: number;
  readonly registerMs: number;
  readonly nextMs: number;
}

export async function measurePages(bench: Bench): Promise<Figure[]> {
  const candidates = [bench.floor, ...bench.extensions];
  const warm = await alternate(candidates, bench.runs, async (candidate) => {
    readThrough(candidate.executable);
    return startOnce(bench, candidate);
  });
  const figures = [
    warm.figure('pages mapped, warm', 'MB', ({ mappedBytes }) => mappedBytes / 1e6, {
      note: 'the kernel maps up to 15 pages around each that is touched',
    }),
    toFigure(
      'share of the file',
      '%',
      await shares(
        candidates,
        warm.pick(({ mappedBytes }) => mappedBytes),
      ),
    ),
  ];
  if (!candidates.every(({ executable }) => dropFromCache(executable))) {
    console.warn(
      'warning: the page cache cannot be emptied here, or another process runs the executable: no cold figures',
    );
    return figures;
  }
  const cold = await alternate(candidates, Math.min(bench.runs, MAX_COLD_RUNS), async (candidate) => {
    if (!dropFromCache(candidate.executable)) throw new Error('the executable is still in the page cache');
    return startOnce(bench, candidate);
  });
  for (const { executable } of candidates) settleInCache(executable);
  return [
    ...figures,
    cold.figure('read from disk, cold', 'MB', ({ readBytes }) => readBytes / 1e6, {
      note: 'with the read-ahead of the disk, so much depends on the machine',
    }),
    cold.figure('exec to register received, cold', 'ms', ({ registerMs }) => registerMs),
    cold.figure('exec to first next received, cold', 'ms', ({ nextMs }) => nextMs),
  ];
}

async function startOnce(bench: Bench, { executable }: Candidate): Promise<Pages> {
  await using sandbox = await startSandbox(executable, settings(bench));
  const nextMs = await sandbox.asked();
  return {
    mappedBytes: mappedBytesOf(sandbox.pid, executable),
    readBytes: diskReadBytesOf(sandbox.pid),
    registerMs: sandbox.registeredMs() - sandbox.spawnedMs,
    nextMs: nextMs - sandbox.spawnedMs,
  };
}

async function shares(
  candidates: readonly Candidate[],
  bytes: Record<string, number[]>,
): Promise<Record<string, number[]>> {
  return Object.fromEntries(
    candidates.map(({ subject, executable }) => {
      const { size } = statSync(executable);
      return [subject, (bytes[subject] ?? []).map((taken) => (100 * taken) / size)];
    }),
  );
}
