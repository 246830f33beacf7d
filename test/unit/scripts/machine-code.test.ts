// scripts/build/front/machine-code.ts: small programs written as machine code and run, for each architecture that can run here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { dropFromCache } from '../../../scripts/bench/page-cache.ts';
import { type ElfSegment, SEGMENT_LOAD } from '../../../scripts/build/elf.ts';
import { arm64 } from '../../../scripts/build/front/arm64.ts';
import type { Condition, InstructionSet, Operator, Width } from '../../../scripts/build/front/instruction-set.ts';
import { MachineCode } from '../../../scripts/build/front/machine-code.ts';
import { askForPages, PAGE_BYTES, type PageRange, type Pages, writePages } from '../../../scripts/build/front/pages.ts';
import { residentPages } from '../../../scripts/build/front/resident-pages.ts';
import { staticElf } from '../../../scripts/build/front/static-elf.ts';
import { x86_64 } from '../../../scripts/build/front/x86-64.ts';
import { ARCHITECTURES, hostArchitecture, runner } from '../../../scripts/build/toolchain.ts';
import { folder, run } from './run-program.ts';

const SETS = { x86_64, arm64 } as const;
const ALL_ONES = 2n ** 64n - 1n;

for (const arch of ARCHITECTURES) {
  const skip = runner(arch) === undefined && `no emulator for ${arch} here`;

  test(`${arch}: computes with 64 bits`, { skip }, (t) => {
    const cases: readonly (readonly [bigint, Operator, bigint, bigint])[] = [
      [0x123456789abcdef0n, '+', 0x10n, 0x123456789abcdf00n],
      [ALL_ONES, '+', 1n, 0n],
      [1n, '-', 2n, ALL_ONES],
      [-4096n, '-', -4095n, ALL_ONES],
      [0xff00ff00ff00ff00n, '&', 0x0ff00ff00ff00ff0n, 0x0f000f000f000f00n],
      [0xff00n, '|', 0x00ff0000000000n, 0xff000000ff00n],
      [3n, '<<', 40n, 0x30000000000n],
      [ALL_ONES, '>>', 60n, 15n],
    ];
    const failed = runChecks(t, arch, (code, check) => {
      for (const [left, operator, right, expected] of cases) {
        code.set('left', left);
        code.compute('result', 'left', operator, right);
        check(() => code.jumpIf('result', '!=', expected, 'failed'));
      }
    });
    assert.equal(failed, 0, `case ${failed}`);
  });

  test(`${arch}: compares without sign`, { skip }, (t) => {
    const holds: Readonly<Record<Condition, readonly [boolean, boolean, boolean]>> = {
      '==': [false, true, false],
      '!=': [true, false, true],
      '<': [true, false, false],
      '<=': [true, true, false],
      '>': [false, false, true],
      '>=': [false, true, true],
    };
    const operands = [
      [5n, ALL_ONES],
      [ALL_ONES, ALL_ONES],
      [ALL_ONES, 5n],
    ] as const;
    const failed = runChecks(t, arch, (code, check) => {
      for (const [condition, expected] of Object.entries(holds)) {
        operands.forEach(([left, right], index) => {
          check(() => {
            code.set('seen', 0n);
            code.when(left, condition as Condition, right, () => code.set('seen', 1n));
            code.jumpIf('seen', '!=', expected[index] ? 1n : 0n, 'failed');
          });
        });
      }
    });
    assert.equal(failed, 0, `comparison ${failed}`);
  });

  test(`${arch}: loads and stores one to eight bytes, on any address`, { skip }, (t) => {
    const failed = runChecks(t, arch, (code, check) => {
      code.reserve('memory', 64);
      for (const width of [1, 2, 4, 8] as const satisfies readonly Width[]) {
        const value = 0x8877665544332211n & (2n ** BigInt(width * 8) - 1n);
        check(() => {
          code.store(8, 0n, 'memory', 3n);
          code.store(8, 0n, 'memory', 11n);
          code.store(width, 0x8877665544332211n, 'memory', 3n);
          code.load('same', width, 'memory', 3n);
          code.jumpIf('same', '!=', value, 'failed');
          code.load('whole', 8, 'memory', 3n);
          code.jumpIf('whole', '!=', value, 'failed');
        });
      }
    });
    assert.equal(failed, 0, `width ${failed}`);
  });

  test(`${arch}: calls subroutines within subroutines, and prints`, { skip }, (t) => {
    const code = new MachineCode(SETS[arch]);
    code.begin('stack');
    code.call('outer');
    code.systemCall('ignored', 'exit_group', 7n);
    code.subroutine('outer', () => {
      code.call('inner');
      code.call('inner');
    });
    code.subroutine('inner', () => {
      code.addressOf('text', 'greeting');
      code.systemCall('ignored', 'write', 1n, 'text', 5n);
    });
    code.text('greeting', 'hello');
    const { status, stdout } = run(t, arch, code.finish());
    assert.deepEqual({ status, stdout }, { status: 7, stdout: 'hellohello' });
  });

  test(`${arch}: pages that are nowhere are asked for in vain, and nothing else happens`, { skip }, (t) => {
    const segments = [{ type: SEGMENT_LOAD, offset: 0, address: 0x70000000, fileBytes: 2 ** 30 }];
    const nowhere: readonly PageRange[] = [
      [7, 1],
      [1_000, 2_000],
      [2 ** 20, 1],
    ];
    assert.equal(run(t, arch, askingFor(SETS[arch], segments, { start: nowhere, push: nowhere })).status, 7);
    assert.equal(run(t, arch, askingFor(SETS[arch], segments, { start: [], push: [] })).status, 7);
  });
}

