// Time that passes as fast as the program can run, for sandboxes that are frozen and thawed: what belongs to a sandbox
// (its timers, its network) stands still while it is frozen and happens at the thaw, late; what belongs to the world
// goes on. The same events in the same order each time.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import TinyQueue from 'tinyqueue';
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
  const pending = new TinyQueue<Pending>([], (a, b) => a.dueMs - b.dueMs || a.order - b.order);
  const now = () => nowMs;

  function add(dueMs: EpochMs, run: () => void, owner?: Owner): Timer {
    const entry: Pending = { dueMs, order: count++, owner, run };
    pending.push(entry);
    return {
      cancel() {
        entry.run = undefined;
      },
    };
  }

  /** What is due next; what a frozen sandbox cannot do is put aside until its thaw. */
  function takeNext(untilMs: EpochMs): Pending | undefined {
    for (let next = pending.peek(); next !== undefined && next.dueMs <= untilMs; next = pending.peek()) {
      pending.pop();
      if (next.owner?.isFrozen) next.owner.late.push(next);
      else if (next.run) return next;
    }
    return undefined;
  }

  return {
    now,
    at: (dueMs, run) => add(dueMs, run),
    openSandbox: () => openSandbox(now, add, (entry) => pending.push(entry)),
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

function openSandbox(
  now: () => EpochMs,
  add: (dueMs: EpochMs, run: () => void, owner: Owner) => Timer,
  addAgain: (entry: Pending) => void,
): SimulatedSandbox {
  const owner: Owner = { isFrozen: false, late: [] };
  return {
    clock: { now, steadyMs: now, after: (delayMs, run) => add(now() + delayMs, run, owner) },
    freeze() {
      owner.isFrozen = true;
    },
    thaw() {
      owner.isFrozen = false;
      for (const entry of owner.late.splice(0)) addAgain(entry);
    },
  };
}

/** Lets everything run that waits for nothing but its turn; what undici does takes two. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
}
