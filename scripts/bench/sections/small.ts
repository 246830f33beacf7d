// The functions that most people have: 128 to 512 MB, so 7 to 29 % of a CPU while they are invoked, and a Loki behind TLS. Init has a whole CPU
// in Lambda, so the share holds from the first invocation on. Of the time that an invocation is held the platform's own buffering is
// taken off; the Loki of the benchmarks is 0 ms away.

import { setTimeout as sleep } from 'node:timers/promises';
import type { FlushStrategy } from '../../../src/flush-strategy.ts';
import { MB_OF_ONE_CPU, openCpuShare } from '../../../test/fakes/cpu-share.ts';
import { certificatePath } from '../../../test/fakes/tls-relay.ts';
import { alternate, type Bench, type Candidate, canShareCpu, settings } from '../bench.ts';
import { atMost, type Figure, format, type Measurement, median, quantile } from '../figures.ts';
import { playFlood, playHeld, playInit } from '../invocations.ts';
import { activityOf, monotonicMs } from '../proc.ts';
import { BUFFERING_MS, flood } from '../records.ts';
import { type Sandbox, startSandbox } from '../sandbox.ts';

const SMALL_MB = 128;
const MEMORIES_MB = [SMALL_MB, 256, 512, MB_OF_ONE_CPU];
const SCHEMES = ['http', 'https'] as const;
const LINES = [1, 20, 200, 2_000];
/** The runtime's own init, in which we have a CPU too. */
const INIT_MS = 300;
/** What an invocation leaves to be done. */
const SETTLE_MS = 20;
/** Longer than the oldest line is held. */
const SENT_MS = 1_200;
const WARM = 8;
const FEW_RUNS = 5;
const STREAK = 1_000;
/** What is put off until nothing happens for some seconds falls into the invocation after a freeze. */
const FREEZES = 3;
const FROZEN_MS = 10_000;
const FLOOD_BODIES = 10;
const FLOOD_LINES = 5_000;

const MAX_FIRST_HELD_MS = 100;
const MAX_FIRST_CPU_MS = 12;
const MAX_WARM_CPU_MS = 2.5;
const MAX_ANSWER_MS = 100;
const MAX_SLOWEST_TO_P99 = 3;

interface Case {
  readonly memoryMb: number;
  readonly scheme: (typeof SCHEMES)[number];
  readonly strategy: FlushStrategy;
  readonly lines: number;
}

/** What most invocations are. */
const FEW_LINES: Case = { memoryMb: SMALL_MB, scheme: 'https', strategy: 'end', lines: 5 };

interface Invocation {
  readonly heldMs: number;
  readonly cpuMs: number;
}

interface Story {
  /** From exec until the records of the init were dealt with. */
  readonly initCpuMs: number;
  readonly first: Invocation;
  readonly warm: { readonly heldMs: readonly number[]; readonly cpuMs: number };
}

export async function measureSmall(bench: Bench): Promise<Measurement> {
  const hasShares = canShareCpu();
  const note = hasShares
    ? {}
    : { note: 'NO SHARE: this machine lets nobody make a control group, and all had a whole CPU' };
  const figures: Figure[] = [];
  for (const scheme of SCHEMES) figures.push(...(await fewLines(bench, scheme, note)));
  figures.push(...(await answersInFlood(bench)), ...(await streak(bench)), ...(await thawed(bench)));
  return { figures, table: await table(bench) };
}

