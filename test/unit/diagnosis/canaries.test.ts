// Every kind of secret, in every form, wherever a text from outside can hold it: none is in what is said of it. The log masks all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/config.ts';
import { diagnosePush, diagnoseSandbox } from '../../../src/diagnosis/diagnosis.ts';
import { createMask } from '../../../src/diagnosis/mask.ts';
import type { PushSymptom } from '../../../src/diagnosis/symptoms.ts';
import { targetOf } from '../../../src/diagnosis/target.ts';

const LINE = 'canary-line <of> "the" function';
const { config } = parseConfig({
  LOKI_PUSH_ENDPOINT: 'https://canary-login:canary-word%2F6@loki.example.com/push?key=canary-query',
  LOKI_USERNAME: 'canary-user',
  LOKI_PASSWORD: 'canary "pass"/word+é',
  LOKI_HEADERS: 'X-Api-Key=canary-key,broken canary-rest',
});
const { endpoint } = config;
assert.ok(endpoint?.authorization !== undefined);
const mask = createMask([...config.secrets, endpoint.authorization]);
const target = targetOf(endpoint, mask.outside);

const secrets = [
  'canary-login',
  'canary-word/6',
  'canary-query',
  'canary-user',
  'canary "pass"/word+é',
  'canary-key',
].concat(['canary-user:canary "pass"/word+é', endpoint.authorization]);
const forms: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(`x${text}`).toString('base64url'),
  (text) => Buffer.from(text).toString('hex'),
  encodeURIComponent,
  (text) => JSON.stringify({ text }),
  (text) => text.replaceAll('"', '&quot;'),
];

const texts: readonly ((echo: string) => string)[] = [
  (echo) => echo,
  (echo) => `ingestion rate limit exceeded for user ${echo} (limit: 5 bytes/sec)`,
  (echo) => `entry for stream '{a="${echo}"}' has timestamp too old: ${echo}`,
  (echo) => `ingestion blocked for user '${echo}' until '${echo}'`,
  (echo) => `<html><head><title>Error: ${echo}</title>`,
  (echo) => `authentication error: invalid token ${echo}`,
];

function symptomsOf(text: string, echo: string): PushSymptom[] {
  const place = `https://${echo}@other.example.com/${echo}?${echo}`;
  return [
    ...[200, 302, 401, 403, 404, 405, 407, 415].map(
      (status): PushSymptom => ({ kind: 'refused', status, detail: `${status} ${text}`, location: place }),
    ),
    { kind: 'rejected', reason: 'rejected', status: 400, detail: `400 ${text}` },
    { kind: 'throttled', status: 429, detail: `429 ${text}` },
    { kind: 'failed', status: 500, detail: `500 ${text}` },
    { kind: 'failed', status: 0, detail: `TypeError: ${text}\n    at f (file:///x.js:1:1)` },
    { kind: 'too_large', status: 413, detail: `413 ${text}` },
    { kind: 'metadata_disallowed', detail: text },
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: text },
    { kind: 'unanswered', phase: 'answer', detail: `ECONNRESET ${text}` },
    { kind: 'unreachable', phase: 'name_server_silent', code: 'EAI_AGAIN', detail: `getaddrinfo EAI_AGAIN ${text}` },
    { kind: 'unreachable', phase: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID', detail: `altnames: Host: ${text}` },
    { kind: 'interrupted', last: { kind: 'unanswered', phase: 'answer', detail: text } },
  ];
}

/** The end of what base64 makes of a text depends on what comes behind. */
const seenOf = (echo: string) => echo.replace(/=+$/, '').slice(0, -1).toLowerCase();

test('no secret is in what is said of an outcome, wherever a text from outside repeats it', () => {
  let said = 0;
  for (const secret of secrets) {
    for (const echo of forms.map((form) => form(secret))) {
      for (const symptom of texts.flatMap((text) => symptomsOf(text(echo), echo))) {
        const diagnosis = diagnosePush(symptom, target);
        assert.ok(diagnosis);
        const printed = mask(`${diagnosis.sentence} ${diagnosis.remedy}`).toLowerCase();
        assert.ok(!printed.includes('canary') && !printed.includes(seenOf(echo)), `${echo}: ${printed}`);
        said++;
      }
    }
  }
  assert.ok(said > 5_000);
});

test('no line is in what is said of an answer that quotes it', () => {
  for (const text of [LINE, `cannot parse ${LINE}`, JSON.stringify({ message: LINE }), `line too long: '${LINE}'`]) {
    for (const symptom of symptomsOf(text, encodeURIComponent(LINE))) {
      const diagnosis = diagnosePush(symptom, target);
      assert.ok(diagnosis && !diagnosis.sentence.includes('canary'), diagnosis?.sentence);
    }
  }
});

test('what is thrown is not quoted', () => {
  const error = new Error(LINE);
  for (const kind of ['internal_error', 'no_port', 'subscription_failed', 'next_unanswered'] as const) {
    assert.ok(!diagnoseSandbox({ kind, error }).sentence.includes('canary-line'));
  }
});
