// Runs the tests of one folder that need something which not every machine has. Whoever starts them has found that already: what is
// missing is said in one line with exit code 3, so that a caller can tell it from a failed test.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { root } from '../../scripts/build/toolchain.ts';

/** Files run one at a time, as each may start a server of its own. The exit code is that of the tests. */
export function runTests(folder: string, variables: Readonly<Record<string, string | undefined>> = {}): void {
  const files = globSync(`test/${folder}/*.test.ts`, { cwd: root }).sort();
  const args = ['--test', '--test-concurrency=1', ...process.argv.slice(2), ...files];
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...variables },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

export function sayMissing(reason: string): void {
  console.error(reason);
  process.exitCode = 3;
}
