// The layer as `make zip` leaves it in bin/: Lambda unpacks it to /opt and starts every file in /opt/extensions.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sevenZip from '7zip-bin';
import { bundle } from '../../esbuild.config.mjs';
import { executablePath, hostArchitecture, layerPath, root } from '../../scripts/build/toolchain.ts';

interface Entry {
  readonly name: string;
  readonly madeBy: number;
  readonly mode: number;
  readonly modified: number;
}

const UNIX = 3;
const REGULAR_FILE = 0o100000;
const FIRST_DAY = 0x0021_0000;

const archive = readFileSync(layerPath(hostArchitecture));
const entries = directoryOf(archive);
const folder = mkdtempSync(path.join(tmpdir(), 'layer-'));
after(() => rmSync(folder, { recursive: true }));
execFileSync(sevenZip.path7za, ['x', layerPath(hostArchitecture)], { cwd: folder });
const contentOf = (name: string) => readFileSync(path.join(folder, name));

/** The directory at the end of an archive without a comment, whose modes and dates unpackers of several kinds obey. */
function directoryOf(zip: Buffer): readonly Entry[] {
  const end = zip.length - 22;
  assert.equal(zip.toString('latin1', end, end + 4), 'PK\x05\x06');
  const found: Entry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameBytes = zip.readUInt16LE(at + 28);
    found.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameBytes),
      madeBy: zip.readUInt8(at + 5),
      mode: zip.readUInt16LE(at + 40),
      modified: zip.readUInt32LE(at + 12),
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return found;
}

test('holds the executable, alone in extensions/, and beside it licences and bill of materials', () => {
  assert.deepEqual(
    entries.map(({ name, mode }) => [name, mode.toString(8)]),
    [
      ['aws-lambda-loki-extension/LICENSE', (REGULAR_FILE | 0o644).toString(8)],
      ['aws-lambda-loki-extension/THIRD-PARTY-LICENSES', (REGULAR_FILE | 0o644).toString(8)],
      ['aws-lambda-loki-extension/bom.cdx.json', (REGULAR_FILE | 0o644).toString(8)],
      ['extensions/aws-lambda-loki-extension', (REGULAR_FILE | 0o755).toString(8)],
    ],
  );
});

test('modes are those of Unix, and dates say nothing of the build', () => {
  for (const { name, madeBy, modified } of entries) assert.deepEqual([madeBy, modified], [UNIX, FIRST_DAY], name);
});

test('the executable in it is the one that was built, byte for byte', () => {
  const built = readFileSync(executablePath(hostArchitecture));
  assert.ok(contentOf('extensions/aws-lambda-loki-extension').equals(built));
});

test('every package in the executable is in the licences and in the bill of materials', async () => {
  const { boot, late } = await bundle();
  const licenses = contentOf('aws-lambda-loki-extension/THIRD-PARTY-LICENSES').toString();
  const bill = JSON.parse(contentOf('aws-lambda-loki-extension/bom.cdx.json').toString());
  const listed: string[] = bill.components.map(({ name }: { name: string }) => name);
  const packages = [...new Set([...boot.packages, ...late.packages])].sort();
  assert.ok(packages.includes('undici'));
  const own = ['node', ...packages];
  assert.deepEqual(listed.slice(0, own.length), own);
  for (const name of own) assert.ok(licenses.includes(`\n${name} `), `${name} has no licence in the layer`);
});

test('bin/ holds the same files unpacked, for container images, open to every user', () => {
  const unpacked = path.join(root, 'bin', hostArchitecture);
  for (const { name, mode } of entries) {
    assert.ok(readFileSync(path.join(unpacked, name)).equals(contentOf(name)), name);
    assert.equal(statSync(path.join(unpacked, name)).mode, mode, name);
    assert.equal(statSync(path.join(unpacked, path.dirname(name))).mode & 0o777, 0o755, name);
  }
});

test('packing again gives the same bytes, also for those who keep their files to themselves', (t) => {
  const again = path.join(folder, 'again.zip');
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  execFileSync(process.execPath, [path.join(root, 'scripts/build/package-layer.ts'), hostArchitecture, again]);
  assert.ok(readFileSync(again).equals(archive));
});
