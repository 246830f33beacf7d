// Waiting for a state without polling: whoever changes the state says so, whoever waits gives a predicate and a limit.

/** Invariant: a waiter leaves the list exactly once, when its predicate holds or its time is up. */
export class Conditions {
  readonly #waiters = new Set<() => void>();

  /** Tells all waiters to look again. */
  changed(): void {
    for (const look of [...this.#waiters]) look();
  }

  /** Resolves with true once the predicate holds, with false after `timeoutMs` (default: never). */
  until(predicate: () => boolean, timeoutMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = (held: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(held);
      };
      const look = () => {
        if (predicate()) finish(true);
      };
      if (timeoutMs !== undefined) timer = setTimeout(() => finish(predicate()), Math.max(0, timeoutMs));
      this.#waiters.add(look);
      look();
    });
  }
}
