// The part of the front that maps the system's dynamic loader into memory, as the kernel does for a program that names one.
// It does not trust the file: whatever is not an ELF file for this architecture counts as no loader at all.
// Format: the System V gABI, chapters 4 and 5; the kernel's way: fs/binfmt_elf.c, load_elf_interp.

import { ERRORS_ABOVE, LINUX } from './instruction-set.ts';
import type { MachineCode } from './machine-code.ts';

const HEADER_BYTES = 4096;
const SEGMENT_BYTES = 56n;
const ELF_MAGIC = 0x464c457fn;
const SHARED_OBJECT = 3n;
const SEGMENT_LOAD = 1n;

/**
 * Defines the subroutine `map the loader`. It opens the file that `path` points to, for `page mask` (page size less 1),
 * and sets `loader base`, `loader entry` (0 if there is no usable loader) and `loader text`, `loader text bytes`: its first
 * segment, in which the versions are named.
 */
export function writeMapLoader(code: MachineCode, elfMachine: bigint): void {
  code.subroutine('map the loader', () => {
    code.set('loader entry', 0n);
    code.systemCall('file', 'openat', LINUX.AT_FDCWD, 'path', LINUX.O_RDONLY_CLOEXEC, 0n);
    code.jumpIf('file', '>', ERRORS_ABOVE, 'mapping done');
    readHeader(code, elfMachine);
    reserveSpan(code);
    forEachLoadedSegment(code, () => {
      mapSegment(code);
      code.when('loader text', '==', 0n, () => {
        code.compute('loader text', 'loader base', '+', 'segment address');
        code.set('loader text bytes', 'segment file bytes');
      });
    });
    code.load('loader entry', 8, 'header', 24n);
    code.compute('loader entry', 'loader entry', '+', 'loader base');
    code.place('loader unusable');
    code.systemCall('ignored', 'close', 'file');
    code.place('mapping done');
  });
}

function readHeader(code: MachineCode, elfMachine: bigint): void {
  code.reserve('header', HEADER_BYTES);
  code.systemCall('header bytes', 'read', 'file', 'header', BigInt(HEADER_BYTES));
  code.jumpIf('header bytes', '!=', BigInt(HEADER_BYTES), 'loader unusable');
  code.load('value', 4, 'header');
  code.jumpIf('value', '!=', ELF_MAGIC, 'loader unusable');
  code.load('value', 2, 'header', 16n);
  code.jumpIf('value', '!=', SHARED_OBJECT, 'loader unusable');
  code.load('value', 2, 'header', 18n);
  code.jumpIf('value', '!=', elfMachine, 'loader unusable');
  code.load('table', 8, 'header', 32n);
  code.load('segment count', 2, 'header', 56n);
  // Within the bytes that were read: 64 segments at most, behind at most 512 bytes.
  code.jumpIf('table', '>', 512n, 'loader unusable');
  code.jumpIf('segment count', '>', 64n, 'loader unusable');
  code.compute('table', 'table', '+', 'header');
}

/** Finds one piece of address space that holds all segments, wherever the kernel likes. */
function reserveSpan(code: MachineCode): void {
  code.set('span end', 0n);
  code.set('span start', -1n);
  forEachLoadedSegment(code, () => {
    code.when('segment address', '<', 'span start', () => code.set('span start', 'segment address'));
    code.compute('segment end', 'segment address', '+', 'segment memory bytes');
    code.when('segment end', '>', 'span end', () => code.set('span end', 'segment end'));
  });
  floorToPage(code, 'span start');
  ceilToPage(code, 'span end');
  code.jumpIf('span end', '<=', 'span start', 'loader unusable');
  code.compute('value', 'span end', '-', 'span start');
  const nowhere = -1n;
  code.systemCall('loader base', 'mmap', 0n, 'value', LINUX.PROT_NONE, LINUX.MAP_PRIVATE_ANONYMOUS, nowhere, 0n);
  code.jumpIf('loader base', '>', ERRORS_ABOVE, 'loader unusable');
  code.compute('loader base', 'loader base', '-', 'span start');
  code.set('loader text', 0n);
}

function mapSegment(code: MachineCode): void {
  protectionOf(code);
  code.compute('start', 'loader base', '+', 'segment address');
  code.compute('file end', 'start', '+', 'segment file bytes');
  code.compute('memory end', 'start', '+', 'segment memory bytes');
  floorToPage(code, 'start');
  floorToPage(code, 'segment offset');
  code.compute('bytes', 'file end', '-', 'start');
  code.systemCall('mapped', 'mmap', 'start', 'bytes', 'protection', LINUX.MAP_PRIVATE_FIXED, 'file', 'segment offset');
  code.jumpIf('mapped', '!=', 'start', 'loader unusable');
  code.when('memory end', '>', 'file end', () => {
    clearRestOfPage(code);
    ceilToPage(code, 'file end');
    code.when('memory end', '>', 'file end', () => {
      code.compute('bytes', 'memory end', '-', 'file end');
      const flags = LINUX.MAP_PRIVATE_FIXED_ANONYMOUS;
      code.systemCall('mapped', 'mmap', 'file end', 'bytes', 'protection', flags, -1n, 0n);
      code.jumpIf('mapped', '!=', 'file end', 'loader unusable');
    });
  });
}

/** What follows a segment's bytes in its last page comes from the file; the program expects zeroes there. */
function clearRestOfPage(code: MachineCode): void {
  code.set('cursor', 'file end');
  code.repeat((done) => {
    code.compute('value', 'cursor', '&', 'page mask');
    code.jumpIf('value', '==', 0n, done);
    code.store(1, 0n, 'cursor');
    code.compute('cursor', 'cursor', '+', 1n);
  });
}

/** ELF and mmap number their three rights the other way round: execute, write, read against read, write, execute. */
function protectionOf(code: MachineCode): void {
  code.compute('protection', 'segment flags', '>>', 2n);
  code.compute('value', 'segment flags', '&', 2n);
  code.compute('protection', 'protection', '|', 'value');
  code.compute('value', 'segment flags', '&', 1n);
  code.compute('value', 'value', '<<', 2n);
  code.compute('protection', 'protection', '|', 'value');
}

function forEachLoadedSegment(code: MachineCode, body: () => void): void {
  code.set('segment', 'table');
  code.set('segments left', 'segment count');
  code.repeat((done) => {
    code.jumpIf('segments left', '==', 0n, done);
    code.load('segment type', 4, 'segment');
    code.when('segment type', '==', SEGMENT_LOAD, () => {
      code.load('segment flags', 4, 'segment', 4n);
      code.load('segment offset', 8, 'segment', 8n);
      code.load('segment address', 8, 'segment', 16n);
      code.load('segment file bytes', 8, 'segment', 32n);
      code.load('segment memory bytes', 8, 'segment', 40n);
      body();
    });
    code.compute('segment', 'segment', '+', SEGMENT_BYTES);
    code.compute('segments left', 'segments left', '-', 1n);
  });
}

function floorToPage(code: MachineCode, variable: string): void {
  code.compute(variable, variable, '|', 'page mask');
  code.compute(variable, variable, '-', 'page mask');
}

function ceilToPage(code: MachineCode, variable: string): void {
  code.compute(variable, variable, '+', 'page mask');
  floorToPage(code, variable);
}
