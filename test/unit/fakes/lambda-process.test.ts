// The emulator with a process: a small stub extension is spawned, frozen, thawed, shut down and killed.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { EmulatorOptions } from '../../fakes/lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../../fakes/lambda-emulator.ts';

/** An emulator whose extension is the stub, as an executable named `stub`. */
async function create(t: TestContext, fault = '', options: EmulatorOptions = {}): Promise<LambdaEmulator> {
  const folder = mkdtempSync(join(tmpdir(), 'lambda-emulator-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const executable = join(folder, 'stub');
  const script = join(import.meta.dirname, 'stub-extension.ts');
  writeFileSync(executable, `#!/bin/sh\nexec '${process.execPath}' '${script}'\n`, { mode: 0o755 });
  const emulator = await createLambdaEmulator({ executable, environment: { STUB: fault }, ...options });
  t.after(() => emulator.stop());
  return emulator;
}

/** What the stub printed: the records it received. */
function received(emulator: LambdaEmulator): { type: string; record: unknown }[] {
  return emulator.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function processState(pid: number | undefined): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}

test('runs a process through init, invocations with late reports, and shutdown', async (t) => {
  const emulator = await create(t);
  const started = await emulator.start();
  assert.ok(started.registeredAfterMs > 0 && started.firstNextAfterMs > started.registeredAfterMs);
  const first = await emulator.invoke({ requestId: 'r-1', lines: ['one', 'two'] });
  assert.ok(first.heldMs !== undefined && first.deliveryMs.length > 0);
  const second = await emulator.invoke({ requestId: 'r-2', lines: ['three'], lateLines: ['late'] });
  assert.equal(second.extensionTimedOut, false);
  const end = await emulator.shutdown();
  assert.deepEqual([end.exitCode, end.signal, end.exitedBeforeDeadline], [0, null, true]);
  const types = received(emulator).map(({ type, record }) => (type === 'function' ? record : type));
  const one = ['platform.start', 'one\n', 'two\n', 'platform.runtimeDone', 'platform.end', 'platform.report'];
  const two = ['platform.start', 'three\n', 'platform.runtimeDone', 'late\n', 'platform.end', 'platform.report'];
  const init = ['platform.logsSubscription', 'platform.extension', 'platform.initRuntimeDone', 'platform.initReport'];
  assert.deepEqual(types, [...init, ...one, ...two]);
  assert.deepEqual(emulator.violations, []);
});

test('gives the process the environment of Lambda and nothing of ours', async (t) => {
  const emulator = await create(t, '', { environment: { CUSTOM: 'x', AWS_REGION: undefined } });
  await emulator.start();
  const variables = readFileSync(`/proc/${emulator.pid}/environ`, 'utf8')
    .split('\0')
    .filter((text) => text !== '');
  const names = variables
    .map((text) => text.split('=')[0])
    // Of the shell, and of a test run that measures its coverage.
    .filter((name) => !['PWD', '_', 'SHLVL', 'OLDPWD', 'NODE_V8_COVERAGE'].includes(name ?? ''));
  assert.deepEqual(names.sort(), [
    'AWS_ACCESS_KEY_ID',
    'AWS_DEFAULT_REGION',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION',
    'AWS_LAMBDA_INITIALIZATION_TYPE',
    'AWS_LAMBDA_RUNTIME_API',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'CUSTOM',
    'LANG',
    'LD_LIBRARY_PATH',
    'PATH',
    'TZ',
  ]);
});

test('stops the whole process between invocations and lets it run in them', async (t) => {
  const states: (string | undefined)[] = [];
  const emulator: LambdaEmulator = await create(t, '', {
    freeze: true,
    onFrozen: () => void states.push(processState(emulator.pid)),
  });
  await emulator.start();
  for (const requestId of ['a', 'b', 'c']) {
    const during = async () => void states.push(processState(emulator.pid));
    await emulator.invoke({ requestId, lines: [requestId], during });
  }
  assert.equal(processState(emulator.pid), 'T');
  assert.deepEqual(
    states.map((state) => state === 'T'),
    [false, true, false, true, false, true],
  );
  assert.equal((await emulator.shutdown()).exitCode, 0);
});

test('stops the process after init when told to, and thaws it for the next event', async (t) => {
  for (const event of ['invoke', 'shutdown'] as const) {
    const emulator = await create(t);
    await emulator.start();
    await emulator.freeze();
    assert.equal(processState(emulator.pid), 'T');
    if (event === 'invoke') {
      await emulator.invoke({ lines: ['thawed'] });
      assert.notEqual(processState(emulator.pid), 'T');
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assert.deepEqual(emulator.violations, []);
  }
});

test('kills at the deadline what does not exit', async (t) => {
  const emulator = await create(t, 'deaf');
  await emulator.start();
  const end = await emulator.shutdown({ deadlineInMs: 100 });
  assert.deepEqual([end.exitCode, end.signal, end.exitedBeforeDeadline], [null, 'SIGKILL', false]);
  assert.ok(end.tookMs >= 99);
});

test('shuts down after a timeout and after a crash, and starts a new process with the next invocation', async (t) => {
  const emulator = await create(t);
  await emulator.start();
  const pids = [emulator.pid];
  const timeout = await emulator.invoke({ requestId: 'slow', outcome: 'timeout', deadlineInMs: 150 });
  assert.equal(timeout.shutdown?.exitCode, 0);
  const crash = await emulator.invoke({ requestId: 'crashed', outcome: 'crash', reportDelivery: 'never' });
  assert.equal(crash.shutdown?.exitCode, 0);
  await emulator.invoke({ requestId: 'fine' });
  pids.push(emulator.pid);
  assert.equal(new Set(pids).size, 2);
  const done = received(emulator)
    .filter(({ type }) => type === 'platform.runtimeDone')
    .map(({ record }) => record);
  assert.deepEqual(done, [
    { requestId: 'slow', status: 'timeout' },
    { requestId: 'crashed', status: 'failure' },
    { requestId: 'fine', status: 'success' },
  ]);
  const texts = received(emulator).filter(({ type }) => type === 'platform.fault');
  assert.equal(texts.length, 1);
  assert.equal(received(emulator).filter(({ type }) => type === 'platform.report').length, 1);
});

test('times an invocation out when the extension holds it past the deadline', async (t) => {
  const emulator = await create(t, 'slow');
  await emulator.start();
  const result = await emulator.invoke({ deadlineInMs: 120, shutdown: { deadlineInMs: 100 } });
  assert.equal(result.extensionTimedOut, true);
  assert.equal(result.heldMs, undefined);
  assert.equal(result.shutdown?.signal, 'SIGKILL');
});

test('fails loudly when the extension exits in an invocation or never gets through init', async (t) => {
  const exits = await create(t, 'exit');
  await exits.start();
  await assert.rejects(exits.invoke(), /the extension exited in an invocation; exit: \{"code":0/);
  assert.match(exits.violations.join(), /exit outside of SHUTDOWN/);
  const renamed = await create(t, '', { extensionName: 'other' });
  await assert.rejects(renamed.start(), /did not get through init/);
  assert.match(renamed.violations.join(), /ShutdownEventNotSupportedForInternalExtension/);
});

test('does not wait for an extension that registered for SHUTDOWN alone', async (t) => {
  const emulator = await create(t, 'shutdown-only');
  await emulator.start();
  const result = await emulator.invoke({ lines: ['x'] });
  assert.equal(result.heldMs, undefined);
  assert.equal(await emulator.delivered(), true);
  assert.equal((await emulator.shutdown()).exitCode, 0);
});
