// The extension's own log: one JSON line per message on stdout, written by pino. A healthy run prints nothing, so the
// printing code is loaded only when the first message is due: loading it would cost every cold start 2 to 10 ms and 0.6
// MB. Callers report a symptom as they saw it; the sink puts it into words and masks every secret in all that it
// prints.
import { writeSync } from 'node:fs';
import type { Diagnosis } from './diagnosis/diagnosis.ts';
import type { SandboxSymptom } from './diagnosis/symptoms.ts';
import type { EpochMs } from './time.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type MessageLevel = Exclude<LogLevel, 'silent'>;
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The logger name in each of our own lines. The pipeline recognizes them by it, so they never loop back to Loki. */
export const LOG_NAME = 'aws-lambda-loki-extension';

/** The same diagnosis is not reported again within this time. */
export const TOLD_AGAIN_AFTER_MS = 60_000;

/** Prints one message unchanged. */
export type Print = (level: MessageLevel, message: string, fields: LogFields) => void;

/** What the late code contributes: the wording of diagnoses, and the secrets to mask. */
export interface Words {
  /** Masks every secret in a text. */
  readonly mask: (text: string) => string;
  readonly diagnose: (symptom: SandboxSymptom) => Diagnosis;
}

export interface LogSink {
  readonly print: Print;
  readonly words: Words;
}

export interface Log {
  /** Whether messages of this level are printed. If not, callers can skip the work of preparing one. */
  isOn(level: MessageLevel): boolean;
  write(level: MessageLevel, message: string, fields?: LogFields): void;
  /** Like `write`, but silent after a message with the same `key`, for ever or for `againAfterMs`. */
  writeOnce(key: string, level: MessageLevel, message: string, fields?: LogFields, againAfterMs?: number): void;
  /** Reports a problem and its remedy, each diagnosis at most once a minute. */
  tell(diagnosis: Diagnosis): void;
  /** The same for a symptom that is seen before the code that puts it into words is loaded. */
  tellSymptom(symptom: SandboxSymptom): void;
  /** Supplies the words before anything has to be printed. Whoever loads them calls this. */
  equip(words: Words): void;
  /** Resolves when everything written so far has been printed. */
  printed(): Promise<void>;
  /**
   * Announces the final moments: nothing more is loaded, and messages that pino cannot print any more are printed
   * without it.
   */
  close(): void;
}

/**
 * @param loadSink called once, at the first message at or above the level. If it fails, messages are discarded: logging
 * must never break the function.
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
    // Words given through `equip` take precedence: they know secrets that were fetched later.
    sink ??= equipped ? { ...newSink, words } : newSink;
    for (const use of waiting.splice(0)) withSink(use);
  }

  /** Runs what needs the sink, in order: now, or once it is loaded. */
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
    // If the clock was set back, report all the same.
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
        // Each setting is a problem of its own, and all of them are reported together.
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

/** The only way out: everything printed passes through here. */
function printMasked(
  { print, words: { mask } }: LogSink,
  level: MessageLevel,
  message: string,
  fields: LogFields,
): void {
  const masked = Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? mask(value) : value]);
  print(level, mask(message), Object.fromEntries(masked));
}

/** Produces the format of `log-pino.ts`. */
function printLine(level: MessageLevel, message: string, fields: LogFields): void {
  const line = { level, time: Date.now(), name: LOG_NAME, pid: process.pid, ...fields, msg: message };
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** Used when the final moments come before anything was loaded. Messages of the boot code contain no secrets. */
const BARE_WORDS: Words = {
  mask: (text) => text,
  diagnose: (symptom) =>
    symptom.kind === 'setting'
      ? { id: 'setting_ignored', level: symptom.level, sentence: symptom.message, remedy: '' }
      : { id: 'internal_error', level: 'error', sentence: symptom.kind.replaceAll('_', ' '), remedy: '' },
};

/**
 * @returns a predicate for lines of the `extension` stream: whether the process `pid`, that is this extension, printed
 * the line
 */
export function createOwnLineTest(pid: number): (line: string) => boolean {
  const ownLine = new RegExp(`^\\{"level":"[a-z]+","time":\\d+,"name":"${LOG_NAME}","pid":${pid},`);
  return (line) => ownLine.test(line);
}
