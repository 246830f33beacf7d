// Plays one scenario with the built executable and says what went wrong. What must hold whatever happens:
// - every invocation is well: in time, and not held much longer than the flush timeout
// - the extension leaves at SHUTDOWN with 0, before the deadline, and never did what a correct one does not do
// - what is not in Loki was told as lost, line for line; and nothing is lost by a fault that is over, but what it says itself
// - nothing of the function's lines nor of the password is printed, and what is printed is not printed again and again

import { setTimeout as sleep } from 'node:timers/promises';
import { DROP_REASONS } from '../../../src/losses.ts';
import { extensionExecutable, freePort } from '../../fakes/extension.ts';
import { startFakeLoki } from '../../fakes/fake-loki.ts';
import { seededRandom } from '../../fakes/generate.ts';
import type { InvokeOptions } from '../../fakes/lambda/options.ts';
import type { LambdaRecord } from '../../fakes/lambda/records.ts';
import { createLambdaEmulator } from '../../fakes/lambda-emulator.ts';
import { FAULTS, type Fault, POISON, type World } from './faults.ts';
import type { Scenario } from './scenario.ts';
import { SECRET, type Surroundings } from './surroundings.ts';
import { openWay } from './way.ts';

const FLUSH_TIMEOUT_MS = 400;
/** What a busy machine may add. */
const MARGIN_MS = 3_000;
const FAULT_AT = 2;
const MAX_RUN_MS = 60_000;
/** Where CPU is short the time for SHUTDOWN is not. */
const SLOW_SHUTDOWN_MS = 5_000;
/** A run is shorter than the minute in which each thing is said once; losses are told once more at the end. */
const SAID_AT_MOST = 2;
/** Pushes for each that is needed: whoever makes more goes in circles. */
const MAX_REQUESTS = 600;
const LINE = 'fault line';
/** Time for what was kept to be sent once the fault is over: backoffs are short here, `Retry-After` is a second. */
const RECOVERY_MS = 1_500;

/** @returns what went wrong, in words */
export async function play(scenario: Scenario): Promise<readonly string[]> {
  const fault = FAULTS.find(({ name }) => name === scenario.fault);
  if (fault === undefined) throw new Error(`no such fault: ${scenario.fault}`);
  const loki = await startFakeLoki();
  const way = await openWay(() => loki.port);
  const nextAnswers: World['nextAnswers'] = [];
  const wallClock: World['wallClock'] = { aheadSeconds: 0 };
  const around = (await fault.prepare?.(way)) ?? {};
  const emulator = await createLambdaEmulator({
    executable: around.executable ?? extensionExecutable(),
    freeze: scenario.freeze,
    now: () => Date.now() + wallClock.aheadSeconds * 1_000,
    mode: scenario.api === 'managed' ? 'managed-instances' : 'on-demand',
    intercept: ({ path }) => (path.endsWith('/event/next') ? nextAnswers.shift() : undefined),
    environment: {
      LOKI_PUSH_ENDPOINT: fault.endpoint?.(way) ?? way.url,
      LOKI_USERNAME: 'user',
      LOKI_PASSWORD: SECRET,
      LOKI_EXTENSION_PORT: String(await freePort()),
      LOKI_EXTENSION_API: scenario.api === 'managed' ? 'auto' : scenario.api,
      LOKI_EXTENSION_LOG_LEVEL: 'warn',
      LOKI_FLUSH_STRATEGY: scenario.strategy,
      LOKI_FLUSH_TIMEOUT_MS: String(FLUSH_TIMEOUT_MS),
      LOKI_PUSH_TIMEOUT_MS: '700',
      LOKI_RETRY_MIN_BACKOFF_MS: '10',
      LOKI_RETRY_MAX_BACKOFF_MS: '50',
      LOKI_BATCH_MAX_WAIT_MS: '50',
      LOKI_BATCH_MAX_BYTES: String(scenario.batchMaxBytes),
      ...around.environment,
    },
  });
  const world: World = { emulator, loki, way, nextAnswers, wallClock, random: seededRandom(scenario.seed) };
  const overdue = new AbortController();
  try {
    const late = sleep(MAX_RUN_MS, [`it hung for ${MAX_RUN_MS} ms`], { signal: overdue.signal, ref: false });
    return await Promise.race([run(scenario, within(fault, around), world), late]);
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  } finally {
    overdue.abort();
    await emulator.stop();
    await around.close?.();
    await way.close();
    await loki.close();
  }
}

