// Memory during and after a flood: 100,000 lines in one invocation of a function of 128 MB, with the default bound on what is
// held. The peak is sampled; every line must have arrived.

import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, type Figure } from '../figures.ts';
import { playFlood, playInit } from '../invocations.ts';
import { anonymousBytesOf, memoryOf } from '../proc.ts';
import { type Flood, flood } from '../records.ts';
import { startSandbox } from '../sandbox.ts';

const MB = 1024 * 1024;
/** An eighth of the function's memory. */
const BUFFER_MB = 16;
const MAX_PEAK_MB = BUFFER_MB + 60;
const SAMPLE_MS = 5;
const AFTER_MS = 5_000;

interface FloodMemory {
  readonly beforeBytes: number;
  readonly peakBytes: number;
  readonly afterBytes: number;
  readonly tookMs: number;
}

export async function measureFlood(bench: Bench): Promise<Figure[]> {
  const text = flood(20, 5_000);
  const taken = await alternate(bench.extensions, bench.longRuns, (candidate) => floodMemory(bench, candidate, text));
  const note = `${text.lines.toLocaleString('en')} lines, ${(text.textBytes / 1e6).toFixed(1)} MB of text in ${text.bodies.length} bodies, all delivered`;
  return [
    taken.figure('private before the flood', 'MB', ({ beforeBytes }) => beforeBytes / MB),
    taken.figure('private during the flood, peak', 'MB', ({ peakBytes }) => peakBytes / MB, {
      judge: atMost(MAX_PEAK_MB),
      note: `${note}; anonymous memory every ${SAMPLE_MS} ms; the budget is the bound of ${BUFFER_MB} MB + 60 MB`,
    }),
    taken.figure('private-dirty 5 s after the flood', 'MB', ({ afterBytes }) => afterBytes / MB),
    taken.figure('from first body to next', 'ms', ({ tookMs }) => tookMs),
  ];
}

async function floodMemory(bench: Bench, { executable }: Candidate, text: Flood): Promise<FloodMemory> {
  await bench.sink.reset();
  await using sandbox = await startSandbox(executable, settings(bench, { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' }));
  await playInit(sandbox);
  await sleep(100);
  const beforeBytes = memoryOf(sandbox.pid).privateDirtyBytes;
  let peakBytes = 0;
  using sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, anonymousBytesOf(sandbox.pid));
  }, SAMPLE_MS);
  const startMs = performance.now();
  await playFlood(sandbox, text);
  const tookMs = performance.now() - startMs;
  await bench.sink.settled();
  clearInterval(sampling);
  await bench.sink.reportOf(text.lines);
  await sleep(bench.quick ? 500 : AFTER_MS);
  return { beforeBytes, peakBytes, afterBytes: memoryOf(sandbox.pid).privateDirtyBytes, tookMs };
}
