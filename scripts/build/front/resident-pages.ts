// Which pages of a file the kernel has in memory. Only mincore(2) tells, which Node.js does not call, so a program of a few steps does.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostArchitecture } from '../toolchain.ts';
import { arm64 } from './arm64.ts';
import { LINUX } from './instruction-set.ts';
import { MachineCode } from './machine-code.ts';
import { PAGE_BYTES } from './pages.ts';
import { staticElf } from './static-elf.ts';
import { x86_64 } from './x86-64.ts';

/** @returns the numbers of the pages, from 0. The caller must be the file's owner: to others the kernel says that all are there. */
export function residentPages(file: string): number[] {
  const { size } = statSync(file);
  const count = Math.ceil(size / PAGE_BYTES);
  const folder = mkdtempSync(path.join(tmpdir(), 'resident-pages-'));
  try {
    const program = path.join(folder, 'program');
    writeFileSync(program, staticElf(hostArchitecture, makeProgram(file, BigInt(size), BigInt(count))), {
      mode: 0o755,
    });
    const { status, stdout } = spawnSync(program);
    if (status !== 0 || stdout.length !== count) throw new Error(`mincore failed for ${file}`);
    return [...stdout.entries()].flatMap(([page, resident]) => ((resident & 1) === 1 ? [page] : []));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeProgram(file: string, bytes: bigint, pages: bigint): Buffer {
  const code = new MachineCode({ x86_64, arm64 }[hostArchitecture]);
  const { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_PRIVATE_ANONYMOUS } = LINUX;
  code.begin('stack');
  code.addressOf('path', 'path');
  code.systemCall('file', 'openat', LINUX.AT_FDCWD, 'path', LINUX.O_RDONLY_CLOEXEC, 0n);
  code.systemCall('mapped', 'mmap', 0n, bytes, PROT_READ, MAP_PRIVATE, 'file', 0n);
  code.systemCall('vector', 'mmap', 0n, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1n, 0n);
  code.systemCall('result', 'mincore', 'mapped', bytes, 'vector');
  code.systemCall('ignored', 'write', 1n, 'vector', pages);
  code.systemCall('ignored', 'exit_group', 'result');
  code.text('path', file);
  return code.finish();
}