test('pages that are asked for come into memory, though nobody touches them', { timeout: 120_000 }, async (t) => {
  const file = path.join(folder(t), 'program');
  // Further away than a kernel reads ahead from the beginning of the file, or from each other.
  const start: PageRange = [10_000, 500];
  const push: PageRange = [20_000, 500];
  const bytes = 21_000 * PAGE_BYTES;
  const segments = [{ type: SEGMENT_LOAD, offset: 0, address: 0x400000, fileBytes: bytes }];
  const pages = { start: [start], push: [push] };
  const program = Buffer.concat([askingFor(SETS[hostArchitecture], segments, pages, 3_600n), Buffer.alloc(bytes)]);
  writeFileSync(file, staticElf(hostArchitecture, program), { mode: 0o755, flush: true });
  if (!dropFromCache(file)) return t.skip('the page cache cannot be emptied here');
  const areThere = ([first, count]: PageRange) =>
    residentPages(file).filter((page) => page >= first && page < first + count).length === count;
  assert.ok(!areThere(start) && !areThere(push));
  // It is advice: a kernel may leave some out, and then it is asked again, or take some back before all are there.
  const LOOKS = 200;
  const seen = new Set<number>();
  const wereThere = ([first, count]: PageRange) =>
    Array.from({ length: count }, (_, i) => first + i).every((page) => seen.has(page));
  for (let looks = 0; !wereThere(start) || !wereThere(push); looks++) {
    if (looks % LOOKS === 0) {
      const asking = spawn(file);
      t.after(() => asking.kill());
    }
    await setImmediate();
    for (const page of residentPages(file)) seen.add(page);
  }
});

test('notices places that nobody defined and variables that nobody sets', () => {
  const lost = new MachineCode(x86_64);
  lost.jump('nowhere');
  assert.throws(() => lost.finish(), /no place is named nowhere/);
  const unset = new MachineCode(arm64);
  unset.set('copy', 'original');
  assert.throws(() => unset.finish(), /nobody sets: original/);
  const twice = new MachineCode(x86_64);
  twice.place('here');
  assert.throws(() => twice.place('here'), /two places are named here/);
});

/** Runs a program of numbered checks, each of which jumps to `failed` or not: the number of the first that does, or 0. */
function runChecks(
  t: TestContext,
  arch: keyof typeof SETS,
  write: (code: MachineCode, check: (body: () => void) => void) => void,
): number | null {
  const code = new MachineCode(SETS[arch]);
  let checks = 0n;
  code.begin('stack');
  write(code, (body) => {
    checks += 1n;
    code.set('check', checks);
    body();
  });
  assert.ok(checks > 0n);
  code.set('check', 0n);
  code.place('failed');
  code.systemCall('ignored', 'exit_group', 'check');
  return run(t, arch, code.finish()).status;
}

/** A program that asks for these pages of itself, lives for so many seconds, and exits with 7. */
function askingFor(set: InstructionSet, segments: readonly ElfSegment[], pages: Pages, seconds = 0n): Buffer {
  const code = new MachineCode(set);
  code.begin('stack');
  code.load('executable path', 8, 'stack', 8n);
  askForPages(code);
  code.reserve('time', 16);
  code.store(8, seconds, 'time');
  code.store(8, 0n, 'time', 8n);
  code.systemCall('ignored', 'nanosleep', 'time', 0n);
  code.systemCall('ignored', 'exit_group', 7n);
  writePages(code, segments, pages);
  return code.finish();
}
