// Time that passes as fast as the program can run, for sandboxes that are frozen and thawed: what belongs to a sandbox
// (its timers, its network) stands still while it is frozen and happens at the thaw, late; what belongs to the world
// goes on. The same events in the same order each time.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import type { EpochMs, SteadyClock, Timer } from '../../src/time.ts';

export interface SimulatedTime {
  now(): EpochMs;
  /** Something in the world around the sandboxes. */
  at(dueMs: EpochMs, run: () => void): Timer;
  openSandbox(): SimulatedSandbox;
  /** Runs everything that is due up to `untilMs`, and all that follows from it. Stops early when `over` says so. */
  run(untilMs: EpochMs, over?: () => boolean): Promise<void>;
}

export interface SimulatedSandbox {
  /** Its timers do not run while it is frozen. */
  readonly clock: SteadyClock;
  freeze(): void;
  thaw(): void;
}

interface Pending {
  readonly dueMs: EpochMs;
  /** Of two that are due together the one that was made first runs first. */
  readonly order: number;
  readonly owner: Owner | undefined;
  run: (() => void) | undefined;
}

interface Owner {
  isFrozen: boolean;
  /** What came due in a freeze. */
  late: Pending[];
}

export function simulateTime(startMs: EpochMs): SimulatedTime {
  let nowMs = startMs;
  let count = 0;
  const pending = createHeap();

  function add(dueMs: EpochMs, owner: Owner | undefined, run: () => void): Timer {
    const entry: Pending = { dueMs, order: count++, owner, run };
    pending.add(entry);
    return {
      cancel() {
        entry.run = undefined;
      },
    };
  }

  /** What is due next; what a frozen sandbox cannot do is put aside until its thaw. */
  function takeNext(untilMs: EpochMs): Pending | undefined {
    for (let next = pending.first(); next !== undefined && next.dueMs <= untilMs; next = pending.first()) {
      pending.takeFirst();
      if (next.owner?.isFrozen) next.owner.late.push(next);
      else if (next.run) return next;
    }
    return undefined;
  }

  return {
    now: () => nowMs,
    at: (dueMs, run) => add(dueMs, undefined, run),
    openSandbox() {
      const owner: Owner = { isFrozen: false, late: [] };
      return {
        clock: { now: () => nowMs, steadyMs: () => nowMs, after: (delayMs, run) => add(nowMs + delayMs, owner, run) },
        freeze() {
          owner.isFrozen = true;
        },
        thaw() {
          owner.isFrozen = false;
          for (const entry of owner.late.splice(0)) pending.add(entry);
        },
      };
    },
    async run(untilMs, over = () => false) {
      for (;;) {
        await turn();
        if (over()) return;
        const next = takeNext(untilMs);
        if (!next) break;
        nowMs = Math.max(nowMs, next.dueMs);
        next.run?.();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}

/** Lets everything run that waits for nothing but its turn; what undici does takes two. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
}

interface Heap {
  add(entry: Pending): void;
  first(): Pending | undefined;
  takeFirst(): void;
}

/** A binary heap: a fleet has thousands of timers. */
function createHeap(): Heap {
  const entries: Pending[] = [];
  const isBefore = (a: Pending, b: Pending) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
  const at = (index: number) => entries[index] as Pending;

  function swap(a: number, b: number): void {
    const entry = at(a);
    entries[a] = at(b);
    entries[b] = entry;
  }

  return {
    add(entry) {
      let index = entries.push(entry) - 1;
      for (let parent = (index - 1) >> 1; index > 0 && isBefore(entry, at(parent)); parent = (index - 1) >> 1) {
        swap(index, parent);
        index = parent;
      }
    },
    first: () => entries[0],
    takeFirst() {
      const last = entries.pop();
      if (last === undefined || entries.length === 0) return;
      entries[0] = last;
      for (let index = 0; ; ) {
        let least = 2 * index + 1;
        if (least >= entries.length) return;
        if (least + 1 < entries.length && isBefore(at(least + 1), at(least))) least++;
        if (!isBefore(at(least), at(index))) return;
        swap(least, index);
        index = least;
      }
    },
  };
}
