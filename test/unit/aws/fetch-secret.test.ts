// One secret: what the service is asked for, and what each of its answers means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchSecret, type HttpAnswer, type HttpRequest } from '../../../src/aws/fetch-secret.ts';
import { parseReference } from '../../../src/aws/reference.ts';
import { FakeClock, START_MS } from '../../fakes/fake-clock.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const PARAMETER = 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki/token';
const CREDENTIALS = { accessKeyId: 'AKIA', secretAccessKey: 'secret', sessionToken: undefined, expiresAtMs: undefined };

/** Each request is answered by the next of these, and each later one by the last. */
async function fetch(text: string, ...answers: readonly [HttpAnswer, ...HttpAnswer[]]) {
  const requests: HttpRequest[] = [];
  const reference = parseReference(text);
  assert.ok(reference);
  const send = async (make: () => HttpRequest) => {
    requests.push(make());
    return answers[Math.min(requests.length, answers.length) - 1] as HttpAnswer;
  };
  const fetched = await fetchSecret(reference, CREDENTIALS, {}, send, new FakeClock());
  return { fetched, requests, bodies: requests.map(({ body }) => JSON.parse(body ?? '')) };
}

const said = (status: number, fields: object, dateMs?: number): HttpAnswer => ({
  status,
  text: JSON.stringify(fields),
  dateMs,
});
const secret = (SecretString: unknown) => said(200, { SecretString });

test('a secret is asked for by its version or by its stage, and a parameter in the clear', async () => {
  const versions = await fetch(`${SECRET}:key:AWSPREVIOUS:v-1`, secret('{"key":"x"}'));
  assert.deepEqual(versions.bodies, [{ SecretId: SECRET, VersionStage: 'AWSPREVIOUS', VersionId: 'v-1' }]);
  const plain = await fetch(SECRET, secret('x'));
  assert.deepEqual(plain.bodies, [{ SecretId: SECRET }]);
  const parameter = await fetch(PARAMETER, said(200, { Parameter: { Value: 'x' } }));
  assert.deepEqual(parameter.bodies, [{ Name: PARAMETER, WithDecryption: true }]);
  assert.deepEqual(parameter.fetched, { value: 'x' });
});

for (const [what, text, value] of [
  ['a text', SECRET, 'token'],
  ['an object without keys', SECRET, '{}'],
  ['what begins like an object', SECRET, '{token'],
] as const) {
  test(`${what} is a secret as it is`, async () => {
    assert.deepEqual((await fetch(text, secret(value))).fetched, { value });
  });
}

test('of an object one value is taken, a text or a number, whatever blanks are before it', async () => {
  for (const [object, value] of [
    ['{"key":"x","other":"y"}', 'x'],
    [' \n{"key":4711}', '4711'],
  ] as const) {
    assert.deepEqual((await fetch(`${SECRET}:key::`, secret(object))).fetched, { value });
  }
  for (const object of ['{"key":true}', '{"key":null}', '{"key":{}}']) {
    const trouble = { kind: 'no_key', key: 'key', keys: ['key'] };
    assert.deepEqual((await fetch(`${SECRET}:key::`, secret(object))).fetched, { trouble }, object);
  }
});

const denied = (permission: string, by?: string) => ({ kind: 'denied', permission, by });
const READS = { [SECRET]: 'secretsmanager:GetSecretValue', [PARAMETER]: 'ssm:GetParameter' } as const;
const DENIERS = [
  ...['VPC endpoint policy', 'resource-based policy', 'service control policy', 'resource control policy'],
  ...['permissions boundary', 'session policy'],
];

