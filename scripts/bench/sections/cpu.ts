// CPU time per MB (10^6 bytes) of log text, from the listener to the accepted push: what the kernel has counted for all threads of the process
// between the event and the last answer. Every line must have arrived, or there is no figure. The floor is the smallest program that
// does the same with the same packages (throughput-floor.ts); LambdaWatch is measured beside where PEER_LAMBDAWATCH names its executable.

import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { buildFloor } from '../build-floor.ts';
import { atMost, atMostTimesFloor, type Figure, toFigure } from '../figures.ts';
import { playFlood, playInit } from '../invocations.ts';
import { settleInCache } from '../page-cache.ts';
import { rivalsFrom } from '../peers/subjects.ts';
import { activityOf } from '../proc.ts';
import { type Flood, flood, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_RATIO = 1.2;
const MAX_TO_LAMBDAWATCH = 0.7;

export async function measureCpu(bench: Bench): Promise<Figure[]> {
  const floor: Candidate = { subject: 'floor', executable: await buildFloor('throughput-floor') };
  settleInCache(floor.executable);
  const rival = rivalsFrom(process.env).given.find(({ name }) => name === 'LambdaWatch');
  const rivals = rival ? [{ subject: 'rival', executable: rival.executable } as const] : [];
  const environment = await rival?.environment(bench.sink.url);
  const figures: Figure[] = [];
  for (const text of [flood(bench.quick ? 2 : 20, 5_000), flood(bench.quick ? 20 : 400, 100)]) {
    const taken = await alternate([floor, ...bench.extensions, ...rivals], bench.runs, (candidate) =>
      cpuPerMb(bench, candidate, text, candidate.subject === 'rival' ? environment : undefined),
    );
    const { rival: rivalMs, ...samples } = taken.pick((ms) => ms);
    const size = `${text.lines.toLocaleString('en')} lines in ${text.bodies.length} bodies`;
    figures.push(
      toFigure(`CPU per MB of log text, ${size}`, 'ms', samples, {
        judge: atMostTimesFloor(MAX_RATIO),
        note: 'in a fresh process, after one invocation; the floor is the smallest program with the same packages and flags',
      }),
    );
    if (rivalMs === undefined) continue;
    const ratios = samples.ours?.map((ms, run) => ms / (rivalMs[run] ?? Number.NaN)) ?? [];
    const judge = atMost(MAX_TO_LAMBDAWATCH);
    figures.push(toFigure(`the same to LambdaWatch, ${size}`, 'times', { ours: ratios }, { judge }));
  }
  return figures;
}

/** In a fresh process, after one invocation. */
export async function cpuPerMb(
  bench: Bench,
  { executable }: Candidate,
  text: Flood,
  environment = settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }),
): Promise<number> {
  await bench.sink.reset();
  await using sandbox = await startSandbox(executable, environment);
  await playInit(sandbox);
  const requestId = requestIdOf(0);
  sandbox.invoke(requestId);
  await sandbox.deliver([startRecord(requestId), runtimeDoneRecord(requestId)]);
  await sandbox.asked();

  const before = activityOf(sandbox.pid);
  await playFlood(sandbox, text);
  await bench.sink.settled();
  const after = activityOf(sandbox.pid);

  const { functionLines, otherLines } = await bench.sink.report();
  // Others have no label that tells the platform's lines from the function's.
  const arrived = functionLines > 0 ? functionLines : otherLines;
  if (arrived < text.lines) throw new Error(`${arrived} of ${text.lines} lines have arrived`);
  return (after.cpuNs - before.cpuNs) / 1e6 / (text.textBytes / 1e6);
}
