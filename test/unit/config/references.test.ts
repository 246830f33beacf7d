// Settings that refer to secrets, and the settings of the way to Loki.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const PARAMETER = 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki/url';
const LOKI = { LOKI_PUSH_ENDPOINT: 'https://loki.example.com' };

test('a setting may refer to its value, and is read again with it', () => {
  const { config, problems } = parseConfig({
    LOKI_PUSH_ENDPOINT: PARAMETER,
    LOKI_USERNAME: '4711',
    LOKI_PASSWORD: `${SECRET}:password::`,
    LOKI_HEADERS: `X-Key=${SECRET}:key::,X-Other=1`,
    LOKI_TLS_CA: PARAMETER,
  });
  assert.deepEqual(problems, []);
  assert.equal(config.endpoint, undefined);
  assert.deepEqual(
    config.byReference?.references.map(({ text }) => text).sort(),
    [PARAMETER, `${SECRET}:key::`, `${SECRET}:password::`].sort(),
  );
  assert.deepEqual(
    config.byReference?.variables.filter(([, text]) => text === PARAMETER).map(([name]) => name),
    ['LOKI_PUSH_ENDPOINT', 'LOKI_TLS_CA'],
  );
  const values = new Map([
    [PARAMETER, ' http://loki.internal:3100\n'],
    [`${SECRET}:password::`, 'p:w'],
    [`${SECRET}:key::`, 'k'],
  ]);
  const again = config.byReference?.resolve(values);
  assert.deepEqual(again?.problems, []);
  assert.deepEqual(again?.config.endpoint, {
    url: 'http://loki.internal:3100/loki/api/v1/push',
    authorization: `Basic ${Buffer.from('4711:p:w').toString('base64')}`,
    tenantId: undefined,
    headers: { 'x-key': 'k', 'x-other': '1' },
  });
  assert.equal(again?.config.route?.tls.ca, 'http://loki.internal:3100');
});

test('what the value is good for is told when it is there', () => {
  const { config, problems } = parseConfig({ ...LOKI, LOKI_BEARER_TOKEN: SECRET, LOKI_MAX_LINE_BYTES: 'x' });
  assert.equal(problems.length, 1);
  const again = config.byReference?.resolve(new Map([[SECRET, 'two words']]));
  assert.deepEqual(
    again?.problems.map(({ variable }) => variable),
    ['LOKI_BEARER_TOKEN'],
  );
});

test('an ARN of anything else is a problem, and what can be done without it is done', () => {
  const bucket = 'arn:aws:s3:::bucket/key';
  const { config, problems } = parseConfig({ ...LOKI, LOKI_PASSWORD: bucket, LOKI_USERNAME: '1', LOKI_TLS_CA: bucket });
  assert.equal(config.byReference, undefined);
  assert.ok(config.endpoint);
  const message = 'holds an ARN that is neither of a Secrets Manager secret nor of an SSM parameter; it is not used';
  assert.ok(problems.some((problem) => problem.message === `LOKI_PASSWORD ${message}`));
  assert.ok(problems.some((problem) => problem.message === `LOKI_TLS_CA ${message}`));
  const none = parseConfig({ LOKI_PUSH_ENDPOINT: bucket });
  assert.equal(none.config.endpoint, undefined);
  assert.deepEqual(
    none.problems.map(({ level, variable }) => `${level} ${variable}`),
    ['error LOKI_PUSH_ENDPOINT'],
  );
});

test('nothing is asked for where there is no endpoint, or nothing is to be sent', () => {
  for (const env of [{}, { ...LOKI, LOKI_EXTENSION_ENABLED: 'false' }]) {
    assert.equal(parseConfig({ ...env, LOKI_PASSWORD: SECRET }).config.byReference, undefined);
  }
});

test('an ARN is taken as it stands where no reference may be', () => {
  const { config } = parseConfig({ ...LOKI, LOKI_SERVICE_NAME: SECRET });
  assert.equal(config.serviceName, SECRET);
});

