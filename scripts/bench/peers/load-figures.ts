// What each extension costs under load: the time it holds an invocation, the way of a line to Loki, bytes on the wire, and a
// flood. Nothing is frozen here, so that everybody has the time to finish what is measured.

import { setTimeout as wait } from 'node:timers/promises';
import { type FakeLoki, startFakeLoki } from '../../../test/fakes/fake-loki.ts';
import { generateLines } from '../../../test/fakes/generate.ts';
import { createLambdaEmulator } from '../../../test/fakes/lambda-emulator.ts';
import { startLokiThread } from '../../../test/fakes/loki-thread.ts';
import { activityOf, anonymousBytesOf } from '../proc.ts';
import { type Figure, median } from './figures.ts';
import { type Subject, untilPortIsFree } from './subjects.ts';
import { type Tally, tally, token } from './tally.ts';

const heldInvocations = 21;
const lokiDelaysMs = [0, 20];
const wireInvocations = 10;
const wireLines = 300;
const floodLines = 100_000;
const quietMs = 2_500;
const settleLimitMs = 20_000;
const MB = 1e6;

export async function measureHeld(subjects: readonly Subject[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const delayMs of lokiDelaysMs) {
    const taken: Held[] = [];
    for (const subject of subjects) taken.push(await holdInvocations(subject, delayMs));
    const about = `median of ${heldInvocations - 1} invocations after the first, back to back, 40 ms of work and 20 lines each`;
    const name = `held after the function's end, Loki ${delayMs} ms away`;
    figures.push({ name, unit: 'ms', values: taken.map(({ heldMs }) => heldMs), about });
    if (delayMs !== lokiDelaysMs.at(-1)) continue;
    const way = 'in the same invocations, frozen never; of the lines that arrived';
    const values = taken.map(({ wayMs }) => wayMs);
    figures.push({ name: `line printed to line in Loki, Loki ${delayMs} ms away`, unit: 'ms', values, about: way });
  }
  return figures;
}

interface Held {
  readonly heldMs: number;
  readonly wayMs: number | undefined;
}

async function holdInvocations(subject: Subject, delayMs: number): Promise<Held> {
  await untilPortIsFree(subject);
  await using loki = await startFakeLoki({ latencyMs: delayMs });
  const { executable } = subject;
  await using emulator = await createLambdaEmulator({ executable, environment: await subject.environment(loki.url) });
  await emulator.start();
  const printedMs: number[] = [];
  const held: number[] = [];
  for (let count = 0; count < heldInvocations; count++) {
    const lines = Array.from({ length: 20 }, (_, index) => `order stored ${token(printedMs.length + index)}`);
    printedMs.push(...lines.map(() => Date.now()));
    held.push((await emulator.invoke({ lines, durationMs: 40 })).heldMs ?? Number.NaN);
  }
  await wait(quietMs);
  return { heldMs: median(held.slice(1)), wayMs: wayOf(loki, printedMs) };
}

