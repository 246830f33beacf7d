import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';
import { SETTINGS } from '../../../src/config/settings.ts';

test('no problem tells a secret, however many settings are wrong beside it', () => {
  const secret = 'hunter2-is-no-number';
  const nonsense = Object.fromEntries(SETTINGS.map(({ name }) => [name, '\u0001nonsense']));
  const secrets = Object.fromEntries(
    SETTINGS.filter((setting) => 'secret' in setting).map(({ name }) => [name, secret]),
  );
  assert.ok(Object.keys(secrets).length > 0);
  const { problems } = parseConfig({ ...nonsense, ...secrets, LOKI_PUSH_ENDPOINT: `https://user:${secret}@loki` });
  assert.ok(problems.length > 5);
  for (const { message } of problems) assert.ok(!message.includes(secret), message);
});

test('what holds a secret is secret', () => {
  const names = SETTINGS.filter((setting) => 'secret' in setting && setting.secret).map(({ name }) => name);
  assert.deepEqual(names.sort(), [
    'LOKI_BEARER_TOKEN',
    'LOKI_HEADERS',
    'LOKI_PASSWORD',
    'LOKI_PROXY_URL',
    'LOKI_PUSH_ENDPOINT',
    'LOKI_TLS_KEY',
  ]);
});

test('a host that lacks its scheme is no secret, so that advice may name one; a token in its place is', () => {
  for (const host of ['loki.example.com', 'localhost:3100', 'logs-prod-012.grafana.net/loki/api/v1/push']) {
    assert.deepEqual(parseConfig({ LOKI_PUSH_ENDPOINT: host }).config.secrets, [], host);
  }
  for (const token of [
    'glc_eyJvIjoiMTIzNDU2In0',
    'eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl',
    'user:pass@loki.example.com',
    'user:123456',
  ]) {
    assert.deepEqual(parseConfig({ LOKI_PUSH_ENDPOINT: token }).config.secrets, [token]);
  }
});
