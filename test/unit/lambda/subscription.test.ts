import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscribe } from '../../../src/lambda/subscription.ts';
import { at, fixture } from '../../fakes/records.ts';
import { FakeRuntimeApi } from './fake-runtime-api.ts';

const LISTENER = { port: 1234, path: '/' };

interface SubscribeFixture {
  readonly subscribe: Record<
    'logs' | 'telemetry',
    { readonly method: string; readonly path: string; readonly body: unknown }
  >;
}

const WANTED = (fixture('extensions-api.json') as SubscribeFixture).subscribe;
const FUNCTION = { extensionId: 'id-1', events: ['INVOKE', 'SHUTDOWN'] } as const;
const OK = { status: 200, body: '"OK"' };
const GONE = { status: 404, body: '404 page not found\n' };
/** As the platform answers: not valid JSON. */
const OLD_SCHEMA = { status: 400, body: '{"errorMessage": "\'/schemaVersion\' value must be "2025-01-29""}' };

test('the Logs API is asked for what was composed from its documentation', async () => {
  const api = new FakeRuntimeApi([OK]);
  const subscription = await subscribe(api, FUNCTION, 'logs', ['platform', 'function'], LISTENER);
  assert.deepEqual(subscription, { kind: 'subscribed', api: 'logs', schemaVersion: '2021-03-18' });
  const { method, path, headers, body } = at(api.requests, 0);
  assert.deepEqual({ method, path, body: JSON.parse(body ?? '') }, WANTED.logs);
  assert.equal(headers?.['Lambda-Extension-Identifier'], 'id-1');
});

test('the Telemetry API is asked with its newest schema first', async () => {
  const api = new FakeRuntimeApi([OK]);
  const subscription = await subscribe(api, FUNCTION, 'telemetry', ['platform', 'function'], LISTENER);
  assert.deepEqual(subscription, { kind: 'subscribed', api: 'telemetry', schemaVersion: '2025-01-29' });
  const { method, path, body } = at(api.requests, 0);
  assert.deepEqual({ method, path, body: JSON.parse(body ?? '') }, WANTED.telemetry);
});

test('auto takes the Logs API where it exists, and subscribes once', async () => {
  const api = new FakeRuntimeApi([OK]);
  assert.equal((await subscribe(api, FUNCTION, 'auto', ['platform'], LISTENER)).kind, 'subscribed');
  assert.equal(api.requests.length, 1);
});

test('auto goes on to the Telemetry API where there is no Logs API', async () => {
  const api = new FakeRuntimeApi([GONE, OK]);
  const subscription = await subscribe(api, FUNCTION, 'auto', ['platform'], LISTENER);
  assert.deepEqual(subscription, { kind: 'subscribed', api: 'telemetry', schemaVersion: '2025-01-29' });
});

test('an environment that was not upgraded gets an older schema', async () => {
  const api = new FakeRuntimeApi([OLD_SCHEMA, OLD_SCHEMA, OK]);
  const subscription = await subscribe(api, FUNCTION, 'telemetry', ['platform'], LISTENER);
  assert.deepEqual(subscription, { kind: 'subscribed', api: 'telemetry', schemaVersion: '2022-07-01' });
});

test('202 means that nothing will ever be delivered, and nothing more is asked', async () => {
  const api = new FakeRuntimeApi([{ status: 202, body: '{"errorType":"Logs.NotSupported"}' }]);
  assert.deepEqual(await subscribe(api, FUNCTION, 'auto', ['platform'], LISTENER), { kind: 'unsupported' });
  assert.equal(api.requests.length, 1);
});

test('a refusal everywhere says what each answer was, short', async () => {
  const refusal = { status: 403, body: `Telemetry.SubscriptionClosed ${'x'.repeat(10_000)}` };
  const api = new FakeRuntimeApi([GONE, OLD_SCHEMA, refusal, refusal]);
  const subscription = await subscribe(api, FUNCTION, 'auto', ['platform'], LISTENER);
  assert.ok(subscription.kind === 'refused');
  for (const part of ['404', '400', '403', 'Telemetry.SubscriptionClosed'])
    assert.ok(subscription.answers.includes(part));
  assert.ok(subscription.answers.length < 2_000);
});

test('the destination names the port that was bound and the path that was drawn', async () => {
  const api = new FakeRuntimeApi([OK]);
  await subscribe(api, FUNCTION, 'logs', ['platform'], { port: 45_678, path: '/drawn' });
  assert.ok(at(api.requests, 0).body?.includes('"http://sandbox.localdomain:45678/drawn"'));
});

test('where nobody waits for records the platform is asked for bodies that are further apart', async () => {
  const api = new FakeRuntimeApi([OK]);
  await subscribe(api, { extensionId: 'id-1', events: ['SHUTDOWN'] }, 'telemetry', ['platform'], LISTENER);
  assert.equal(JSON.parse(at(api.requests, 0).body ?? '').buffering.timeoutMs, 250);
});

test("a connection that fails is the caller's to deal with", async () => {
  await assert.rejects(
    subscribe(new FakeRuntimeApi([new Error('ECONNRESET')]), FUNCTION, 'auto', ['platform'], LISTENER),
  );
});

test('of each refusal 200 characters are told, one behind the other', async () => {
  const refusal = { status: 403, body: `\n ${'x'.repeat(201)}` };
  const api = new FakeRuntimeApi([refusal, refusal, refusal]);
  const subscription = await subscribe(api, FUNCTION, 'telemetry', ['platform'], LISTENER);
  const answers = ['2025-01-29', '2022-12-13', '2022-07-01'].map(
    (schema) => `telemetry ${schema}: 403 ${'x'.repeat(200)}`,
  );
  assert.deepEqual(subscription, { kind: 'refused', answers: answers.join('; ') });
});

test('where the Logs API alone is wanted no other one is asked', async () => {
  const api = new FakeRuntimeApi([GONE, OK]);
  assert.equal((await subscribe(api, FUNCTION, 'logs', ['platform'], LISTENER)).kind, 'refused');
  assert.equal(api.requests.length, 1);
});
