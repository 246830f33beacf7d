// serve.ts in this process, between an emulated Lambda and a fake Loki: what comes in which order, and what is sent when.
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Config, ConfigProblem } from '../../src/config/config.ts';
import { createExtensionsApi } from '../../src/lambda/extensions-api.ts';
import { createRuntimeApi } from '../../src/lambda/runtime-api.ts';
import * as late from '../../src/late/index.ts';
import { lazily, serve } from '../../src/serve.ts';
import { createPace, systemClock } from '../../src/time.ts';
import { type RecordingLog, recordingLog } from '../fakes/doubles.ts';
import { type FakeLoki, startFakeLoki } from '../fakes/fake-loki.ts';
import type { EmulatorOptions } from '../fakes/lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../fakes/lambda-emulator.ts';
import { testConfig } from '../fakes/records.ts';

const NAME = 'an-extension';
/** Any port that is free. */
const ANY_PORT = 0;
const NEXT = '/2020-01-01/extension/event/next';
const LOGS = '/2020-08-15/logs';
const TELEMETRY = '/2022-07-01/telemetry';

interface Setting extends Partial<Config> {
  readonly emulator?: EmulatorOptions;
  readonly managed?: boolean;
  readonly snapshot?: boolean;
  readonly problems?: readonly ConfigProblem[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logLevel?: Config['logLevel'];
  /** In the place of what the late half of the program is. */
  readonly loadLate?: () => Promise<typeof late>;
}

/** An extension that is registered and serves, until it has asked for the first event. */
async function setUp(t: TestContext, setting: Setting = {}) {
  const {
    emulator: options,
    managed = false,
    snapshot = false,
    problems = [],
    env = {},
    loadLate,
    ...changes
  } = setting;
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const mode = managed ? { mode: 'managed-instances' as const } : {};
  const emulator = await createLambdaEmulator({ extensionName: NAME, ...mode, ...options });
  const runtimeApi = createRuntimeApi(emulator.runtimeApi);
  const extensionsApi = createExtensionsApi(runtimeApi, [NAME]);
  const registration = await extensionsApi.register(managed);
  assert.ok('extensionId' in registration);
  const endpoint = { url: `${loki.url}/loki/api/v1/push`, authorization: undefined, tenantId: undefined, headers: {} };
  const config = testConfig({ endpoint, port: ANY_PORT, ...changes });
  const log = recordingLog(systemClock, config.logLevel === 'silent' ? 'fatal' : config.logLevel);
  /** Paths that had been asked for when the late half was. */
  const callsBeforeLate: string[][] = [];
  const over = serve({
    env,
    config,
    problems,
    registration,
    snapshot,
    runtimeApi,
    extensionsApi,
    late: lazily(async () => {
      callsBeforeLate.push(emulator.calls.map(({ path }) => path));
      return loadLate ? loadLate() : late;
    }),
    pace: createPace(1, systemClock.now, () => 0),
    log,
  });
  t.after(async () => {
    // Also where a test fails: whoever asks for events would never end.
    process.emit('SIGTERM');
    process.removeAllListeners('SIGTERM');
    await over;
    await emulator.shutdown({ deadlineInMs: 1 });
    await emulator.stop();
  });
  await emulator.start();
  return { loki, emulator, log, over, callsBeforeLate };
}

const paths = ({ calls }: LambdaEmulator) => calls.map(({ path }) => path);
const stored = (loki: FakeLoki, lines: readonly string[]) =>
  loki.waitFor(() => JSON.stringify(loki.lines('function')) === JSON.stringify(lines));
const idsOf = ({ messages }: RecordingLog) => messages.map(({ fields }) => fields['id']);

test('the listener is subscribed before the first event is asked for, and the late half is loaded after that', async (t) => {
  const { emulator, loki, callsBeforeLate, over } = await setUp(t);
  await emulator.invoke({ lines: ['line'] });
  assert.deepEqual(paths(emulator).slice(1, 3), [LOGS, NEXT]);
  assert.equal(callsBeforeLate.length, 1, 'once');
  assert.ok(callsBeforeLate[0]?.includes(NEXT));
  await emulator.shutdown();
  await over;
  assert.deepEqual(loki.lines('function'), ['line']);
  assert.deepEqual(emulator.violations, []);
});

test('what init logs is sent at once, and what comes after the first event is not', async (t) => {
  const { emulator, loki, over } = await setUp(t, { flushStrategy: 'continuous', batchMaxWaitMs: 60_000 });
  emulator.log(['init']);
  await stored(loki, ['init']);
  await emulator.invoke({ lines: ['later'] });
  emulator.log(['later still']);
  await emulator.delivered();
  assert.deepEqual(loki.lines('function'), ['init']);
  await emulator.shutdown();
  await over;
  assert.deepEqual(loki.lines('function'), ['init', 'later', 'later still']);
});

test('in a snapshot nothing is sent before the first event', async (t) => {
  const { emulator, loki, over } = await setUp(t, { snapshot: true, flushStrategy: 'end' });
  emulator.log(['init']);
  await emulator.delivered();
  assert.equal(loki.connectionCount, 0);
  await emulator.invoke({ lines: ['line'] });
  assert.deepEqual(loki.lines('function'), ['init', 'line']);
  await emulator.shutdown();
  await over;
});

test('on Managed Instances what is logged is sent when a batch is old enough, and the end has no INVOKE before it', async (t) => {
  const { emulator, loki, over } = await setUp(t, { managed: true, api: 'auto', batchMaxWaitMs: 60_000 });
  emulator.log(['line']);
  await emulator.delivered();
  assert.deepEqual(loki.lines('function'), []);
  assert.deepEqual(emulator.subscription?.timeoutMs, 250);
  await emulator.shutdown();
  await over;
  assert.deepEqual(loki.lines('function'), ['line']);
});

test('before the first event a pipeline is begun and told to send in the usual init, sends in time on Managed Instances, and waits in a snapshot', async (t) => {
  for (const [setting, calls] of [
    [{}, ['begin', 'suspend', 'receive', 'sendNow']],
    [{ snapshot: true }, ['suspend', 'receive']],
    [{ managed: true, api: 'auto' }, ['begin', 'receive']],
  ] as const) {
    const made: string[] = [];
    const openPipeline: typeof late.openPipeline = async (...parts) => {
      const pipeline = await late.openPipeline(...parts);
      if (pipeline === undefined) return undefined;
      const noted = ['begin', 'suspend', 'receive', 'sendNow'] as const;
      for (const name of noted) {
        const call = pipeline[name] as (...args: unknown[]) => unknown;
        const noting = (...args: unknown[]) => {
          made.push(name);
          return call(...args);
        };
        Object.assign(pipeline, { [name]: noting });
      }
      return pipeline;
    };
    const { emulator, over } = await setUp(t, { ...setting, loadLate: async () => ({ ...late, openPipeline }) });
    emulator.log(['init']);
    await emulator.delivered();
    const before = [...new Set(made)];
    await emulator.shutdown();
    await over;
    assert.deepEqual(before, calls, JSON.stringify(setting));
  }
});

for (const [why, changes] of [
  ['switched off', { enabled: false }],
  ['without an endpoint', { endpoint: undefined }],
] as const) {
  test(`${why} it takes no logs, loads nothing, and lives with the sandbox all the same`, async (t) => {
    const { emulator, callsBeforeLate, over } = await setUp(t, changes);
    await emulator.invoke({ lines: ['line'] });
    await emulator.shutdown();
    await over;
    assert.ok(!paths(emulator).includes(LOGS));
    assert.deepEqual(callsBeforeLate, []);
    assert.deepEqual(emulator.violations, []);
  });
}

test('the platform is asked for its own events whatever types are sent', async (t) => {
  const { emulator, loki, over } = await setUp(t, { logTypes: ['function', 'extension'] });
  assert.deepEqual(emulator.subscription?.types.toSorted(), ['extension', 'function', 'platform']);
  await emulator.invoke({ lines: ['line'] });
  await emulator.shutdown();
  await over;
  assert.deepEqual(loki.lines('platform'), []);
});

test('each type is asked for once', async (t) => {
  const { emulator } = await setUp(t, { logTypes: ['platform', 'function'] });
  assert.deepEqual(emulator.subscription?.types.toSorted(), ['function', 'platform']);
});

test('a port that is taken is told, and another one serves', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const { emulator, loki, log, over } = await setUp(t, { port, flushStrategy: 'end' });
  await emulator.invoke({ lines: ['line'] });
  await emulator.shutdown();
  await over;
  assert.deepEqual(loki.lines('function'), ['line']);
  assert.notEqual(emulator.subscription?.port, port);
  assert.deepEqual(idsOf(log), ['port_taken']);
});

