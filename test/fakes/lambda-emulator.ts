// An emulated Lambda for one extension, as a spawned executable or connecting from within the test: Extensions API,
// Logs API and Telemetry API. It validates what the extension sends, delivers records as the platform does, freezes the
// process between invocations and kills it at the deadline. It reports times; it asserts none.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiCall } from './lambda/api.ts';
import type { BodyOptions, Delivery } from './lambda/delivery.ts';
import { type FunctionFacts, functionArn } from './lambda/environment.ts';
import type {
  EmulatorOptions,
  InvokeOptions,
  InvokeResult,
  ShutdownOptions,
  ShutdownResult,
  StartResult,
} from './lambda/options.ts';
import {
  doneRecords,
  functionRecord,
  type InvocationFacts,
  type LambdaRecord,
  lambdaRecord,
  managedReport,
  reportRecords,
  startRecord,
} from './lambda/records.ts';
import { Sandbox } from './lambda/sandbox.ts';
import type { ExtensionSession } from './lambda/session.ts';
import type { Subscription } from './lambda/subscription.ts';

const functionTimeoutMs = 10_000;

/** Opens the emulator's port; `start()` then starts the extension, `stop()` ends everything. */
export async function createLambdaEmulator(options: EmulatorOptions = {}): Promise<LambdaEmulator> {
  const emulator = new LambdaEmulator(options);
  await emulator.listen();
  return emulator;
}

/** Drives one sandbox. Invariant: records of an invocation that come late are delivered at most once. */
export class LambdaEmulator {
  readonly #sandbox: Sandbox;
  readonly #freezes: boolean;
  #pending: { readonly at: 'next' | 'shutdown'; readonly records: readonly LambdaRecord[] }[] = [];

  constructor(options: EmulatorOptions) {
    this.#sandbox = new Sandbox(options);
    this.#freezes = options.freeze === true;
  }

  /** Value of `AWS_LAMBDA_RUNTIME_API`. */
  get runtimeApi(): string {
    return this.#sandbox.runtimeApi;
  }

  /** Everything the extension did that a correct one never does. */
  get violations(): readonly string[] {
    return this.#sandbox.violations;
  }

  /** Every call that reached the API, in order. */
  get calls(): readonly ApiCall[] {
    return this.#sandbox.calls;
  }

  /** Every record handed to delivery, in order; types that were not subscribed to are left out. */
  get emitted(): readonly LambdaRecord[] {
    return this.#sandbox.emitted;
  }

  /** Those of them whose body the extension has answered with 2xx. */
  get taken(): ReadonlySet<LambdaRecord> {
    return this.#sandbox.taken;
  }

  get function(): FunctionFacts {
    return this.#sandbox.facts;
  }

  /** The subscription of the extension that runs now. */
  get subscription(): Subscription | undefined {
    return this.#sandbox.session?.subscription;
  }

  /** Bodies delivered to the extension that runs now. */
  get deliveries(): readonly Delivery[] {
    return this.#sandbox.session?.delivery?.deliveries ?? [];
  }

  /** Process id of the extension that runs now. */
  get pid(): number | undefined {
    return this.#sandbox.process?.pid;
  }

  /** What all processes of this sandbox printed so far. */
  get output(): string {
    return this.#sandbox.processes.map((child) => child.stdout + child.stderr).join('');
  }

  listen(): Promise<void> {
    return this.#sandbox.listen();
  }

  /** Runs the init phase; throws when the extension does not get through it. */
  start(): Promise<StartResult> {
    return this.#sandbox.start();
  }

