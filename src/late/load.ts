// The seam between what runs before the extension has registered and what may come later. `late/index.ts` brings in
// undici, protobufjs, snappyjs and pino, by far most of the code; serve.ts calls `loadLate` only when the first request
// for the next event is on its way. In the executable the build replaces this file with `late/load.sea.ts`, which loads
// the same module from the executable itself, already compiled by V8.
import type { Heap } from '../memory.ts';

export interface Circumstances {
  /** Whether https will be needed. */
  readonly overTls: boolean;
  /** Whether the sandbox is frozen between invocations. */
  readonly isFrozen: boolean;
}

/** Loads the late half of the program. Rejects only if that code is broken. Call it once. */
export function loadLate(_: Circumstances): Promise<typeof import('./index.ts')> {
  return import('./index.ts');
}

/** Loads the additional code for the command `check`. */
export function loadCheck(): Promise<typeof import('../check/index.ts')> {
  return import('../check/index.ts');
}

/** When run from source, garbage collection is left to Node.js. */
export function openHeap(): Heap {
  return { usedBytes: () => 0, collectGarbage() {} };
}

/** Ends the process. */
export function leave(exitCode: number): never {
  process.exit(exitCode);
}
