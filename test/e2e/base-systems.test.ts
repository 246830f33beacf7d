// The built executable on base systems that lack what Node.js needs. Each is a folder that holds nothing but the unpacked layer, /proc,
// /dev and /tmp, with parts of this machine's glibc put in and changed: versions are renamed in the libraries, which to the
// loader is the same as an older glibc. It takes a root folder of its own, hence root or user namespaces.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { OWN_LIBRARIES } from '../../scripts/build/front/own-libraries.ts';
import { type Bench, createBench, extensionExecutable } from '../fakes/extension.ts';
import { assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';

const NAME = 'aws-lambda-loki-extension';
const LAYER_FILE = `/opt/extensions/${NAME}`;
const OWN_ROOT = ['--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc=/proc'];

/** The dynamic loader and the shared libraries that a running Node.js uses, under the names by which they were found. */
const libraries = sharedObjects().filter((file) => /\/(ld-linux|lib(c|m|dl|pthread|stdc\+\+|gcc_s)\.so)/.test(file));
const loader = libraries.find((file) => file.includes('/ld-linux')) ?? '';

suite('base systems', { skip: whyNot() }, () => {
  test('Alpine: no glibc at all', async (t) => {
    await assertStepsAside(await start(t, makeRoot(t)));
  });

  test('Alpine with something else where the loader should be', async (t) => {
    const root = makeRoot(t);
    put(root, loader, Buffer.alloc(8192, 'not a loader '));
    await assertStepsAside(await start(t, root));
  });

  test('Amazon Linux 2: a glibc that is too old', async (t) => {
    const root = makeRoot(t);
    putSystem(root, { 'GLIBC_2.34': 'GLIBC_2.3x', 'GLIBC_2.28': 'GLIBC_2.2x' });
    const bench = await start(t, root);
    await assertStepsAside(bench);
    assert.match(bench.emulator.output, /version `GLIBC_2\.28' not found/, 'the loader itself says what is missing');
  });

  test('a small image: glibc without libstdc++', async (t) => {
    const root = makeRoot(t);
    putSystem(root, {}, (file) => !file.includes('libstdc++'));
    const bench = await start(t, root);
    await assertStepsAside(bench);
    assert.match(bench.emulator.output, /libstdc\+\+\.so\.6: cannot open shared object file/);
  });

  test('Debian 11: a glibc that is new enough, but names no version that says so', async (t) => {
    const root = makeRoot(t);
    putSystem(root, { 'GLIBC_2.34': 'GLIBC_2.3x' }, undefined, (file) => file === loader);
    await assertWorks(await start(t, root));
  });

  test('Amazon Linux 2 with libraries beside the layer', async (t) => {
    const root = makeRoot(t);
    putSystem(root, { 'GLIBC_2.34': 'GLIBC_2.3x', 'GLIBC_2.28': 'GLIBC_2.2x' });
    putOwnLibraries(root);
    await assertWorks(await start(t, root));
  });

  test('Alpine with libraries beside the layer', async (t) => {
    const root = makeRoot(t);
    putOwnLibraries(root);
    await assertWorks(await start(t, root));
  });

  test('Alpine with libraries beside the layer, and no library path in the environment', async (t) => {
    const root = makeRoot(t);
    putOwnLibraries(root);
    await assertWorks(await start(t, root, { LD_LIBRARY_PATH: undefined }));
  });

  test('libraries beside the layer that do not fit either', async (t) => {
    const root = makeRoot(t);
    putOwnLibraries(root, (file) => !file.includes('libm.so'));
    await assertStepsAside(await start(t, root));
  });
});

async function assertStepsAside({ emulator, loki }: Bench): Promise<void> {
  await emulator.start();
  await emulator.invoke({ lines: ['not delivered'] });
  assert.equal((await emulator.shutdown()).exitCode, 0);
  assertUnharmed(emulator);
  assert.match(emulator.output, /Node\.js cannot start on this base system.*The function goes on/);
  assert.equal(loki.requests.length, 0);
}

async function assertWorks(bench: Bench): Promise<void> {
  await bench.emulator.start();
  await bench.emulator.invoke({ lines: ['first', 'second'] });
  assert.equal((await bench.emulator.shutdown()).exitCode, 0);
  assertDelivered(bench);
  assertHealthy(bench);
}

/** The extension in that root folder, between an emulator and a fake Loki. */
function start(t: TestContext, root: string, environment: Record<string, string | undefined> = {}): Promise<Bench> {
  const starter = path.join(root, 'tmp', NAME);
  const command = ['unshare', ...OWN_ROOT, `--root=${root}`, LAYER_FILE].join(' ');
  writeFileSync(starter, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  return createBench(t, { executable: starter, environment });
}

function makeRoot(t: TestContext): string {
  const root = mkdtempSync(path.join(tmpdir(), 'base-system-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['proc', 'dev', 'tmp', path.dirname(LAYER_FILE)])
    mkdirSync(path.join(root, folder), { recursive: true });
  copyFileSync(extensionExecutable(), path.join(root, LAYER_FILE));
  return root;
}

/** Libraries of this machine at their own places, in some of them (default: all) names replaced by others of the same length. */
function putSystem(
  root: string,
  replacements: Readonly<Record<string, string>>,
  kept: (file: string) => boolean = () => true,
  changed: (file: string) => boolean = () => true,
): void {
  for (const file of libraries.filter(kept)) {
    let content = readFileSync(file).toString('latin1');
    if (changed(file))
      for (const [from, to] of Object.entries(replacements)) content = content.replaceAll(`${from}\0`, `${to}\0`);
    put(root, file, Buffer.from(content, 'latin1'));
  }
}

function putOwnLibraries(root: string, kept: (file: string) => boolean = () => true): void {
  for (const file of libraries.filter(kept))
    put(root, path.join(OWN_LIBRARIES, path.basename(file)), readFileSync(file));
}

function put(root: string, file: string, content: Buffer): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, 0o755);
}

function sharedObjects(): readonly string[] {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return report.sharedObjects;
}

function whyNot(): string | false {
  if (libraries.length < 7) return `not the libraries of glibc: ${libraries.join(', ')}`;
  const { status } = spawnSync('unshare', [...OWN_ROOT, '--root=/', process.execPath, '--version']);
  return status === 0
    ? false
    : 'a process may not have a root folder of its own here: it takes root or user namespaces';
}
