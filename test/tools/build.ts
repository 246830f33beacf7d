// Programs of others that the tests run, built from their Go modules: go.mod and go.sum here pin them and everything in them.
// Sources, Go's caches and what is built stay in .cache/; nothing of it is part of the project.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { findProgram, root } from '../../scripts/build/toolchain.ts';

export interface GoProgram {
  /** Names an executable to be used instead. */
  readonly variable: string;
  /** Its package; the last part is the name of the executable. */
  readonly packagePath: string;
}

/** The program's path, or one line that says what is missing. */
export type FoundProgram =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The program that its variable names, one on the PATH, or one that is built here: the first time that takes a minute.
 * @throws when Go is there and the build fails
 */
export function findOrBuild({ variable, packagePath }: GoProgram): FoundProgram {
  const name = path.basename(packagePath);
  const given = process.env[variable] || findProgram(name);
  if (given) return { ok: true, path: given };
  const go = findGo();
  if (go === undefined) {
    return { ok: false, reason: `${name}: install Go to have it built, set ${variable}, or put ${name} on the PATH` };
  }
  const target = path.join(root, '.cache/tools', name);
  const caches = { GOMODCACHE: path.join(root, '.cache/go/mod'), GOCACHE: path.join(root, '.cache/go/build') };
  // A module cache that may be written to is one that may be removed.
  const options = ['-modcacherw', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
  console.error(`${name}: ${go} builds it`);
  const { status, stderr } = spawnSync('nice', [go, 'build', ...options, '-o', target, packagePath], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...caches, CGO_ENABLED: '0', GOWORK: 'off' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} cannot be built: ${stderr?.trim() ?? 'there is no program nice'}`);
  return { ok: true, path: target };
}

/** Go's own folders are often not on the PATH of those who do not log in. */
function findGo(): string | undefined {
  const folders = [path.join(process.env['GOROOT'] ?? '/usr/local/go', 'bin'), '/usr/lib/go/bin', '/snap/bin'];
  folders.push('/usr/local/go/bin', path.join(homedir(), 'go/bin'));
  return findProgram('go') ?? folders.map((folder) => path.join(folder, 'go')).find((file) => existsSync(file));
}
