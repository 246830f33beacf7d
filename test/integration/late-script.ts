// For programs that tests run in a process of their own: loads the late script as the executable does. It imports next to nothing itself:
// what it loads cannot be seen to be missing.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import type { Circumstances } from '../../src/late/load.ts';

export async function loadLateScript(file: string, circumstances: Circumstances) {
  const assets = { 'late.js': readFileSync(file), 'late.cache': Buffer.alloc(0) };
  Object.assign(globalThis, { getRawAsset: (name: keyof typeof assets) => assets[name] });
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:sea'
        ? { url: 'data:text/javascript,export const { getRawAsset } = globalThis', shortCircuit: true }
        : next(specifier, context),
  });
  const { loadLate } = await import('../../src/late/load.sea.ts');
  return loadLate(circumstances);
}
