// The records that the platform delivers, as JSON bodies: those of the init, of an invocation, and floods of log lines; and its
// buffering. Shapes: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html

import { generateLines } from '../../test/fakes/generate.ts';

export interface LambdaRecord {
  readonly time: string;
  readonly type: string;
  readonly record: string | object;
}

export function platformRecord(event: string, record: object, atMs = Date.now()): LambdaRecord {
  return { time: new Date(atMs).toISOString(), type: `platform.${event}`, record };
}

export function functionRecord(line: string, atMs = Date.now()): LambdaRecord {
  return { time: new Date(atMs).toISOString(), type: 'function', record: `${line}\n` };
}

/** What is delivered during every init. */
export function initRecords(): LambdaRecord[] {
  const extension = { name: 'aws-lambda-loki-extension', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] };
  const subscription = { name: extension.name, state: 'Subscribed', types: ['platform', 'function'] };
  return [
    platformRecord('initStart', { initializationType: 'on-demand', phase: 'init', runtimeVersion: 'nodejs:24.v1' }),
    platformRecord('logsSubscription', subscription),
    platformRecord('extension', extension),
    platformRecord('initRuntimeDone', { initializationType: 'on-demand', phase: 'init', status: 'success' }),
    platformRecord('initReport', { initializationType: 'on-demand', phase: 'init', metrics: { durationMs: 143.21 } }),
  ];
}

export function startRecord(requestId: string, atMs?: number): LambdaRecord {
  return platformRecord('start', { requestId, version: '$LATEST' }, atMs);
}

export function runtimeDoneRecord(requestId: string, atMs?: number): LambdaRecord {
  return platformRecord('runtimeDone', { requestId, status: 'success' }, atMs);
}

export function reportRecord(requestId: string, atMs?: number): LambdaRecord {
  const metrics = { durationMs: 12.5, billedDurationMs: 13, memorySizeMB: 128, maxMemoryUsedMB: 91 };
  return platformRecord('report', { requestId, status: 'success', metrics }, atMs);
}

export function requestIdOf(index: number): string {
  return `8d1f5a1e-4c0e-4c61-9d63-${index.toString(16).padStart(12, '0')}`;
}

/** What the platform writes at the start of an invocation: the report of the one before, and the start. */
export function beginRecords(index: number, atMs?: number): LambdaRecord[] {
  const report = index > 0 ? [reportRecord(requestIdOf(index - 1), atMs)] : [];
  return [...report, startRecord(requestIdOf(index), atMs)];
}

/** The least that can be subscribed to. */
export const BUFFERING_MS = 25;

/**
 * The platform's buffering: takes records, and delivers a buffering period after the first of them what there is by then.
 * @param after runs something so much later if the sandbox is awake, as delivery needs both sides; else at its thaw
 */
export function gatherRecords(after: (delayMs: number, run: () => void) => unknown, deliver: (body: string) => void) {
  let gathered: LambdaRecord[] = [];
  return (record: LambdaRecord): void => {
    gathered.push(record);
    if (gathered.length > 1) return;
    after(BUFFERING_MS, () => {
      const body = JSON.stringify(gathered);
      gathered = [];
      deliver(body);
    });
  };
}

/** What one invocation prints. */
export interface Flood {
  readonly requestId: string;
  readonly bodies: readonly string[];
  readonly lines: number;
  /** Bytes of UTF-8 of the log text. */
  readonly textBytes: number;
}

/** Mixed lines of about 120 bytes, the same in each run. */
export function flood(bodies: number, linesPerBody: number, requestId = requestIdOf(1)): Flood {
  const lines = generateLines(bodies * linesPerBody, { requestId });
  const startMs = Date.now();
  return {
    requestId,
    bodies: Array.from({ length: bodies }, (_, body) =>
      JSON.stringify(
        lines
          .slice(body * linesPerBody, (body + 1) * linesPerBody)
          .map((line, index) => functionRecord(line, startMs + Math.floor((body * linesPerBody + index) / 10))),
      ),
    ),
    lines: lines.length,
    textBytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0),
  };
}