async function fewLines(bench: Bench, scheme: Case['scheme'], note: { note?: string }): Promise<Figure[]> {
  const test: Case = { memoryMb: SMALL_MB, scheme, strategy: 'end', lines: 20 };
  const runs = Math.min(bench.runs, FEW_RUNS);
  const taken = await alternate(bench.extensions, runs, (candidate) => play(bench, candidate, test));
  const where = `${SMALL_MB} MB, ${scheme}, ${test.lines} lines`;
  const budget = (limit: number) => (scheme === 'https' ? { judge: atMost(limit) } : {});
  return [
    taken.figure(`CPU of the init, ${scheme}`, 'ms', ({ initCpuMs }) => initCpuMs, note),
    taken.figure(
      `first invocation: held beyond buffering, ${where}`,
      'ms',
      ({ first }) => first.heldMs,
      budget(MAX_FIRST_HELD_MS),
    ),
    taken.figure(`first invocation: CPU, ${where}`, 'ms', ({ first }) => first.cpuMs, budget(MAX_FIRST_CPU_MS)),
    taken.figure(`warm invocation: held beyond buffering, ${where}`, 'ms', ({ warm }) => median(warm.heldMs)),
    taken.figure(`warm invocation: CPU, ${where}`, 'ms', ({ warm }) => warm.cpuMs, budget(MAX_WARM_CPU_MS)),
  ];
}

async function table(bench: Bench): Promise<string[][]> {
  const lines = bench.quick ? [20] : LINES;
  const cases: Case[] = [
    ...MEMORIES_MB.flatMap((memoryMb) =>
      SCHEMES.flatMap((scheme) => lines.map((count) => ({ memoryMb, scheme, strategy: 'end', lines: count }) as const)),
    ),
    ...(['continuous', 'adaptive'] as const).flatMap((strategy) =>
      lines.map((count) => ({ memoryMb: SMALL_MB, scheme: 'https', strategy, lines: count }) as const),
    ),
  ];
  const rows: string[][] = [];
  for (const test of cases) {
    const { first, warm } = await play(bench, bench.extensions[0], test);
    rows.push([
      `${test.memoryMb.toLocaleString('en')} MB`,
      test.scheme,
      test.strategy,
      test.lines.toLocaleString('en'),
      ...[first.heldMs, first.cpuMs, median(warm.heldMs), quantile(warm.heldMs, 1), warm.cpuMs].map(
        (ms) => `${format(ms)} ms`,
      ),
    ]);
  }
  const heads = ['first: held', 'first: CPU', 'warm: held', 'warm: held, longest', 'warm: CPU'];
  return [['function', 'Loki', 'strategy', 'lines', ...heads], ...rows];
}

/** One sandbox from its init to its last invocation. */
async function play(bench: Bench, { executable }: Candidate, test: Case): Promise<Story> {
  await bench.sink.reset();
  const invocations = 1 + (bench.quick ? 2 : WARM);
  return inSandbox(bench, executable, test, async (sandbox, limit) => {
    const cpuMs = () => activityOf(sandbox.pid).cpuNs / 1e6;
    const settled = () => sleep(test.strategy === 'end' ? SETTLE_MS : SENT_MS);
    const initCpuMs = cpuMs();
    limit();
    const firstHeldMs = await hold(sandbox, 0, test.lines);
    await settled();
    const firstMs = cpuMs();
    const heldMs: number[] = [];
    for (let index = 1; index < invocations; index++) {
      heldMs.push(await hold(sandbox, index, test.lines));
      await sleep(SETTLE_MS);
    }
    await settled();
    const warmMs = cpuMs();
    // What a flush of 2 s has left leaves soon after it.
    await bench.sink.settled();
    await bench.sink.reportOf(invocations * test.lines);
    return {
      initCpuMs,
      first: { heldMs: firstHeldMs, cpuMs: firstMs - initCpuMs },
      warm: { heldMs, cpuMs: (warmMs - firstMs) / heldMs.length },
    };
  });
}

/** @returns how long the invocation was held beyond the platform's buffering */
async function hold(sandbox: Sandbox, index: number, lines: number): Promise<number> {
  const { doneMs, nextMs } = await playHeld(sandbox, index, lines);
  return Math.max(0, nextMs - doneMs - BUFFERING_MS);
}

