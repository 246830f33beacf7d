// The report of `check` for people, to the character.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Report } from '../../../src/check/index.ts';
import { formatReport } from '../../../src/check/print.ts';

const report: Report = {
  version: '0.1.0',
  ok: false,
  settings: [
    { name: 'LOKI_PUSH_ENDPOINT', value: 'https://loki.example.com', source: 'environment' },
    { name: 'LOKI_PASSWORD', value: 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki/token', source: 'reference' },
    { name: 'LOKI_FLUSH_STRATEGY', value: 'adaptive', source: 'default' },
    { name: 'LOKI_TLS_CA', value: undefined, source: 'not used' },
    { name: 'LOKI_TENANT_ID', value: undefined, source: 'not set' },
    { name: 'LOKI_LOG_LABELS', value: undefined, source: 'not set' },
  ],
  problems: [
    { level: 'error', id: 'setting', message: 'LOKI_TLS_CA cannot be read', remedy: 'name a file of the layer' },
    { level: 'warn', id: 'unknown_setting', message: 'LOKI_URL is none', remedy: 'LOKI_PUSH_ENDPOINT is' },
  ],
  sandbox: [
    { name: 'AWS_LAMBDA_RUNTIME_API', value: undefined },
    { name: 'AWS_REGION', value: 'eu-central-1' },
  ],
  steps: [
    { step: 'name', status: 'ok', text: 'loki.example.com has an address', tookMs: 1.6 },
    { step: 'TLS', status: 'warn', text: 'TLSv1.3, 3 days left: have it renewed' },
    {
      step: 'push',
      status: 'failed',
      text: 'Loki refuses these credentials, as the user or the password is wrong',
      remedy: 'look at LOKI_USERNAME and at LOKI_PASSWORD, which has to be a token',
    },
    { step: 'read back', status: 'skipped', text: 'not tried' },
  ],
  verdict: 'Loki refuses these credentials, as the user or the password is wrong -> look at LOKI_USERNAME',
};

const printed = (of: Report, columns: number) => stripVTControlCharacters(formatReport(of, columns));

test('everything has its place, and what does not fit goes on below, indented like it', () => {
  assert.equal(
    printed(report, 80),
    `aws-lambda-loki-extension 0.1.0: check

Settings
  from the environment
    LOKI_PUSH_ENDPOINT              https://loki.example.com
  by reference
    LOKI_PASSWORD                   arn:aws:ssm:eu-central-1:123456789012:parameter/loki/token
  by default
    LOKI_FLUSH_STRATEGY             adaptive
  set, and of no use: LOKI_TLS_CA
  not set: LOKI_TENANT_ID, LOKI_LOG_LABELS
  FAILED  LOKI_TLS_CA cannot be read
        -> name a file of the layer
  warn  LOKI_URL is none
        -> LOKI_PUSH_ENDPOINT is

What Lambda tells (this is no sandbox: there it is set)
    AWS_LAMBDA_RUNTIME_API          not set
    AWS_REGION                      eu-central-1

The way to Loki
  ok      name         loki.example.com has an address (2 ms)
  warn    TLS          TLSv1.3, 3 days left: have it renewed
  FAILED  push         Loki refuses these credentials, as the user or the
                       password is wrong
                       -> look at LOKI_USERNAME and at LOKI_PASSWORD, which has
                          to be a token
  -       read back    not tried

FAILED: Loki refuses these credentials, as the user or the password is wrong ->
        look at LOKI_USERNAME
`,
  );
});

test('in a sandbox, and where all is well, no more than that is said', () => {
  const well: Report = {
    ...report,
    ok: true,
    settings: [],
    problems: [],
    sandbox: [{ name: 'AWS_LAMBDA_RUNTIME_API', value: '127.0.0.1:9001' }],
    steps: [],
    verdict: 'a line went to Loki and was read back',
  };
  assert.equal(
    printed(well, 80),
    `aws-lambda-loki-extension 0.1.0: check

Settings

What Lambda tells
    AWS_LAMBDA_RUNTIME_API          127.0.0.1:9001

The way to Loki

OK: a line went to Loki and was read back
`,
  );
});

test('it is as wide as the terminal, within bounds, and a line may be exactly as wide', () => {
  const verdict = Array.from({ length: 60 }, () => 'word').join(' ');
  const widest = (columns: number) => {
    const lines = printed({ ...report, settings: [], steps: [], problems: [], verdict }, columns).split('\n');
    return Math.max(...lines.filter((line) => line.includes('word')).map((line) => line.length));
  };
  // `FAILED: ` and words of five.
  assert.deepEqual([20, 60, 72, 73, 110, 300].map(widest), [57, 57, 72, 72, 107, 107]);
});
