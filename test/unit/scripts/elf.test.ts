// scripts/build/elf.ts on a small ELF file that is laid out here by hand, and on the running Node.js itself.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readElf, stripElf, withoutPadding } from '../../../scripts/build/elf.ts';
import { findProgram, hostArchitecture, nodePackage } from '../../../scripts/build/toolchain.ts';
import { readNeeds } from '../../tools/elf-needs.ts';

const LOAD = 1;
const DYNAMIC = 2;
const NOTE = 4;
const ALLOCATED = 2;
const ADDRESS = 0x400000;

interface SectionSpec {
  readonly name: string;
  readonly flags: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link?: number;
}

/** Header, two segments, then 0x100 bytes of content, a symbol table, the section names and the section headers. */
function makeElf(sections: readonly SectionSpec[], content = Buffer.alloc(0x100, 'c'), dynamicBytes = 0): Buffer {
  const header = Buffer.alloc(0x40);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(62, 18);
  header.writeBigUInt64LE(0x40n, 32);
  header.writeUInt16LE(2, 56);
  const contentAt = 0x40 + 2 * 56;
  const names = `\0${sections.map(({ name }) => `${name}\0`).join('')}.shstrtab\0`;
  const namesAt = contentAt + content.length + 0x80;
  const headersAt = namesAt + names.length;
  const all = [...sections, { name: '.shstrtab', flags: 0, offset: namesAt, bytes: names.length }];
  const sectionHeaders = all.map(({ name, flags, offset, bytes, link = 0 }: SectionSpec) => {
    const buffer = Buffer.alloc(64);
    buffer.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0);
    buffer.writeBigUInt64LE(BigInt(flags), 8);
    buffer.writeBigUInt64LE(BigInt(offset), 24);
    buffer.writeBigUInt64LE(BigInt(bytes), 32);
    buffer.writeUInt32LE(link, 40);
    return buffer;
  });
  header.writeBigUInt64LE(BigInt(headersAt + 64), 40);
  header.writeUInt16LE(all.length, 60);
  header.writeUInt16LE(all.length - 1, 62);
  return Buffer.concat([
    header,
    segment(LOAD, 0, contentAt + content.length),
    segment(DYNAMIC, contentAt, dynamicBytes),
    content,
    Buffer.alloc(0x80, 'S'),
    Buffer.from(names, 'latin1'),
    Buffer.alloc(64),
    ...sectionHeaders,
  ]);
}

function segment(type: number, offset: number, bytes: number, address = ADDRESS + offset): Buffer {
  const buffer = Buffer.alloc(56);
  buffer.writeUInt32LE(type);
  buffer.writeBigUInt64LE(BigInt(offset), 8);
  buffer.writeBigUInt64LE(BigInt(address), 16);
  buffer.writeBigUInt64LE(BigInt(bytes), 32);
  buffer.writeBigUInt64LE(BigInt(bytes), 40);
  return buffer;
}

/** Content of 0x100 bytes, then a note that was injected as the injector does it: far behind, and filled up. */
function makeInjected(note: string, { noteAt = 0x40000, address = 0xe7c0000, filledTo = 0x10000 } = {}): Buffer {
  const file = Buffer.alloc(noteAt + filledTo);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(62, 18);
  file.writeBigUInt64LE(0x40n, 32);
  file.writeBigUInt64LE(0x1000n, 40);
  file.writeUInt16LE(3, 56);
  file.writeUInt16LE(0, 60);
  const segments = [
    segment(LOAD, 0, 0x200),
    segment(LOAD, noteAt, filledTo, address),
    segment(NOTE, noteAt, note.length, address),
  ];
  Buffer.concat(segments).copy(file, 0x40);
  file.fill('c', 0x100, 0x200);
  file.write(note, noteAt, 'latin1');
  return file;
}

const TEXT = { name: '.text', flags: ALLOCATED, offset: 0xb0, bytes: 0x80 };
const DATA = { name: '.data', flags: ALLOCATED, offset: 0x130, bytes: 0x80, link: 3 };
const SYMBOLS = { name: '.symtab', flags: 0, offset: 0x1b0, bytes: 0x80 };

test('strips what is not loaded and leaves every loaded byte where it was', () => {
  const original = makeElf([TEXT, DATA, SYMBOLS]);
  const stripped = stripElf(readElf(original));
  assert.deepEqual(
    readElf(stripped).sections.map(({ name }) => name),
    ['.text', '.data', '.shstrtab'],
  );
  assert.ok(!stripped.includes('SSSS'));
  assert.deepEqual(stripped.subarray(0x40, 0x1b0), original.subarray(0x40, 0x1b0));
  assert.ok(stripped.length < original.length);
});

test('cuts the link of a kept section to one that is gone', () => {
  const { sections } = readElf(stripElf(readElf(makeElf([TEXT, DATA, SYMBOLS]))));
  assert.equal(sections.find(({ name }) => name === '.data')?.header.readUInt32LE(40), 0);
});

