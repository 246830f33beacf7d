// The extension's own log: one JSON line per message on stdout, written by pino. A healthy run prints nothing, so what
// prints is loaded when the first message has to be printed and not before: it would cost every cold start 2 to 10 ms
// and 0.6 MB. Trouble is handed over as it was seen; the sink says in words what it is, and takes every secret out of
// all that it prints.
import { writeSync } from 'node:fs';
import type { Diagnosis } from './diagnosis/diagnosis.ts';
import type { SandboxSymptom } from './diagnosis/symptoms.ts';
import type { EpochMs } from './time.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type MessageLevel = Exclude<LogLevel, 'silent'>;
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The name in each of our own lines. The pipeline knows them by it, so that they never come back round. */
export const LOG_NAME = 'aws-lambda-loki-extension';

/** A diagnosis is not told again before this. */
export const TOLD_AGAIN_AFTER_MS = 60_000;

/** Prints one message as it is. */
export type Print = (level: MessageLevel, message: string, fields: LogFields) => void;

/** What the late code knows: what to call things, and what must not be said. */
export interface Words {
  /** Takes every secret out of a text. */
  readonly mask: (text: string) => string;
  readonly diagnose: (symptom: SandboxSymptom) => Diagnosis;
}

export interface LogSink {
  readonly print: Print;
  readonly words: Words;
}

export interface Log {
  /** Whether messages of this level are printed: what only serves one that is not need not be done. */
  isOn(level: MessageLevel): boolean;
  write(level: MessageLevel, message: string, fields?: LogFields): void;
  /** Like `write`, but silent once something was printed under the same `key`, for ever or for `againAfterMs`. */
  writeOnce(key: string, level: MessageLevel, message: string, fields?: LogFields, againAfterMs?: number): void;
  /** Says what is wrong and what to do about it, each diagnosis at most once a minute. */
  tell(diagnosis: Diagnosis): void;
  /** The same for what is seen before the code is there that has the words. */
  tellSymptom(symptom: SandboxSymptom): void;
  /** Brings the words before anything has to be printed; whoever has them calls it. */
  equip(words: Words): void;
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
  printPlainly: Print = printLine,
): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  let sink: LogSink | undefined;
  let words: Words = BARE_WORDS;
  let equipped = false;
  let loading: Promise<void> | undefined;
  const waiting: ((sink: LogSink) => void)[] = [];
  const printedAtMs = new Map<string, EpochMs>();

  async function load(): Promise<void> {
    try {
      useSink(await loadSink());
    } catch {
      useSink({ print: () => {}, words });
    }
  }

  function useSink(newSink: LogSink): void {
    // Who has equipped us knows secrets that came later.
    sink ??= equipped ? { ...newSink, words } : newSink;
    for (const use of waiting.splice(0)) withSink(use);
  }

  /** Runs what needs the sink, in order: now, or when it is loaded. */
  function withSink(use: (sink: LogSink) => void): void {
    if (!sink) {
      waiting.push(use);
      loading ??= load();
      return;
    }
    try {
      use(sink);
    } catch {
      // Nobody reads our output any more. That is no reason to stop.
    }
  }

  const isOn = (messageLevel: MessageLevel) => LOG_LEVELS.indexOf(messageLevel) >= threshold;

  function write(messageLevel: MessageLevel, message: string, fields: LogFields = {}): void {
    if (isOn(messageLevel)) withSink((loaded) => printMasked(loaded, messageLevel, message, fields));
  }

  function writeOnce(
    key: string,
    messageLevel: MessageLevel,
    message: string,
    fields: LogFields = {},
    againAfterMs = Number.POSITIVE_INFINITY,
  ): void {
    const agoMs = now() - (printedAtMs.get(key) ?? Number.NEGATIVE_INFINITY);
    // A clock that was set back must not keep us silent.
    if (agoMs >= 0 && agoMs < againAfterMs) return;
    printedAtMs.set(key, now());
    write(messageLevel, message, fields);
  }

  function tell({ id, level: itsLevel, sentence, remedy }: Diagnosis): void {
    writeOnce(id, itsLevel, sentence, { id, remedy }, TOLD_AGAIN_AFTER_MS);
  }

  return {
    isOn,
    write,
    writeOnce,
    tell,
    tellSymptom(symptom) {
      if (!isOn(symptom.kind === 'no_delivery' ? 'info' : 'error')) return;
      withSink((loaded) => {
        const diagnosis = loaded.words.diagnose(symptom);
        const { id, level: itsLevel, sentence, remedy } = diagnosis;
        // Each setting is a matter of its own, and all of them are told together.
        if (symptom.kind === 'setting' || symptom.kind === 'unknown_setting') write(itsLevel, sentence, { id, remedy });
        else tell(diagnosis);
      });
    },
    equip(newWords) {
      words = newWords;
      equipped = true;
      if (sink) sink = { ...sink, words };
    },
    async printed() {
      await loading;
    },
    close: () => useSink({ print: printPlainly, words }),
  };
}

/** The door: nothing is printed but through here. */
function printMasked(
  { print, words: { mask } }: LogSink,
  level: MessageLevel,
  message: string,
  fields: LogFields,
): void {
  const masked = Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? mask(value) : value]);
  print(level, mask(message), Object.fromEntries(masked));
}

/** The form of `log-pino.ts`. */
function printLine(level: MessageLevel, message: string, fields: LogFields): void {
  const line = { level, time: Date.now(), name: LOG_NAME, pid: process.pid, ...fields, msg: message };
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** Where the last moments come before anything was loaded. What boot says by itself holds no secret. */
const BARE_WORDS: Words = {
  mask: (text) => text,
  diagnose: (symptom) =>
    symptom.kind === 'setting'
      ? { id: 'setting_ignored', level: symptom.level, sentence: symptom.message, remedy: '' }
      : { id: 'internal_error', level: 'error', sentence: symptom.kind.replaceAll('_', ' '), remedy: '' },
};

/**
 * @returns a test for lines of the `extension` stream: whether they were printed by the process `pid`, that is by us
 */
export function createOwnLineTest(pid: number): (line: string) => boolean {
  const ownLine = new RegExp(`^\\{"level":"[a-z]+","time":\\d+,"name":"${LOG_NAME}","pid":${pid},`);
  return (line) => ownLine.test(line);
}
