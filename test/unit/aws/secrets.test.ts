// Secrets from the store, against a fake of both services that verifies each signature by its own code.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SendHttp } from '../../../src/aws/fetch-secret.ts';
import { parseReference, type Reference } from '../../../src/aws/reference.ts';
import { createSecretStore, type Secrets } from '../../../src/aws/secrets.ts';
import { type AwsEnvironment, findCredentials, serviceUrl } from '../../../src/aws/service.ts';
import { createFakeAws, type FakeAws, type FakeAwsOptions } from '../../fakes/aws-services.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const PARAMETER = 'arn:aws:ssm:us-east-1:123456789012:parameter/loki/token';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const ENV = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey };

function reference(text: string): Reference {
  const parsed = parseReference(text);
  assert.ok(parsed);
  return parsed;
}

function sendTo(aws: FakeAws): SendHttp {
  return async (make) => {
    const { method, url, headers, body } = make();
    const { host, pathname } = new URL(url);
    return aws.answer({ method, path: pathname, headers: { ...headers, host }, body: body ?? '' });
  };
}

function setUp(values: FakeAwsOptions['values'], texts: readonly string[], env: AwsEnvironment = ENV, token?: string) {
  const clock = new FakeClock();
  const aws = createFakeAws({ ...KEYS, values, now: clock.now, ...(token !== undefined && { sessionToken: token }) });
  const store = createSecretStore(texts.map(reference), env, sendTo(aws), clock, LATEST);
  return { clock, aws, store };
}

/** Draws the longest pause. */
const LATEST = () => 1;

