// Runs what may never end: V8 stops a regular expression that goes back and forth only from outside, as `vm` does it.
import { Script } from 'node:vm';

/** @returns false if it was stopped because its time was over */
export type RunBounded = (run: () => void, limitMs: number) => boolean;

/** Where the script finds what it is to run, while it runs: it takes no arguments. */
const RUN = Symbol.for('aws-lambda-loki-extension.run');
const TIME_IS_OVER = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** Each run takes 0.1 to 0.2 ms, for the thread that watches it. */
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
