// Stand-ins for the two edges of the core: a log that remembers, and a push client whose answers a test scripts.
import { diagnoseSandbox } from '../../src/diagnosis/diagnosis.ts';
import { targetOf } from '../../src/diagnosis/target.ts';
import { LOG_LEVELS, type Log, type LogFields, type LogLevel, type MessageLevel } from '../../src/log.ts';
import type { PushOutcome } from '../../src/loki/answer.ts';
import type { PushClient } from '../../src/loki/push-client.ts';
import type { Clock, EpochMs } from '../../src/time.ts';
import { type DecodedPush, decodePush } from './records.ts';

export interface LoggedMessage {
  readonly level: MessageLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface RecordingLog extends Log {
  readonly messages: readonly LoggedMessage[];
  readonly closed: boolean;
}

/** Remembers every message of the level and above; `writeOnce` is as silent as the real one when no time limit is given. */
export function recordingLog(clock?: Clock, threshold: LogLevel = 'warn'): RecordingLog {
  const messages: LoggedMessage[] = [];
  const writtenMs = new Map<string, EpochMs>();
  const isOn: Log['isOn'] = (level) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
  const write: Log['write'] = (level, message, fields = {}) => {
    if (isOn(level)) messages.push({ level, message, fields });
  };
  let closed = false;
  const log: RecordingLog = {
    messages,
    get closed() {
      return closed;
    },
    write,
    writeOnce(key, level, message, fields, againAfterMs = Number.POSITIVE_INFINITY) {
      const nowMs = clock?.now() ?? 0;
      const lastMs = writtenMs.get(key);
      if (lastMs !== undefined && nowMs - lastMs < againAfterMs) return;
      writtenMs.set(key, nowMs);
      write(level, message, fields);
    },
    isOn,
    tell: ({ id, level, sentence, remedy }) => log.writeOnce(id, level, sentence, { id, remedy }, 60_000),
    tellSymptom: (symptom) => log.tell(diagnoseSandbox(symptom)),
    equip: () => {},
    printed: () => Promise.resolve(),
    close() {
      closed = true;
    },
  };
  return log;
}

/** A Loki of which nothing is secret. */
export const TARGET = targetOf(
  { url: 'https://loki.example.com/loki/api/v1/push', authorization: undefined },
  (text) => text,
);

/** One call of `push`, and the means to answer it. */
export interface FakePush extends DecodedPush {
  readonly body: Buffer;
  readonly atMs: EpochMs;
  /** The longest that the answer is waited for, if that is shorter than usual. */
  readonly answerMs: number | undefined;
  readonly answer: (outcome: PushOutcome) => void;
  readonly answered: boolean;
}

/** Says what a push comes to; undefined leaves it open until the test answers it. */
export type PushScript = (push: FakePush, index: number) => PushOutcome | undefined;

export const ACCEPTED: PushOutcome = { kind: 'accepted', status: 204 };
export const FAILED: PushOutcome = { kind: 'failed', status: 503, detail: '503 no healthy upstream' };
export const UNREACHABLE: PushOutcome = {
  kind: 'unreachable',
  phase: 'refused',
  code: 'ECONNREFUSED',
  detail: 'connect ECONNREFUSED',
};
export const CUT: PushOutcome = {
  kind: 'unreachable',
  phase: 'closed',
  code: 'ECONNRESET',
  detail: 'read ECONNRESET',
};
export const REFUSED: PushOutcome = { kind: 'refused', status: 401, detail: '401 no org id' };
export const UNANSWERED: PushOutcome = { kind: 'unanswered', phase: 'answer', detail: 'no answer within 5000 ms' };
export const UNREADABLE: PushOutcome = { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: 'Expected HTTP/' };
export const INTERRUPTED: PushOutcome = { kind: 'interrupted' };
export const TOO_LARGE: PushOutcome = { kind: 'too_large', status: 413, detail: '413' };
export const METADATA_DISALLOWED: PushOutcome = {
  kind: 'metadata_disallowed',
  detail: '400 this feature is disallowed',
};

export function throttled(retryAfterMs?: number, tooMuchAtOnce = false): PushOutcome {
  return { kind: 'throttled', status: 429, retryAfterMs, tooMuchAtOnce, detail: '429 rate limit exceeded' };
}

/** Invariant: every push is in `pushes`, in the order of the calls, and is answered at most once. */
export class FakePushClient implements PushClient {
  readonly pushes: FakePush[] = [];
  script: PushScript;
  distrusted = 0;
  /** Pushes under way now, and at most so far. */
  open = 0;
  mostOpen = 0;
  readonly #clock: Clock;

  constructor(clock: Clock, script: PushScript = () => ACCEPTED) {
    this.#clock = clock;
    this.script = script;
  }

  push(body: Buffer, answerMs?: number): Promise<PushOutcome> {
    const { promise, resolve } = Promise.withResolvers<PushOutcome>();
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let answered = false;
    const answer = (outcome: PushOutcome) => {
      if (answered) return;
      answered = true;
      this.open--;
      resolve(outcome);
    };
    const push: FakePush = {
      ...decodePush(body),
      body: Buffer.from(body),
      atMs: this.#clock.now(),
      answerMs,
      answer,
      get answered() {
        return answered;
      },
    };
    this.pushes.push(push);
    const outcome = this.script(push, this.pushes.length - 1);
    if (outcome) answer(outcome);
    return promise;
  }

  expectFreeze(): void {}

  distrustConnections(): void {
    this.distrusted++;
  }

  waitsFor(): 'answer' | undefined {
    return this.open > 0 ? 'answer' : undefined;
  }

  /** Lines of all pushes in the order of the calls, resends included. */
  get lines(): readonly string[] {
    return this.pushes.flatMap(({ lines }) => lines);
  }
}
