// Builds the executable of another revision, to be measured beside this tree's: in a git worktree under .cache/base, with
// that revision's own Makefile. What is installed here is linked into it where that revision pins the same packages.
// https://git-scm.com/docs/git-worktree

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { hostArchitecture, root } from '../build/toolchain.ts';

/** @returns the path of the executable */
export function buildBase(revision: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const commit = git('rev-parse', '--verify', `${revision}^{commit}`);
  const tree = path.join(root, '.cache/base', commit);
  const executable = path.join(tree, 'bin', hostArchitecture, 'extensions', 'aws-lambda-loki-extension');
  if (existsSync(executable)) return executable;
  if (!existsSync(tree)) {
    git('worktree', 'prune');
    git('worktree', 'add', '--detach', tree, commit);
  }
  shareModules(tree);
  execFileSync('make', ['--no-print-directory', 'build', `ARCH=${hostArchitecture}`], { cwd: tree, stdio: 'inherit' });
  return executable;
}

/** Without it the revision installs its packages itself. */
function shareModules(tree: string): void {
  const lock = 'package-lock.json';
  const same =
    existsSync(path.join(tree, lock)) &&
    readFileSync(path.join(tree, lock)).equals(readFileSync(path.join(root, lock)));
  if (!same || existsSync(path.join(tree, 'node_modules'))) return;
  cpSync(path.join(root, 'node_modules'), path.join(tree, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  // The checkout is newer than what was installed, and make would install it again.
  const now = new Date();
  utimesSync(path.join(tree, 'node_modules/.package-lock.json'), now, now);
}
