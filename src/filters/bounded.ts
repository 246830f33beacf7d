// Runs code that may never end. A backtracking regular expression can only be stopped from outside, as `vm` does it.
import { Script } from 'node:vm';

/** @returns false if it was stopped because its time was up */
export type RunBounded = (run: () => void, limitMs: number) => boolean;

/** Where the script finds the function to run, as a script takes no arguments. */
const RUN = Symbol.for('aws-lambda-loki-extension.run');
const TIME_IS_OVER = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** Each run costs 0.1 to 0.2 ms for the thread that watches it. */
export function createBoundedRun(): RunBounded {
  const script = new Script(`globalThis[Symbol.for(${JSON.stringify(RUN.description)})]()`);
  return (run, limitMs) => {
    Reflect.set(globalThis, RUN, run);
    try {
      script.runInThisContext({ timeout: limitMs, displayErrors: false });
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== TIME_IS_OVER) throw error;
      return false;
    } finally {
      Reflect.deleteProperty(globalThis, RUN);
    }
  };
}
