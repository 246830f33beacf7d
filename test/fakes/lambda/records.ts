// Records as the Logs API and the Telemetry API deliver them: envelope, platform events, their differences by schema.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

import type { Subscription } from './subscription.ts';

/** One record on its way to the extension; `time` is ISO 8601 with milliseconds. */
export interface LambdaRecord {
  readonly time: string;
  readonly type: string;
  readonly record: unknown;
}

/** How an invocation ended: as the handler ends it, at the function's timeout, or by the end of the runtime. */
export type Outcome = 'success' | 'error' | 'timeout' | 'crash';

/** What the platform knows about one invocation when it writes its records. */
export interface InvocationFacts {
  readonly requestId: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly memorySizeMb: number;
  readonly version: string;
  readonly tracing?: { readonly type: string; readonly value: string };
}

/** A record of any type, stamped with the current time unless told otherwise. */
export function lambdaRecord(type: string, record: unknown, timeEpochMs: number = Date.now()): LambdaRecord {
  return { time: new Date(timeEpochMs).toISOString(), type, record };
}

/** A line of the function, as the runtime hands it on: with its newline. */
export function functionRecord(line: string): LambdaRecord {
  return lambdaRecord('function', `${line}\n`);
}

export function startRecord(facts: InvocationFacts, functionArn?: string): LambdaRecord {
  const arn = functionArn === undefined ? {} : { functionArn };
  return lambdaRecord('platform.start', {
    requestId: facts.requestId,
    version: facts.version,
    ...tracing(facts),
    ...arn,
  });
}

/** What marks the end of the runtime's work; with the Logs API a crash has a `platform.fault` too. */
export function doneRecords(facts: InvocationFacts, { api, schemaVersion }: Subscription): readonly LambdaRecord[] {
  const { requestId, outcome } = facts;
  const errorType = errorTypeOf(outcome);
  if (api === 'telemetry') {
    const status = outcome === 'crash' ? 'error' : outcome;
    const error = errorType === undefined ? {} : { errorType };
    const metrics = { durationMs: facts.durationMs, producedBytes: 42 };
    const spans = [{ name: 'responseLatency', start: new Date().toISOString(), durationMs: facts.durationMs }];
    return [lambdaRecord('platform.runtimeDone', { requestId, status, ...error, metrics, spans, ...tracing(facts) })];
  }
  const records: LambdaRecord[] = [];
  if (outcome === 'crash') {
    records.push(
      lambdaRecord(
        'platform.fault',
        `RequestId: ${requestId} Error: Runtime exited with error: exit status 1\n${errorType}`,
      ),
    );
  }
  const status = outcome === 'success' || outcome === 'timeout' ? outcome : 'failure';
  if (schemaVersion !== '2020-08-15') records.push(lambdaRecord('platform.runtimeDone', { requestId, status }));
  return records;
}

/** What is written after the extension has asked for the next event: the end (Logs API) and the report. */
export function reportRecords(facts: InvocationFacts, { api }: Subscription): readonly LambdaRecord[] {
  const { requestId, outcome, durationMs } = facts;
  const metrics = {
    durationMs,
    billedDurationMs: Math.ceil(durationMs),
    memorySizeMB: facts.memorySizeMb,
    maxMemoryUsedMB: Math.ceil(facts.memorySizeMb / 2),
  };
  const report = { requestId, metrics, ...tracing(facts) };
  if (api === 'logs') return [lambdaRecord('platform.end', { requestId }), lambdaRecord('platform.report', report)];
  const errorType = errorTypeOf(outcome);
  const status = outcome === 'crash' ? 'error' : outcome;
  return [lambdaRecord('platform.report', { ...report, status, ...(errorType === undefined ? {} : { errorType }) })];
}

/** The report of an invocation on managed instances: the only record that ends it. */
export function managedReport({ requestId, outcome, durationMs }: InvocationFacts): LambdaRecord {
  const status = outcome === 'crash' ? 'error' : outcome;
  const error = outcome === 'timeout' ? { errorType: 'Sandbox.Timedout' } : {};
  const spans = [{ name: 'responseLatency', start: new Date().toISOString(), durationMs }];
  return lambdaRecord('platform.report', { requestId, status, ...error, metrics: { durationMs }, spans });
}

/** What the platform writes around a subscription. */
export function subscriptionRecord(name: string, subscription: Subscription): LambdaRecord {
  const type = subscription.api === 'logs' ? 'platform.logsSubscription' : 'platform.telemetrySubscription';
  return lambdaRecord(type, { name, state: 'Subscribed', types: subscription.types });
}

/** The end of the init phase. */
export function initRecords(
  name: string,
  events: readonly string[],
  initializationType: string,
  { api }: Subscription,
): readonly LambdaRecord[] {
  const phase = api === 'telemetry' ? { phase: 'init' } : {};
  const metrics = { durationMs: 100.5 };
  // Each is stamped when it is made, so they are made in their order.
  const start = api === 'logs' ? [] : [lambdaRecord('platform.initStart', { initializationType, phase: 'init' })];
  return [
    ...start,
    lambdaRecord('platform.extension', { name, state: 'Ready', events }),
    lambdaRecord('platform.initRuntimeDone', { initializationType, ...phase, status: 'success' }),
    lambdaRecord('platform.initReport', { initializationType, ...phase, metrics }),
  ];
}

function errorTypeOf(outcome: Outcome): string | undefined {
  if (outcome === 'success') return undefined;
  if (outcome === 'crash') return 'Runtime.ExitError';
  return outcome === 'timeout' ? 'Sandbox.Timeout' : 'Function.Unknown';
}

function tracing(facts: InvocationFacts): { tracing?: unknown } {
  return facts.tracing === undefined ? {} : { tracing: { spanId: '53995c3f42cd8ad8', ...facts.tracing } };
}
