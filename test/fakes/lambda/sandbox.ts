// One execution environment: the API's port, the extension's process and its session, start, freeze, thaw and end.
// What runs in it, invocation by invocation, is the business of the emulator that drives it.

import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Conditions } from '../conditions.ts';
import { LoopbackServer } from '../loopback-server.ts';
import { type ApiCall, serveApi } from './api.ts';
import { defaultFunction, type FunctionFacts, platformVariables } from './environment.ts';
import type { EmulatorOptions, ShutdownOptions, ShutdownResult, StartResult } from './options.ts';
import { ExtensionProcess } from './process.ts';
import { functionRecord, initRecords, type LambdaRecord, lambdaRecord, subscriptionRecord } from './records.ts';
import { ExtensionSession, type Mode } from './session.ts';
import { schemaVersions } from './subscription.ts';

const initLimitMs = 10_000;
const shutdownLimitMs = 2_000;

/** Invariant: at most one session lives at a time, and its process is dead before the next one starts. */
export class Sandbox {
  /** Everything the extension did that a correct one never does. */
  readonly violations: string[] = [];
  readonly calls: ApiCall[] = [];
  readonly emitted: LambdaRecord[] = [];
  readonly taken = new Set<LambdaRecord>();
  readonly processes: ExtensionProcess[] = [];
  readonly facts: FunctionFacts;
  readonly mode: Mode;
  readonly name: string;
  readonly conditions = new Conditions();
  readonly #options: EmulatorOptions;
  readonly #server: LoopbackServer;
  #session: ExtensionSession | undefined;
  #process: ExtensionProcess | undefined;
  #ending = false;
  #frozen = false;

