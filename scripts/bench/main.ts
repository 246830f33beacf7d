// Measures the built executable against the floor (see floor.ts) and against the budgets, prints the figures, and writes
// bench-results/<date>.json and docs/benchmarks.md. Speed is no test: a budget that is missed is said and does not fail;
// what cannot be measured does.
// usage: node scripts/bench/main.ts, with these in the environment:
//   ONLY=start,memory  these sections alone     RUNS=20  samples of each figure
//   BASE=<rev>         beside that revision     QUICK=1  three samples, to see that it works
//   PEER_LAMBDAWATCH=  path of its executable: its CPU in a flood is measured beside

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { executablePath, hostArchitecture, root } from '../build/toolchain.ts';
import { buildBase } from './base.ts';
import type { Bench, Candidate } from './bench.ts';
import { buildFloor } from './build-floor.ts';
import type { Figure, Measurement } from './figures.ts';
import { describeRun } from './machine.ts';
import { settleInCache } from './page-cache.ts';
import { type Measured, printSection, printVerdict, writeResults } from './report.ts';
import { measureCold } from './sections/cold.ts';
import { measureCpu } from './sections/cpu.ts';
import { measureFilters } from './sections/filters.ts';
import { measureFlood } from './sections/flood.ts';
import { measureHeld } from './sections/held.ts';
import { measureIdle } from './sections/idle.ts';
import { measureMemory } from './sections/memory.ts';
import { measurePages } from './sections/pages.ts';
import { measureShutdown } from './sections/shutdown.ts';
import { measureSize } from './sections/size.ts';
import { measureSmall } from './sections/small.ts';
import { measureStart } from './sections/start.ts';
import { measureStrategies } from './sections/strategies.ts';
import { startSink } from './sink.ts';

const RUNS = 20;
const LONG_RUNS = 3;
const QUICK_RUNS = 3;

interface Section {
  readonly name: string;
  readonly title: string;
  readonly measure: (bench: Bench) => Promise<Measurement | Figure[]>;
}

const SECTIONS: readonly Section[] = [
  { name: 'start', title: 'Start', measure: measureStart },
  { name: 'cold', title: 'Start from a cold disk', measure: measureCold },
  { name: 'memory', title: 'Memory', measure: measureMemory },
  { name: 'flood', title: 'Memory in a flood', measure: measureFlood },
  { name: 'pages', title: 'Pages of the executable up to the first next', measure: measurePages },
  { name: 'cpu', title: 'CPU', measure: measureCpu },
  { name: 'filters', title: 'CPU of filters and redaction', measure: measureFilters },
  { name: 'held', title: 'Time an invocation is held', measure: measureHeld },
  { name: 'small', title: 'Small functions', measure: measureSmall },
  { name: 'shutdown', title: 'The end of a sandbox', measure: measureShutdown },
  { name: 'strategies', title: 'Flush strategies', measure: measureStrategies },
  { name: 'size', title: 'Size', measure: measureSize },
  { name: 'idle', title: 'Idle', measure: measureIdle },
];

const options = readOptions(process.env);
const executable = executablePath(hostArchitecture);
if (!existsSync(executable)) throw new Error('there is no executable to measure: run "make build" first');
const floor: Candidate = { subject: 'floor', executable: await buildFloor('floor') };
const workDir = mkdtempSync(path.join(root, '.cache/bench/run-'));
const extensions: [Candidate, ...Candidate[]] = [{ subject: 'ours', executable: copyOf(executable) }];
if (options.base !== undefined) extensions.push({ subject: 'base', executable: buildBase(options.base) });
const all = [floor, ...extensions];
for (const { executable: file } of all) settleInCache(file);
const sink = await startSink();
const bench: Bench = { ...options, extensions, floor, all, sink };

const startedAt = new Date();
const measured: Measured[] = [];
for (const { name, title, measure } of options.sections) {
  try {
    const taken = await measure(bench);
    const section = { name, title, ...(Array.isArray(taken) ? { figures: taken } : taken) };
    measured.push(section);
    printSection(section);
  } catch (error) {
    console.error(`\n${title}: could not be measured`, error);
    process.exitCode = 1;
  }
}
sink.close();
rmSync(workDir, { recursive: true });
printVerdict(measured);
const complete = options.sections.length === SECTIONS.length && !options.quick && process.exitCode === undefined;
writeResults(root, describeRun(startedAt, options), measured, complete);

/** What is measured stays the same when somebody builds meanwhile. */
function copyOf(file: string): string {
  const copy = path.join(workDir, path.basename(file));
  copyFileSync(file, copy);
  return copy;
}

function readOptions(env: NodeJS.ProcessEnv) {
  const quick = Boolean(env['QUICK']);
  const runs = Number(env['RUNS'] || (quick ? QUICK_RUNS : RUNS));
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`RUNS must be a whole number from 1, not ${env['RUNS']}`);
  const names = (env['ONLY'] ?? '').split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length > 0) {
    throw new Error(`ONLY has ${unknown.join(', ')}; there are ${SECTIONS.map(({ name }) => name).join(', ')}`);
  }
  const sections = names.length === 0 ? SECTIONS : SECTIONS.filter(({ name }) => names.includes(name));
  return { quick, runs, longRuns: Math.min(runs, quick ? 1 : LONG_RUNS), sections, base: env['BASE'] || undefined };
}
