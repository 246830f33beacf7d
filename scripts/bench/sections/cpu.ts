// CPU time per MB (10^6 bytes) of log text, from the listener to the accepted push: what the kernel has counted for all
// threads of the process between the first body and the last answer. Every line must have arrived, or there is no figure.

import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, type Figure, toFigure } from '../figures.ts';
import { activityOf } from '../proc.ts';
import { type Flood, flood, initRecords, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_MS_PER_MB = 16;
const REQUEST_ID = requestIdOf(1);

export async function measureCpu(bench: Bench): Promise<Figure[]> {
  const large = flood(bench.quick ? 2 : 20, 5_000, REQUEST_ID);
  const small = flood(bench.quick ? 20 : 400, 100, REQUEST_ID);
  const inLarge = await alternate(bench.extensions, bench.runs, (candidate) => cpuPerMb(bench, candidate, large));
  const inSmall = await alternate(bench.extensions, bench.runs, (candidate) => cpuPerMb(bench, candidate, small));
  const size = (text: Flood) => `${text.lines.toLocaleString('en')} lines in ${text.bodies.length} bodies`;
  const note = 'in a fresh process; loading what the first record needs is before it';
  return [
    toFigure(
      `CPU per MB of log text, ${size(large)}`,
      'ms',
      inLarge.pick((ms) => ms),
      { judge: atMost(MAX_MS_PER_MB), note },
    ),
    toFigure(
      `CPU per MB of log text, ${size(small)}`,
      'ms',
      inSmall.pick((ms) => ms),
      { judge: atMost(MAX_MS_PER_MB), note },
    ),
  ];
}

async function cpuPerMb(bench: Bench, { executable }: Candidate, { bodies, lines, textBytes }: Flood): Promise<number> {
  await bench.sink.reset();
  const sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }));
  try {
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

    const { functionLines } = await bench.sink.report();
    if (functionLines !== lines) throw new Error(`${functionLines} of ${lines} lines have arrived`);
    return (after.cpuNs - before.cpuNs) / 1e6 / (textBytes / 1e6);
  } finally {
    await sandbox.kill();
  }
}