/** The fault with what breaks its surroundings. */
function within(fault: Fault, { begin, end }: Surroundings): Fault {
  return { ...fault, ...(begin && { begin }), ...(end && { end }) };
}

async function run(scenario: Scenario, fault: Fault, world: World): Promise<readonly string[]> {
  const { emulator, loki } = world;
  const { lasts } = scenario;
  const shutdownMs = fault.isSlow ? SLOW_SHUTDOWN_MS : scenario.shutdownMs;
  const wrong: string[] = [];
  const begin = async () => void (await fault.begin?.(world));
  const moment = momentOf(scenario, fault);
  if (moment === 'start') await begin();
  await emulator.start();
  const firstBad = moment === 'start' ? 0 : FAULT_AT;
  for (const [index, count] of scenario.lines.entries()) {
    const isBad = moment !== 'shutdown' && index >= firstBad && index < firstBad + lasts;
    if (index === firstBad && moment === 'between') await begin();
    if (index === firstBad + lasts && moment !== 'shutdown') await fault.end?.(world);
    const isLast = index === scenario.lines.length - 1;
    const options: InvokeOptions = {
      lines: linesOf(scenario, index, count, isBad),
      durationMs: isLast ? RECOVERY_MS : scenario.durationMs,
      deadlineInMs: 15_000,
      ...(isBad ? fault.invoke : {}),
      ...(index === firstBad && moment === 'during' ? { during: begin } : {}),
    };
    const { heldMs, extensionTimedOut, shutdown } = await emulator.invoke(options);
    if (extensionTimedOut) wrong.push(`invocation ${index} was held past the function's timeout`);
    const mayHoldMs = options.runtimeDone === 'never' ? (options.deadlineInMs ?? 0) : FLUSH_TIMEOUT_MS;
    if ((heldMs ?? 0) > mayHoldMs + MARGIN_MS) wrong.push(`invocation ${index} was held for ${heldMs} ms`);
    if (shutdown !== undefined && shutdown.exitCode !== 0)
      wrong.push(`it left with ${shutdown.exitCode ?? shutdown.signal}`);
  }
  const isDelivered = await emulator.delivered();
  if (!isDelivered) wrong.push('the platform could not deliver its records');
  const before = emulator.emitted.length;
  // Whoever is frozen answers only when the event has come.
  const begun = moment === 'shutdown' ? begin() : undefined;
  if (!fault.awake) await begun;
  const { exitCode, signal, tookMs } = await emulator.shutdown({ deadlineInMs: shutdownMs });
  if (exitCode !== 0) wrong.push(`it left with ${exitCode ?? signal}, after ${Math.round(tookMs)} of ${shutdownMs} ms`);
  await fault.end?.(world);
  wrong.push(...emulator.violations.map((what) => `violation: ${what}`));
  wrong.push(...account(scenario, fault, emulator.emitted.slice(0, before), emulator.emitted, world));
  if (emulator.output.includes(SECRET)) wrong.push('the password was printed');
  if (emulator.output.includes(LINE)) wrong.push('a line of the function was printed');
  wrong.push(...repeated(emulator.output, processesOf(emulator)));
  if (loki.requests.length > MAX_REQUESTS) wrong.push(`Loki was asked ${loki.requests.length} times`);
  if (!fault.doubles && cameTwice(loki.lines('function'), emulator.emitted)) wrong.push('a line came twice');
  return wrong;
}

function momentOf({ moment }: Scenario, { awake, atEnd }: Fault): Scenario['moment'] {
  if (atEnd) return 'shutdown';
  return awake && moment !== 'shutdown' ? 'during' : moment;
}

/** Each line once in a run; one of them carries the poison while the fault lasts. */
function linesOf({ seed }: Scenario, invocation: number, count: number, isBad: boolean): readonly string[] {
  const lines = Array.from({ length: count }, (_, n) => `${LINE} ${seed}-${invocation}-${n} ${'text '.repeat(n % 30)}`);
  return isBad ? [...lines, `${LINE} ${seed}-${invocation} ${POISON}`] : lines;
}

