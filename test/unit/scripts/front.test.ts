// scripts/build/front: small programs written as machine code and run, for each architecture that can run here; the front on a system
// without a loader, in the emulator; and what attaching it changes in a file.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { readElf, readNeeds } from '../../../scripts/build/elf.ts';
import { arm64 } from '../../../scripts/build/front/arm64.ts';
import { attachFront } from '../../../scripts/build/front/attach.ts';
import type { Condition, Operator, Width } from '../../../scripts/build/front/instruction-set.ts';
import { MachineCode } from '../../../scripts/build/front/machine-code.ts';
import { makeFront } from '../../../scripts/build/front/program.ts';
import { x86_64 } from '../../../scripts/build/front/x86-64.ts';
import { ARCHITECTURES, hostArchitecture, nodePackage, runner } from '../../../scripts/build/toolchain.ts';
import { createLambdaEmulator } from '../../fakes/lambda-emulator.ts';
import { staticElf } from './static-elf.ts';

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

  test(`${arch}: where no loader is, the function lives, and the log says why nothing comes`, { skip }, async (t) => {
    const emulator = await createLambdaEmulator({ executable: strandedFront(t, arch) });
    t.after(() => emulator.stop());
    await emulator.start();
    await emulator.invoke({ lines: ['not delivered'] });
    await emulator.invoke();
    const { exitCode, exitedBeforeDeadline } = await emulator.shutdown();
    assert.deepEqual({ exitCode, exitedBeforeDeadline }, { exitCode: 0, exitedBeforeDeadline: true });
    assert.deepEqual(emulator.violations, []);
    assert.deepEqual(
      emulator.calls.map(({ method, path }) => `${method} ${path}`),
      ['POST /2020-01-01/extension/register', 'GET /2020-01-01/extension/event/next'],
    );
    const lines = emulator.output.trim().split('\n');
    assert.equal(lines.length, 1);
    const { level, name, msg } = JSON.parse(lines[0] ?? '');
    assert.deepEqual({ level, name }, { level: 'warn', name: 'aws-lambda-loki-extension' });
    assert.match(msg, /Node\.js cannot start on this base system.*The function goes on/);
  });

  test(`${arch}: where no loader is, managed instances live too`, { skip }, async (t) => {
    const emulator = await createLambdaEmulator({ executable: strandedFront(t, arch), mode: 'managed-instances' });
    t.after(() => emulator.stop());
    await emulator.start();
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assert.deepEqual(emulator.violations, []);
  });
}

test('a stranded front asks again when the connection breaks, and takes headers in any case', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url?.split('/').at(-1)} ${request.headers['lambda-extension-identifier'] ?? ''}`.trim());
    if (asked.length === 1) response.writeHead(200, { 'LAMBDA-EXTENSION-IDENTIFIER': 'the-identifier' }).end('{}');
    else if (asked.length === 2) request.socket.resetAndDestroy();
    else if (asked.length === 3) response.end('{"eventType":"INVOKE"}');
    else response.end('{"eventType":"SHUTDOWN"}');
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const status = await exitStatus(strandedFront(t, hostArchitecture), { AWS_LAMBDA_RUNTIME_API: `localhost:${port}` });
  assert.equal(status, 0);
  assert.deepEqual(asked, ['register', 'next the-identifier', 'next the-identifier', 'next the-identifier']);
});

test('a stranded front ends when it may not register, and when there is no Lambda', async (t) => {
  const server = createServer((_, response) =>
    response.writeHead(403).end('{"errorType":"Extension.InvalidEventType"}'),
  );
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const file = strandedFront(t, hostArchitecture);
  assert.equal(await exitStatus(file, { AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` }), 1);
  const outside = spawnSync(file, ['--version'], { env: {}, encoding: 'utf8' });
  assert.equal(outside.status, 2);
  assert.match(outside.stderr, /^aws-lambda-loki-extension: Node\.js cannot start on this base system: .*\n$/);
});