for (const [what, answer, id] of [
  ['refused', { status: 400, body: '{"errorType":"ValidationError"}' }, 'subscription_refused'],
  ['accepted by one who never delivers', { status: 202, body: 'not supported' }, 'no_delivery'],
  ['cut off', 'reset', 'subscription_failed'],
] as const) {
  test(`a subscription that is ${what} is told, and the function goes on`, async (t) => {
    const intercept: EmulatorOptions['intercept'] = ({ path }) =>
      path === LOGS || path === TELEMETRY ? answer : undefined;
    const { emulator, log, over } = await setUp(t, { emulator: { intercept }, logLevel: 'info' });
    await emulator.invoke({ lines: ['line'] });
    await emulator.shutdown();
    await over;
    assert.ok(idsOf(log).includes(id), JSON.stringify(log.messages));
  });
}

test('a signal to end is a SHUTDOWN: what is held is sent', async (t) => {
  const { emulator, loki, over, log } = await setUp(t, { flushStrategy: 'continuous', batchMaxWaitMs: 60_000 });
  await emulator.invoke({ lines: ['line'] });
  await emulator.delivered();
  process.emit('SIGTERM');
  await over;
  assert.deepEqual(loki.lines('function'), ['line']);
  assert.ok(log.closed);
});

test('a late half that cannot be loaded is told once, and the function goes on', async (t) => {
  const { emulator, callsBeforeLate, log, over } = await setUp(t, {
    loadLate: () => Promise.reject(new Error('broken')),
  });
  await emulator.invoke({ lines: ['one'] });
  await emulator.invoke({ lines: ['two'] });
  await emulator.shutdown();
  await over;
  assert.equal(callsBeforeLate.length, 1);
  assert.deepEqual(idsOf(log), ['internal_error']);
  assert.match(log.messages[0]?.message ?? '', /no logs are sent/);
  assert.deepEqual(emulator.violations, []);
});

