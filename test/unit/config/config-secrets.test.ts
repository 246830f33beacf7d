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
