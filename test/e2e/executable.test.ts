// The built executable by itself: what it needs from the system, what it takes from the environment, what it is made of.
// Amazon Linux 2023 has glibc 2.34 and the libstdc++ of GCC 11, which ends at GLIBCXX_3.4.29 and CXXABI_1.3.13.
// https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test } from 'node:test';
import { Script } from 'node:vm';
import { type ElfMachine, readElf } from '../../scripts/build/elf.ts';
import { ARCHITECTURES, executablePath, hostArchitecture, root, runner } from '../../scripts/build/toolchain.ts';
import { createBench } from '../fakes/extension.ts';
import { readNeeds } from '../tools/elf-needs.ts';
import { assertDelivered, assertHealthy } from './support/expect.ts';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const LOADER = { x86_64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as const;
const NEWEST: Readonly<Record<string, readonly number[]>> = {
  GLIBC: [2, 34],
  GLIBCXX: [3, 4, 29],
  CXXABI: [1, 3, 13],
  GCC: [7, 0],
};

for (const arch of ARCHITECTURES) {
  suite(`the executable for ${arch}`, { skip: whyNot(arch) }, () => {
    const file = executablePath(arch);

    test('is for this architecture, and anybody may run it', () => {
      assert.equal(readElf(readFileSync(file)).machine, arch);
      assert.equal(statSync(file).mode & 0o777, 0o755);
    });

    test('its code caches are aligned, so that V8 makes no copies of them', () => {
      const executable = readFileSync(file);
      const boot = asset(executable, 'boot.js');
      const behindItsLength = boot.byteOffset + boot.length + 8;
      assert.deepEqual([behindItsLength % 8, lateCache(executable).byteOffset % 8], [0, 0]);
    });

    test('needs the libraries of glibc and GCC, and no other', () => {
      assert.deepEqual(readNeeds(readElf(readFileSync(file))).libraries.toSorted(), [
        LOADER[arch],
        ...['libc.so.6', 'libdl.so.2', 'libgcc_s.so.1', 'libm.so.6', 'libpthread.so.0', 'libstdc++.so.6'],
      ]);
    });

    test('needs no version of them that is newer than in Amazon Linux 2023', () => {
      const { versions } = readNeeds(readElf(readFileSync(file)));
      assert.ok(versions.length > 10);
      assert.deepEqual(
        versions.filter((need) => isTooNew(need.version)),
        [],
      );
    });

    test('prints its version and nothing else', () => {
      const { status, stdout, stderr } = run(arch, ['--version'], {});
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: `${version}\n`, stderr: '' });
    });

    test('says what it is and how it is used when it is asked, and what is wrong when it is not called as it should be', () => {
      for (const asked of ['-v', 'version']) assert.equal(run(arch, [asked], {}).stdout, `${version}\n`);
      for (const asked of ['-h', '--help', 'help']) {
        const { status, stdout, stderr } = run(arch, [asked], {});
        assert.deepEqual([status, stderr], [0, '']);
        assert.match(stdout, /LOKI_PUSH_ENDPOINT/);
      }
      for (const address of ['', 'nonsense', '127.0.0.1:', '127.0.0.1:99999', ':9001', 'http://127.0.0.1:9001/x']) {
        const { status, stdout, stderr } = run(arch, [], { AWS_LAMBDA_RUNTIME_API: address });
        assert.deepEqual([status, stdout], [2, '']);
        assert.match(stderr, /^aws-lambda-loki-extension.*AWS_LAMBDA_RUNTIME_API is not .*\n$/);
      }
    });

    test('takes no options for Node.js: not from NODE_OPTIONS, not from its arguments', () => {
      const obeyed = run(arch, ['--version'], { NODE_OPTIONS: '--require /missing.js' });
      assert.deepEqual({ status: obeyed.status, stderr: obeyed.stderr }, { status: 0, stderr: '' });
      const unknown = run(arch, ['--node-options=--require /missing.js'], {});
      assert.equal(unknown.status, 2);
      assert.match(unknown.stderr, /unknown argument/);
    });

    test('starts from its own file alone, wherever that is', (t) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'executable-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const moved = path.join(folder, 'moved');
      copyFileSync(file, moved);
      assert.equal(run(arch, ['--version'], {}, moved).stdout, `${version}\n`);
    });

    test('delivers the lines of an invocation', async (t) => {
      const bench = await createBench(t, { executable: emulated(arch, (remove) => t.after(remove)) });
      await bench.emulator.start();
      await bench.emulator.invoke({ lines: ['first', 'second'] });
      await bench.emulator.shutdown();
      assertDelivered(bench);
      assertHealthy(bench);
    });
  });
}

