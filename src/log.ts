// The extension's own log: one JSON line per message on stdout, written by pino. A healthy run prints nothing, so pino is loaded
// when the first message has to be printed and not before: it would cost every cold start 2 to 10 ms and 0.6 MB.
// Never give it credentials or the contents of a log line.
import { writeSync } from 'node:fs';
import type { EpochMs } from './time.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type MessageLevel = Exclude<LogLevel, 'silent'>;
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The name in each of our own lines. The pipeline knows them by it, so that they never come back round. */
export const LOG_NAME = 'aws-lambda-loki-extension';

/** Prints one message. */
export type LogSink = (level: MessageLevel, message: string, fields: LogFields) => void;

export interface Log {
  write(level: MessageLevel, message: string, fields?: LogFields): void;
  /** Like `write`, but silent once something was printed under the same `key`, for ever or for `againAfterMs`. */
  writeOnce(key: string, level: MessageLevel, message: string, fields?: LogFields, againAfterMs?: number): void;
  /** Resolves when all that was written so far has been printed. */
  printed(): Promise<void>;
  /** The last moments begin: nothing is loaded any more, and what pino is not there for is printed without it. */
  close(): void;
}

/**
 * @param loadSink called once, at the first message that is at or above the level. If it fails, messages are discarded:
 * the log is the last thing that may break the function.
 */
export function createLog(
  level: LogLevel,
  loadSink: () => Promise<LogSink>,
  now: () => EpochMs,
  plainSink: LogSink = printPlainly,
): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  let sink: LogSink | undefined;
  let loading: Promise<void> | undefined;
  const waiting: Parameters<LogSink>[] = [];
  const printedAtMs = new Map<string, EpochMs>();

  async function load(): Promise<void> {
    try {
      use(await loadSink());
    } catch {
      use(() => {});
    }
  }

  function use(newSink: LogSink): void {
    sink ??= newSink;
    for (const message of waiting.splice(0)) print(...message);
  }

  function print(...message: Parameters<LogSink>): void {
    try {
      sink?.(...message);
    } catch {
      // Nobody reads our output any more. That is no reason to stop.
    }
  }

  function write(messageLevel: MessageLevel, message: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(messageLevel) < threshold) return;
    if (sink) {
      print(messageLevel, message, fields);
      return;
    }
    waiting.push([messageLevel, message, fields]);
    loading ??= load();
  }

  return {
    write,
    writeOnce(key, messageLevel, message, fields, againAfterMs = Number.POSITIVE_INFINITY) {
      const lastMs = printedAtMs.get(key);
      if (lastMs !== undefined && now() - lastMs < againAfterMs) return;
      printedAtMs.set(key, now());
      write(messageLevel, message, fields);
    },
    async printed() {
      await loading;
    },
    close: () => use(plainSink),
  };
}

/** The form of `log-pino.ts`. */
const printPlainly: LogSink = (level, message, fields) => {
  const line = { level, time: Date.now(), name: LOG_NAME, pid: process.pid, ...fields, msg: message };
  writeSync(1, `${JSON.stringify(line)}\n`);
};

/** @returns a test for lines of the `extension` stream: whether they were printed by the process `pid`, that is by us */
export function createOwnLineTest(pid: number): (line: string) => boolean {
  const ownLine = new RegExp(`^\\{"level":"[a-z]+","time":\\d+,"name":"${LOG_NAME}","pid":${pid},`);
  return (line) => ownLine.test(line);
}