test('strips to the same bytes when stripped twice', () => {
  const once = stripElf(readElf(makeElf([TEXT, DATA, SYMBOLS])));
  assert.deepEqual(stripElf(readElf(once)), once);
});

test('refuses to strip where symbols would change their section numbers', () => {
  const elf = readElf(makeElf([TEXT, SYMBOLS, TEXT, SYMBOLS, DATA]));
  assert.throws(() => stripElf(elf), /stands between loaded ones/);
});

test('moves an injected note up to the next place that is the same within a page, and ends the file with it', () => {
  for (const [address, offset] of [
    [0xe7c0000, 0x10000],
    [0xe7c0200, 0x200],
    [0xe7c0208, 0x208],
    [0xe7c01f8, 0x101f8],
  ] as const) {
    const original = makeInjected('the scripts', { address });
    const packed = withoutPadding(readElf(original));
    assert.equal(packed.length, offset + 'the scripts'.length);
    assert.equal(packed.toString('latin1', offset), 'the scripts');
    assert.deepEqual(packed.subarray(0x100, 0x200), original.subarray(0x100, 0x200));
    const { segments, sections } = readElf(packed);
    assert.deepEqual(sections, []);
    assert.deepEqual(
      segments.map(({ type, offset: at, address: where, fileBytes }) => [type, at, where, fileBytes]),
      [
        [LOAD, 0, ADDRESS, 0x200],
        [LOAD, offset, address, 11],
        [NOTE, offset, address, 11],
      ],
    );
    assert.equal(packed.readBigUInt64LE(0x40 + 56 + 40), 11n, 'and in memory');
    assert.deepEqual(withoutPadding(readElf(packed)), packed, 'it is the same when done twice');
  }
});

test('leaves no note where it is that something else stands behind', () => {
  const file = makeInjected('the scripts', { noteAt: 0x100 });
  assert.throws(() => withoutPadding(readElf(file)), /not a note that was injected/);
  assert.throws(() => withoutPadding(readElf(makeElf([TEXT]))), /not a note that was injected/);
});

test('refuses what is not a 64-bit little-endian ELF file of a known machine', () => {
  assert.throws(() => readElf(Buffer.from('#!/bin/sh\n')), /not a 64-bit little-endian ELF file/);
  const other = makeElf([TEXT]);
  other.writeUInt16LE(243, 18);
  assert.throws(() => readElf(other), /ELF machine 243/);
});

test('names the libraries and the versions that a program needs', () => {
  const content = Buffer.alloc(0x100);
  const at = ADDRESS + 0xb0;
  const strings = '\0libc.so.6\0GLIBC_2.28\0GLIBC_2.34\0';
  content.write(strings, 0xa0, 'latin1');
  const dynamic: [number, number][] = [
    [1, 1],
    [5, at + 0xa0],
    [0x6ffffffe, at + 0x60],
    [0x6fffffff, 1],
    [0, 0],
  ];
  dynamic.forEach(([tag, value], index) => {
    content.writeBigUInt64LE(BigInt(tag), index * 16);
    content.writeBigUInt64LE(BigInt(value), index * 16 + 8);
  });
  content.writeUInt16LE(2, 0x62);
  content.writeUInt32LE(1, 0x64);
  content.writeUInt32LE(16, 0x68);
  content.writeUInt32LE(strings.indexOf('GLIBC_2.28'), 0x70 + 8);
  content.writeUInt32LE(16, 0x70 + 12);
  content.writeUInt32LE(strings.indexOf('GLIBC_2.34'), 0x80 + 8);
  assert.deepEqual(readNeeds(readElf(makeElf([TEXT], content, 0x50))), {
    libraries: ['libc.so.6'],
    versions: [
      { library: 'libc.so.6', version: 'GLIBC_2.28' },
      { library: 'libc.so.6', version: 'GLIBC_2.34' },
    ],
  });
});

test('a stripped Node.js starts, and is as small as binutils make it', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'elf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const node = path.join(nodePackage(hostArchitecture), 'bin/node');
  const original = readFileSync(node);
  const stripped = stripElf(readElf(original));
  const file = path.join(folder, 'node');
  writeFileSync(file, stripped, { mode: 0o755 });
  assert.equal(execFileSync(file, ['--print', '6 * 7'], { encoding: 'utf8' }), '42\n');
  assert.deepEqual(readNeeds(readElf(stripped)), readNeeds(readElf(original)));
  if (findProgram('strip') === undefined) {
    t.diagnostic('no strip here to compare with');
    return;
  }
  const reference = path.join(folder, 'reference');
  assert.equal(spawnSync('strip', ['--strip-all', '-o', reference, node]).status, 0);
  assert.ok(stripped.length <= readFileSync(reference).length);
});