const refusals: readonly (readonly [text: string, HttpAnswer, trouble: object])[] = [
  ...['ThrottlingException', 'Throttled', 'TooManyRequestsException', 'RequestLimitExceeded'].map(
    (code) => [SECRET, said(400, { __type: code }), { kind: 'throttled' }] as const,
  ),
  [SECRET, said(429, {}), { kind: 'throttled' }],
  [SECRET, said(428, {}), { kind: 'refused', status: 428, code: '' }],
  [SECRET, said(499, { __type: 'Odd' }), { kind: 'refused', status: 499, code: 'Odd' }],
  [SECRET, said(500, { __type: 'Odd' }), { kind: 'failed', status: 500, code: 'Odd' }],
  [SECRET, said(400, { code: 'Odd' }), { kind: 'refused', status: 400, code: 'Odd' }],
  [SECRET, said(400, { __type: 'ns#Odd:http://x/Y' }), { kind: 'refused', status: 400, code: 'Odd' }],
  [
    SECRET,
    said(400, { __type: `com.amazonaws.secretsmanager.v20171017.internal#${'Odd'.repeat(5)}` }),
    { kind: 'refused', status: 400, code: 'Odd'.repeat(5) },
  ],
  [SECRET, said(400, { __type: 'DecryptionFailure' }), { kind: 'denied', permission: 'kms:Decrypt' }],
  [PARAMETER, said(400, { __type: 'InvalidKeyId' }), { kind: 'denied', permission: 'kms:Decrypt' }],
  [SECRET, said(400, { __type: 'ResourceNotFoundException' }), { kind: 'missing' }],
  [PARAMETER, said(400, { __type: 'ParameterNotFound' }), { kind: 'missing' }],
  [SECRET, said(400, { __type: 'NotAuthorizedException' }), denied(READS[SECRET])],
  ...DENIERS.map(
    (by) =>
      [PARAMETER, said(400, { __type: 'AccessDenied', message: `no ${by}` }), denied(READS[PARAMETER], by)] as const,
  ),
  [SECRET, said(400, { __type: 'AccessDenied', Message: 'of a kms key' }), denied('kms:Decrypt')],
  // The permission that is missing is named, wherever the key is mentioned beside it.
  [SECRET, said(400, { __type: 'AccessDenied', message: `${READS[SECRET]}, kms key` }), denied(READS[SECRET])],
  [PARAMETER, said(400, { __type: 'AccessDenied', message: 'akmsx' }), denied(READS[PARAMETER])],
];
for (const [text, answer, trouble] of refusals) {
  test(`${answer.status} ${answer.text} to ${text.split(':')[2]} is ${JSON.stringify(trouble)}`, async () => {
    assert.deepEqual((await fetch(text, answer)).fetched, { trouble });
  });
}

const REFUSED_FOR_TIME = [
  ...['InvalidSignatureException', 'SignatureDoesNotMatch', 'RequestExpired', 'RequestTimeTooSkewed'],
  'RequestInTheFuture',
];
for (const code of REFUSED_FOR_TIME) {
  test(`${code} is answered with the time of the service where that is another one`, async () => {
    const behindMs = 20 * 60_000;
    const { fetched, requests } = await fetch(SECRET, said(400, { __type: code }, START_MS + behindMs), secret('x'));
    assert.deepEqual(fetched, { value: 'x' });
    const date = new Date(START_MS + behindMs).toISOString().replaceAll(/[:-]|\.\d+/g, '');
    assert.equal(requests[1]?.headers['x-amz-date'], date);
  });
}

test('it is asked once more only where the clocks are more than a minute apart, and the refusal is one of time', async () => {
  for (const [answer, times] of [
    [said(400, { __type: 'RequestExpired' }, START_MS + 60_000), 1],
    [said(400, { __type: 'RequestExpired' }, START_MS - 60_000), 1],
    [said(400, { __type: 'RequestExpired' }, START_MS + 60_001), 2],
    [said(400, { __type: 'RequestExpired' }, START_MS - 60_001), 2],
    [said(400, { __type: 'RequestExpired' }), 1],
    [said(400, { __type: 'AccessDenied' }, START_MS + 3_600_000), 1],
    [said(200, { __type: 'RequestExpired', SecretString: 'x' }, START_MS + 3_600_000), 1],
  ] as const) {
    assert.equal((await fetch(SECRET, answer)).requests.length, times, JSON.stringify(answer));
  }
});

test('what fails in a way that nobody has promised is told by its name alone', async () => {
  const reference = parseReference(SECRET);
  assert.ok(reference);
  const failing = (reason: unknown) =>
    fetchSecret(reference, CREDENTIALS, {}, () => Promise.reject(reason), new FakeClock());
  for (const [reason, detail] of [
    [new TypeError('secret'), 'TypeError'],
    ['secret', ''],
  ] as const) {
    assert.deepEqual(await failing(reason), {
      trouble: {
        kind: 'unreachable',
        url: 'https://secretsmanager.eu-central-1.amazonaws.com/',
        way: { kind: 'unreachable', phase: 'closed', detail },
      },
    });
  }
});
