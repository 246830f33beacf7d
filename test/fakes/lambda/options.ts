// What the Lambda emulator is told and what it reports: the options and results of its calls.
// Times are milliseconds; those that end in `EpochMs` are moments, the others durations.

import type { Intercept } from './api.ts';
import type { FunctionFacts } from './environment.ts';
import type { Outcome } from './records.ts';
import type { Mode } from './session.ts';

export interface EmulatorOptions {
  /** The wall clock of the sandbox in epoch milliseconds, which deadlines are told by; default: the machine's. */
  readonly now?: (() => number) | undefined;
  /** Path of the extension; without it an extension within the test connects to `runtimeApi`. */
  readonly executable?: string;
  /** Default: the executable's file name. */
  readonly extensionName?: string;
  /** The customer's variables of the function, laid over the platform's; `undefined` removes one. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly function?: Partial<FunctionFacts>;
  readonly mode?: Mode;
  readonly telemetryVersions?: readonly string[];
  /** Stops the process between invocations (SIGSTOP), once next is asked for and everything is delivered. */
  readonly freeze?: boolean;
  /** Runs while the process is frozen: the moment to cut its connections. */
  readonly onFrozen?: () => void | Promise<void>;
  readonly intercept?: Intercept;
  /** Limit of the init phase. */
  readonly initTimeoutMs?: number;
}

export interface InvokeOptions {
  /** Lines that the function prints, delivered with a newline each. */
  readonly lines?: readonly string[];
  /** Records delivered as they are, after the lines; without `time` they get the current one. */
  readonly records?: readonly { readonly time?: unknown; readonly type: string; readonly record?: unknown }[];
  /** How long the function runs; a timeout takes until the deadline. */
  readonly durationMs?: number;
  /** The function's timeout. */
  readonly deadlineInMs?: number;
  readonly outcome?: Outcome;
  readonly requestId?: string;
  /** The trace header's value. */
  readonly tracing?: string;
  /** The alias at the end of the invoked ARN. */
  readonly alias?: string;
  /** When the report comes: with the next invocation, at SHUTDOWN, or never. */
  readonly reportDelivery?: 'next' | 'never' | 'shutdown';
  /** `never`: the record that marks the end of the function's work is lost. */
  readonly runtimeDone?: 'delivered' | 'never';
  /** Runs as the function, before its end. */
  readonly during?: (requestId: string) => Promise<void>;
  /** The SHUTDOWN after a timeout or a crash. */
  readonly shutdown?: ShutdownOptions;
  /** Lines that the platform reads too late for this invocation: they come with the report. */
  readonly lateLines?: readonly string[];
}

export interface InvokeResult {
  readonly requestId: string;
  readonly deadlineEpochMs: number;
  /** From the end of the function's work to the extension's request for next; `undefined` if nobody waits for it. */
  readonly heldMs: number | undefined;
  /** How long the listener took to answer each body of this invocation. */
  readonly deliveryMs: readonly number[];
  /** The extension held the invocation past the function's timeout. */
  readonly extensionTimedOut: boolean;
  /** How the sandbox ended, after a timeout or a crash. */
  readonly shutdown?: ShutdownResult;
}

export interface ShutdownOptions {
  /** Default `spindown`; any word is taken. */
  readonly reason?: string;
  /** Time from the event to the kill; default 2,000. */
  readonly deadlineInMs?: number;
  /** The kill comes then, if that is not at the deadline that the event names. */
  readonly killInMs?: number;
  /** Lines delivered during the shutdown. */
  readonly lateLines?: readonly string[];
  /** How long after the event late lines and reports come. */
  readonly lateAfterMs?: number;
}

export interface ShutdownResult {
  readonly exitCode: number | null | undefined;
  readonly signal: NodeJS.Signals | null | undefined;
  readonly exitedBeforeDeadline: boolean;
  /** From the event's deadline being set to the exit. */
  readonly tookMs: number;
}

/** How long the init phase took, from the start of the process. */
export interface StartResult {
  readonly registeredAfterMs: number;
  readonly firstNextAfterMs: number;
}
