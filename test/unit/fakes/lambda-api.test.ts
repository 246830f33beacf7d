// The emulator's answers, call by call, held to the contract of the Extensions API, the Logs API and the Telemetry API.
// The extension is the test itself, speaking HTTP.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EmulatorOptions } from '../../fakes/lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../../fakes/lambda-emulator.ts';

const name = 'aws-lambda-loki-extension';

async function create(t: TestContext, options: EmulatorOptions = {}): Promise<LambdaEmulator> {
  const emulator = await createLambdaEmulator(options);
  t.after(() => emulator.stop());
  return emulator;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function call(
  emulator: LambdaEmulator,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const response = await fetch(`http://${emulator.runtimeApi}${path}`, { method, headers, body: body ?? null });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function register(
  emulator: LambdaEmulator,
  body: string,
  headers: Record<string, string> = { 'lambda-extension-name': name },
) {
  return call(emulator, 'POST', '/2020-01-01/extension/register', headers, body);
}

async function registered(emulator: LambdaEmulator, events = '["INVOKE","SHUTDOWN"]'): Promise<Record<string, string>> {
  const answer = await register(emulator, `{"events":${events}}`);
  return { 'lambda-extension-identifier': answer.headers.get('lambda-extension-identifier') ?? '' };
}

function subscribe(
  emulator: LambdaEmulator,
  headers: Record<string, string>,
  change: object = {},
  api: 'logs' | 'telemetry' = 'logs',
) {
  const body = {
    schemaVersion: api === 'logs' ? '2021-03-18' : '2022-12-13',
    types: ['platform', 'function'],
    buffering: { maxItems: 1000, maxBytes: 262144, timeoutMs: 25 },
    destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:1234/' },
    ...change,
  };
  const path = api === 'logs' ? '/2020-08-15/logs' : '/2022-07-01/telemetry';
  return call(emulator, 'PUT', path, { ...headers, 'content-type': 'application/json' }, JSON.stringify(body));
}

function errorType(answer: Answer): unknown {
  return JSON.parse(answer.body).errorType;
}

test('registers the executable by its file name and tells it about the function', async (t) => {
  const emulator = await create(t);
  const answer = await register(emulator, '{"events":["INVOKE","SHUTDOWN"]}');
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('lambda-extension-identifier') ?? '', /^[0-9a-f-]{36}$/);
  assert.deepEqual(JSON.parse(answer.body), {
    functionName: 'orders-api',
    functionVersion: '$LATEST',
    handler: 'src/index.handler',
  });
  const other = await create(t);
  const asked = { 'lambda-extension-name': name, 'lambda-extension-accept-feature': 'other, accountId' };
  assert.equal(JSON.parse((await register(other, '{"events":[]}', asked)).body).accountId, '123456789012');
});

test('refuses every bad registration with 403 and the documented error type', async (t) => {
  const emulator = await create(t);
  const cases: [string, string, Record<string, string>, string][] = [
    ['no name', '{}', {}, 'Extension.InvalidExtensionName'],
    ['no body', '', { 'lambda-extension-name': name }, 'InvalidRequestFormat'],
    ['not JSON', '{events', { 'lambda-extension-name': name }, 'InvalidRequestFormat'],
    ['configuration keys', '{"configurationKeys":["a"]}', { 'lambda-extension-name': name }, 'InvalidRequestFormat'],
    ['unknown event', '{"events":["BOGUS"]}', { 'lambda-extension-name': name }, 'Extension.InvalidEventType'],
    ['other name', '{"events":["SHUTDOWN"]}', { 'lambda-extension-name': 'x' }, 'Extension.InvalidEventType'],
  ];
  for (const [label, body, headers, type] of cases) {
    const answer = await register(emulator, body, headers);
    assert.deepEqual([answer.status, errorType(answer)], [403, type], label);
  }
  assert.equal(emulator.violations.length, cases.length);
  await registered(emulator);
  assert.equal(errorType(await register(emulator, '{"events":[]}')), 'Extension.InvalidExtensionState');
  assert.equal((await call(emulator, 'GET', '/2020-01-01/extension/register', {})).status, 405);
  assert.equal((await call(emulator, 'GET', '/nowhere', {})).status, 404);
});

test('refuses a request for next that does not identify itself', async (t) => {
  const emulator = await create(t);
  await registered(emulator);
  const next = (headers: Record<string, string>) => call(emulator, 'GET', '/2020-01-01/extension/event/next', headers);
  assert.equal(errorType(await next({})), 'Extension.MissingExtensionIdentifier');
  assert.equal(errorType(await next({ 'lambda-extension-identifier': 'x' })), 'Extension.InvalidExtensionIdentifier');
  const unknown = { 'lambda-extension-identifier': '2f1c1f4e-9a0b-4a58-8a2e-6d6a3f1b7c55' };
  assert.equal(errorType(await next(unknown)), 'Extension.UnknownExtensionIdentifier');
});

test('takes errors of init and exit once they name their type, and refuses next afterwards', async (t) => {
  const emulator = await create(t);
  const id = await registered(emulator);
  const path = '/2020-01-01/extension/init/error';
  assert.equal(errorType(await call(emulator, 'POST', path, id)), 'Extension.MissingHeader');
  const taken = await call(emulator, 'POST', path, {
    ...id,
    'lambda-extension-function-error-type': 'Extension.ConfigInvalid',
  });
  assert.deepEqual([taken.status, JSON.parse(taken.body)], [202, { status: 'OK' }]);
  const after = await call(emulator, 'GET', '/2020-01-01/extension/event/next', id);
  assert.deepEqual([after.status, errorType(after)], [403, 'Extension.InvalidExtensionState']);
});

test('holds next until there is an event, and describes the invocation in it', async (t) => {
  const emulator = await create(t, { function: { name: 'f', region: 'us-east-1' } });
  const id = await registered(emulator);
  const next = () => call(emulator, 'GET', '/2020-01-01/extension/event/next', id);
  const first = next();
  await emulator.start();
  const before = Date.now();
  const invoked = emulator.invoke({ requestId: 'r-1', tracing: 'Root=1-2-3', alias: 'live', deadlineInMs: 5_000 });
  const event = JSON.parse((await first).body);
  assert.ok(event.deadlineMs >= before + 5_000 && event.deadlineMs <= Date.now() + 5_000);
  delete event.deadlineMs;
  assert.deepEqual(event, {
    eventType: 'INVOKE',
    requestId: 'r-1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f:live',
    tracing: { type: 'X-Amzn-Trace-Id', value: 'Root=1-2-3' },
  });
  const second = next();
  assert.equal((await invoked).extensionTimedOut, false);
  const end = emulator.shutdown({ reason: 'SandboxTerminated', deadlineInMs: 400 });
  const answer = await second;
  const shutdown = JSON.parse(answer.body);
  assert.deepEqual([shutdown.eventType, shutdown.shutdownReason], ['SHUTDOWN', 'SandboxTerminated']);
  assert.ok(shutdown.deadlineMs <= Date.now() + 400);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal((await end).exitCode, undefined);
  assert.deepEqual(emulator.violations, []);
});

test('takes a correct subscription once and only before the first next', async (t) => {
  const emulator = await create(t);
  const id = await registered(emulator);
  const taken = await subscribe(emulator, id);
  assert.deepEqual([taken.status, taken.body], [200, '"OK"']);
  assert.equal(emulator.subscription?.port, 1234);
  assert.equal((await subscribe(emulator, id)).status, 500);
  assert.match(emulator.violations.join(), /second subscription/);
  const late = await create(t);
  const lateId = await registered(late);
  void call(late, 'GET', '/2020-01-01/extension/event/next', lateId).catch(() => {});
  await late.start();
  const closed = await subscribe(late, lateId, {}, 'telemetry');
  assert.deepEqual([closed.status, errorType(closed)], [403, 'Telemetry.SubscriptionClosed']);
  assert.equal((await subscribe(late, {})).status, 403);
});

test('refuses subscriptions outside of the limits', async (t) => {
  const emulator = await create(t);
  const id = await registered(emulator);
  const uri = (URI: unknown) => ({ destination: { protocol: 'HTTP', URI } });
  const bad = [
    { types: [] },
    { types: ['bogus'] },
    { types: undefined },
    { buffering: { timeoutMs: 24 } },
    { buffering: { timeoutMs: 30_001 } },
    { buffering: { timeoutMs: 25.5 } },
    { buffering: { maxItems: 999 } },
    { buffering: { maxItems: 10_001 } },
    { buffering: { maxBytes: 262_143 } },
    { buffering: { maxBytes: 1_048_577 } },
    { schemaVersion: '2019-01-01' },
    { destination: undefined },
    { destination: { protocol: 'UDP', URI: 'http://sandbox.localdomain:1234/' } },
    { destination: { protocol: 'HTTP', method: 'GET', URI: 'http://sandbox.localdomain:1234/' } },
    uri('http://127.0.0.1:1234/'),
    uri('http://localhost:1234/'),
    uri('http://sandbox.localdomain/'),
    uri('http://sandbox.localdomain:9001/'),
    uri('https://sandbox.localdomain:1234/'),
    uri(undefined),
  ];
  for (const change of bad) {
    const answer = await subscribe(emulator, id, change);
    assert.deepEqual([answer.status, errorType(answer)], [400, 'Logs.ValidationError'], JSON.stringify(change));
  }
  assert.equal(
    (await subscribe(emulator, id, { buffering: { timeoutMs: 30_000 }, schemaVersion: undefined })).status,
    200,
  );
  assert.equal(emulator.subscription?.maxItems, 10_000);
});

test('knows the versions of the Telemetry API and can be told to refuse some', async (t) => {
  const emulator = await create(t, { telemetryVersions: ['2022-07-01'] });
  const id = await registered(emulator);
  const refused = await subscribe(emulator, id, { schemaVersion: '2025-01-29' }, 'telemetry');
  assert.deepEqual([refused.status, errorType(refused)], [400, 'ValidationError']);
  assert.equal((await subscribe(emulator, id, { schemaVersion: undefined }, 'telemetry')).status, 400);
  assert.equal((await subscribe(emulator, id, { schemaVersion: '2022-07-01' }, 'telemetry')).status, 200);
});

test('answers 202 to subscriptions where log delivery is not supported', async (t) => {
  const emulator = await create(t, { mode: 'unsupported' });
  const answer = await subscribe(emulator, {});
  assert.deepEqual([answer.status, errorType(answer)], [202, 'Logs.NotSupported']);
  assert.equal(errorType(await subscribe(emulator, {}, {}, 'telemetry')), 'Telemetry.NotSupported');
});

test('knows no INVOKE, no Logs API and one schema on managed instances, and leaves the name free after a refusal', async (t) => {
  const emulator = await create(t, { mode: 'managed-instances' });
  const refused = await register(emulator, '{"events":["INVOKE","SHUTDOWN"]}');
  assert.deepEqual([refused.status, JSON.parse(refused.body).errorMessage], [403, 'INVOKE: ErrorInvalidEventType']);
  const id = await registered(emulator, '["SHUTDOWN"]');
  assert.equal((await subscribe(emulator, id)).status, 404);
  assert.equal((await subscribe(emulator, id, {}, 'telemetry')).status, 400);
  assert.equal((await subscribe(emulator, id, { schemaVersion: '2025-01-29' }, 'telemetry')).status, 200);
  assert.deepEqual(emulator.violations, []);
});

test('lets a test put any answer in the place of its own', async (t) => {
  const emulator = await create(t, {
    intercept: ({ path }) =>
      path.endsWith('/logs') ? { status: 500, body: 'not { JSON' } : path.endsWith('/register') ? undefined : 'reset',
  });
  const id = await registered(emulator);
  assert.deepEqual(await subscribe(emulator, id).then(({ status, body }) => [status, body]), [500, 'not { JSON']);
  await assert.rejects(call(emulator, 'GET', '/2020-01-01/extension/event/next', id));
  assert.deepEqual(
    emulator.calls.map(({ method }) => method),
    ['POST', 'PUT', 'GET'],
  );
});
