// scripts/build/front: the front on a system without a loader, in the emulator; and what attaching it changes in a file.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ElfMachine, readElf } from '../../../scripts/build/elf.ts';
import { attachFront } from '../../../scripts/build/front/attach.ts';
import { makeFront } from '../../../scripts/build/front/program.ts';
import { staticElf } from '../../../scripts/build/front/static-elf.ts';
import { ARCHITECTURES, hostArchitecture, nodePackage, runner } from '../../../scripts/build/toolchain.ts';
import { createLambdaEmulator } from '../../fakes/lambda-emulator.ts';
import { readNeeds } from '../../tools/elf-needs.ts';
import { folder } from './run-program.ts';

const NO_PAGES = { start: [], push: [] };

for (const arch of ARCHITECTURES) {
  const skip = runner(arch) === undefined && `no emulator for ${arch} here`;

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
  writeFileSync(file, attachFront(readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node')), NO_PAGES), {
    mode: 0o755,
  });
  const leave = spawnSync(file, [], { argv0: 'leaving!', input: 'process.exit(3)', env: {} });
  assert.equal(leave.status, 0);
  const stay = spawnSync(file, [], { argv0: 'leaving', input: 'process.exit(3)', env: {} });
  assert.equal(stay.status, 3);
});

test('attaching the front adds to a file, and changes three fields of its header', () => {
  const plain = readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node'));
  const fronted = attachFront(plain, NO_PAGES);
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
  writeFileSync(file, attachFront(readFileSync(path.join(nodePackage(hostArchitecture), 'bin/node')), NO_PAGES), {
    mode: 0o755,
  });
  const script =
    'console.log(JSON.stringify([process.execPath, process.argv.slice(1), process.env.A, process.version]))';
  const { stdout } = spawnSync(file, ['-e', script, 'one', 'two'], { env: { A: 'b' }, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), [file, ['one', 'two'], 'b', process.version]);
});

test('refuses an executable that the front cannot start', () => {
  assert.throws(() => attachFront(staticElf('x86_64', Buffer.alloc(16)), NO_PAGES), /names no dynamic loader/);
  const movable = staticElf('x86_64', Buffer.alloc(16));
  movable.writeUInt16LE(3, 16);
  assert.throws(() => attachFront(movable, NO_PAGES), /no fixed address/);
});

/** The front alone, on its way to a loader that is nowhere. */
function strandedFront(t: TestContext, arch: ElfMachine): string {
  const program = makeFront({
    architecture: arch,
    loader: '/missing/loader.so',
    headersAddress: 0n,
    headerCount: 0n,
    entryAddress: 0n,
    segments: [],
    pages: NO_PAGES,
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
