// scripts/build/zip.ts, read back by itself and by whichever other zip program is here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { deflateWell } from '../../../scripts/build/deflate.ts';
import { findProgram } from '../../../scripts/build/toolchain.ts';
import { readZip, writeZip } from '../../../scripts/build/zip.ts';

const FILES = [
  { name: 'extensions/program', mode: 0o755, content: Buffer.from('#!/bin/sh\necho hello\n'.repeat(1_000)) },
  { name: 'docs/text.txt', mode: 0o644, content: Buffer.from('text') },
  { name: 'empty', mode: 0o600, content: Buffer.alloc(0) },
];

function archiveOfFiles(): Buffer {
  return writeZip(FILES.map((file) => ({ ...file, deflated: deflateRawSync(file.content) })));
}

test('reads back what it wrote: names, modes, contents, in order', () => {
  assert.deepEqual(readZip(archiveOfFiles()), FILES);
});

test('writes the same bytes each time', () => {
  assert.deepEqual(archiveOfFiles(), archiveOfFiles());
});

test('notices a damaged content', () => {
  const archive = writeZip([
    { name: 'a.txt', mode: 0o644, content: Buffer.from('text'), deflated: deflateRawSync('tent') },
  ]);
  assert.throws(() => readZip(archive), /a\.txt is damaged/);
});

test('notices a file that is cut off', () => {
  const archive = archiveOfFiles();
  assert.throws(() => readZip(archive.subarray(0, archive.length - 1)), /not a zip archive/);
});

test('other zip programs read it, with its modes', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zip-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const archive = path.join(folder, 'archive.zip');
  writeFileSync(archive, archiveOfFiles());
  const unzip = findProgram('unzip');
  const python = findProgram('python3');
  if (unzip === undefined && python === undefined) t.skip('neither unzip nor python3 here');
  if (unzip !== undefined) {
    execFileSync(unzip, ['-q', archive, 'extensions/*', 'empty', '-d', path.join(folder, 'out')]);
    assert.deepEqual(readFileSync(path.join(folder, 'out/extensions/program')), FILES[0]?.content);
    assert.equal(statSync(path.join(folder, 'out/extensions/program')).mode & 0o777, 0o755);
    assert.equal(statSync(path.join(folder, 'out/empty')).mode & 0o777, 0o600);
  }
  if (python !== undefined) {
    const listing = execFileSync(python, ['-m', 'zipfile', '--list', archive], { encoding: 'utf8' });
    assert.match(listing, /extensions\/program +1980-01-01 00:00:00 +21000/);
    execFileSync(python, ['-m', 'zipfile', '--test', archive]);
  }
});

test('7-Zip packs tighter than zlib and gives back the same content', () => {
  const content = readFileSync(import.meta.filename);
  const repeated = Buffer.concat([content, content.subarray(100), content.subarray(7)]);
  assert.ok(deflateWell(repeated).length < deflateRawSync(repeated, { level: 9 }).length);
});
