// The parts as main and late put them together, run from source: each setting reaches what it is the setting of.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseConfig } from '../../src/config/config.ts';
import { describeStart, openPipeline } from '../../src/late/index.ts';
import { version } from '../../src/version.ts';
import { Conditions } from '../fakes/conditions.ts';
import { recordingLog } from '../fakes/doubles.ts';
import { freePort } from '../fakes/extension.ts';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { platformVariables } from '../fakes/lambda/environment.ts';
import { createLambdaEmulator } from '../fakes/lambda-emulator.ts';
import { bodyOf, functionRecord } from '../fakes/records.ts';
import { startRawServer } from './raw-server.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const identity = { functionName: 'orders-api', functionVersion: undefined, accountId: undefined, region: undefined };

test('a push is given up after its own time-out, and not after that of a flush', async (t) => {
  const silent = await startRawServer(t, () => {});
  const { config } = parseConfig({
    LOKI_PUSH_ENDPOINT: `http://${silent.address}/`,
    LOKI_PUSH_TIMEOUT_MS: '150',
    LOKI_FLUSH_TIMEOUT_MS: '60000',
  });
  const log = recordingLog();
  const pipeline = await openPipeline(config, identity, false, log);
  assert.ok(pipeline);
  pipeline.begin();
  pipeline.receive(bodyOf(functionRecord('line', Date.now())));
  pipeline.sendNow();
  assert.ok(await silent.came(2), 'it is given up and tried again');
  assert.match(log.messages[0]?.message ?? '', /150 ms/);
  pipeline.abandon();
});

/** The extension, from its first line on, in a sandbox of the emulator's. */
async function startMain(t: TestContext, settings: Readonly<Record<string, string>>) {
  const emulator = await createLambdaEmulator({ extensionName: path.basename(process.execPath) });
  t.after(() => emulator.stop());
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...platformVariables(emulator.function, emulator.runtimeApi),
      LOKI_EXTENSION_PORT: String(await freePort()),
      ...settings,
    },
  });
  t.after(() => child.kill('SIGKILL'));
  const conditions = new Conditions();
  let output = '';
  child.stdout.on('data', (piece) => {
    output += piece;
    conditions.changed();
  });
  await emulator.start();
  return {
    emulator,
    child,
    async printed(text: string) {
      assert.ok(await conditions.until(() => output.includes(text), 20_000), `it has printed ${output}`);
    },
  };
}

test('what an init logs is pushed at once, but waits for the first event where the init becomes a snapshot', async (t) => {
  for (const type of ['on-demand', 'provisioned-concurrency', 'snap-start']) {
    const loki = await startFakeLoki();
    t.after(() => loki.close());
    const { emulator, child, printed } = await startMain(t, {
      LOKI_PUSH_ENDPOINT: loki.url,
      LOKI_EXTENSION_LOG_LEVEL: 'info',
      AWS_LAMBDA_INITIALIZATION_TYPE: type,
    });
    const waits = type === 'snap-start';
    if (waits) await printed('started');
    else await loki.waitFor(({ requests }) => requests.length > 0);
    await emulator.invoke();
    // What has waited leaves with what the invocation logs.
    const lines = loki.requests[0]?.streams.flatMap(({ entries }) => entries.map(({ line }) => line)) ?? [];
    assert.ok(lines.some((line) => line.includes('platform.initRuntimeDone')));
    assert.equal(
      lines.some((line) => line.includes('platform.start')),
      waits,
      type,
    );
    child.kill('SIGKILL');
    await emulator.stop();
  }
});

test('an invocation is held for the time-out of a flush, and not for that of a push', async (t) => {
  const silent = await startRawServer(t, () => {});
  const { emulator, child } = await startMain(t, {
    LOKI_PUSH_ENDPOINT: `http://${silent.address}/`,
    LOKI_PUSH_TIMEOUT_MS: '30000',
    LOKI_FLUSH_TIMEOUT_MS: '200',
  });
  const { heldMs } = await emulator.invoke({ lines: ['line'], deadlineInMs: 60_000 });
  assert.ok(heldMs !== undefined && heldMs >= 190 && heldMs < 20_000, `held for ${heldMs} ms`);
  const exited = once(child, 'exit');
  const over = emulator.shutdown();
  assert.deepEqual(await exited, [0, null]);
  await over;
});

test('what is said at the start: where logs go, as whom, by which API, and how', () => {
  const describe = (endpoint: string, api?: string) =>
    describeStart(
      parseConfig({
        LOKI_PUSH_ENDPOINT: endpoint,
        LOKI_USERNAME: '4711',
        LOKI_PASSWORD: 'hunter2',
        LOKI_TENANT_ID: 'team-a',
        LOKI_FLUSH_STRATEGY: 'end',
      }).config,
      api,
    );
  const { as: who, ...rest } = describe('https://loki.example.com', 'logs');
  const to = 'https://loki.example.com/loki/api/v1/push';
  assert.deepEqual(rest, { version, to, api: 'logs', strategy: 'end' });
  assert.match(String(who), /4711.*team-a|team-a.*4711/);
  assert.doesNotMatch(String(who), /hunter2/);
  assert.equal(describe('http://loki:3100/x')['to'], 'http://loki:3100/x');
});