  /**
   * Runs one invocation; resolves when the extension has asked for the next event and, where that is switched on, is frozen.
   * After a timeout or a crash the sandbox is shut down, and the next invocation starts a new process.
   * Throws when the extension exits meanwhile.
   */
  async invoke(options: InvokeOptions = {}): Promise<InvokeResult> {
    if (this.#sandbox.session === undefined) await this.start();
    const session = this.#sandbox.live;
    const facts = this.#factsOf(options);
    const bodiesBefore = this.deliveries.length;
    const deadlineInMs = options.deadlineInMs ?? functionTimeoutMs;
    const deadlineEpochMs = this.#sandbox.now() + deadlineInMs;
    const deadlineMs = performance.now() + deadlineInMs;
    this.#sandbox.thaw();
    if (this.#sandbox.mode !== 'managed-instances')
      await this.#announce(session, facts, deadlineEpochMs, options.alias);
    else this.emit([startRecord(facts, functionArn(this.function))]);
    this.emit([...(options.lines ?? []).map(functionRecord), ...(options.records ?? []).map(complete)]);
    await options.during?.(facts.requestId);
    const runs = facts.outcome === 'timeout' ? deadlineMs - performance.now() : facts.durationMs;
    if (runs > 0) await wait(runs);
    const done = this.#finish(session, facts, options);
    const { heldMs, extensionTimedOut } = await this.#hold(session, facts, done.atMs, deadlineMs);
    this.#keep(options, done.report);
    const shutdown = await this.#reset(facts, extensionTimedOut, options.shutdown);
    const deliveryMs = (session.delivery?.deliveries ?? []).slice(bodiesBefore).map(answerMs);
    if (shutdown === undefined && this.#freezes) await this.#sandbox.freeze();
    const result = { requestId: facts.requestId, deadlineEpochMs, heldMs, deliveryMs, extensionTimedOut };
    return shutdown === undefined ? result : { ...result, shutdown };
  }

  /** Hands records to delivery at this moment, whatever the extension does. */
  emit(records: readonly LambdaRecord[]): void {
    this.#sandbox.emit(records);
  }

  /** Lines that the function prints at this moment. */
  log(lines: readonly string[]): void {
    this.emit(lines.map(functionRecord));
  }

  /** Sends bodies as they stand, one after the other; resolves when each has been answered with 2xx. */
  async deliver(bodies: readonly (string | Buffer)[], options: BodyOptions = {}): Promise<readonly Delivery[]> {
    const { delivery } = this.#sandbox.live;
    if (delivery === undefined) throw new Error('the extension has not subscribed');
    return Promise.all(bodies.map((body) => delivery.raw(body, options)));
  }

  /** Resolves when every record has been delivered; false after `timeoutMs`. */
  async delivered(timeoutMs = 10_000): Promise<boolean> {
    return (await this.#sandbox.session?.delivery?.idle(timeoutMs)) ?? true;
  }

  /** Stops the process now, as after the init of a sandbox that waits for its first call; the next event thaws it. */
  freeze(): Promise<void> {
    return this.#sandbox.freeze();
  }

  /** Runs the shutdown phase: event, late records, kill at the deadline. */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    const late = this.#pending.flatMap((pending) => pending.records);
    this.#pending = [];
    return this.#sandbox.end(options, late);
  }

  /** Kills the extension, if it lives, and closes the port. */
  stop(): Promise<void> {
    return this.#sandbox.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #factsOf(options: InvokeOptions): InvocationFacts {
    const tracing =
      options.tracing === undefined ? {} : { tracing: { type: 'X-Amzn-Trace-Id', value: options.tracing } };
    return {
      requestId: options.requestId ?? randomUUID(),
      outcome: options.outcome ?? 'success',
      durationMs: options.durationMs ?? 0,
      memorySizeMb: this.function.memorySizeMb,
      version: this.function.version,
      ...tracing,
    };
  }

  /** What is left of the invocation before, the start record, then the event. */
  async #announce(
    session: ExtensionSession,
    facts: InvocationFacts,
    deadlineMs: number,
    alias: string | undefined,
  ): Promise<void> {
    const ready = this.#pending.filter((pending) => pending.at === 'next');
    this.#pending = this.#pending.filter((pending) => pending.at !== 'next');
    this.emit([...ready.flatMap((pending) => pending.records), startRecord(facts)]);
    if (!session.events.includes('INVOKE')) return;
    await this.#sandbox.conditions.until(() => session.waiting || session.exit !== undefined);
    const { requestId, tracing } = facts;
    const invokedFunctionArn = functionArn(this.function, alias);
    const event = { eventType: 'INVOKE', deadlineMs, requestId, invokedFunctionArn, ...(tracing ? { tracing } : {}) };
    if (!session.send(event)) throw new Error(`the extension is gone; ${this.#sandbox.describe()}`);
  }

  /** The end of the function's work: its records, the moment, and the report that is still to come. */
  #finish(session: ExtensionSession, facts: InvocationFacts, options: InvokeOptions) {
    const atMs = performance.now();
    const { subscription } = session;
    if (subscription === undefined) return { atMs, report: [] };
    if (this.#sandbox.mode === 'managed-instances') {
      this.emit([managedReport(facts)]);
      return { atMs, report: [] };
    }
    const done = doneRecords(facts, subscription);
    this.emit(options.runtimeDone === 'never' ? done.filter(({ type }) => type !== 'platform.runtimeDone') : done);
    return { atMs, report: reportRecords(facts, subscription) };
  }

  /** Waits for the extension, where the platform does, until the function's timeout. */
  async #hold(session: ExtensionSession, facts: InvocationFacts, doneAtMs: number, deadlineMs: number) {
    // A timeout or a crash ends the invocation at once: the extension's next event is SHUTDOWN.
    const ended = facts.outcome === 'timeout' || facts.outcome === 'crash';
    if (ended || !session.events.includes('INVOKE')) return { heldMs: undefined, extensionTimedOut: false };
    const settled = () => session.waiting || session.exit !== undefined;
    const inTime = await this.#sandbox.conditions.until(settled, Math.max(deadlineMs - performance.now(), 1));
    if (session.exit !== undefined)
      throw new Error(`the extension exited in an invocation; ${this.#sandbox.describe()}`);
    // An extension that asked for next before the function was done has held nothing up.
    const heldMs = inTime ? Math.max(0, session.nextAskedMs - doneAtMs) : undefined;
    return { heldMs, extensionTimedOut: !inTime };
  }

  #keep(options: InvokeOptions, report: readonly LambdaRecord[]): void {
    const late = (options.lateLines ?? []).map(functionRecord);
    const { reportDelivery = 'next' } = options;
    if (late.length > 0) this.#pending.push({ at: 'next', records: late });
    if (reportDelivery !== 'never' && report.length > 0) this.#pending.push({ at: reportDelivery, records: report });
  }

  /** The end of the sandbox after a timeout or a crash. */
  async #reset(
    facts: InvocationFacts,
    extensionTimedOut: boolean,
    options: ShutdownOptions = {},
  ): Promise<ShutdownResult | undefined> {
    if (this.#sandbox.mode === 'managed-instances') return undefined;
    if (facts.outcome === 'crash') return this.shutdown({ reason: 'failure', ...options });
    if (facts.outcome === 'timeout' || extensionTimedOut) return this.shutdown({ reason: 'timeout', ...options });
    return undefined;
  }
}

function complete(record: NonNullable<InvokeOptions['records']>[number]): LambdaRecord {
  // A record whose time is odd on purpose goes out as it is.
  return { ...lambdaRecord(record.type, record.record), ...record } as LambdaRecord;
}

function answerMs(delivery: Delivery): number {
  return delivery.attempts.at(-1)?.tookMs ?? 0;
}
