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
