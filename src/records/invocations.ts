// Which invocation a record belongs to, and what became of each: from the lifecycle events and from the platform's own records, which
// come in the order in which things happened.
import type { LogRecord } from './record.ts';

export interface Invocation {
  readonly requestId: string;
  /** Undefined until the lifecycle event or a record has told. */
  traceId: string | undefined;
}

export interface Invocations {
  /** An INVOKE event came. */
  invoked(requestId: string, traceId: string | undefined): void;
  /** Takes note of a record. Call it for each in the order of receipt, before asking where the record belongs. */
  observe(record: LogRecord): void;
  /** The invocation that a record belongs to: by its own id, else by where it stands between the platform's records. */
  invocationOf(record: LogRecord): Invocation | undefined;
  /** Resolves when the runtime has finished the invocation, or when that can no longer be told. */
  runtimeDone(requestId: string): Promise<void>;
  /** Resolves when the report of the latest invocation is in; never where there was no invocation. */
  lastReport(): Promise<void>;
}

interface Known extends Invocation {
  readonly done: Signal;
  readonly reported: Signal;
}

/** Invocations of one sandbox come one after another; late records belong to the last few. Managed Instances run some at once. */
const REMEMBERED = 64;

/** @param concurrent whether invocations overlap, as on Managed Instances: where a record stands says nothing then */
export function createInvocations(concurrent: boolean): Invocations {
  const known = new Map<string, Known>();
  let open: Known | undefined;
  let latest: Known | undefined;

  function remember(requestId: string): Known {
    let invocation = known.get(requestId);
    if (!invocation) {
      invocation = { requestId, traceId: undefined, done: createSignal(), reported: createSignal() };
      known.set(requestId, invocation);
      if (known.size > REMEMBERED) forgetOldest(known);
    }
    return invocation;
  }

  return {
    invoked(requestId, traceId) {
      latest = remember(requestId);
      latest.traceId ??= traceId;
    },
    observe({ event, requestId, traceId }) {
      if (event === undefined) return;
      // The record that we wait for may be among the lost.
      if (event === 'platform.logsDropped') latest?.done.raise();
      if (requestId === undefined) return;
      const invocation = remember(requestId);
      invocation.traceId ??= traceId;
      switch (event) {
        case 'platform.start':
          if (!concurrent) open = invocation;
          break;
        case 'platform.runtimeDone':
          // Lines may still follow: the invocation stays open until its end or report.
          invocation.done.raise();
          break;
        case 'platform.end':
        case 'platform.report':
          invocation.done.raise();
          if (event === 'platform.report') invocation.reported.raise();
          if (open === invocation) open = undefined;
          break;
      }
    },
    invocationOf({ source, requestId }) {
      if (requestId !== undefined && requestId !== open?.requestId) {
        return known.get(requestId) ?? { requestId, traceId: undefined };
      }
      return source === 'platform' && requestId === undefined ? undefined : open;
    },
    runtimeDone: (requestId) => remember(requestId).done.raised,
    lastReport: () => latest?.reported.raised ?? new Promise(() => {}),
  };
}

function forgetOldest(known: Map<string, Known>): void {
  for (const requestId of known.keys()) {
    known.delete(requestId);
    return;
  }
}

/** Something that happens once. */
interface Signal {
  readonly raised: Promise<void>;
  raise(): void;
}

function createSignal(): Signal {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { raised: promise, raise: resolve };
}
