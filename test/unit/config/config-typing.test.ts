// Mistakes of typing that would not be seen otherwise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';

const ENDPOINT = { LOKI_PUSH_ENDPOINT: 'https://loki.example.com' };

function messagesOf(environment: Readonly<Record<string, string>>): string[] {
  return parseConfig({ ...ENDPOINT, ...environment }).problems.map(({ message }) => message);
}

test('a password in the URL whose signs are not encoded is warned of, and no part of it is shown', () => {
  for (const endpoint of ['http://user:12/34@host', 'http://user:a?b@host', 'http://user:a#b@host']) {
    const [message, ...more] = messagesOf({ LOKI_PUSH_ENDPOINT: endpoint.replace('a?b', '1?b').replace('a#b', '1#b') });
    assert.deepEqual(more, []);
    assert.match(message ?? '', /^LOKI_PUSH_ENDPOINT holds an @ behind its host: .*%2F, %3F or %23/);
    assert.doesNotMatch(message ?? '', /user|34/);
  }
});

test('a user name with a colon is warned of', () => {
  const [message] = messagesOf({ LOKI_USERNAME: '123456:glc_token', LOKI_PASSWORD: 'x' });
  assert.match(message ?? '', /^LOKI_USERNAME holds a colon/);
  assert.doesNotMatch(message ?? '', /glc_token/);
});

test('a warning quotes what was typed', () => {
  assert.match(messagesOf({ LOKI_EXTENSION_API: 'Logs API' })[0] ?? '', /"Logs API"; using auto$/);
});

test('quotes around a whole value are taken off, with one warning that shows no value', () => {
  for (const [open, close] of ['""', "''", '\u201c\u201d', '\u201e\u201c', '\u2018\u2019']) {
    const { config, problems } = parseConfig({
      LOKI_PUSH_ENDPOINT: `${open}https://loki.example.com${close}`,
      LOKI_USERNAME: `${open}123456${close}`,
      LOKI_PASSWORD: `${open} glc_canary ${close}`,
    });
    assert.equal(config.endpoint?.url, 'https://loki.example.com/loki/api/v1/push');
    assert.equal(config.endpoint.authorization, `Basic ${Buffer.from('123456:glc_canary').toString('base64')}`);
    assert.deepEqual(problems.map(({ variable }) => variable).toSorted(), [
      'LOKI_PASSWORD',
      'LOKI_PUSH_ENDPOINT',
      'LOKI_USERNAME',
    ]);
    for (const { message } of problems)
      assert.match(message, /^LOKI_[A-Z_]+ has quotes around its value, .* taken off$/);
  }
});

test('quotes that are not around the whole value stay', () => {
  for (const value of ['"a"b"', '"a', "it's", '"', '"a","b"', '\'a"']) {
    const { config, problems } = parseConfig({ ...ENDPOINT, LOKI_SERVICE_NAME: value });
    assert.equal(config.serviceName, value);
    assert.deepEqual(problems, []);
  }
  assert.equal(parseConfig({ ...ENDPOINT, LOKI_SERVICE_NAME: '""' }).config.serviceName, undefined);
});

for (const [text, ms] of [
  ['5s', 5_000],
  ['250ms', 250],
  ['2m', 120_000],
  ['1.5 s', 1_500],
  ['2 MIN', 120_000],
  ['0.25h', 900_000],
  ['3 sec', 3_000],
  ['1min', 60_000],
] as const) {
  test(`${text} are ${ms} milliseconds`, () => {
    const { config, problems } = parseConfig({ ...ENDPOINT, LOKI_PUSH_TIMEOUT_MS: text });
    assert.equal(config.pushTimeoutMs, ms);
    assert.deepEqual(problems, []);
  });
}

for (const [text, bytes] of [
  ['512KiB', 524_288],
  ['1MB', 1_000_000],
  ['1.5 MiB', 1_572_864],
  ['65536 bytes', 65_536],
  ['100kb', 100_000],
] as const) {
  test(`${text} are ${bytes} bytes`, () => {
    const { config, problems } = parseConfig({ ...ENDPOINT, LOKI_BATCH_MAX_BYTES: text });
    assert.equal(config.batchMaxBytes, bytes);
    assert.deepEqual(problems, []);
  });
}

test('a unit of another kind, or one that nobody knows, is no number', () => {
  for (const [name, text] of [
    ['LOKI_PUSH_TIMEOUT_MS', '5MB'],
    ['LOKI_PUSH_TIMEOUT_MS', '5 fortnights'],
    ['LOKI_PUSH_TIMEOUT_MS', '5constructor'],
    ['LOKI_PUSH_TIMEOUT_MS', '0.5ms'],
    ['LOKI_BATCH_MAX_BYTES', '5s'],
    ['LOKI_BATCH_MAX_BYTES', '1M'],
    ['LOKI_EXTENSION_PORT', '80s'],
  ] as const) {
    assert.match(messagesOf({ [name]: text })[0] ?? '', new RegExp(`${name} is not a whole number .*"${text}"; using`));
  }
});

test('a number out of bounds is told with the bound in force, which depends on the memory', () => {
  const [message] = messagesOf({ LOKI_BUFFER_MAX_BYTES: '1GiB', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' });
  assert.match(message ?? '', /from 65536 to 268435456 bytes: "1GiB"; using 67108864$/);
});

test('line breaks separate like commas, and semicolons where names tell that they are meant to', () => {
  const labelsOf = (text: string) => parseConfig({ ...ENDPOINT, LOKI_LOG_LABELS: text }).config.labels;
  assert.deepEqual(labelsOf('a=1\nb=2\r\n  c=3\n'), { a: '1', b: '2', c: '3' });
  assert.deepEqual(labelsOf('a=1; b=2;'), { a: '1', b: '2' });
  assert.match(messagesOf({ LOKI_LOG_LABELS: 'a=1;b=2' })[0] ?? '', /has ; between its pairs .* 2 pairs are read$/);
  assert.deepEqual(labelsOf('a=1;2,b=x;y z=3'), { a: '1;2', b: 'x;y z=3' });
  const { config } = parseConfig({ ...ENDPOINT, LOKI_HEADERS: 'Cookie=a=1;b=2\nX-B=2' });
  assert.deepEqual(config.endpoint?.headers, { cookie: 'a=1;b=2', 'x-b': '2' });
  assert.deepEqual(parseConfig({ ...ENDPOINT, LOKI_LOG_TYPES: 'function;extension' }).config.logTypes, [
    'function',
    'extension',
  ]);
});

test('the log can be switched off', () => {
  for (const word of ['off', 'None', 'silent']) {
    assert.equal(parseConfig({ ...ENDPOINT, LOKI_EXTENSION_LOG_LEVEL: word }).config.logLevel, 'silent');
    assert.deepEqual(messagesOf({ LOKI_EXTENSION_LOG_LEVEL: word }), []);
  }
});
