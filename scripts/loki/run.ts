// `make test-loki`: the tests against a Loki that somebody names. They read LOKI_URL (a Loki that runs: its data are not touched
// beyond our own streams) or LOKI_BINARY (started with settings of their own; `loki` on the PATH counts as well).
// Without a Loki it says in one line what is missing and exits 3, so that a caller can tell this from a failed test.
// Loki's licence is AGPL-3.0: it is run beside the project where somebody has it, and neither fetched nor built here.

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { findProgram, root } from '../build/toolchain.ts';

const url = process.env['LOKI_URL']?.replace(/\/+$/, '');
const binary = process.env['LOKI_BINARY'] || findProgram('loki');
if (!url && binary === undefined) {
  console.error('loki: none found; set LOKI_URL or LOKI_BINARY, or put loki on the PATH');
  process.exitCode = 3;
} else {
  const given = url ? { LOKI_URL: url } : { LOKI_BINARY: binary };
  const files = globSync('test/loki/*.test.ts', { cwd: root }).sort();
  // One file at a time: each may run a Loki of its own, and the machine may be small.
  const args = ['--test', '--test-concurrency=1', ...process.argv.slice(2), ...files];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...given }, stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
