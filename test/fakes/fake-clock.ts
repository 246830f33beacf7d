// A clock that stands still until a test moves it. Timers run in the order in which they are due, and what a timer sets
// off has settled before the next one runs. A freeze is a jump: time passes, nothing runs, and what is overdue runs late.
import type { EpochMs, SteadyClock, Timer } from '../../src/time.ts';

/** 2026-01-05T10:00:00Z, when most of the fixtures were recorded. */
export const START_MS: EpochMs = Date.UTC(2026, 0, 5, 10);

interface Pending {
  dueMs: EpochMs;
  readonly run: () => void;
}

/** Invariant: `now()` goes back in `set` alone, and no timer runs before its time has passed. */
export class FakeClock implements SteadyClock {
  #nowMs: EpochMs;
  /** By how much the clock was set forward. */
  #setByMs = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs: EpochMs = START_MS) {
    this.#nowMs = startMs;
  }

  readonly now = (): EpochMs => this.#nowMs;

  readonly steadyMs = (): number => this.#nowMs - this.#setByMs;

  readonly after = (delayMs: number, run: () => void): Timer => {
    if (!Number.isFinite(delayMs)) throw new RangeError(`a timer of ${delayMs} ms`);
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  };

  /** Timers that have neither run nor been cancelled. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** When the next timer is due. */
  get nextDueMs(): EpochMs | undefined {
    return this.#next()?.dueMs;
  }

  /** Lets promises and immediates run; no time passes. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass, running what falls due on the way. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    await this.settle();
    for (let timer = this.#next(); timer && timer.dueMs <= endMs; timer = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      await this.#fire(timer);
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass as in a frozen sandbox: nothing runs until the end, when everything overdue does. */
  async freeze(forMs: number): Promise<void> {
    this.#nowMs += forMs;
    for (let timer = this.#next(); timer && timer.dueMs <= this.#nowMs; timer = this.#next()) await this.#fire(timer);
  }

  /** Sets the clock forward, or back. Timers do not mind: they run when their time has passed. */
  set(byMs: number): void {
    this.#nowMs += byMs;
    this.#setByMs += byMs;
    for (const timer of this.#pending) timer.dueMs += byMs;
  }

  /**
   * Moves from timer to timer until the promise has settled, and gives its value. The clock stops at the moment it did.
   * @throws when it has not settled within `limitMs`
   */
  async until<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const note = () => {
      settled = true;
    };
    promise.then(note, note);
    const endMs = this.#nowMs + limitMs;
    for (;;) {
      await this.settle();
      if (settled) return promise;
      const timer = this.#next();
      if (!timer || timer.dueMs > endMs) throw new Error(`not settled within ${limitMs} ms`);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      await this.#fire(timer);
    }
  }

  async #fire(timer: Pending): Promise<void> {
    this.#pending.delete(timer);
    timer.run();
    await this.settle();
  }

  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#pending) if (!next || timer.dueMs < next.dueMs) next = timer;
    return next;
  }
}
