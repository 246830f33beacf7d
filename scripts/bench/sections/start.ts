// How long it takes from exec until the platform has our register, and until it has the first request for the next event.
// The first delays every cold start, as the runtime does not start before it; the second runs beside the runtime's init.
// The executable is in the page cache: a row with a fault that went to the disk is taken again.

import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMostTimesFloor, type Figure } from '../figures.ts';
import { readThrough, settleInCache } from '../page-cache.ts';
import { activityOf, majorFaultsOf } from '../proc.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_REGISTER_RATIO = 1.05;
const MAX_NEXT_RATIO = 1.15;
const TRIES = 5;
const RUNS_IN_PLACE = 4;

interface Start {
  readonly registerMs: number;
  readonly nextMs: number;
  readonly cpuMs: number;
}

export async function measureStart(bench: Bench): Promise<Figure[]> {
  const candidates = bench.all;
  for (const candidate of candidates) await start(bench, candidate);
  const taken = await alternate(candidates, bench.runs, (candidate, run) => {
    // Where in memory a file happens to lie can make all its starts 15 % slower: it is put there anew now and then.
    if (run % RUNS_IN_PLACE === 0) settleInCache(candidate.executable);
    return start(bench, candidate);
  });
  return [
    taken.figure('exec to register received', 'ms', ({ registerMs }) => registerMs, {
      judge: atMostTimesFloor(MAX_REGISTER_RATIO),
    }),
    taken.figure('exec to first next received', 'ms', ({ nextMs }) => nextMs, {
      judge: atMostTimesFloor(MAX_NEXT_RATIO),
    }),
    taken.figure('CPU until the first next', 'ms', ({ cpuMs }) => cpuMs, {
      note: 'all threads, read when the request for the next event has come',
    }),
  ];
}

async function start(bench: Bench, { subject, executable }: Candidate): Promise<Start> {
  for (let attempt = 1; ; attempt++) {
    const { majorFaults, output, ...taken } = await startOnce(bench, executable);
    // A code cache that V8 refuses is not fatal, only slow; whoever reads the figures must know.
    if (/rejected/i.test(output)) console.warn(`warning: ${subject}: ${output.split('\n')[0]}`);
    if (majorFaults === 0 || attempt === TRIES) return taken;
  }
}

async function startOnce(bench: Bench, executable: string): Promise<Start & { majorFaults: number; output: string }> {
  readThrough(executable);
  await using sandbox = await startSandbox(executable, settings(bench));
  const nextMs = await sandbox.asked();
  return {
    cpuMs: activityOf(sandbox.pid).cpuNs / 1e6,
    registerMs: sandbox.registeredMs() - sandbox.spawnedMs,
    nextMs: nextMs - sandbox.spawnedMs,
    majorFaults: majorFaultsOf(sandbox.pid),
    output: sandbox.output(),
  };
}
