// How the text of a setting is read: switches, pairs, quantities, paths, and what of it is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';
import { isPath } from '../../../src/config/file-path.ts';
import { parseQuantity } from '../../../src/config/quantity.ts';
import { type Environment, quoted } from '../../../src/config/reader.ts';

function parse(env: Environment) {
  const { config, problems } = parseConfig({ LOKI_PUSH_ENDPOINT: 'https://loki.example.com', ...env });
  return { config, messages: problems.map(({ message }) => message) };
}

for (const [word, isOn] of [
  ...['true', '1', 'yes', 'on', 'ON'].map((on) => [on, true] as const),
  ...['false', '0', 'no', 'off', 'Off'].map((off) => [off, false] as const),
] as const) {
  test(`${word} switches ${isOn ? 'on what is off' : 'off what is on'} by default, without a word about it`, () => {
    const name = isOn ? 'LOKI_TLS_INSECURE_SKIP_VERIFY' : 'LOKI_STRUCTURED_METADATA';
    const { config, messages } = parse({ [name]: word });
    assert.equal(isOn ? config.route?.tls.skipVerify : config.structuredMetadata, isOn);
    assert.ok(!messages.some((message) => message.includes('neither true nor false')));
  });
}

test('a word that switches nothing leaves off what is off', () => {
  const { config, messages } = parse({ LOKI_TLS_INSECURE_SKIP_VERIFY: 'maybe' });
  assert.equal(config.route, undefined);
  assert.deepEqual(messages, ['LOKI_TLS_INSECURE_SKIP_VERIFY is neither true nor false: "maybe"; using false']);
});

for (const [text, labels] of [
  ['{" a ":" x y ","b":true,"c":0}', { a: 'x y', b: 'true', c: '0' }],
  ['a=1;b', { a: '1;b' }],
  ['a=1;b c=2', { a: '1;b c=2' }],
  ['a=1;=2', { a: '1;=2' }],
  ['a=1;b=2', { a: '1', b: '2' }],
] as const) {
  test(`${text} are the labels ${JSON.stringify(labels)}`, () => {
    assert.deepEqual(parse({ LOKI_LOG_LABELS: text }).config.labels, labels);
  });
}

for (const [text, unit, quantity] of [
  ['7', 'port', 7],
  ['7B', 'bytes', 7],
  ['7 byte', 'bytes', 7],
  ['7bytes', 'bytes', 7],
  ['2kB', 'bytes', 2_000],
  ['2KiB', 'bytes', 2_048],
  ['2MB', 'bytes', 2_000_000],
  ['2MiB', 'bytes', 2_097_152],
  ['2GB', 'bytes', 2_000_000_000],
  ['2gib', 'bytes', 2_147_483_648],
  ['7ms', 'ms', 7],
  ['2s', 'ms', 2_000],
  ['2sec', 'ms', 2_000],
  ['2m', 'ms', 120_000],
  ['2min', 'ms', 120_000],
  ['2h', 'ms', 7_200_000],
  ['123456789012ms', 'ms', 123_456_789_012],
  ['1234567890123ms', 'ms', Number.NaN],
  ['0.123456789GB', 'bytes', 123_456_789],
  ['0.1234567890GB', 'bytes', Number.NaN],
  ['1.5ms', 'ms', Number.NaN],
  ['.5s', 'ms', Number.NaN],
  ['1,5s', 'ms', Number.NaN],
  ['s', 'ms', Number.NaN],
  ['7ms', 'bytes', Number.NaN],
  ['7B', 'ms', Number.NaN],
] as const) {
  test(`${text} of ${unit} are ${quantity}`, () => assert.equal(parseQuantity(text, unit), quantity));
}

test('a path begins with a slash, or with one or two dots before it', () => {
  const texts = ['/a', './a', '../a', '.../a', 'a/b', '-----BEGIN', ''];
  assert.deepEqual(texts.map(isPath), [true, true, true, false, false, false, false]);
});

test('of a value 100 characters are told', () => {
  assert.equal(quoted('x'.repeat(100)), `"${'x'.repeat(100)}"`);
  assert.equal(quoted('x'.repeat(101)), `"${'x'.repeat(100)}..."`);
  assert.equal(quoted(undefined), '""');
});

test('where a value is cut it is told how much of it is used', () => {
  const { messages } = parse({ LOKI_LOG_LABELS: `a=${'\u00e9'.repeat(1_025)}` });
  assert.deepEqual(messages, ['LOKI_LOG_LABELS label "a" is too long; the first 1024 characters are used']);
});

test('user info of any proxy is secret, and a user of Loki that is more than a number', () => {
  const secretsOf = (env: Environment) => parse(env).config.secrets.slice(1);
  for (const name of ['LOKI_PROXY_URL', 'HTTPS_PROXY', 'HTTP_PROXY']) {
    assert.deepEqual(secretsOf({ [name]: 'http://u:p@proxy' }), ['http://u:p@proxy'], name);
    assert.deepEqual(secretsOf({ [name]: 'http://proxy' }), [], name);
  }
  assert.deepEqual(secretsOf({ LOKI_USERNAME: '4711', LOKI_PASSWORD: 'word' }), ['word']);
  assert.deepEqual(secretsOf({ LOKI_USERNAME: 'user', LOKI_PASSWORD: 'word' }), ['word', 'user']);
});

test('while secrets are still to come there is no way but the one that leads to them', () => {
  const secret = 'arn:aws:ssm:eu-central-1:123456789012:parameter/x';
  const { config } = parse({ LOKI_PASSWORD: secret, LOKI_USERNAME: 'u', HTTPS_PROXY: 'http://p', LOKI_TLS_CERT: '/c' });
  assert.deepEqual([config.endpoint, config.route], [undefined, undefined]);
  assert.deepEqual(config.byReference?.route, { proxy: { https: 'http://p' }, tls: {} });
  const again = config.byReference?.resolve(new Map([[secret, 'word']])).config;
  assert.deepEqual(again?.route, { proxy: { https: 'http://p' }, tls: { cert: '/c' } });
});
