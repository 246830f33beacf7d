// Knows which invocation a record belongs to, and how far each invocation is: from the lifecycle events and from the
// platform's own records, which arrive in the order of events.
import { copyOf } from '../byte-string.ts';
import type { LogRecord } from './record.ts';

export interface Invocation {
  readonly requestId: string;
  /** These are undefined until the lifecycle event or a record has told. */
  readonly traceId: string | undefined;
  /** Under which it was invoked, if it was. */
  readonly alias: string | undefined;
  readonly tenantId: string | undefined;
}

export interface Invocations {
  /** An INVOKE event came. */
  invoked(requestId: string, told?: Partial<Pick<Invocation, 'traceId' | 'alias'>>): void;
  /** Takes note of a record. Call it for each in the order of receipt, before asking where the record belongs. */
  observe(record: LogRecord): void;
  /**
   * The invocation that a record belongs to: by the id that stands where Lambda puts it, by another one if an
   * invocation of this sandbox has it, else by where the record stands between the platform's.
   */
  invocationOf(record: LogRecord): Invocation | undefined;
  /** Resolves when the runtime has finished the invocation, or when that can no longer be told. */
  runtimeDone(requestId: string): Promise<void>;
  /** The record that says that the runtime has finished is there, and will be read behind others. */
  foreseeDone(requestId: string): void;
  /** What tells that the runtime has finished the latest invocation may be among records that were lost. */
  endLost(): void;
  /** Resolves when the report of the latest invocation is in; never where there was no invocation. */
  lastReport(): Promise<void>;
}

/**
 * Lambda tries an asynchronous event again under its id, so it may be several invocations: the signals are the last's.
 */
type Known = { -readonly [Key in keyof Invocation]: Invocation[Key] } & {
  done: Signal;
  reported: Signal;
  /** How many events have come for it, and how many ends. */
  invoked: number;
  ended: number;
};

/**
 * Invocations of one sandbox come one after another; late records belong to the last few. Managed Instances run some at
 * once.
 */
const REMEMBERED = 64;
const REMEMBERED_CONCURRENT = 1024;

/** @param concurrent whether invocations overlap, as on Managed Instances: where a record stands says nothing then */
export function createInvocations(concurrent: boolean): Invocations {
  const known = new Map<string, Known>();
  let open: Known | undefined;
  let latest: Known | undefined;

  function remember(requestId: string): Known {
    let invocation = known.get(requestId);
    if (!invocation) {
      invocation = { ...unknown(requestId), done: new Signal(), reported: new Signal(), invoked: 0, ended: 0 };
      known.set(invocation.requestId, invocation);
      if (known.size > (concurrent ? REMEMBERED_CONCURRENT : REMEMBERED)) forgetOne();
    }
    return invocation;
  }

  /**
   * The oldest, but never the one that is waited for: anybody in the sandbox can send records with ids that there never
   * were.
   */
  function forgetOne(): void {
    for (const [requestId, invocation] of known) {
      if (invocation === latest || invocation === open) continue;
      known.delete(requestId);
      return;
    }
  }

  function endLatest(): void {
    if (latest === undefined) return;
    latest.ended = Math.max(latest.ended, latest.invoked);
    latest.done.raise();
  }

  return {
    invoked(requestId, { traceId, alias } = {}) {
      latest = remember(requestId);
      latest.invoked++;
      if (latest.invoked > 1) {
        latest.reported = new Signal();
        // Its end may have come before it.
        if (latest.ended < latest.invoked) latest.done = new Signal();
      }
      latest.traceId ??= traceId;
      latest.alias ??= alias;
    },
    observe({ event, requestId, traceId, alias, tenantId }) {
      if (event === undefined) return;
      // The record that we wait for may be among the lost; and one that names no request can be of no other.
      if (event === 'platform.logsDropped') endLatest();
      if (requestId === undefined) {
        if (event === 'platform.runtimeDone') endLatest();
        return;
      }
      const invocation = remember(requestId);
      invocation.traceId ??= traceId;
      invocation.alias ??= alias;
      invocation.tenantId ??= tenantId;
      switch (event) {
        case 'platform.start':
          if (!concurrent) open = invocation;
          break;
        case 'platform.runtimeDone':
          // Lines may still follow: the invocation stays open until its end or report.
          invocation.ended++;
          invocation.done.raise();
          break;
        case 'platform.end':
        case 'platform.report':
          // Between the event of another attempt and its end this is that of the attempt before.
          if (invocation.invoked > 1 && invocation.ended < invocation.invoked) break;
          invocation.done.raise();
          if (event === 'platform.report') invocation.reported.raise();
          if (open === invocation) open = undefined;
          break;
      }
    },
    invocationOf({ type, requestId, mentionedId }) {
      const namedId = requestId ?? mentionedId;
      if (namedId === undefined) return type === 'platform' ? undefined : open;
      if (namedId === open?.requestId) return open;
      // Where invocations overlap, a line stands nowhere: any id is better than none.
      return known.get(namedId) ?? (requestId !== undefined || concurrent ? unknown(namedId) : open);
    },
    runtimeDone: (requestId) => remember(requestId).done.raised(),
    foreseeDone: (requestId) => known.get(requestId)?.done.raise(),
    endLost: endLatest,
    lastReport: () => latest?.reported.raised() ?? new Promise(() => {}),
  };
}

/** The id may be cut out of a body, which must not be kept for it. */
function unknown(requestId: string): Invocation {
  return { requestId: copyOf(requestId), traceId: undefined, alias: undefined, tenantId: undefined };
}

/** Something that happens once. Few are waited for, so a promise is made only then. */
class Signal {
  #isRaised = false;
  #waiting: PromiseWithResolvers<void> | undefined;

  raised(): Promise<void> {
    if (this.#isRaised) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  raise(): void {
    this.#isRaised = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
