// Where a service of AWS is, and with which credentials it is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../../src/aws/reference.ts';
import { findCredentials, parseCredentials, serviceUrl } from '../../../src/aws/service.ts';

for (const [partition, domain, dualStack] of [
  ['aws', 'amazonaws.com', 'api.aws'],
  ['aws-us-gov', 'amazonaws.com', 'api.aws'],
  ['aws-cn', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
  ['aws-eusc', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ['aws-iso', 'c2s.ic.gov', 'api.aws.ic.gov'],
  ['aws-iso-b', 'sc2s.sgov.gov', 'api.aws.scloud'],
  ['aws-iso-e', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
  ['aws-iso-f', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
  ['aws-new', 'amazonaws.com', 'api.aws'],
] as const) {
  test(`services of the partition ${partition} are below ${domain} and ${dualStack}`, () => {
    const reference = parseReference(`arn:${partition}:secretsmanager:some-region-1:123456789012:secret:x-AbCdEf`);
    assert.ok(reference);
    assert.equal(serviceUrl(reference, {}), `https://secretsmanager.some-region-1.${domain}`);
    const dual = serviceUrl(reference, { AWS_USE_DUALSTACK_ENDPOINT: 'TRUE' });
    assert.equal(dual, `https://secretsmanager.some-region-1.${dualStack}`);
    const fips = serviceUrl(reference, { AWS_USE_FIPS_ENDPOINT: 'True' });
    assert.equal(fips, `https://secretsmanager-fips.some-region-1.${domain}`);
  });
}

test('parameters have an endpoint of their own for FIPS, but for GovCloud, whose plain one is that', () => {
  for (const [partition, host] of [
    ['aws', 'ssm-fips'],
    ['aws-us-gov', 'ssm'],
  ] as const) {
    const reference = parseReference(`arn:${partition}:ssm:some-region-1:123456789012:parameter/x`);
    assert.ok(reference);
    assert.equal(
      serviceUrl(reference, { AWS_USE_FIPS_ENDPOINT: 'true' }),
      `https://${host}.some-region-1.amazonaws.com`,
    );
  }
});

test('each service has an address of its own that may be set', () => {
  const env = {
    AWS_ENDPOINT_URL: 'http://all',
    AWS_ENDPOINT_URL_SSM: 'http://ssm',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://secrets',
  };
  const secret = parseReference('arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf');
  const parameter = parseReference('arn:aws:ssm:eu-central-1:123456789012:parameter/x');
  assert.ok(secret && parameter);
  assert.deepEqual([serviceUrl(secret, env), serviceUrl(parameter, env)], ['http://secrets', 'http://ssm']);
  const ignored = { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' };
  assert.equal(serviceUrl(parameter, ignored), 'http://ssm');
});

test('a path for credentials is one of the address that containers know, and goes before a whole URL', () => {
  const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/x', AWS_CONTAINER_AUTHORIZATION_TOKEN: 't' };
  assert.deepEqual(findCredentials(full), { url: 'http://127.0.0.1/x', authorization: 't' });
  assert.deepEqual(findCredentials({ ...full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/y' }), {
    url: 'http://169.254.170.2/v2/y',
    authorization: 't',
  });
});

const WHOLE = { AccessKeyId: 'a', SecretAccessKey: 'b', Token: 'c', Expiration: '2026-01-05T10:00:00Z' };
for (const [change, expected] of [
  [{}, {}],
  [{ Token: undefined }, { sessionToken: undefined }],
  [{ Token: 1 }, { sessionToken: undefined }],
  [{ Expiration: undefined }, { expiresAtMs: undefined }],
  [{ Expiration: 'soon' }, { expiresAtMs: undefined }],
] as const) {
  test(`credentials with ${JSON.stringify(change)}`, () => {
    assert.deepEqual(parseCredentials(JSON.stringify({ ...WHOLE, ...change })), {
      accessKeyId: 'a',
      secretAccessKey: 'b',
      sessionToken: 'c',
      expiresAtMs: Date.UTC(2026, 0, 5, 10),
      ...expected,
    });
  });
}