test('a program by the name that Node.js takes to leave at once exits with 0, and does nothing else', (t) => {
  const file = path.join(folder(t), 'node');
  writeFileSync(file, attachFront(readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node'))), { mode: 0o755 });
  const leave = spawnSync(file, [], { argv0: 'leaving!', input: 'process.exit(3)', env: {} });
  assert.equal(leave.status, 0);
  const stay = spawnSync(file, [], { argv0: 'leaving', input: 'process.exit(3)', env: {} });
  assert.equal(stay.status, 3);
});

test('attaching the front adds to a file, and changes three fields of its header', () => {
  const plain = readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node'));
  const fronted = attachFront(plain);
  assert.ok(fronted.length - plain.length < 16_384);
  const restored = Buffer.from(fronted.subarray(0, plain.length));
  for (const [start, end] of [
    [24, 40],
    [56, 58],
  ] as const) {
    assert.ok(!fronted.subarray(start, end).equals(plain.subarray(start, end)));
    plain.copy(restored, start, start, end);
  }
  assert.ok(restored.equals(plain));
  const types = readElf(fronted).segments.map(({ type }) => type);
  assert.ok(!types.includes(3), 'the kernel finds no loader to start');
  assert.equal(types.length, readElf(plain).segments.length + 1);
  assert.deepEqual(readNeeds(readElf(fronted)), readNeeds(readElf(plain)));
});

test('a fronted Node.js is the same Node.js, and sees the same arguments and environment', (t) => {
  const file = path.join(folder(t), 'node');
  writeFileSync(file, attachFront(readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node'))), { mode: 0o755 });
  const script =
    'console.log(JSON.stringify([process.execPath, process.argv.slice(1), process.env.A, process.version]))';
  const { stdout } = spawnSync(file, ['-e', script, 'one', 'two'], { env: { A: 'b' }, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), [file, ['one', 'two'], 'b', process.version]);
});

test('refuses an executable that the front cannot start', () => {
  assert.throws(() => attachFront(staticElf('x86_64', Buffer.alloc(16))), /names no dynamic loader/);
  const movable = staticElf('x86_64', Buffer.alloc(16));
  movable.writeUInt16LE(3, 16);
  assert.throws(() => attachFront(movable), /no fixed address/);
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

function run(t: TestContext, arch: keyof typeof SETS, program: Buffer) {
  const file = path.join(folder(t), 'program');
  writeFileSync(file, staticElf(arch, program), { mode: 0o755 });
  const command = [...(runner(arch) ?? []), file];
  return spawnSync(command[0] ?? file, command.slice(1), { env: {}, encoding: 'utf8' });
}

/** The front alone, on its way to a loader that is nowhere. */
function strandedFront(t: TestContext, arch: keyof typeof SETS): string {
  const program = makeFront({
    architecture: arch,
    loader: '/missing/loader.so',
    headersAddress: 0n,
    headerCount: 0n,
    entryAddress: 0n,
  });
  const place = folder(t);
  const name = 'aws-lambda-loki-extension';
  if (arch === hostArchitecture) {
    writeFileSync(path.join(place, name), staticElf(arch, program), { mode: 0o755 });
    return path.join(place, name);
  }
  // The emulator starts a file without arguments, so a script stands in for it.
  const front = path.join(place, 'foreign', name);
  const command = [...(runner(arch) ?? []), front];
  mkdirSync(path.dirname(front));
  writeFileSync(front, staticElf(arch, program), { mode: 0o755 });
  writeFileSync(path.join(place, name), `#!/bin/sh\nexec ${command.join(' ')}\n`, { mode: 0o755 });
  return path.join(place, name);
}

function exitStatus(file: string, env: Record<string, string>): Promise<number | null> {
  return new Promise((exited) => spawn(file, [], { env, stdio: 'ignore' }).once('exit', exited));
}

function folder(t: TestContext): string {
  const place = mkdtempSync(path.join(tmpdir(), 'front-'));
  t.after(() => rmSync(place, { recursive: true }));
  return place;
}