test('problems of settings, and settings that do not exist, are told once the first event has been asked for', async (t) => {
  const { emulator, log, over } = await setUp(t, {
    problems: [{ level: 'warn', variable: 'LOKI_MIN_LEVEL', message: 'LOKI_X is odd' }],
    env: { LOKI_PUSH_ENDPOIN: 'x' },
  });
  await emulator.invoke();
  await emulator.shutdown();
  await over;
  const told = log.messages.map(({ message }) => message);
  assert.match(told[0] ?? '', /LOKI_X is odd/);
  assert.match(told[1] ?? '', /LOKI_PUSH_ENDPOIN/);
  assert.equal(told.length, 2);
});

test("switched off, settings that do not exist are nobody's business", async (t) => {
  const { emulator, log, over } = await setUp(t, {
    enabled: false,
    problems: [{ level: 'warn', variable: 'LOKI_MIN_LEVEL', message: 'LOKI_X is odd' }],
    env: { LOKI_PUSH_ENDPOIN: 'x' },
  });
  await emulator.invoke();
  await emulator.shutdown();
  await over;
  assert.equal(log.messages.length, 1);
});

test('at the level info it says at the start where logs go and by which API they come, and at warn it does not', async (t) => {
  for (const [logLevel, expected] of [
    ['info', 1],
    ['warn', 0],
  ] as const) {
    const { emulator, log, over } = await setUp(t, { logLevel, api: 'telemetry' });
    await emulator.invoke({ lines: ['line'] });
    await emulator.shutdown();
    await over;
    const started = log.messages.filter(({ message }) => message === 'started');
    assert.equal(started.length, expected);
    if (expected > 0) assert.equal(started[0]?.fields['api'], 'telemetry');
  }
});

test('what says whose logs they are comes from the registration, and else from the environment', async (t) => {
  const { emulator, loki, over } = await setUp(t, { flushStrategy: 'end', functionName: 'of the environment' });
  await emulator.invoke({ lines: ['line'] });
  await emulator.shutdown();
  await over;
  const [entry] = loki.entries({ labels: { type: 'function' } });
  assert.equal(entry?.labels['function_name'], emulator.function.name);
  assert.equal(entry.labels['account_id'], emulator.function.accountId);
  assert.equal(entry.labels['region'], 'eu-central-1');
  assert.equal(entry.metadata['function_version'], emulator.function.version);
});