/** Lets a fetch that nobody waits for come to its end. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const troubleOf = (secrets: Secrets) => ('trouble' in secrets ? secrets.trouble : undefined);
const valuesOf = (secrets: Secrets) => ('values' in secrets ? Object.fromEntries(secrets.values) : undefined);

test('fetches secrets and parameters together, each of its own region, with signatures that hold', async () => {
  const { aws, store } = setUp({ [SECRET]: '{"user":"4711","password":"p=1"}', [PARAMETER]: 'token' }, [
    `${SECRET}:password::`,
    PARAMETER,
    PARAMETER,
  ]);
  assert.deepEqual(valuesOf(await store.get()), { [`${SECRET}:password::`]: 'p=1', [PARAMETER]: 'token' });
  assert.deepEqual(aws.asked.map(({ target, region }) => [target, region]).sort(), [
    ['AmazonSSM.GetParameter', 'us-east-1'],
    ['secretsmanager.GetSecretValue', 'eu-central-1'],
  ]);
});

test('signs with the session token of the role', async () => {
  const { store } = setUp({ [SECRET]: 'x' }, [SECRET], { ...ENV, AWS_SESSION_TOKEN: 'IQoJb3Jp/+=' }, 'IQoJb3Jp/+=');
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'x' });
});

test('keeps values for a quarter of an hour', async () => {
  let value = 'old';
  const { clock, aws, store } = setUp({ [SECRET]: () => value }, [SECRET]);
  await store.get();
  value = 'new';
  await clock.advance(14 * 60_000);
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'old' });
  await clock.advance(2 * 60_000);
  // What is old serves while it is fetched again: no push waits for that.
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'old' });
  await settled();
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'new' });
  assert.equal(aws.asked.length, 2);
});

test('fetches again when Loki has refused the value, but not over and over', async () => {
  let value = 'old';
  const { clock, aws, store } = setUp({ [SECRET]: () => value }, [SECRET]);
  await store.get();
  value = 'new';
  store.distrust();
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'new' });
  store.distrust();
  await store.get();
  assert.equal(aws.asked.length, 2);
  await clock.advance(60_000);
  await store.get();
  assert.equal(aws.asked.length, 3);
});

test('fetches beside when the value is doubted, at most once a minute, and keeps it where that fails', async () => {
  let value: string | undefined = 'old';
  const down = { status: 500, text: '{}' };
  const { clock, aws, store } = setUp({ [SECRET]: () => value ?? down }, [SECRET]);
  await store.get();
  value = 'new';
  store.doubt();
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'old' });
  await settled();
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'new' });
  value = undefined;
  store.doubt();
  await store.get();
  await settled();
  assert.equal(aws.asked.length, 2);
  await clock.advance(60_000);
  await store.get();
  await settled();
  assert.equal(aws.asked.length, 3);
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'new' });
});

test('asks once while an answer is under way', async () => {
  const { aws, store } = setUp({ [SECRET]: 'x' }, [SECRET]);
  await Promise.all([store.get(), store.get(), store.get()]);
  assert.equal(aws.asked.length, 1);
});

test('a service that fails is asked again after a pause that grows, and serves what is kept meanwhile', async () => {
  let down = true;
  const { clock, aws, store } = setUp({ [SECRET]: () => (down ? { status: 500, text: '{}' } : 'x') }, [SECRET]);
  assert.equal(troubleOf(await store.get())?.kind, 'failed');
  await store.get();
  assert.equal(aws.asked.length, 1);
  await clock.advance(1_000);
  await store.get();
  await clock.advance(1_000);
  await store.get();
  assert.equal(aws.asked.length, 2);
  down = false;
  await clock.advance(1_000);
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'x' });
  down = true;
  await clock.advance(16 * 60_000);
  assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'x' });
});

test('says what is missing: a permission, the secret itself, a key, the credentials', async () => {
  const denied = (message: string) => () => ({
    status: 400,
    text: JSON.stringify({ __type: 'com.amazonaws#AccessDeniedException:http://x', Message: message }),
  });
  const cases: (readonly [FakeAwsOptions['values'], string, AwsEnvironment, unknown])[] = [
    [
      { [SECRET]: denied('not authorized to perform: secretsmanager:GetSecretValue') },
      SECRET,
      ENV,
      { kind: 'denied', permission: 'secretsmanager:GetSecretValue', by: undefined },
    ],
    [
      { [SECRET]: denied('perform: secretsmanager:GetSecretValue because no VPC endpoint policy allows the') },
      SECRET,
      ENV,
      { kind: 'denied', permission: 'secretsmanager:GetSecretValue', by: 'VPC endpoint policy' },
    ],
    [
      { [SECRET]: denied('Access to KMS is not allowed') },
      SECRET,
      ENV,
      { kind: 'denied', permission: 'kms:Decrypt', by: undefined },
    ],
    [
      { [PARAMETER]: denied('not authorized to perform: ssm:GetParameter') },
      PARAMETER,
      ENV,
      { kind: 'denied', permission: 'ssm:GetParameter', by: undefined },
    ],
    [
      {
        [PARAMETER]: denied(
          'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. (Service: AWSKMS; Status Code: 400)',
        ),
      },
      PARAMETER,
      ENV,
      { kind: 'denied', permission: 'kms:Decrypt', by: undefined },
    ],
    ...['', ' \n', '{"token":""}'].map(
      (value) =>
        [{ [SECRET]: value }, value.startsWith('{') ? `${SECRET}:token` : SECRET, ENV, { kind: 'empty' }] as const,
    ),
    [{ [PARAMETER]: ' ' }, PARAMETER, ENV, { kind: 'empty' }],
    [{}, SECRET, ENV, { kind: 'missing' }],
    [{}, PARAMETER, ENV, { kind: 'missing' }],
    [
      { [SECRET]: '{"user":"a","password":"b"}' },
      SECRET,
      ENV,
      { kind: 'no_key', key: undefined, keys: ['user', 'password'] },
    ],
    [{ [SECRET]: '{"user":"a"}' }, `${SECRET}:pass::`, ENV, { kind: 'no_key', key: 'pass', keys: ['user'] }],
    [{ [SECRET]: () => ({ status: 200, text: '{"SecretBinary":"AA=="}' }) }, SECRET, ENV, { kind: 'not_text' }],
    [
      { [SECRET]: () => ({ status: 400, text: '{"__type":"ThrottlingException"}' }) },
      SECRET,
      ENV,
      { kind: 'throttled' },
    ],
    [{ [SECRET]: () => ({ status: 400, text: '<html>' }) }, SECRET, ENV, { kind: 'refused', status: 400, code: '' }],
    [
      { [SECRET]: 'x' },
      SECRET,
      { ...ENV, AWS_SECRET_ACCESS_KEY: 'wrong' },
      { kind: 'refused', status: 400, code: 'InvalidSignatureException' },
    ],
    [{ [SECRET]: 'x' }, SECRET, {}, { kind: 'no_credentials' }],
  ];
  for (const [values, text, env, expected] of cases) {
    const { store } = setUp(values, [text], env);
    assert.deepEqual(troubleOf(await store.get()), expected);
  }
});

test('a clock that is wrong just after a thaw: it is asked again with the time of the service', async () => {
  for (const aheadMs of [-20 * 60_000, 20 * 60_000]) {
    const clock = new FakeClock();
    const aws = createFakeAws({ ...KEYS, values: { [SECRET]: 'x' }, now: () => clock.now() + aheadMs });
    const store = createSecretStore([reference(SECRET)], ENV, sendTo(aws), clock, LATEST);
    assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'x' });
  }
});

test('an address of the service that is no URL is a trouble like any other', async () => {
  for (const url of ['nonsense', 'x y', 'http://']) {
    const send = sendTo(createFakeAws({ ...KEYS, values: {} }));
    const store = createSecretStore(
      [reference(SECRET)],
      { ...ENV, AWS_ENDPOINT_URL: url },
      send,
      new FakeClock(),
      LATEST,
    );
    assert.equal(troubleOf(await store.get())?.kind, 'unreachable', url);
  }
});

test('where the environment holds no keys the credentials endpoint is asked, and again before they expire', async () => {
  const clock = new FakeClock();
  const aws = createFakeAws({ ...KEYS, now: clock.now, sessionToken: 't', values: { [SECRET]: 'x' } });
  const asked: string[] = [];
  const send: SendHttp = async (make) => {
    const request = make();
    if (request.method !== 'GET') return sendTo(aws)(make);
    asked.push(`${request.url} ${request.headers['authorization']}`);
    const Expiration = new Date(clock.now() + 15 * 60_000).toISOString();
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = KEYS;
    return { status: 200, text: JSON.stringify({ AccessKeyId, SecretAccessKey, Token: 't', Expiration }) };
  };
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9001/2021-04-23/credentials',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'abc',
  };
  const store = createSecretStore([reference(SECRET)], env, send, clock, LATEST);
  for (let count = 0; count < 3; count++) {
    assert.deepEqual(valuesOf(await store.get()), { [SECRET]: 'x' });
    await clock.advance(16 * 60_000);
    await store.get();
    await settled();
  }
  assert.deepEqual(asked, Array(4).fill('http://127.0.0.1:9001/2021-04-23/credentials abc'));
});

test('the token for the credentials endpoint may stand in a file, which is read each time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'of-the-variable',
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, 'token'),
  };
  const url = env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  assert.deepEqual(findCredentials(env), { url, authorization: undefined });
  for (const token of ['first', 'second']) {
    writeFileSync(join(folder, 'token'), `${token}\n`);
    assert.deepEqual(findCredentials(env), { url, authorization: token });
  }
});

test('a line end that was pasted along is no part of a key or an address', () => {
  const ended = { AWS_ACCESS_KEY_ID: 'a\n', AWS_SECRET_ACCESS_KEY: 'b\n', AWS_SESSION_TOKEN: 'c\n' };
  const expected = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c', expiresAtMs: undefined };
  assert.deepEqual(findCredentials(ended), expected);
  assert.equal(serviceUrl(reference(SECRET), { AWS_ENDPOINT_URL: 'http://a/ \n' }), 'http://a');
});

test('finds the service as the SDKs do', () => {
  const secret = reference(SECRET);
  const gov = reference('arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/x');
  const china = reference('arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:x-AbCdEf');
  const sovereign = reference('arn:aws-eusc:ssm:eusc-de-east-1:123456789012:parameter/x');
  const [fips, dual] = [{ AWS_USE_FIPS_ENDPOINT: 'true' }, { AWS_USE_DUALSTACK_ENDPOINT: 'true' }];
  const cases: [Reference, AwsEnvironment, string][] = [
    [secret, {}, 'https://secretsmanager.eu-central-1.amazonaws.com'],
    [secret, fips, 'https://secretsmanager-fips.eu-central-1.amazonaws.com'],
    [secret, dual, 'https://secretsmanager.eu-central-1.api.aws'],
    [secret, { ...fips, ...dual }, 'https://secretsmanager-fips.eu-central-1.api.aws'],
    [gov, fips, 'https://ssm.us-gov-west-1.amazonaws.com'],
    [china, {}, 'https://secretsmanager.cn-north-1.amazonaws.com.cn'],
    [sovereign, {}, 'https://ssm.eusc-de-east-1.amazonaws.eu'],
    [secret, { AWS_ENDPOINT_URL: 'http://localhost:4566/' }, 'http://localhost:4566'],
    [secret, { AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://b' }, 'http://b'],
    [sovereign, { AWS_ENDPOINT_URL_SSM: 'https://vpce-1.ssm.example' }, 'https://vpce-1.ssm.example'],
    [
      secret,
      { AWS_ENDPOINT_URL: 'http://a', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'https://secretsmanager.eu-central-1.amazonaws.com',
    ],
  ];
  for (const [of, env, expected] of cases) assert.equal(serviceUrl(of, env), expected);
});

test('half of the credentials are none: the endpoint is asked, where there is one', () => {
  const endpoint = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9001/credentials' };
  const halves = [{ AWS_ACCESS_KEY_ID: 'AKIA' }, { AWS_SECRET_ACCESS_KEY: 'secret' }, { AWS_SESSION_TOKEN: 'token' }];
  for (const half of halves) {
    assert.equal(findCredentials(half), undefined);
    assert.deepEqual(findCredentials({ ...half, ...endpoint }), {
      url: endpoint.AWS_CONTAINER_CREDENTIALS_FULL_URI,
      authorization: undefined,
    });
  }
});
