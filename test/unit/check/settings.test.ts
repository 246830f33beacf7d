// The settings as `check` shows them: what is in force, where it comes from, and nothing that is secret.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Shown, showSettings } from '../../../src/check/settings.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { readRules } from '../../../src/filters/rules.ts';

const ENDPOINT = { LOKI_PUSH_ENDPOINT: 'https://loki.example.com' };

function shown(env: Readonly<Record<string, string>>): ReadonlyMap<string, Omit<Shown, 'name'>> {
  const { config, problems } = parseConfig({ ...ENDPOINT, ...env });
  const noted: { variable: string; message: string }[] = [...problems];
  const rules =
    config.filters &&
    readRules(config.filters, {
      labels: config.labels,
      tell: (_level, variable, message) => noted.push({ variable, message: `${variable} ${message}` }),
      tooSlow() {},
    });
  const rows = showSettings(SETTINGS, { ...ENDPOINT, ...env }, config, rules, noted);
  return new Map(rows.map(({ name, ...row }) => [name, row]));
}

for (const [name, typed, value, source] of [
  [
    'LOKI_PUSH_ENDPOINT',
    'https://user:pass-word@loki.example.com/a?key=secret',
    'https://loki.example.com/a?[masked]',
    'environment',
  ],
  ['LOKI_PUSH_ENDPOINT', 'https://loki.example.com', 'https://loki.example.com/loki/api/v1/push', 'environment'],
  ['LOKI_PUSH_ENDPOINT', 'https://a:b/c@loki.example.com', undefined, 'not used'],
  ['LOKI_PUSH_ENDPOINT', 'https://loki.example.com/a@b', '[masked]', 'environment'],
  ['LOKI_USERNAME', '123456', '123456', 'environment'],
  ['LOKI_USERNAME', 'me', '[masked]', 'environment'],
  ['LOKI_PASSWORD', 'pass-word', '[masked]', 'environment'],
  [
    'LOKI_PASSWORD',
    'arn:aws:ssm:eu-central-1:123456789012:parameter/a',
    'arn:aws:ssm:eu-central-1:123456789012:parameter/a',
    'reference',
  ],
  ['LOKI_BEARER_TOKEN', 'to-ken', '[masked]', 'environment'],
  ['LOKI_BEARER_TOKEN', '', undefined, 'not set'],
  ['LOKI_TENANT_ID', 'arn:aws:ssm:eu-central-1:123456789012:parameter/a', undefined, 'not used'],
  ['LOKI_TENANT_ID', ' "team-a" ', 'team-a', 'environment'],
  ['LOKI_TENANT_ID', 'a|b', undefined, 'not used'],
  ['LOKI_TENANT_ID', '', undefined, 'not set'],
  ['LOKI_HEADERS', 'X-One=1,X-Two=2', '2 headers, [masked]', 'environment'],
  ['LOKI_HEADERS', 'X-One=1', '1 header, [masked]', 'environment'],
  ['LOKI_HEADERS', 'Authorization=Bearer abc', '1 header, [masked]', 'environment'],
  ['LOKI_LOG_LABELS', 'env=prod;team=a', 'env=prod, team=a', 'environment'],
  ['LOKI_LOG_LABELS', '', undefined, 'not set'],
  ['LOKI_PUSH_TIMEOUT_MS', '3s', '3000', 'environment'],
  ['LOKI_PUSH_TIMEOUT_MS', 'soon', '5000', 'default'],
  ['LOKI_LOG_TYPES', 'function,extension', 'function,extension', 'environment'],
  ['LOKI_PROXY_URL', 'http://me:pass-word@proxy:3128', 'http://[masked]@proxy:3128', 'environment'],
  ['LOKI_PROXY_URL', 'http://me@proxy:3128', 'http://[masked]@proxy:3128', 'environment'],
  ['LOKI_PROXY_URL', 'proxy:3128', 'http://proxy:3128', 'environment'],
  ['LOKI_PROXY_URL', 'none', 'none', 'environment'],
  ['LOKI_TLS_CA', '/opt/ca.pem', '/opt/ca.pem', 'environment'],
  ['LOKI_TLS_CA', '-----BEGIN CERTIFICATE-----', 'PEM text', 'environment'],
  ['LOKI_SERVICE_NAME', 'a\u001b[31m\u202eb', 'a\\u{1b}[31m\\u{202e}b', 'environment'],
  ['LOKI_SERVICE_NAME', 'x'.repeat(200), 'x'.repeat(200), 'environment'],
  ['LOKI_SERVICE_NAME', 'x'.repeat(201), `${'x'.repeat(200)}...`, 'environment'],
  ['LOKI_DROP_EVENTS', 'platform.start', 'platform.start', 'environment'],
  ['LOKI_MIN_LEVEL', 'WARN', 'warn', 'environment'],
  ['LOKI_INCLUDE_REGEX', '^a', '^a', 'environment'],
  ['LOKI_EXCLUDE_REGEX', '^a', '^a', 'environment'],
  ['LOKI_EXCLUDE_REGEX', '(', undefined, 'not used'],
  ['LOKI_REDACT', 'email,card', 'email,card', 'environment'],
  ['LOKI_REDACT_REGEX', 'pass-word', '[masked]', 'environment'],
  ['LOKI_REDACT_REGEX', '(', 'cannot be read: no text is sent', 'environment'],
  ['LOKI_METADATA_FIELDS', 'user.id=user,order', 'user.id=user,order', 'environment'],
] as const) {
  test(`${name} of ${JSON.stringify(typed.slice(0, 50))} is ${value?.slice(0, 50) ?? source}`, () => {
    const row = shown({ ...(name === 'LOKI_PASSWORD' && { LOKI_USERNAME: 'me' }), [name]: typed }).get(name);
    assert.deepEqual(row, { value, source });
  });
}

test('the proxies of other programs are shown where they are in force', () => {
  const rows = shown({ HTTPS_PROXY: 'http://me:pass-word@proxy:3128', NO_PROXY: 'a,b' });
  assert.equal(rows.get('HTTPS_PROXY')?.value, 'http://[masked]@proxy:3128');
  assert.equal(rows.get('NO_PROXY')?.value, 'a,b');
  assert.equal(rows.has('HTTP_PROXY'), false);
  assert.equal(shown({}).has('NO_PROXY'), false);
});