function account(
  scenario: Scenario,
  fault: Fault,
  before: readonly LambdaRecord[],
  all: readonly LambdaRecord[],
  { loki, emulator }: World,
): readonly string[] {
  const wrong: string[] = [];
  const stored = new Map<string, number>();
  for (const { line } of loki.entries()) stored.set(line, (stored.get(line) ?? 0) + 1);
  const lineOf = ({ type, record, ...rest }: LambdaRecord) =>
    type === 'function' ? String(record).replace(/\n$/, '') : JSON.stringify({ ...rest, type, record });
  const isMissing = (record: LambdaRecord) => !stored.has(lineOf(record));
  // What Lambda could not hand over before a sandbox ended is no line of ours.
  const missing = before.filter((record) => isMissing(record) && emulator.taken.has(record));
  const told = toldLosses(emulator.output);
  const unreadable = told.get('unreadable_record') ?? 0;
  const sum = [...told.values()].reduce((total, count) => total + count, 0) - (fault.unreadable ? unreadable : 0);
  // What comes at SHUTDOWN may come too late for both; a line about losses that is lost itself may be counted.
  const isAtEnd = momentOf(scenario, fault) === 'shutdown';
  const late = all.filter(isMissing).length + (isAtEnd ? (fault.records ?? 0) : 0);
  // Nor is there time for the answers to the last pushes, of which there are two at a time at most.
  const unanswered = isAtEnd ? loki.requests.slice(-2).flatMap(({ streams }) => streams.flatMap(entriesOf)).length : 0;
  const atMost = late + unanswered + loki.lines('extension').length + 2;
  if (sum < missing.length || sum > atMost) {
    wrong.push(`${missing.length} lines are missing, ${sum} were told as lost: ${JSON.stringify([...told])}`);
  }
  const isOver = !isAtEnd && fault.loses !== 'all';
  if (isOver) {
    const refused = new Set(
      loki.requests
        .filter(({ status }) => status !== undefined && status >= 260)
        .flatMap(({ streams }) => streams.flatMap(entriesOf).map(({ line }) => line)),
    );
    const mayBeLost = (line: string) =>
      (fault.loses === 'refused' && refused.has(line)) || (fault.loses === 'poison' && line.includes(POISON));
    const lost = missing.map(lineOf).filter((line) => !mayBeLost(line));
    if (lost.length > 0)
      wrong.push(`${lost.length} lines are lost for good: ${lost.slice(0, 2).join(' | ').slice(0, 300)}`);
  }
  return wrong;
}

function entriesOf<Entry>({ entries }: { readonly entries: readonly Entry[] }): readonly Entry[] {
  return entries;
}

/** Whether a line is stored more often than the function has printed it. */
function cameTwice(stored: readonly string[], emitted: readonly LambdaRecord[]): boolean {
  const left = new Map<string, number>();
  for (const { type, record } of emitted) {
    const line = String(record).replace(/\n$/, '');
    if (type === 'function') left.set(line, (left.get(line) ?? 0) + 1);
  }
  return stored.some((line) => {
    left.set(line, (left.get(line) ?? 0) - 1);
    return (left.get(line) ?? 0) < 0;
  });
}

/** How many processes there were, one after the other. */
function processesOf({ calls }: World['emulator']): number {
  return calls.filter(({ path }) => path.endsWith('/register')).length;
}

function repeated(output: string, processes: number): readonly string[] {
  const times = new Map<string, number>();
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const { msg }: { msg?: string } = JSON.parse(line);
    if (msg !== undefined) times.set(msg, (times.get(msg) ?? 0) + 1);
  }
  const often = [...times].filter(([, count]) => count > SAID_AT_MOST * processes);
  return often.map(([text, count]) => `printed ${count} times: ${text}`);
}

/** What the extension said in its own log, by reason. */
function toldLosses(output: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of output.split('\n').filter((text) => text.includes('log lines were lost'))) {
    const fields: Record<string, unknown> = JSON.parse(line);
    for (const reason of DROP_REASONS) {
      if (fields[reason] !== undefined) sums.set(reason, (sums.get(reason) ?? 0) + Number(fields[reason]));
    }
  }
  return sums;
}
