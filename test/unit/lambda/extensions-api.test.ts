import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExtensionsApi } from '../../../src/lambda/extensions-api.ts';
import { at, fixture } from '../../fakes/records.ts';
import { FakeRuntimeApi } from './fake-runtime-api.ts';

interface Exchange {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: Record<string, unknown>;
}

interface ApiFixture {
  readonly register: {
    readonly response: Exchange;
    readonly responseMinimal: Exchange;
    readonly errors: readonly Exchange[];
  };
  readonly next: {
    readonly invoke: Exchange;
    readonly invokeWithoutTracing: Exchange;
    readonly shutdowns: readonly Exchange[];
    readonly errors: readonly Exchange[];
  };
}

const API = fixture('extensions-api.json') as ApiFixture;
const REFUSES_INVOKE = { errorMessage: 'INVOKE: ErrorInvalidEventType', errorType: 'Extension.InvalidEventType' };

function setUp(...exchanges: readonly Exchange[]) {
  return setUpAs(['aws-lambda-loki-extension'], ...exchanges);
}

function setUpAs(names: readonly string[], ...exchanges: readonly Exchange[]) {
  const api = new FakeRuntimeApi(exchanges.map((exchange) => ({ ...exchange, body: JSON.stringify(exchange.body) })));
  return { api, extensions: createExtensionsApi(api, names) };
}

test('it registers by its file name for INVOKE and SHUTDOWN', async () => {
  const { api, extensions } = setUp(API.register.response);
  assert.deepEqual(await extensions.register(false), {
    extensionId: '2f1c1f4e-9a0b-4a58-8a2e-6d6a3f1b7c55',
    functionName: 'orders-api',
    functionVersion: '$LATEST',
    accountId: '123456789012',
    events: ['INVOKE', 'SHUTDOWN'],
  });
  const { method, path, headers, body } = at(api.requests, 0);
  assert.deepEqual([method, path], ['POST', '/2020-01-01/extension/register']);
  assert.equal(headers?.['Lambda-Extension-Name'], 'aws-lambda-loki-extension');
  assert.equal(headers?.['Lambda-Extension-Accept-Feature'], 'accountId');
  assert.deepEqual(JSON.parse(body ?? ''), { events: ['INVOKE', 'SHUTDOWN'] });
});

test('what the platform leaves out of its answer is undefined', async () => {
  const headers = { 'lambda-extension-identifier': 'id-1' };
  const { extensions } = setUp({ status: 200, headers, body: { functionName: '' } });
  const registration = await extensions.register(false);
  assert.ok('extensionId' in registration);
  assert.equal(registration.functionName, undefined);
  assert.equal(registration.functionVersion, undefined);
  assert.equal(registration.accountId, undefined);
});

test('onSent runs while the answer is under way', async () => {
  const { extensions } = setUp(API.register.responseMinimal);
  let sent = false;
  const registered = extensions.register(false, () => {
    sent = true;
  });
  assert.equal(sent, true);
  await registered;
});

test('where INVOKE is refused it registers for SHUTDOWN alone', async () => {
  const { api, extensions } = setUp({ status: 403, body: REFUSES_INVOKE }, API.register.response);
  const registration = await extensions.register(false);
  assert.ok('extensionId' in registration);
  assert.deepEqual(registration.events, ['SHUTDOWN']);
  assert.deepEqual(JSON.parse(at(api.requests, 1).body ?? ''), { events: ['SHUTDOWN'] });
});

test('a name that is refused is followed by the next one', async () => {
  const unknown = { status: 403, body: { errorMessage: 'unknown extension', errorType: 'Extension.UnknownName' } };
  const names = ['aws-lambda-loki-extension', 'start.sh'];
  const { api, extensions } = setUpAs(names, unknown, API.register.response);
  assert.ok('extensionId' in (await extensions.register(false)));
  assert.deepEqual(
    api.requests.map(({ headers }) => headers?.['Lambda-Extension-Name']),
    names,
  );
});

test('on Managed Instances it does not ask for INVOKE at all', async () => {
  const { api, extensions } = setUp(API.register.response);
  const registration = await extensions.register(true);
  assert.ok('extensionId' in registration);
  assert.deepEqual(registration.events, ['SHUTDOWN']);
  assert.equal(api.requests.length, 1);
});

test("any other refusal is given back with the platform's words, after one request", async () => {
  for (const error of API.register.errors.filter(({ body }) => body['errorMessage'] !== REFUSES_INVOKE.errorMessage)) {
    const { api, extensions } = setUp(error);
    const refusal = await extensions.register(false);
    assert.ok(!('extensionId' in refusal));
    assert.equal(refusal.status, error.status);
    assert.ok(refusal.message.includes(String(error.body['errorMessage'])));
    assert.equal(api.requests.length, 1);
  }
});

