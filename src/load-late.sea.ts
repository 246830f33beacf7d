// `load-late.ts` as it is inside the executable: the late half of the program is an asset there, beside the V8 code cache
// that the build took from it after it had run. With the cache nothing has to be parsed or compiled before the first
// record; a cache that V8 refuses only costs that time.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html#assets

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

type Late = typeof import('./late.ts');
type Require = (id: string) => object;
type LateFunction = (exports: Partial<Late>, require: Require, module: { exports: Partial<Late> }) => void;

/** The same promise as in `load-late.ts`. The asset is one function expression of CommonJS form, in ASCII. */
export async function loadLate(): Promise<Late> {
  const script = new Script(Buffer.from(getRawAsset('late.js')).toString('latin1'), {
    filename: 'late.js',
    cachedData: Buffer.from(getRawAsset('late.cache')),
  });
  const module: { exports: Partial<Late> } = { exports: {} };
  (script.runInThisContext() as LateFunction)(module.exports, requireBuiltin, module);
  return module.exports as Late;
}

function requireBuiltin(id: string): object {
  const builtin = process.getBuiltinModule(id);
  if (builtin === undefined) throw Object.assign(new Error(`no built-in module ${id}`), { code: 'MODULE_NOT_FOUND' });
  return builtin;
}