/** The slowest of the platform's bodies to be answered, while there is more to do than the share allows. */
async function answersInFlood(bench: Bench): Promise<Figure[]> {
  const text = flood(bench.quick ? 2 : FLOOD_BODIES, FLOOD_LINES);
  const test: Case = { memoryMb: SMALL_MB, scheme: 'https', strategy: 'end', lines: text.lines };
  const taken = await alternate(bench.extensions, bench.longRuns, async ({ executable }) => {
    await bench.sink.reset();
    return inSandbox(bench, executable, test, async (sandbox, limit) => {
      limit();
      let slowestMs = 0;
      await playFlood(sandbox, text, async (body) => {
        const startMs = monotonicMs();
        await sandbox.deliver(body);
        slowestMs = Math.max(slowestMs, monotonicMs() - startMs);
      });
      await bench.sink.settled();
      return slowestMs;
    });
  });
  const note = `${text.lines.toLocaleString('en')} lines in ${text.bodies.length} bodies, one after the other, as the platform sends them`;
  const name = `slowest answer to a body in a flood, ${SMALL_MB} MB`;
  return [taken.figure(name, 'ms', Number, { judge: atMost(MAX_ANSWER_MS), note })];
}

/** Many warm invocations: what is done only now and then shows in the slowest. */
async function streak(bench: Bench): Promise<Figure[]> {
  const test = FEW_LINES;
  const invocations = bench.quick ? 20 : STREAK;
  const taken = await alternate(bench.extensions, 1, async ({ executable }) => {
    await bench.sink.reset();
    return inSandbox(bench, executable, test, async (sandbox, limit) => {
      limit();
      const heldMs: number[] = [];
      for (let index = 0; index <= invocations; index++) heldMs.push(await hold(sandbox, index, test.lines));
      const warm = heldMs.slice(1);
      return { p99Ms: quantile(warm, 0.99), slowestMs: quantile(warm, 1) };
    });
  });
  const where = `${invocations.toLocaleString('en')} warm invocations, ${SMALL_MB} MB, https, ${test.lines} lines`;
  return [
    taken.figure(`held, 99th percentile of ${where}`, 'ms', ({ p99Ms }) => p99Ms),
    taken.figure('slowest of them to that', 'times', ({ p99Ms, slowestMs }) => slowestMs / p99Ms, {
      judge: atMost(MAX_SLOWEST_TO_P99),
    }),
  ];
}

/** Rare invocations. */
async function thawed(bench: Bench): Promise<Figure[]> {
  const test = FEW_LINES;
  const taken = await alternate(bench.extensions, 1, async ({ executable }) => {
    await bench.sink.reset();
    return inSandbox(bench, executable, test, async (sandbox, limit) => {
      limit();
      await hold(sandbox, 0, test.lines);
      const heldMs: number[] = [];
      for (let index = 1; index <= FREEZES; index++) {
        sandbox.freeze();
        await sleep(bench.quick ? FROZEN_MS / 100 : FROZEN_MS);
        sandbox.thaw();
        heldMs.push(await hold(sandbox, index, test.lines));
      }
      return quantile(heldMs, 1);
    });
  });
  const name = `held, longest of ${FREEZES} invocations after freezes of ${FROZEN_MS / 1_000} s, ${SMALL_MB} MB, https, ${test.lines} lines`;
  return [taken.figure(name, 'ms', Number)];
}

/** @param act is given the sandbox when its init is over, and what puts it under its share */
async function inSandbox<T>(
  bench: Bench,
  executable: string,
  { memoryMb, scheme, strategy }: Case,
  act: (sandbox: Sandbox, limit: () => void) => Promise<T>,
): Promise<T> {
  using share = openCpuShare(memoryMb);
  await using sandbox = await startSandbox(executable, {
    ...settings(bench),
    LOKI_PUSH_ENDPOINT: scheme === 'https' ? bench.sink.secureUrl : bench.sink.url,
    NODE_EXTRA_CA_CERTS: certificatePath,
    LOKI_FLUSH_STRATEGY: strategy,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  });
  await playInit(sandbox);
  await sleep(INIT_MS);
  return await act(sandbox, () => share?.add(sandbox.pid));
}
