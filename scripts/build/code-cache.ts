// Makes the V8 code cache of the late script. Run by the Node.js that the executable is made of: a cache fits one
// version and one architecture alone. V8 puts into a cache what is compiled when it is taken, so the script runs first.
// usage: node scripts/build/code-cache.ts <late.js> <late.cache>

import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { warmUp } from './warm-up.ts';

/**
 * V8 notes in the cache which functions it has optimised, and that depends on how fast the machine is: without these the
 * same input gave five different caches in 12 runs on a busy machine. They are switched on again before the cache is
 * taken, as V8 rejects one that was made under other flags.
 */
const UNSTEADY = ['opt', 'maglev', 'sparkplug', 'flush-bytecode'];

const [scriptFile, cacheFile] = process.argv.slice(2);
if (scriptFile === undefined || cacheFile === undefined) throw new Error('usage: code-cache.ts <script> <cache>');

for (const flag of UNSTEADY) setFlagsFromString(`--no-${flag}`);
const script = new Script(readFileSync(scriptFile, 'latin1'), { filename: 'late.js' });
const module = { exports: {} as typeof import('../../src/late/index.ts') };
script.runInThisContext()(module.exports, process.getBuiltinModule, module);
await warmUp(module.exports);
for (const flag of UNSTEADY) setFlagsFromString(`--${flag}`);
writeFileSync(cacheFile, script.createCachedData());
process.exit();