test('an answer without an identifier is a refusal', async () => {
  const { extensions } = setUp({ status: 200, body: { functionName: 'orders-api' } });
  assert.ok('status' in (await extensions.register(false)));
});

test('INVOKE is read with its deadline, its trace and the ARN under which the function was invoked', async () => {
  const { api, extensions } = setUp(API.next.invoke, API.next.invokeWithoutTracing);
  assert.deepEqual(await extensions.next('id-1'), {
    kind: 'invoke',
    requestId: '3f6a1d52-90c4-4a3e-8f7b-2c1e5d6b7a01',
    deadlineMs: 1_767_607_203_420,
    traceHeader: 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1',
    invokedArn: 'arn:aws:lambda:eu-central-1:123456789012:function:orders-api:live',
  });
  const { method, path, headers } = at(api.requests, 0);
  assert.deepEqual([method, path], ['GET', '/2020-01-01/extension/event/next']);
  assert.equal(headers?.['Lambda-Extension-Identifier'], 'id-1');
  const second = await extensions.next('id-1');
  assert.ok(second.kind === 'invoke');
  assert.equal(second.traceHeader, undefined);
});

test('SHUTDOWN is read whatever its reason, its case and its content type', async () => {
  for (const shutdown of API.next.shutdowns) {
    const event = await setUp(shutdown).extensions.next('id-1');
    assert.ok(event.kind === 'shutdown');
    assert.equal(event.reason, String(shutdown.body['shutdownReason']).toLowerCase());
    assert.equal(event.deadlineMs, shutdown.body['deadlineMs']);
  }
});

test('an error of next is thrown with status and text', async () => {
  for (const error of API.next.errors) {
    await assert.rejects(setUp(error).extensions.next('id-1'), (thrown: Error) =>
      thrown.message.includes(`${error.status}`),
    );
  }
});

test('an answer that is no event is thrown, not taken for one', async () => {
  const answers = ['', 'null', '[]', '{}', '{"eventType":"THAW"}', 'not json'];
  for (const body of answers) {
    const api = new FakeRuntimeApi([{ status: 200, body }]);
    await assert.rejects(createExtensionsApi(api, ['x']).next('id-1'));
  }
});

test('SHUTDOWN alone is tried after a refusal of INVOKE, and after no other answer', async () => {
  for (const [status, errorMessage, requests] of [
    [403, 'INVOKE: not here', 2],
    [403, 'not here', 1],
    [400, 'INVOKE: not here', 1],
    [500, 'INVOKE: not here', 1],
  ] as const) {
    const { api, extensions } = setUp({ status, body: { errorMessage } }, API.register.response);
    await extensions.register(false);
    assert.equal(api.requests.length, requests, `${status} ${errorMessage}`);
  }
});

test('the name that is accepted is the last one to be tried, and of refusals the last one is told', async () => {
  const refusal = (errorMessage: string) => ({ status: 403, body: { errorMessage } });
  const first = setUpAs(['a', 'b'], API.register.response);
  assert.ok('extensionId' in (await first.extensions.register(false)));
  assert.equal(first.api.requests.length, 1);
  const none = setUpAs(['a', 'b'], refusal('one'), refusal('two'));
  assert.deepEqual(await none.extensions.register(false), { status: 403, message: '{"errorMessage":"two"}' });
});

test('an identifier in an answer that is no success registers nobody', async () => {
  const headers = { 'Lambda-Extension-Identifier': 'id-1' };
  const { extensions } = setUp({ status: 500, headers, body: {} });
  assert.deepEqual(await extensions.register(false), { status: 500, message: '{}' });
});

for (const [body, expected] of [
  [{ eventType: 'SHUTDOWN' }, { kind: 'shutdown', reason: '', deadlineMs: 0 }],
  [
    { eventType: 'SHUTDOWN', shutdownReason: 'SpinDown', deadlineMs: 'soon' },
    { kind: 'shutdown', reason: 'spindown', deadlineMs: 0 },
  ],
  [
    { eventType: 'SHUTDOWN', deadlineMs: '17' },
    { kind: 'shutdown', reason: '', deadlineMs: 17 },
  ],
  [
    { eventType: 'INVOKE', requestId: 'r-1', invokedFunctionArn: '', tracing: { value: 1 } },
    { kind: 'invoke', requestId: 'r-1', deadlineMs: 0, traceHeader: undefined, invokedArn: undefined },
  ],
] as const) {
  test(`an event is read although something is missing in ${JSON.stringify(body)}`, async () => {
    assert.deepEqual(await setUp({ status: 200, body }).extensions.next('id-1'), expected);
  });
}

test('of the text of an error 300 characters are told', async () => {
  const api = new FakeRuntimeApi([{ status: 500, body: `\n${'x'.repeat(301)}` }]);
  await assert.rejects(createExtensionsApi(api, ['x']).next('id-1'), {
    message: `next event was answered with 500: ${'x'.repeat(300)}`,
  });
});