test('the way is plain where nothing is set, and a proxy that is set by others is known', () => {
  assert.equal(parseConfig({ ...LOKI, NO_PROXY: 'x' }).config.route, undefined);
  assert.equal(parseConfig({ ...LOKI, LOKI_PROXY_URL: 'none', HTTPS_PROXY: 'http://p' }).config.route, undefined);
  assert.deepEqual(parseConfig({ ...LOKI, https_proxy: 'http://p', HTTPS_PROXY: 'http://q' }).config.route, {
    proxy: { https: 'http://p' },
    tls: {},
  });
  assert.deepEqual(parseConfig({ ...LOKI, LOKI_PROXY_URL: 'http://p', HTTPS_PROXY: 'http://q' }).config.route?.proxy, {
    own: 'http://p',
  });
});

test('before the secrets are there the way has nothing of them, and nothing that is for Loki alone', () => {
  const { config } = parseConfig({
    ...LOKI,
    LOKI_PROXY_URL: 'http://p',
    LOKI_TLS_CA: '/ca.pem',
    LOKI_TLS_CERT: SECRET,
    LOKI_TLS_INSECURE_SKIP_VERIFY: 'true',
  });
  assert.deepEqual(config.byReference?.route, { proxy: { own: 'http://p' }, tls: { ca: '/ca.pem' } });
});

test('verification is not skipped without a warning', () => {
  const { config, problems } = parseConfig({ ...LOKI, LOKI_TLS_INSECURE_SKIP_VERIFY: 'yes' });
  assert.equal(config.route?.tls.skipVerify, true);
  assert.deepEqual(
    problems.map(({ variable }) => variable),
    ['LOKI_TLS_INSECURE_SKIP_VERIFY'],
  );
});

test('of a proxy only user info is secret, and a path or an ARN is none', () => {
  const secretsOf = (env: Record<string, string>) => parseConfig({ ...LOKI, ...env }).config.secrets.slice(1);
  assert.deepEqual(secretsOf({ LOKI_PROXY_URL: 'none' }), []);
  assert.deepEqual(secretsOf({ HTTPS_PROXY: 'http://proxy:3128', LOKI_TLS_KEY: '/key.pem' }), []);
  assert.deepEqual(secretsOf({ LOKI_HEADERS: `X-A=${SECRET}:k::,X-B=b` }), ['X-A=,X-B=b']);
  assert.deepEqual(secretsOf({ HTTPS_PROXY: 'http://u:p@proxy:3128' }), ['http://u:p@proxy:3128']);
});

test('the front says that a file of authorities cannot be read, and so do we', () => {
  const { problems } = parseConfig({ ...LOKI, LOST_EXTRA_CA_CERTS: '/no/such/file' });
  assert.deepEqual(
    problems.map(({ level, variable }) => `${level} ${variable}`),
    ['warn NODE_EXTRA_CA_CERTS'],
  );
});

test('the scheme of credentials may stand before a reference in a header', () => {
  const { config } = parseConfig({ ...LOKI, LOKI_HEADERS: `Authorization=Bearer ${SECRET}` });
  assert.deepEqual(
    config.byReference?.references.map(({ text }) => text),
    [SECRET],
  );
  const again = config.byReference?.resolve(new Map([[SECRET, 'token']]));
  assert.equal(again?.config.endpoint?.authorization, 'Bearer token');
});

test('a name for the certificate is a name alone', () => {
  for (const name of ['https://loki.internal', 'loki.internal:443', 'loki internal', '10.0.0.1:443']) {
    const { config, problems } = parseConfig({ ...LOKI, LOKI_TLS_SERVER_NAME: name });
    assert.equal(config.route, undefined, name);
    assert.match(problems.map(({ message }) => message).join(), /^LOKI_TLS_SERVER_NAME is not a host name alone: "/);
  }
  for (const name of ['loki.internal', 'loki', '10.0.0.1', 'fd00::1']) {
    assert.equal(parseConfig({ ...LOKI, LOKI_TLS_SERVER_NAME: name }).config.route?.tls.serverName, name);
  }
});

test('quotes around the variables of a proxy are no part of it', () => {
  const { config } = parseConfig({ ...LOKI, HTTPS_PROXY: '"http://proxy:3128"' });
  assert.equal(config.route?.proxy.https, 'http://proxy:3128');
});
