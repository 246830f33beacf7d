// A smoke test of the arm64 executable on a machine of another architecture, under QEMU's user mode: it starts, it
// registers, it subscribes, one invocation comes to Loki, it ends. On an arm64 machine all other tests are about it.
// https://www.qemu.org/docs/master/user/main.html

import assert from 'node:assert/strict';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { arch } from 'node:process';
import { type TestContext, test } from 'node:test';
import { runner } from '../../scripts/build/toolchain.ts';
import { createBench } from '../fakes/extension.ts';
import { assertDelivered, assertUnharmed } from './support/expect.ts';

const built = resolve(import.meta.dirname, '../../bin/arm64/extensions/aws-lambda-loki-extension');
const { EXTENSION_EXECUTABLE_ARM64: executable = built } = process.env;
const emulator = runner('arm64');

/** Why there is nothing to test here, if so. */
function reasonToSkip(): string | false {
  if (arch === 'arm64') return 'this machine is arm64: the other tests run this executable';
  if (emulator === undefined) return 'no QEMU with arm64 libraries: "make qemu-arm64" installs them on Debian';
  try {
    accessSync(executable, constants.X_OK);
  } catch {
    return `no executable at ${executable}: run "make build ARCH=arm64"`;
  }
  return false;
}

/** A script that Lambda could start: same name as the executable, which the platform knows the extension by. */
function emulated(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = join(folder, basename(executable));
  const command = [...(emulator ?? []), executable].map((word) => `'${word}'`).join(' ');
  writeFileSync(script, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return script;
}

for (const api of ['logs', 'telemetry'] as const) {
  test(`the arm64 executable delivers an invocation and ends with 0 (${api})`, { skip: reasonToSkip() }, async (t) => {
    const bench = await createBench(t, {
      executable: emulated(t),
      initTimeoutMs: 60_000,
      // Emulated code is slow: what is held up here is no matter.
      environment: { LOKI_EXTENSION_API: api, LOKI_FLUSH_TIMEOUT_MS: '30000', LOKI_PUSH_TIMEOUT_MS: '30000' },
    });
    await bench.emulator.start();
    assert.equal(bench.emulator.subscription?.api, api);
    const { extensionTimedOut } = await bench.emulator.invoke({
      lines: ['hello from arm64', '{"level":"warn","message":"🧀"}'],
      deadlineInMs: 60_000,
    });
    assert.equal(extensionTimedOut, false);
    assert.deepEqual(bench.loki.lines('function'), ['hello from arm64', '{"level":"warn","message":"🧀"}']);
    const { exitCode, exitedBeforeDeadline } = await bench.emulator.shutdown({ deadlineInMs: 30_000 });
    assert.equal(exitCode, 0);
    assert.equal(exitedBeforeDeadline, true);
    assertDelivered(bench);
    assertUnharmed(bench.emulator);
    assert.equal(bench.emulator.output, '');
  });
}
