// The endpoint at the limits of what is taken for a header or an address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';
import type { Environment } from '../../../src/config/reader.ts';

function parse(env: Environment) {
  const { config, problems } = parseConfig({ LOKI_PUSH_ENDPOINT: 'https://loki.example.com', ...env });
  return { endpoint: config.endpoint, messages: problems.map(({ message }) => message) };
}

/** What frames the body or its answer, and what an HTTP client sets by itself. */
const NOT_THE_USERS = [
  ...['accept', 'accept-encoding', 'connection', 'content-encoding', 'content-length', 'content-type', 'expect'],
  ...['host', 'if-range', 'keep-alive', 'prefer', 'proxy-connection', 'range', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'user-agent'],
];
for (const name of NOT_THE_USERS) {
  test(`the header ${name} is the extension's own`, () => {
    const { endpoint, messages } = parse({ LOKI_HEADERS: `X-A=1,${name.toUpperCase()}=x` });
    assert.deepEqual(endpoint?.headers, { 'x-a': '1' });
    assert.deepEqual(messages, [`LOKI_HEADERS entry 2 is ${name}, which the extension sets itself; it is left out`]);
  });
}

test('a header that is named twice is told of by the entry that names it again', () => {
  const { endpoint, messages } = parse({ LOKI_HEADERS: 'X-A=1,X-B=2,x-a=3' });
  assert.deepEqual(endpoint?.headers, { 'x-a': '3', 'x-b': '2' });
  assert.deepEqual(messages, ['LOKI_HEADERS entry 3 names a header again; the last value is used']);
});

test('a value may hold a tab and the letters of Latin-1, and no other sign that is not printed', () => {
  for (const [value, isTaken] of [
    ['a\tb', true],
    ['\u00ff', true],
    ['\u0080', true],
    ['~', true],
    ['a\u007fb', false],
    ['a\u001fb', false],
    ['\u0100', false],
  ] as const) {
    assert.deepEqual(parse({ LOKI_HEADERS: `X-A=${value}` }).endpoint?.headers, isTaken ? { 'x-a': value } : {}, value);
  }
});

test('an address that begins like https or http is neither', () => {
  for (const url of ['https:/loki.example.com', 'https:loki.example.com', 'http:/loki.example.com', 'httpx://loki']) {
    const { endpoint, messages } = parse({ LOKI_PUSH_ENDPOINT: url });
    assert.equal(endpoint, undefined, url);
    assert.match(messages.join(), /^LOKI_PUSH_ENDPOINT does not begin with http:\/\/ or https:\/\//);
  }
});

test('an @ anywhere behind the host may be the end of a password', () => {
  for (const behind of ['/a@b', '?a@b', '#a@b']) {
    assert.match(
      parse({ LOKI_PUSH_ENDPOINT: `http://loki${behind}` }).messages.join(),
      /^LOKI_PUSH_ENDPOINT holds an @ behind its host/,
    );
  }
});
