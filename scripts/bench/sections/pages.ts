// What of the executable is mapped at the first request for the next event, when all of the file is in the page cache. What a start
// reads from a cold disk is a section of its own (cold.ts).

import { statSync } from 'node:fs';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { type Figure, toFigure } from '../figures.ts';
import { readThrough } from '../page-cache.ts';
import { mappedBytesOf } from '../proc.ts';
import { startSandbox } from '../sandbox.ts';

export async function measurePages(bench: Bench): Promise<Figure[]> {
  const candidates = bench.all;
  const warm = await alternate(candidates, bench.runs, async ({ executable }) => {
    readThrough(executable);
    await using sandbox = await startSandbox(executable, settings(bench));
    await sandbox.asked();
    return { mappedBytes: mappedBytesOf(sandbox.pid, executable) };
  });
  const bytes = warm.pick(({ mappedBytes }) => mappedBytes);
  return [
    warm.figure('pages mapped, warm', 'MB', ({ mappedBytes }) => mappedBytes / 1e6, {
      note: 'the kernel maps up to 15 pages around each that is touched',
    }),
    toFigure('share of the file', '%', shares(candidates, bytes)),
  ];
}

function shares(candidates: readonly Candidate[], bytes: Record<string, number[]>): Record<string, number[]> {
  return Object.fromEntries(
    candidates.map(({ subject, executable }) => {
      const { size } = statSync(executable);
      return [subject, (bytes[subject] ?? []).map((taken) => (100 * taken) / size)];
    }),
  );
}
