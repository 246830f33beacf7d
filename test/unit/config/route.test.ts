// The way to Loki: which variable becomes which part of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';
import type { Environment } from '../../../src/config/reader.ts';
import type { RouteSettings } from '../../../src/config/route.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const parse = (env: Environment) => parseConfig({ LOKI_PUSH_ENDPOINT: 'https://loki.example.com', ...env }).config;

const ways: readonly (readonly [Environment, RouteSettings | undefined])[] = [
  [{ HTTP_PROXY: 'http://p' }, { proxy: { http: 'http://p' }, tls: {} }],
  [
    { http_proxy: 'http://p', HTTP_PROXY: 'http://q' },
    { proxy: { http: 'http://p' }, tls: {} },
  ],
  [
    { HTTPS_PROXY: 'http://p', NO_PROXY: 'a,b' },
    { proxy: { https: 'http://p', except: 'a,b' }, tls: {} },
  ],
  [
    { HTTPS_PROXY: 'http://p', HTTP_PROXY: 'http://q', no_proxy: 'a', NO_PROXY: 'b' },
    { proxy: { https: 'http://p', http: 'http://q', except: 'a' }, tls: {} },
  ],
  [
    { LOKI_PROXY_URL: 'http://p', HTTP_PROXY: 'http://q', NO_PROXY: '*' },
    { proxy: { own: 'http://p' }, tls: {} },
  ],
  [{ LOKI_PROXY_URL: 'None', HTTP_PROXY: 'http://q', HTTPS_PROXY: 'http://q' }, undefined],
  [
    { NO_PROXY: 'a', LOKI_TLS_CA: '/ca' },
    { proxy: {}, tls: { ca: '/ca' } },
  ],
  [
    { LOKI_TLS_CA: '/ca', LOKI_TLS_CERT: '/cert', LOKI_TLS_KEY: '/key', LOKI_TLS_SERVER_NAME: 'name' },
    { proxy: {}, tls: { ca: '/ca', cert: '/cert', key: '/key', serverName: 'name' } },
  ],
  [{ LOKI_TLS_KEY: '/key' }, { proxy: {}, tls: { key: '/key' } }],
];
for (const [env, way] of ways) {
  test(`the way that ${JSON.stringify(env)} make`, () => assert.deepEqual(parse(env).route, way));
}

test('an authority that is a secret is not known before the secrets are', () => {
  const { byReference } = parse({ LOKI_TLS_CA: SECRET, HTTPS_PROXY: 'http://p' });
  assert.deepEqual(byReference?.route, { proxy: { https: 'http://p' }, tls: {} });
});