/** The median of the times from print to arrival. */
function wayOf(loki: FakeLoki, printedMs: readonly number[]): number | undefined {
  const ways: number[] = [];
  for (const { line, requestIndex } of loki.entries()) {
    const arrivedMs = loki.requests[requestIndex]?.arrivedAtEpochMs ?? Number.NaN;
    for (const found of line.match(/#\d+/g) ?? []) ways.push(arrivedMs - (printedMs[Number(found.slice(1))] ?? 0));
  }
  return ways.length === 0 ? undefined : median(ways);
}

export async function measureWire(subjects: readonly Subject[]): Promise<readonly Figure[]> {
  const taken = await Promise.all(subjects.map(wireOf));
  const about = `${wireInvocations} invocations of ${wireLines} mixed lines, 500 ms apart; bodies of the pushes that were accepted, per MB of the log text that arrived`;
  return [
    { name: 'bytes on the wire per MB', unit: 'KB', values: taken.map(({ wireKb }) => wireKb), about },
    {
      name: 'printed to its own log per MB',
      unit: 'KB',
      values: taken.map(({ printedKb }) => printedKb),
      about: 'in the same run: what the extension itself prints, per MB of log text; it goes to CloudWatch',
    },
  ];
}

async function wireOf(subject: Subject): Promise<{ wireKb: number | undefined; printedKb: number }> {
  await untilPortIsFree(subject);
  await using loki = await startLokiThread();
  const { executable } = subject;
  await using emulator = await createLambdaEmulator({ executable, environment: await subject.environment(loki.url) });
  await emulator.start();
  const lines = mixedLines(wireInvocations * wireLines);
  for (let count = 0; count < wireInvocations; count++) {
    await emulator.invoke({ lines: lines.slice(count * wireLines, (count + 1) * wireLines), durationMs: 500 });
  }
  await wait(quietMs);
  const { entries, requests } = await loki.snapshot();
  const acceptedBytes = requests.reduce((sum, { status, wireBytes }) => sum + (status === 204 ? wireBytes : 0), 0);
  const { printed, lost } = tally(lines.map(toPrinted), entries, subject);
  const textBytes = bytesOf(lines);
  // The lines are alike: those that arrived have their share of the text.
  const arrivedBytes = textBytes * (1 - lost / printed);
  return {
    wireKb: arrivedBytes === 0 ? undefined : acceptedBytes / 1e3 / (arrivedBytes / MB),
    printedKb: emulator.output.length / 1e3 / (textBytes / MB),
  };
}

export interface Flood {
  readonly figures: readonly Figure[];
  readonly tallies: readonly Tally[];
}

/** One invocation that prints 100,000 lines at once; its tallies are a case of correctness. */
export async function measureFlood(subjects: readonly Subject[]): Promise<Flood> {
  const taken: FloodRun[] = [];
  for (const subject of subjects) taken.push(await floodOne(subject));
  const about = `one invocation that prints ${floodLines.toLocaleString('en')} mixed lines at once, from the first of them until Loki hears no more; per MB of text that was printed, arrived or not: what is lost costs little`;
  return {
    figures: [
      { name: 'CPU per MB in a flood', unit: 'ms', values: taken.map(({ cpuMs }) => cpuMs), about, ofTheFlood: true },
      {
        name: 'most anonymous memory in the flood',
        unit: 'MB',
        values: taken.map(({ peakMb }) => peakMb),
        about: 'sampled every 20 ms',
        ofTheFlood: true,
      },
    ],
    tallies: taken.map((run) => run.tally),
  };
}

interface FloodRun {
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly tally: Tally;
}

async function floodOne(subject: Subject): Promise<FloodRun> {
  await untilPortIsFree(subject);
  await using loki = await startLokiThread();
  const { executable } = subject;
  await using emulator = await createLambdaEmulator({ executable, environment: await subject.environment(loki.url) });
  let peakBytes = 0;
  await emulator.start();
  const { pid = 0 } = emulator;
  const lines = mixedLines(floodLines);
  const before = activityOf(pid).cpuNs;
  using sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, anonymousBytesOf(pid));
  }, 20);
  await emulator.invoke({ lines, deadlineInMs: 60_000 });
  await untilQuiet(() => loki.requestCount());
  clearInterval(sampling);
  const cpuMs = (activityOf(pid).cpuNs - before) / 1e6 / (bytesOf(lines) / MB);
  await emulator.shutdown();
  const { entries } = await loki.snapshot();
  return { cpuMs, peakMb: peakBytes / MB, tally: tally(lines.map(toPrinted), entries, subject) };
}

async function untilQuiet(requests: () => Promise<number>): Promise<void> {
  const endMs = performance.now() + settleLimitMs;
  for (let before = -1; performance.now() < endMs; ) {
    const now = await requests();
    if (now === before) return;
    before = now;
    await wait(quietMs);
  }
}

function mixedLines(count: number): readonly string[] {
  return generateLines(count).map((line, index) => `${line} ${token(index)}`);
}

function toPrinted(text: string): { text: string } {
  return { text };
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
}
