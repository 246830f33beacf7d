// From exec to SHUTDOWN: register, listen, subscribe, next event, and the wait for the end of an invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createBench, extensionExecutable } from '../fakes/extension.ts';
import type { LambdaEmulator } from '../fakes/lambda-emulator.ts';
import { assertDelivered, assertHealthy, assertUnharmed, inOrder, ownMessages } from './support/expect.ts';

const registerPath = '/2020-01-01/extension/register';
const nextPath = '/2020-01-01/extension/event/next';
const logsPath = '/2020-08-15/logs';

suite('lifecycle', { concurrency: 2 }, () => {
  test('registers under the file name of its executable, for INVOKE and SHUTDOWN', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'extension-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const executable = join(folder, 'renamed-by-its-user');
    copyFileSync(extensionExecutable(), executable, constants.COPYFILE_FICLONE);
    const bench = await createBench(t, { executable });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['one'] });
    const [register] = bench.emulator.calls;
    assert.equal(register?.path, registerPath);
    assert.equal(register.headers['lambda-extension-name'], 'renamed-by-its-user');
    assert.deepEqual(JSON.parse(register.body), { events: ['INVOKE', 'SHUTDOWN'] });
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('registers, subscribes once to the Logs API, and then asks for the next event', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    const { calls, subscription } = bench.emulator;
    assert.deepEqual(
      calls.map(({ path }) => path),
      [registerPath, logsPath, nextPath],
    );
    const request: { destination: { URI: string } } = JSON.parse(calls[1]?.body ?? '');
    assert.equal(new URL(request.destination.URI).hostname, 'sandbox.localdomain');
    assert.equal(subscription?.schemaVersion, '2021-03-18');
    assert.equal(subscription.timeoutMs, 25);
    assert.deepEqual([...subscription.types].sort(), ['function', 'platform']);
    assertHealthy(bench);
  });

  test('listens on all interfaces before it subscribes', async (t) => {
    let listening: string | undefined;
    const bench = await createBench(t, {
      intercept: ({ path, body }) => {
        if (path === logsPath) listening = listenerOn(Number(new URL(JSON.parse(body).destination.URI).port));
        return undefined;
      },
    });
    await bench.emulator.start();
    assert.equal(listening, '00000000');
  });

  test('waits for the next event as long as it takes, on one request', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    await wait(4_000);
    assert.equal(nextCalls(bench.emulator), 1);
    await bench.emulator.invoke({ lines: ['after a long wait'] });
    assert.equal(nextCalls(bench.emulator), 2);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('asks for the next event only when the function is done and its lines are in Loki', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    let askedDuringRun = 0;
    await bench.emulator.invoke({
      lines: ['first', 'second'],
      during: async () => {
        await bench.loki.waitFor((loki) => loki.lines('function').length === 2);
        askedDuringRun = nextCalls(bench.emulator) - 1;
      },
    });
    assert.equal(askedDuringRun, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('lets go before the deadline when the end of an invocation is never told', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    const first = await bench.emulator.invoke({ lines: ['one'], runtimeDone: 'never', deadlineInMs: 1_500 });
    assert.equal(first.extensionTimedOut, false);
    const second = await bench.emulator.invoke({ lines: ['two'] });
    assert.equal(second.extensionTimedOut, false);
    assert.equal((await bench.emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('an event that Lambda tries again under its request id is delivered as the first was', async (t) => {
    for (const api of ['logs', 'telemetry']) {
      const bench = await createBench(t, { environment: { LOKI_EXTENSION_API: api } });
      const requestId = randomUUID();
      await bench.emulator.start();
      for (const line of ['first', 'second', 'third']) {
        await bench.emulator.invoke({
          requestId,
          outcome: 'error',
          during: async () => bench.emulator.log([line]),
        });
        assert.equal(bench.loki.lines('function').at(-1), line, 'it is there when the invocation is over');
      }
      assert.equal((await bench.emulator.shutdown()).exitCode, 0);
      for (const { metadata } of inOrder(bench.loki, 'function')) assert.equal(metadata['request_id'], requestId);
      assertDelivered(bench);
      assertHealthy(bench);
    }
  });

  test('holds no invocation to its timeout where what told its end was lost', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_EXTENSION_API: 'telemetry' } });
    await bench.emulator.start();
    const time = new Date().toISOString();
    for (const body of [
      `[{"time":"${time}","type":"function","record":"kept"},{"time":"${time}","type":"platform.runtimeDone","rec`,
      `[{"time":"${time}","type":"function","record":"${'x'.repeat(9 << 20)}"}]`,
      `[{"time":"${time}","type":"platform.runtimeDone","record":{"status":"success"}}]`,
    ]) {
      const { heldMs = Number.NaN } = await bench.emulator.invoke({
        runtimeDone: 'never',
        deadlineInMs: 60_000,
        during: async () => void (await bench.emulator.deliver([body])),
      });
      assert.ok(heldMs < 30_000, `${heldMs} ms, ${body.slice(0, 100)}`);
    }
    assert.equal((await bench.emulator.shutdown()).exitCode, 0);
    assert.deepEqual(bench.loki.lines('function'), ['kept']);
    assertUnharmed(bench.emulator);
  });

  test('carries on without data where a local emulator answers 202', async (t) => {
    const bench = await createBench(t, { mode: 'unsupported' });
    await bench.emulator.start();
    for (let count = 0; count < 3; count++) await bench.emulator.invoke({ lines: ['unheard'] });
    const { exitCode } = await bench.emulator.shutdown();
    assert.equal(exitCode, 0);
    assert.equal(bench.loki.requests.length, 0);
    assertHealthy(bench);
  });

  test('takes SHUTDOWN without any invocation, and delivers what init logged', async (t) => {
    const bench = await createBench(t);
    await bench.emulator.start();
    bench.emulator.log(['static code of the function']);
    const { exitCode, exitedBeforeDeadline } = await bench.emulator.shutdown({ reason: 'SPINDOWN' });
    assert.equal(exitCode, 0);
    assert.equal(exitedBeforeDeadline, true);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('ends with a code that is not 0, and one clear line, when it may not register', async (t) => {
    const refusal = { errorType: 'Extension.TooManyExtensions', errorMessage: 'Extension limit (10) reached' };
    const bench = await createBench(t, {
      intercept: ({ path }) => (path === registerPath ? { status: 403, body: JSON.stringify(refusal) } : undefined),
    });
    const startedMs = performance.now();
    await assert.rejects(bench.emulator.start(), /did not get through init; exit: {"code":[1-9]/);
    assert.ok(performance.now() - startedMs < 8_000, 'it does not wait for the limit of the init phase');
    const lines = bench.emulator.output.trimEnd().split('\n');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /Extension limit \(10\) reached/);
  });

  test('tries again when the connection breaks while it registers', async (t) => {
    let resets = 0;
    const bench = await createBench(t, {
      intercept: ({ path }) => (path === registerPath && resets++ === 0 ? 'reset' : undefined),
    });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['registered at the second attempt'] });
    assert.equal(resets, 2);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('asks again on a new connection when the request for the next event breaks', async (t) => {
    let resets = 0;
    const bench = await createBench(t, {
      intercept: ({ path }) => (path === nextPath && resets++ === 1 ? 'reset' : undefined),
    });
    await bench.emulator.start();
    for (const line of ['one', 'two', 'three']) await bench.emulator.invoke({ lines: [line] });
    assert.equal((await bench.emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  for (const refusal of [
    { status: 400, body: '{"errorType":"Logs.ValidationError","errorMessage":"types: "x" is unknown"}' },
    { status: 403, body: '{"errorType":"Extension.UnknownExtensionIdentifier","errorMessage":"Unknown extension"}' },
    { status: 404, body: '404 page not found\n' },
    { status: 500, body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}' },
  ]) {
    test(`goes on without data when every subscription is refused with ${refusal.status}`, async (t) => {
      const bench = await createBench(t, {
        intercept: ({ path }) => (path.endsWith('/logs') || path.endsWith('/telemetry') ? refusal : undefined),
      });
      await bench.emulator.start();
      for (let count = 0; count < 3; count++) {
        const { extensionTimedOut } = await bench.emulator.invoke({ lines: ['unheard'] });
        assert.equal(extensionTimedOut, false);
      }
      assert.equal((await bench.emulator.shutdown()).exitCode, 0);
      assertUnharmed(bench.emulator);
      const messages = ownMessages(bench.emulator);
      assert.equal(messages.length, 1, bench.emulator.output);
      assert.equal(messages[0]?.level, 'error');
      assert.match(messages[0].message, /subscription/);
    });
  }

  test('goes on without data when the connection breaks at each subscription', async (t) => {
    const bench = await createBench(t, { intercept: ({ path }) => (path === logsPath ? 'reset' : undefined) });
    await bench.emulator.start();
    const { extensionTimedOut } = await bench.emulator.invoke({ lines: ['unheard'] });
    assert.equal(extensionTimedOut, false);
    assert.equal((await bench.emulator.shutdown()).exitCode, 0);
    assertUnharmed(bench.emulator);
    assert.equal(ownMessages(bench.emulator)[0]?.level, 'error');
  });
});

function nextCalls({ calls }: LambdaEmulator): number {
  return calls.filter(({ path }) => path === nextPath).length;
}

/** The address, in the kernel's hexadecimal, on which some process listens on this port; undefined if none does. */
function listenerOn(port: number): string | undefined {
  const listening = '0A';
  for (const row of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local = '', , state] = row.trim().split(/\s+/);
    const [address, hexPort = ''] = local.split(':');
    if (state === listening && Number.parseInt(hexPort, 16) === port) return address;
  }
  return undefined;
}
