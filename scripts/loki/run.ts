// `make test-loki`: gets a Loki, tells the tests where it is, and runs them.
// The tests read LOKI_URL (a Loki that runs: its data are not touched beyond our own streams) or LOKI_BINARY.
// Without a Loki it says in one line what is missing and exits 3, so that a caller can tell this from a failed test.

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { findLoki } from './build.ts';

const root = join(import.meta.dirname, '..', '..');
const source = await findLoki(process.env, (line) => console.error(line));
if (source.kind === 'missing') {
  console.error(source.reason);
  process.exitCode = 3;
} else {
  const given = source.kind === 'url' ? { LOKI_URL: source.url } : { LOKI_BINARY: source.path };
  const files = globSync('test/loki/*.test.ts', { cwd: root }).sort();
  // One file at a time: each may run a Loki of its own, and the machine may be small.
  const args = ['--test', '--test-concurrency=1', ...process.argv.slice(2), ...files];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...given }, stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
