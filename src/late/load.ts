// The seam between what runs before the extension has registered and what may come later. `late/index.ts` brings
// undici, protobufjs, snappyjs and pino, by far most of the code; serve.ts calls `loadLate` only when the request for the
// first next event is on its way. In the executable the build puts `late/load.sea.ts` in this file's place, which loads
// the same module from the executable itself with V8 code that is already compiled.
import type { Heap } from '../memory.ts';

/**
 * Loads the late half of the program. Rejects only if that code is broken. Call it once.
 * @param _overTls whether it is going to need what https needs
 */
export function loadLate(_overTls: boolean): Promise<typeof import('./index.ts')> {
  return import('./index.ts');
}

/** Loads what the command `check` needs beside that. */
export function loadCheck(): Promise<typeof import('../check/index.ts')> {
  return import('../check/index.ts');
}

/** From source Node.js collects garbage as it sees fit. */
export function openHeap(): Heap {
  return { usedBytes: () => 0, collectGarbage() {} };
}

/** Ends the process. */
export function leave(exitCode: number): never {
  process.exit(exitCode);
}
