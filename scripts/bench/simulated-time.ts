// Time that passes as fast as the program can run, with the freeze of a sandbox: what belongs to the sandbox (its timers, its
// network) stands still while it is frozen and happens at the thaw, late; what belongs to the world goes on.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import type { Clock, EpochMs, Timer } from '../../src/time.ts';

export interface SimulatedTime {
  now(): EpochMs;
  /** The sandbox's clock: its timers do not run while it is frozen. */
  readonly sandboxClock: Clock;
  /** Something in the world around the sandbox. */
  at(dueMs: EpochMs, run: () => void): Timer;
  freeze(): void;
  thaw(): void;
  /** Runs everything that is due up to `untilMs`, and all that follows from it. Stops early when `over` says so. */
  run(untilMs: EpochMs, over?: () => boolean): Promise<void>;
}

interface Pending {
  readonly dueMs: EpochMs;
  readonly inSandbox: boolean;
  readonly run: () => void;
}

export function simulateTime(startMs: EpochMs): SimulatedTime {
  let nowMs = startMs;
  let frozen = false;
  /** Few at a time, so a plain list in the order of `dueMs` will do. */
  const pending: Pending[] = [];

  function add(dueMs: EpochMs, inSandbox: boolean, run: () => void): Timer {
    const entry = { dueMs, inSandbox, run };
    const after = pending.findIndex((other) => other.dueMs > dueMs);
    pending.splice(after < 0 ? pending.length : after, 0, entry);
    return {
      cancel() {
        const at = pending.indexOf(entry);
        if (at >= 0) pending.splice(at, 1);
      },
    };
  }

  return {
    now: () => nowMs,
    sandboxClock: { now: () => nowMs, after: (delayMs, run) => add(nowMs + delayMs, true, run) },
    at: (dueMs, run) => add(dueMs, false, run),
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
    },
    async run(untilMs, over = () => false) {
      for (;;) {
        await turn();
        if (over()) return;
        const next = pending.find(({ inSandbox }) => !(inSandbox && frozen));
        if (!next || next.dueMs > untilMs) break;
        pending.splice(pending.indexOf(next), 1);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
