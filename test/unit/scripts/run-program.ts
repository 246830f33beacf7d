// Runs machine code by itself, as a static executable, under an emulator where one is needed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { ElfMachine } from '../../../scripts/build/elf.ts';
import { staticElf } from '../../../scripts/build/front/static-elf.ts';
import { runner } from '../../../scripts/build/toolchain.ts';

export function run(t: TestContext, arch: ElfMachine, program: Buffer) {
  const file = path.join(folder(t), 'program');
  writeFileSync(file, staticElf(arch, program), { mode: 0o755 });
  const command = [...(runner(arch) ?? []), file];
  return spawnSync(command[0] ?? file, command.slice(1), { env: {}, encoding: 'utf8' });
}

/** An empty folder that goes with the test. */
export function folder(t: TestContext): string {
  const place = mkdtempSync(path.join(tmpdir(), 'front-'));
  t.after(() => rmSync(place, { recursive: true }));
  return place;
}