test('the code cache of the late script is accepted by the Node.js that is inside', () => {
  const executable = readFileSync(executablePath(hostArchitecture));
  const cachedData = lateCache(executable);
  const script = new Script(asset(executable, 'late.js').toString('latin1'), { filename: 'late.js', cachedData });
  assert.equal(script.cachedDataRejected, false);
  assert.ok(cachedData.length > 100_000, 'the cache was taken before the script ran');
});

test('a second build gives the same bytes', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'build-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const again = path.join(folder, 'again');
  const script = path.join(root, 'scripts/build/sea.ts');
  execFileSync(process.execPath, [script, hostArchitecture, path.join(root, 'src'), again], { cwd: folder });
  assert.ok(readFileSync(again).equals(readFileSync(executablePath(hostArchitecture))));
});

test('holds nothing of the machine that built it', () => {
  const executable = readFileSync(executablePath(hostArchitecture));
  assert.ok(!executable.includes(root));
});

/** The one for this machine has to be there; the other is tested where it was built and can run. */
function whyNot(arch: ElfMachine): string | false {
  if (arch === hostArchitecture) return false;
  if (!existsSync(executablePath(arch))) return `not built: make build ARCH=${arch}`;
  return runner(arch) === undefined && `no emulator for ${arch} here`;
}

function run(arch: ElfMachine, args: readonly string[], env: Record<string, string>, file = executablePath(arch)) {
  const command = [...(runner(arch) ?? []), file, ...args];
  return spawnSync(command[0] ?? file, command.slice(1), { env, encoding: 'utf8' });
}

/** A file that starts the executable, under an emulator where one is needed. */
function emulated(arch: ElfMachine, later: (remove: () => void) => void): string {
  const command = [...(runner(arch) ?? []), executablePath(arch)];
  if (command.length === 1) return executablePath(arch);
  const folder = mkdtempSync(path.join(tmpdir(), 'emulated-'));
  later(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'aws-lambda-loki-extension');
  writeFileSync(file, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
  return file;
}

function isTooNew(needed: string): boolean {
  const [, name = '', numbers = ''] = /^([A-Z]+)_([\d.]+)$/.exec(needed) ?? [];
  const newest = NEWEST[name];
  if (newest === undefined) return true;
  const version = numbers.split('.').map(Number);
  const at = version.findIndex((number, index) => number !== (newest[index] ?? 0));
  return at >= 0 && (version[at] ?? 0) > (newest[at] ?? 0);
}

/** An asset as Node.js lays it into the executable: key and content, each behind its length in eight bytes. */
function lateCache(executable: Buffer): Buffer {
  const padded = asset(executable, 'late.cache');
  return padded.subarray(padded[0]);
}

function asset(executable: Buffer, key: string): Buffer {
  const prefixed = Buffer.alloc(8 + key.length);
  prefixed.writeBigUInt64LE(BigInt(key.length));
  prefixed.write(key, 8);
  const at = executable.indexOf(prefixed);
  assert.ok(at > 0, `no asset ${key}`);
  const lengthAt = at + prefixed.length;
  return executable.subarray(lengthAt + 8, lengthAt + 8 + Number(executable.readBigUInt64LE(lengthAt)));
}
