// The executable's version of `late/load.ts`. The late half of the program is an embedded asset there, stored with the
// V8 code cache that the build took after running it. Thanks to the cache nothing has to be parsed or compiled before
// the first record; if V8 rejects the cache, only that time is lost.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html#assets

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import type { Heap } from '../memory.ts';
import type { Circumstances } from './load.ts';

type Late = typeof import('./index.ts');
type Require = (id: string) => object;
type LateFunction = (exports: Partial<Late>, require: Require, module: { exports: Partial<Late> }) => void;

/**
 * V8 flags. Our memory is the function's, and a sandbox seldom lives long enough to repay optimized code. Set only now,
 * because V8 rejects code caches made with other flags. Measured over 2,500 invocations and a flood of 100,000 lines,
 * without and with these flags and those of the build: private memory grows by 30.0 and 6.6 MB, its peak is 87 and 66
 * MB, CPU is 45 and 39 ms per MB of text (on a loaded machine).
 * - WebAssembly, which is undici's HTTP parser, keeps its first compilation
 * - Maglev is the only optimizing compiler for JavaScript. Adding Sparkplug before it saves no CPU here and costs 0.5
 *   MB. Adding TurboFan after it makes the first flood of a process dearer, 34.4 against 27.3 ms per MB of text, and
 *   the fourth one cheaper, 20.7 against 26.1. Inlining is off: compiling takes a quarter of the CPU of the first
 *   hundred invocations. Without it they take 5 to 12 % less CPU, memory after 10,000 of them is 0.7 MB lower, and a
 *   flood takes 4 % more
 * - the young generation keeps its initial size
 * - garbage is collected on the thread that made it: helper threads find nothing to do, and each keeps a malloc arena
 *   to itself
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
 * V8 collects twice by itself, at the earliest 8 s after it was busy: 14 ms of CPU each. Where the sandbox is frozen
 * between invocations there is no other time for it than during one of them, which was held for 90 to 170 ms at the
 * share of 128 MB. The 1.9 MB that it won were garbage of the start. V8 looks at the flag when it wants to begin.
 */
const FROZEN_FLAGS = ['--memory-reducer-gc-count=0'];

/**
 * Once the flags are set, V8 rejects Node's own code caches too, and later modules are compiled from source: node:tls
 * then takes 30 ms of CPU instead of 12. So everything a push needs is loaded before.
 */
const BEFORE_FLAGS = ['node:dns'];
const BEFORE_FLAGS_OVER_TLS = ['node:tls'];

/** The same contract as in `late/load.ts`. The asset is one CommonJS-style function expression, in ASCII. */
export async function loadLate({ overTls, isFrozen }: Circumstances): Promise<Late> {
  const cache = Buffer.from(getRawAsset('late.cache'));
  const script = new Script(Buffer.from(getRawAsset('late.js')).toString('latin1'), {
    filename: 'late.js',
    // The first byte says where it begins: V8 makes a copy of one that is not aligned.
    cachedData: cache.subarray(cache[0]),
  });
  const module: { exports: Partial<Late> } = { exports: {} };
  (script.runInThisContext() as LateFunction)(module.exports, requireBuiltin, module);
  for (const id of BEFORE_FLAGS) requireBuiltin(id);
  if (overTls) for (const id of BEFORE_FLAGS_OVER_TLS) requireBuiltin(id);
  const v8 = process.getBuiltinModule('node:v8');
  for (const flag of LEAN_FLAGS) v8.setFlagsFromString(flag);
  if (isFrozen) for (const flag of FROZEN_FLAGS) v8.setFlagsFromString(flag);
  return module.exports as Late;
}

/** No code cache, and compressed: `check` is run by people, who can wait. */
export async function loadCheck(): Promise<typeof import('../check/index.ts')> {
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib');
  const source = brotliDecompressSync(getRawAsset('check.js.br')).toString('latin1');
  const script = new Script(source, { filename: 'check.js' });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, requireBuiltin, module);
  return module.exports as typeof import('../check/index.ts');
}

function requireBuiltin(id: string): object {
  const builtin = process.getBuiltinModule(id);
  if (builtin === undefined) throw Object.assign(new Error(`no built-in module ${id}`), { code: 'MODULE_NOT_FOUND' });
  return builtin;
}

/** V8's heap. Collecting garbage sets a flag, as loading does. */
export function openHeap(): Heap {
  let gc: NodeJS.GCFunction | undefined;
  return {
    usedBytes() {
      const { used_heap_size, external_memory } = process.getBuiltinModule('node:v8').getHeapStatistics();
      return used_heap_size + external_memory;
    },
    collectGarbage() {
      gc ??= findCollector();
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    },
  };
}

function findCollector(): NodeJS.GCFunction {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  // `gc` exists only in contexts created after the flag was set, so a new context is needed to reach it.
  return process.getBuiltinModule('node:vm').runInNewContext('gc') as NodeJS.GCFunction;
}

/**
 * Ends the process at once. `process.exit` cannot do that while a name server is silent: it joins the thread that waits
 * for the server, and Lambda would kill us meanwhile. No thread survives execve; the front of the executable
 * (scripts/build/front) recognizes the name and exits with 0.
 */
export function leave(exitCode: number): never {
  if (exitCode === 0 && process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
    process.execve?.(process.execPath, [LEAVING], {});
  }
  process.exit(exitCode);
}

/** The name that the front recognizes: eight bytes that cannot be a path. */
const LEAVING = 'leaving!';
