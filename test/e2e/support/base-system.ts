// Base systems for the built executable: a folder that holds nothing but the unpacked layer, /proc, /dev and /tmp, with parts of this
// machine's glibc put in and changed: versions are renamed in the libraries, which to the loader is the same as another glibc.
// It takes a root folder of its own, hence root or user namespaces.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Bench, createBench, extensionExecutable } from '../../fakes/extension.ts';

const NAME = 'aws-lambda-loki-extension';
const OWN_ROOT = ['--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc=/proc'];

export const LAYER_FILE = `/opt/extensions/${NAME}`;

/** The dynamic loader and the shared libraries that a running Node.js uses, under the names by which they were found. */
export const libraries: readonly string[] = sharedObjects().filter((file) =>
  /\/(ld-linux|lib(c|m|dl|pthread|stdc\+\+|gcc_s)\.so)/.test(file),
);
export const loader: string = libraries.find((file) => file.includes('/ld-linux')) ?? '';

/** Why there can be no such systems on this machine, for a test's `skip`. */
export function whyNoBaseSystems(): string | false {
  if (libraries.length < 7) return `not the libraries of glibc: ${libraries.join(', ')}`;
  const { status } = spawnSync('unshare', [...OWN_ROOT, '--root=/', process.execPath, '--version']);
  return status === 0
    ? false
    : 'a process may not have a root folder of its own here: it takes root or user namespaces';
}

/** A system with the layer and nothing else. `executable` is where the layer's file stands in it. */
export function makeSystem(t: TestContext, executable = LAYER_FILE): string {
  const root = mkdtempSync(path.join(tmpdir(), 'base-system-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['proc', 'dev', 'tmp', path.dirname(LAYER_FILE), path.dirname(executable)])
    mkdirSync(path.join(root, folder), { recursive: true });
  copyFileSync(extensionExecutable(), path.join(root, executable));
  return root;
}

/** Libraries of this machine at their own places, in some of them (default: all) names replaced by others of the same length. */
export function putLibraries(
  root: string,
  replacements: Readonly<Record<string, string>>,
  kept: (file: string) => boolean = () => true,
  changed: (file: string) => boolean = () => true,
): void {
  for (const file of libraries.filter(kept)) put(root, file, renamed(file, changed(file) ? replacements : {}));
}

/** The content of a file in which names that a zero byte ends are others. */
export function renamed(file: string, replacements: Readonly<Record<string, string>>): Buffer {
  let content = readFileSync(file).toString('latin1');
  for (const [from, to] of Object.entries(replacements)) content = content.replaceAll(`${from}\0`, `${to}\0`);
  return Buffer.from(content, 'latin1');
}

export function put(root: string, file: string, content: Buffer | string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, 0o755);
}

/** The extension on that system, between an emulator and a fake Loki. `started` is the file that the platform starts. */
export function onSystem(
  t: TestContext,
  root: string,
  environment: Record<string, string | undefined> = {},
  started = LAYER_FILE,
): Promise<Bench> {
  const starter = path.join(root, 'tmp', path.basename(started));
  const command = ['unshare', ...OWN_ROOT, `--root=${root}`, started].join(' ');
  writeFileSync(starter, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  return createBench(t, { executable: starter, environment });
}

function sharedObjects(): readonly string[] {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return report.sharedObjects;
}
