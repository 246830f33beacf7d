// When secrets and credentials are fetched again, to the millisecond. What is fetched is in secrets.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SendHttp, UnreachableError } from '../../../src/aws/fetch-secret.ts';
import { parseReference } from '../../../src/aws/reference.ts';
import { createSecretStore } from '../../../src/aws/secrets.ts';
import type { AwsEnvironment } from '../../../src/aws/service.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' };
const ENDPOINT = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9001/credentials' };
const FAILED = { kind: 'failed', status: 500, code: '' };
const QUARTER_MS = 15 * 60_000;

interface Options {
  readonly env?: AwsEnvironment;
  readonly random?: number;
  /** What the endpoint for credentials answers. */
  readonly credentials?: () => Promise<string>;
}

function setUp({ env = KEYS, random = 1, credentials = async () => '' }: Options = {}) {
  const clock = new FakeClock();
  const service = { value: 'old' as string | undefined };
  const asked = { secrets: 0, credentials: 0 };
  const send: SendHttp = async (make) => {
    if (make().method === 'GET') {
      asked.credentials++;
      return { status: 200, text: await credentials() };
    }
    asked.secrets++;
    const { value } = service;
    return value === undefined
      ? { status: 500, text: '{}' }
      : { status: 200, text: JSON.stringify({ SecretString: value }) };
  };
  const reference = parseReference(SECRET);
  assert.ok(reference);
  const store = createSecretStore([reference], env, send, clock, () => random);
  return {
    clock,
    service,
    asked,
    store,
    /** What is given, once a fetch that nobody waits for has come to its end. */
    async get() {
      const secrets = await store.get();
      await new Promise((resolve) => setImmediate(resolve));
      return 'values' in secrets ? secrets.values.get(SECRET) : secrets.trouble;
    },
  };
}

test('a value is kept for 15 minutes and not a millisecond longer', async () => {
  const { clock, asked, get } = setUp();
  await get();
  await clock.advance(QUARTER_MS - 1);
  await get();
  assert.equal(asked.secrets, 1);
  await clock.advance(1);
  await get();
  assert.equal(asked.secrets, 2);
});

for (const [random, pausesMs] of [
  [1, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
  [0, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
] as const) {
  test(`pauses between failures last ${pausesMs.join(', ')} ms where chance is ${random}`, async () => {
    const { clock, service, asked, get } = setUp({ random });
    service.value = undefined;
    assert.deepEqual(await get(), FAILED);
    for (const [index, pauseMs] of pausesMs.entries()) {
      await clock.advance(pauseMs - 1);
      await get();
      assert.equal(asked.secrets, index + 1, `after ${pauseMs - 1} ms`);
      await clock.advance(1);
      await get();
      assert.equal(asked.secrets, index + 2, `after ${pauseMs} ms`);
    }
  });
}

test('after a success the pauses begin anew', async () => {
  const { clock, service, asked, get } = setUp();
  service.value = undefined;
  for (let count = 0; count < 5; count++) {
    await get();
    await clock.advance(60_000);
  }
  service.value = 'x';
  assert.equal(await get(), 'x');
  service.value = undefined;
  await clock.advance(QUARTER_MS);
  await get();
  const before = asked.secrets;
  await clock.advance(1_000);
  await get();
  assert.equal(asked.secrets, before + 1);
});

test('a clock that is set back does not make a pause longer', async () => {
  const { clock, service, asked, get } = setUp();
  service.value = undefined;
  await get();
  clock.set(-3_600_000);
  await get();
  assert.equal(asked.secrets, 2);
});

for (const what of ['distrust', 'doubt'] as const) {
  test(`values that Loki has refused again are fetched a minute after the last time: ${what}`, async () => {
    const { clock, store, asked, get } = setUp();
    await get();
    store[what]();
    await get();
    assert.equal(asked.secrets, 2, 'the first time at once');
    store[what]();
    await clock.advance(59_999);
    await get();
    assert.equal(asked.secrets, 2);
    await clock.advance(1);
    await get();
    assert.equal(asked.secrets, 3);
    await clock.advance(60_000);
    await get();
    assert.equal(asked.secrets, 3, 'until it is refused again');
  });
}

test('a value that Loki has refused is not given any more while the service fails', async () => {
  const { clock, service, store, get } = setUp();
  await get();
  service.value = undefined;
  store.doubt();
  assert.equal(await get(), 'old', 'in doubt it is');
  store.distrust();
  await clock.advance(1_000);
  assert.deepEqual(await get(), FAILED);
});

const inMs = (clock: FakeClock, ms: number) =>
  JSON.stringify({
    AccessKeyId: 'AKIA',
    SecretAccessKey: 'x',
    Expiration: new Date(clock.now() + ms).toISOString(),
  });

test('credentials are used until a minute before they expire', async () => {
  const clocks: FakeClock[] = [];
  const { clock, asked, store, get } = setUp({
    env: ENDPOINT,
    credentials: async () => inMs(clocks[0] as FakeClock, 120_000),
  });
  clocks.push(clock);
  await get();
  await clock.advance(59_999);
  store.distrust();
  await get();
  assert.deepEqual(asked, { secrets: 2, credentials: 1 });
  await clock.advance(60_000);
  store.distrust();
  await get();
  assert.deepEqual(asked, { secrets: 3, credentials: 2 });
});

test('credentials with which nothing could be fetched are asked for anew', async () => {
  const clocks: FakeClock[] = [];
  const { clock, service, asked, get } = setUp({
    env: ENDPOINT,
    credentials: async () => inMs(clocks[0] as FakeClock, 3_600_000),
  });
  clocks.push(clock);
  service.value = undefined;
  await get();
  await clock.advance(1_000);
  await get();
  assert.deepEqual(asked, { secrets: 2, credentials: 2 });
});

test('an endpoint for credentials that has none, or that cannot be reached, is told as such', async () => {
  for (const text of ['', '[]', 'null', '{"AccessKeyId":"a"}', '{"SecretAccessKey":"b"}']) {
    const { asked, get } = setUp({ env: ENDPOINT, credentials: async () => text });
    assert.deepEqual(await get(), { kind: 'no_credentials' }, text);
    assert.equal(asked.secrets, 0);
  }
  const way = { kind: 'unreachable', phase: 'refused', detail: '' } as const;
  const { get } = setUp({ env: ENDPOINT, credentials: () => Promise.reject(new UnreachableError(way)) });
  const url = ENDPOINT.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  assert.deepEqual(await get(), { kind: 'unreachable', url, way, isForCredentials: true });
});
