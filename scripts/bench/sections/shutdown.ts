// The end of a sandbox on a small function: does the process leave before the deadline, and how much of what was held is in Loki by then?
// Lambda gives 2,000 ms; 300 and 500 ms are what is left of them where the machine is busy. The lines come a moment before the event, so
// nothing of them has been read when it arrives: the worst moment.

import { setTimeout as sleep } from 'node:timers/promises';
import { openCpuShare } from '../../../test/fakes/cpu-share.ts';
import { freePort } from '../../../test/fakes/extension.ts';
import { startFakeLoki } from '../../../test/fakes/fake-loki.ts';
import { generateLines } from '../../../test/fakes/generate.ts';
import { createLambdaEmulator } from '../../../test/fakes/lambda-emulator.ts';
import { startSilentServer } from '../../../test/fakes/silent-server.ts';
import { alternate, type Bench, type Candidate, canShareCpu } from '../bench.ts';
import { atMost, type Figure, format, type Measurement, quantile } from '../figures.ts';

const SMALL_MB = 128;
const MEMORIES_MB = [SMALL_MB, 256, 512];
const DEADLINES_MS = [300, 500, 2_000];
const LINES = [5, 300, 3_000];
const FEW_RUNS = 5;
/** Who is late is waited for, to see by how much. */
const GRACE_MS = 2_000;
const POLL_MS = 20;

type LokiState = 'well' | 'silent' | 'refusing';

interface Case {
  readonly loki: LokiState;
  readonly memoryMb: number;
  readonly deadlineMs: number;
  readonly lines: number;
}

interface End {
  readonly loki: LokiState;
  readonly tookMs: number;
  readonly isLate: boolean;
  /** Records that the platform handed over, those in Loki, and those that the extension said were lost. */
  readonly emitted: number;
  readonly stored: number;
  readonly told: number;
}

export async function measureShutdown(bench: Bench): Promise<Measurement> {
  canShareCpu();
  const runs = bench.quick ? 1 : Math.min(bench.runs, FEW_RUNS);
  const cases: Case[] = [
    ...MEMORIES_MB.flatMap((memoryMb) => casesOf('well', memoryMb, LINES)),
    ...(['silent', 'refusing'] as const).flatMap((loki) => casesOf(loki, SMALL_MB, [300])),
  ];
  const rows: string[][] = [
    ['function', 'Loki', 'deadline', 'lines', 'over after, longest', 'late', 'in Loki', 'told as lost'],
  ];
  const taken = await alternate(bench.extensions, 1, async (candidate) => {
    const ends: End[] = [];
    for (const test of cases) {
      const some: End[] = [];
      for (let run = 0; run < runs; run++) some.push(await end(candidate, test));
      if (candidate.subject === 'ours') rows.push(toRow(test, some));
      ends.push(...some);
    }
    return ends;
  });
  const note = `${cases.length * runs} sandboxes`;
  const count = (name: string, unit: string, value: (ends: readonly End[]) => number, limit?: number): Figure =>
    taken.figure(name, unit, value, { note, ...(limit === undefined ? {} : { judge: atMost(limit) }) });
  return {
    figures: [
      count('SHUTDOWN: exits past the deadline', 'exits', (ends) => ends.filter(({ isLate }) => isLate).length, 0),
      count('SHUTDOWN: records in a Loki that is well', '%', (ends) => {
        const well = ends.filter(({ loki }) => loki === 'well');
        return (100 * sum(well, 'stored')) / sum(well, 'emitted');
      }),
    ],
    table: rows,
  };
}

function casesOf(loki: LokiState, memoryMb: number, lines: readonly number[]): Case[] {
  return DEADLINES_MS.flatMap((deadlineMs) => lines.map((count) => ({ loki, memoryMb, deadlineMs, lines: count })));
}

const sum = (ends: readonly End[], key: 'stored' | 'emitted' | 'told') =>
  ends.reduce((total, each) => total + each[key], 0);

function toRow({ memoryMb, loki, deadlineMs, lines }: Case, ends: readonly End[]): string[] {
  const emitted = sum(ends, 'emitted');
  return [
    `${memoryMb} MB`,
    loki,
    `${deadlineMs.toLocaleString('en')} ms`,
    lines.toLocaleString('en'),
    `${format(
      quantile(
        ends.map(({ tookMs }) => tookMs),
        1,
      ),
    )} ms`,
    `${ends.filter(({ isLate }) => isLate).length} of ${ends.length}`,
    ...(['stored', 'told'] as const).map((key) => `${Math.round((100 * sum(ends, key)) / emitted)} %`),
  ];
}

/** One sandbox: an invocation whose lines are sent, one whose lines arrive a moment before SHUTDOWN, and SHUTDOWN. */
async function end({ executable }: Candidate, test: Case): Promise<End> {
  const { memoryMb, deadlineMs, lines } = test;
  using share = openCpuShare(memoryMb);
  const loki = await startFakeLoki();
  const silent = await startSilentServer();
  if (test.loki === 'refusing') loki.script(() => ({ status: 503 }));
  const emulator = await createLambdaEmulator({
    executable,
    environment: {
      LOKI_PUSH_ENDPOINT: test.loki === 'silent' ? silent.url : loki.url,
      LOKI_EXTENSION_PORT: String(await freePort()),
      LOKI_FLUSH_STRATEGY: 'continuous',
      LOKI_BATCH_MAX_WAIT_MS: '100',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    },
  });
  try {
    await emulator.start();
    await emulator.invoke({ lines: ['first'] });
    const hasTried = () => silent.bytes > 0 || loki.requests.length > 0;
    while (!(test.loki === 'well' ? loki.lines('function').includes('first') : hasTried())) await sleep(POLL_MS);
    if (emulator.pid !== undefined) share?.add(emulator.pid);
    await emulator.invoke({ lines: generateLines(lines) });
    const killInMs = deadlineMs + GRACE_MS;
    const { tookMs, exitCode } = await emulator.shutdown({ deadlineInMs: deadlineMs, killInMs, lateLines: ['late'] });
    return {
      loki: test.loki,
      tookMs,
      isLate: tookMs > deadlineMs || exitCode !== 0,
      emitted: emulator.emitted.length,
      stored: loki.entries().length,
      told: [...emulator.output.matchAll(/"shutdown_deadline":(\d+)/g)].reduce(
        (all, [, lost]) => all + Number(lost),
        0,
      ),
    };
  } finally {
    await emulator.stop();
    await silent.close();
    await loki.close();
  }
}
