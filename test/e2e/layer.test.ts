// The layer as `make zip` leaves it in bin/: Lambda unpacks it to /opt and starts every file in /opt/extensions.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../esbuild.config.mjs';
import { executablePath, hostArchitecture, layerPath, root } from '../../scripts/build/toolchain.ts';
import { readZip } from '../../scripts/build/zip.ts';

const archive = readFileSync(layerPath(hostArchitecture));
const entries = readZip(archive);

function entry(name: string) {
  const found = entries.find((candidate) => candidate.name === name);
  assert.ok(found, `${name} is not in the layer`);
  return found;
}

test('holds the executable, alone in extensions/, and beside it licences and bill of materials', () => {
  assert.deepEqual(
    entries.map(({ name, mode }) => [name, mode.toString(8)]),
    [
      ['extensions/aws-lambda-loki-extension', '755'],
      ['aws-lambda-loki-extension/LICENSE', '644'],
      ['aws-lambda-loki-extension/THIRD-PARTY-LICENSES', '644'],
      ['aws-lambda-loki-extension/bom.cdx.json', '644'],
    ],
  );
});

test('the executable in it is the one that was built, byte for byte', () => {
  assert.ok(
    entry('extensions/aws-lambda-loki-extension').content.equals(readFileSync(executablePath(hostArchitecture))),
  );
});

test('every package in the executable is in the licences and in the bill of materials', async () => {
  const { boot, late } = await bundle();
  const licenses = entry('aws-lambda-loki-extension/THIRD-PARTY-LICENSES').content.toString();
  const bill = JSON.parse(entry('aws-lambda-loki-extension/bom.cdx.json').content.toString());
  const listed: string[] = bill.components.map(({ name }: { name: string }) => name);
  const packages = [...new Set([...boot.packages, ...late.packages])].sort();
  assert.ok(packages.includes('undici'));
  assert.deepEqual(listed.slice(1), packages);
  assert.match(listed[0] ?? '', /^node-linux-/);
  for (const name of listed) assert.ok(licenses.includes(`\n${name} `), `${name} has no licence in the layer`);
});

test('bin/ holds the same files unpacked, for container images', () => {
  for (const { name, mode, content } of entries) {
    const file = path.join(root, 'bin', hostArchitecture, name);
    assert.ok(readFileSync(file).equals(content), name);
    assert.equal(statSync(file).mode & 0o111, mode & 0o111, name);
  }
});

test('packing again gives the same bytes', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'layer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const again = path.join(folder, 'again.zip');
  execFileSync(process.execPath, [path.join(root, 'scripts/build/package-layer.ts'), hostArchitecture, again]);
  assert.ok(readFileSync(again).equals(archive));
});
