// `late/load.ts` as it is inside the executable: the late half of the program is an asset there, beside the V8 code
// cache that the build took from it after it had run. With the cache nothing has to be parsed or compiled before the
// first record; a cache that V8 refuses only costs that time.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html#assets

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import type { Heap } from '../memory.ts';

type Late = typeof import('./index.ts');
type Require = (id: string) => object;
type LateFunction = (exports: Partial<Late>, require: Require, module: { exports: Partial<Late> }) => void;

/**
 * Our memory is the function's, and a sandbox seldom lives long enough to pay for optimized code. Set only now, as V8
 * refuses code caches that were made with other flags. Measured over 2,500 invocations and a flood of 100,000 lines,
 * without and with these and those of the build: private memory grows by 30.0 and 6.6 MB, its peak is 87 and 66 MB, CPU
 * 45 and 39 ms per MB of text (on a loaded machine).
 * - WebAssembly, which is undici's HTTP parser, keeps its first compilation
 * - JavaScript is optimized by Maglev alone. Sparkplug before it saves no CPU here and costs 0.5 MB. TurboFan behind it
 *   makes the first flood of a process dearer, 34.4 against 27.3 ms per MB of text, and the fourth one cheaper, 20.7
 *   against 26.1. Nothing is inlined: compiling is a quarter of the CPU of the first hundred invocations. They take 5 to
 *   12 % less, memory after 10,000 of them 0.7 MB less; a flood takes 4 % more
 * - the young generation stays as small as it is at the start
 * - garbage is collected by the thread that made it: more of them find nothing to do, and each keeps malloc arena to
 *   itself
 */
export const LEAN_FLAGS = [
  '--liftoff-only',
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
  '--no-opt',
  '--no-sparkplug',
  '--no-maglev-inlining',
  '--semi-space-growth-factor=1',
  '--single-threaded-gc',
];

/**
 * Once the flags are set V8 refuses Node's own code caches too, and what is loaded after them is compiled from source:
 * node:tls then takes 30 ms of CPU instead of 12. So all that a push needs is loaded before.
 */
const BEFORE_FLAGS = ['node:dns'];
const BEFORE_FLAGS_OVER_TLS = ['node:tls'];

/** The same promise as in `late/load.ts`. The asset is one function expression of CommonJS form, in ASCII. */
export async function loadLate(overTls: boolean): Promise<Late> {
  const script = new Script(Buffer.from(getRawAsset('late.js')).toString('latin1'), {
    filename: 'late.js',
    cachedData: Buffer.from(getRawAsset('late.cache')),
  });
  const module: { exports: Partial<Late> } = { exports: {} };
  (script.runInThisContext() as LateFunction)(module.exports, requireBuiltin, module);
  for (const id of BEFORE_FLAGS) requireBuiltin(id);
  if (overTls) for (const id of BEFORE_FLAGS_OVER_TLS) requireBuiltin(id);
  const v8 = process.getBuiltinModule('node:v8');
  for (const flag of LEAN_FLAGS) v8.setFlagsFromString(flag);
  return module.exports as Late;
}

/** Without a code cache: it is for people. */
export async function loadCheck(): Promise<typeof import('../check/index.ts')> {
  const script = new Script(Buffer.from(getRawAsset('check.js')).toString('latin1'), { filename: 'check.js' });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, requireBuiltin, module);
  return module.exports as typeof import('../check/index.ts');
}

function requireBuiltin(id: string): object {
  const builtin = process.getBuiltinModule(id);
  if (builtin === undefined) throw Object.assign(new Error(`no built-in module ${id}`), { code: 'MODULE_NOT_FOUND' });
  return builtin;
}

/** V8's heap. Collecting sets a flag, as loading does. */
export function openHeap(): Heap {
  let gc: NodeJS.GCFunction | undefined;
  return {
    usedBytes() {
      const { used_heap_size, external_memory } = process.getBuiltinModule('node:v8').getHeapStatistics();
      return used_heap_size + external_memory;
    },
    collectGarbage(giveBack) {
      gc ??= findCollector();
      gc({ type: 'major', execution: 'sync', flavor: giveBack ? 'last-resort' : 'regular' });
    },
  };
}

function findCollector(): NodeJS.GCFunction {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  // A new context is the way to the function when the context in use is older than the flag.
  return process.getBuiltinModule('node:vm').runInNewContext('gc') as NodeJS.GCFunction;
}

/**
 * Ends the process at once, which `process.exit` does not while a name server is silent: it waits for the thread that
 * waits for it, and Lambda would kill us meanwhile. No thread outlives execve; the front of the executable
 * (scripts/build/front) sees the name and exits with 0.
 */
export function leave(exitCode: number): never {
  if (exitCode === 0 && process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
    process.execve?.(process.execPath, [LEAVING], {});
  }
  process.exit(exitCode);
}

/** As the front knows it: eight bytes, which no path is. */
const LEAVING = 'leaving!';
