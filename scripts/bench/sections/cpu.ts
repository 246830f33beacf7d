// CPU time per MB (10^6 bytes) of log text, from the listener to the accepted push: what the kernel has counted for all threads of the process
// between the first body and the last answer. Every line must have arrived, or there is no figure. The floor is the smallest program that
// does the same with the same packages (throughput-floor.ts); LambdaWatch is measured beside where PEER_LAMBDAWATCH names its executable.

import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { buildFloor } from '../build-floor.ts';
import { atMost, atMostTimesFloor, type Figure, median, toFigure } from '../figures.ts';
import { settleInCache } from '../page-cache.ts';
import { rivalsFrom, type Subject } from '../peers/subjects.ts';
import { activityOf } from '../proc.ts';
import { type Flood, flood, initRecords, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_RATIO = 1.2;
const MAX_TO_LAMBDAWATCH = 0.7;
const REQUEST_ID = requestIdOf(1);

export async function measureCpu(bench: Bench): Promise<Figure[]> {
  const floor: Candidate = { subject: 'floor', executable: await buildFloor('throughput-floor') };
  settleInCache(floor.executable);
  const candidates = [floor, ...bench.extensions];
  const rival = rivalsFrom(process.env).given.find(({ name }) => name === 'LambdaWatch');
  const figures: Figure[] = [];
  for (const text of [flood(bench.quick ? 2 : 20, 5_000, REQUEST_ID), flood(bench.quick ? 20 : 400, 100, REQUEST_ID)]) {
    const taken = await alternate(candidates, bench.runs, (candidate) => cpuPerMb(bench, candidate, text));
    const size = `${text.lines.toLocaleString('en')} lines in ${text.bodies.length} bodies`;
    figures.push(
      taken.figure(`CPU per MB of log text, ${size}`, 'ms', (ms) => ms, {
        judge: atMostTimesFloor(MAX_RATIO),
        note: 'in a fresh process, after one invocation; the floor is the smallest program with the same packages and flags',
      }),
    );
    if (rival) figures.push(await besideRival(bench, rival, text, size));
  }
  return figures;
}

async function besideRival(bench: Bench, rival: Subject, text: Flood, size: string): Promise<Figure> {
  const environment = await rival.environment(bench.sink.url);
  const [ours] = bench.extensions;
  if (ours === undefined) throw new Error('there is nothing to measure');
  const ratios: number[] = [];
  for (let run = 0; run < bench.runs; run++) {
    const own = await cpuPerMb(bench, ours, text);
    ratios.push(own / (await cpuPerMb(bench, rival, text, environment)));
  }
  return toFigure(
    `the same to ${rival.name}, ${size}`,
    'times',
    { ours: [median(ratios)] },
    {
      judge: atMost(MAX_TO_LAMBDAWATCH),
    },
  );
}

/** In a fresh process, after one invocation. */
export async function cpuPerMb(
  bench: Bench,
  { executable }: Pick<Candidate, 'executable'>,
  { bodies, lines, textBytes }: Flood,
  environment = settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }),
): Promise<number> {
  await bench.sink.reset();
  await using sandbox = await startSandbox(executable, environment);
  await sandbox.asked();
  await sandbox.deliver(JSON.stringify(initRecords()));
  sandbox.invoke(requestIdOf(0));
  await sandbox.deliver(JSON.stringify([startRecord(requestIdOf(0)), runtimeDoneRecord(requestIdOf(0))]));
  await sandbox.asked();

  sandbox.invoke(REQUEST_ID);
  await sandbox.deliver(JSON.stringify([startRecord(REQUEST_ID)]));
  const before = activityOf(sandbox.pid);
  for (const body of bodies) await sandbox.deliver(body);
  await sandbox.deliver(JSON.stringify([runtimeDoneRecord(REQUEST_ID)]));
  await sandbox.asked();
  await bench.sink.settled();
  const after = activityOf(sandbox.pid);

  const { functionLines, otherLines } = await bench.sink.report();
  // Others have no label that tells the platform's lines from the function's.
  const arrived = functionLines > 0 ? functionLines : otherLines;
  if (arrived < lines) throw new Error(`${arrived} of ${lines} lines have arrived`);
  return (after.cpuNs - before.cpuNs) / 1e6 / (textBytes / 1e6);
}