  constructor(options: EmulatorOptions) {
    this.#options = options;
    this.mode = options.mode ?? 'on-demand';
    const type = this.mode === 'managed-instances' ? { initializationType: 'lambda-managed-instances' } : {};
    this.facts = { ...defaultFunction, ...type, ...options.function };
    this.name = options.extensionName ?? basename(options.executable ?? 'aws-lambda-loki-extension');
    const onCall = (call: ApiCall) => void this.calls.push(call);
    const onViolation = (what: string) => void this.violations.push(what);
    const context = { session: () => this.#session, intercept: options.intercept, onCall, onViolation };
    this.#server = new LoopbackServer((request, response) => serveApi(request, response, context));
  }

  /** Value of `AWS_LAMBDA_RUNTIME_API`. */
  get runtimeApi(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  get session(): ExtensionSession | undefined {
    return this.#session;
  }

  get process(): ExtensionProcess | undefined {
    return this.#process;
  }

  /** The wall clock that deadlines are told by. */
  now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** The living session, for callers that know that there is one. */
  get live(): ExtensionSession {
    if (this.#session === undefined) throw new Error('no extension is running: start the emulator first');
    return this.#session;
  }

  async listen(): Promise<void> {
    await this.#server.listen();
    if (this.#options.executable === undefined) this.#open();
  }

  /** Runs the init phase: resolves when the extension has asked for its first event, throws when it does not. */
  async start(): Promise<StartResult> {
    const session = this.#open();
    if (this.#options.executable !== undefined) this.#spawn(this.#options.executable, session);
    const settled = () => session.firstNextMs !== undefined || session.exit !== undefined;
    await this.conditions.until(settled, this.#options.initTimeoutMs ?? initLimitMs);
    if (session.firstNextMs === undefined || session.registeredMs === undefined) {
      throw new Error(`the extension did not get through init; ${this.describe()}`);
    }
    const { subscription, events } = session;
    if (subscription !== undefined) {
      this.emit([subscriptionRecord(this.name, subscription)]);
      this.emit(initRecords(this.name, events, this.facts.initializationType, subscription));
    }
    return {
      registeredAfterMs: session.registeredMs - session.startedMs,
      firstNextAfterMs: session.firstNextMs - session.startedMs,
    };
  }

  /** Hands records to delivery, those of the subscribed types. */
  emit(records: readonly LambdaRecord[]): void {
    const { subscription, delivery } = this.#session ?? {};
    if (subscription === undefined || delivery === undefined) return;
    const wanted = records.filter((record) => subscription.types.includes(streamOf(record.type)));
    for (const record of wanted) this.emitted.push(record);
    delivery.add(wanted);
  }

  async freeze(): Promise<void> {
    const limitMs = 5_000;
    if ((await this.#session?.delivery?.idle(limitMs)) === false) {
      this.violations.push(`records not taken within ${limitMs} ms`);
    }
    if (this.#process === undefined) return;
    await this.#process.freeze();
    this.#frozen = true;
    await this.#options.onFrozen?.();
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#process?.thaw();
  }

  /** Runs the shutdown phase and ends the session; the process is dead afterwards. */
  async end(options: ShutdownOptions, pending: readonly LambdaRecord[]): Promise<ShutdownResult> {
    const session = this.live;
    const startedMs = performance.now();
    const deadlineInMs = options.deadlineInMs ?? shutdownLimitMs;
    const deadlineMs = this.now() + deadlineInMs;
    this.#ending = true;
    this.thaw();
    const kill = setTimeout(() => this.#process?.signal('SIGKILL'), Math.max(0, options.killInMs ?? deadlineInMs));
    if (!session.events.includes('SHUTDOWN')) this.#process?.signal('SIGKILL');
    await this.conditions.until(() => session.waiting || session.exit !== undefined, deadlineInMs);
    session.send({ eventType: 'SHUTDOWN', deadlineMs, shutdownReason: options.reason ?? 'spindown' });
    const lateAfterMs = options.lateAfterMs ?? 0;
    if (lateAfterMs > 0) await this.conditions.until(() => session.exit !== undefined, lateAfterMs);
    this.emit([...(options.lateLines ?? []).map(functionRecord), ...pending]);
    if (this.#process !== undefined) await this.conditions.until(() => session.exit !== undefined);
    clearTimeout(kill);
    this.#ending = false;
    const { exit } = session;
    if (this.#process !== undefined) this.#close();
    const exitedBeforeDeadline = exit !== undefined && exit.signal === null;
    return { exitCode: exit?.code, signal: exit?.signal, exitedBeforeDeadline, tookMs: performance.now() - startedMs };
  }

  async stop(): Promise<void> {
    this.#ending = true;
    this.#process?.signal('SIGKILL');
    const { session } = this;
    if (this.#process !== undefined) await this.conditions.until(() => session?.exit !== undefined);
    this.#close();
    await this.#server.refuse();
  }

  /** What is known about a sandbox that went wrong. */
  describe(): string {
    const { exit } = this.#session ?? {};
    const output =
      this.#process === undefined ? '' : `stdout: ${this.#process.stdout}\nstderr: ${this.#process.stderr}`;
    return `exit: ${JSON.stringify(exit)}, violations: ${JSON.stringify(this.violations)}\n${output}`;
  }

  #open(): ExtensionSession {
    // An extension within the test may have registered before `start()` is called: it keeps its session.
    if (this.#session !== undefined && this.#options.executable === undefined) return this.#session;
    this.#close();
    const rules = {
      mode: this.mode,
      extensionName: this.name,
      function: this.facts,
      telemetryVersions: this.#telemetryVersions(),
      onViolation: (what: string) => void this.violations.push(what),
      onTaken: (records: readonly LambdaRecord[]) => {
        for (const record of records) this.taken.add(record);
      },
    };
    this.#session = new ExtensionSession(rules, this.conditions);
    return this.#session;
  }

  #telemetryVersions(): readonly string[] {
    if (this.#options.telemetryVersions !== undefined) return this.#options.telemetryVersions;
    return this.mode === 'managed-instances' ? ['2025-01-29'] : schemaVersions.telemetry;
  }

  #close(): void {
    this.#session?.delivery?.stop();
    this.#session = undefined;
    this.#process = undefined;
    this.#frozen = false;
  }

  #spawn(executable: string, session: ExtensionSession): void {
    const variables = { ...platformVariables(this.facts, this.runtimeApi), ...this.#options.environment };
    const set = Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined);
    this.#process = new ExtensionProcess({
      executable,
      environment: Object.fromEntries(set),
      onLine: (line) => this.emit([lambdaRecord('extension', `${line}\n`)]),
      onExit: (exit) => {
        session.exit = exit;
        if (!this.#ending) this.violations.push(`exit outside of SHUTDOWN: ${JSON.stringify(exit)}`);
        this.conditions.changed();
      },
    });
    this.processes.push(this.#process);
  }
}

/** The subscription type that a record belongs to. */
function streamOf(type: string): string {
  return type === 'function' || type === 'extension' ? type : 'platform';
}
