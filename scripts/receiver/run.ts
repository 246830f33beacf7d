// `make test-receiver`: the executable against VictoriaLogs, which takes Loki's push protocol with a decoder and a query API that
// nobody here wrote. Without Go it says in one line what is missing and exits 3, so that a caller can tell this from a failed test.

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { root } from '../build/toolchain.ts';
import { findOrBuild } from '../tools/build.ts';

/** https://docs.victoriametrics.com/victorialogs/ (Apache-2.0) */
const receiver = findOrBuild({
  variable: 'VICTORIA_LOGS_BINARY',
  packagePath: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
});
if (!receiver.ok) {
  console.error(receiver.reason);
  process.exitCode = 3;
} else {
  const args = ['--test', ...process.argv.slice(2), ...globSync('test/receiver/*.test.ts', { cwd: root })];
  const env = { ...process.env, VICTORIA_LOGS_BINARY: receiver.path };
  spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
