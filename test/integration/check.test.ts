// `check` from source: the connection step by step over real sockets, and the whole command as a process of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { tryConnection } from '../../src/check/connection.ts';
import type { Report } from '../../src/check/index.ts';
import type { Step } from '../../src/check/step.ts';
import { parseConfig } from '../../src/config/config.ts';
import { tools } from '../../src/late/tools.ts';
import { startFakeAws } from '../fakes/aws-services.ts';
import { createCertificate } from '../fakes/certificate.ts';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { startHttpProxy } from '../fakes/http-proxy.ts';
import { startTlsRelay } from '../fakes/tls-relay.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const DAY_MS = 86_400_000;

async function connect(env: Readonly<Record<string, string>>): Promise<readonly Step[]> {
  const { config } = parseConfig(env);
  assert.ok(config.endpoint);
  const target = tools.targetOf(config.endpoint, (words) => words, config);
  const way = tools.wayTo(config, config.endpoint, () => {});
  return tryConnection(config.endpoint, way, 5_000, target, tools);
}

const brief = (steps: readonly Step[]) => steps.map(({ step, status, text: words }) => `${step} ${status}: ${words}`);

test('over HTTP a connection is all there is', async () => {
  await using loki = await startFakeLoki();
  const steps = await connect({ LOKI_PUSH_ENDPOINT: loki.url });
  assert.deepEqual(brief(steps), [
    'name ok: 127.0.0.1 is an address',
    `connection ok: a server listens at 127.0.0.1 port ${loki.port}`,
  ]);
  assert.ok(steps.every(({ tookMs = -1 }) => tookMs >= 0 && tookMs < 5_000));
});

test('the step that fails is the last one, with its diagnosis', async () => {
  const steps = await connect({ LOKI_PUSH_ENDPOINT: 'http://127.0.0.1:1' });
  assert.deepEqual(
    steps.map(({ step, status, id }) => [step, status, id]),
    [
      ['name', 'ok', undefined],
      ['connection', 'failed', 'connection_refused'],
    ],
  );
});

for (const [days, status, words] of [
  [14, 'ok', '14 days left'],
  [13, 'warn', '13 days left: have it renewed'],
] as const) {
  test(`a certificate that has ${days} days is ${status}`, async (t) => {
    await using loki = await startFakeLoki();
    const notAfter = new Date(Date.now() + (days + 0.5) * DAY_MS);
    const certificate = createCertificate({ name: 'Server é', hosts: ['127.0.0.1'], notAfter });
    const relay = await startTlsRelay(loki.port, certificate);
    t.after(() => relay.close());
    const trusting = { LOKI_PUSH_ENDPOINT: relay.url, LOKI_TLS_CA: certificate.cert };
    const steps = await connect(trusting);
    assert.equal(brief(steps)[2], `TLS ${status}: TLSv1.3, certificate of Server ? by Server ?, ${words}`);
    const blind = await connect({ LOKI_PUSH_ENDPOINT: relay.url, LOKI_TLS_INSECURE_SKIP_VERIFY: 'true' });
    assert.match(brief(blind)[2] ?? '', /^TLS warn: .* and not verified/);
    const strict = await connect({ LOKI_PUSH_ENDPOINT: relay.url });
    assert.deepEqual(
      strict.map((step) => [step.step, step.status]),
      [
        ['name', 'ok'],
        ['connection', 'ok'],
        ['TLS', 'failed'],
      ],
    );
  });
}

test('a proxy is a step of its own where it lets connections through', async (t) => {
  await using loki = await startFakeLoki();
  const certificate = createCertificate({ name: 'Server', hosts: ['loki.internal'] });
  const relay = await startTlsRelay(loki.port, certificate);
  t.after(() => relay.close());
  const proxy = await startHttpProxy({ hosts: { 'loki.internal': Number(new URL(relay.url).port) } });
  t.after(() => proxy.close());
  const steps = await connect({
    LOKI_PUSH_ENDPOINT: 'https://loki.internal',
    LOKI_PROXY_URL: `http://127.0.0.1:${proxy.port}`,
    LOKI_TLS_CA: certificate.cert,
  });
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['name', 'connection', 'proxy', 'TLS'],
  );
  assert.match(brief(steps)[1] ?? '', new RegExp(`the proxy listens at 127\\.0\\.0\\.1 port ${proxy.port}$`));
  const plain = await connect({
    LOKI_PUSH_ENDPOINT: 'http://loki.internal',
    LOKI_PROXY_URL: `http://127.0.0.1:${proxy.port}`,
  });
  assert.deepEqual(
    plain.map(({ step }) => step),
    ['name', 'connection'],
  );
});

async function check(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, 'check', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { exitCode, stdout, stderr };
}

async function reportOf(env: Readonly<Record<string, string>>): Promise<Report & { exitCode: number | null }> {
  const { exitCode, stdout } = await check(env, '--json');
  return { ...JSON.parse(stdout), exitCode };
}

test('all is well: 0, and a verdict that says what was seen', async () => {
  await using loki = await startFakeLoki({ queries: 'answered', auth: { username: '1', password: 'pass-word' } });
  const env = { LOKI_PUSH_ENDPOINT: loki.url, LOKI_USERNAME: '1', LOKI_PASSWORD: 'pass-word', AWS_REGION: ' eu ' };
  const { exitCode, ok, steps, problems, sandbox, verdict } = await reportOf(env);
  assert.deepEqual([exitCode, ok, problems], [0, true, []]);
  assert.deepEqual(
    steps.map(({ step, status }) => `${step} ${status}`),
    ['name ok', 'connection ok', 'push ok', 'read back ok'],
  );
  assert.equal(verdict, 'a line went to Loki and was read back');
  assert.deepEqual(
    sandbox.filter(({ value }) => value !== undefined),
    [{ name: 'AWS_REGION', value: 'eu' }],
  );
  const people = await check(env);
  assert.equal(people.exitCode, 0);
  assert.match(people.stdout, /^OK: a line went to Loki and was read back$/m);
  assert.ok(!people.stdout.includes('pass-word'));
});

test('accepted and not read back is well too, and said as it is', async () => {
  await using loki = await startFakeLoki({ queries: 'forbidden' });
  const { exitCode, verdict } = await reportOf({ LOKI_PUSH_ENDPOINT: loki.url });
  assert.deepEqual([exitCode, verdict], [0, 'a line went to Loki, which accepted it']);
});

test('a connection that fails is the verdict, with its remedy, and nothing is pushed', async () => {
  const { exitCode, ok, steps, verdict } = await reportOf({ LOKI_PUSH_ENDPOINT: 'http://127.0.0.1:1' });
  assert.deepEqual([exitCode, ok], [1, false]);
  const last = steps.at(-1);
  assert.deepEqual([last?.step, last?.status], ['connection', 'failed']);
  assert.equal(verdict, `${last?.text} -> ${last?.remedy}`);
});

test('without an endpoint nothing is tried, and the setting is the verdict', async () => {
  const { exitCode, steps, problems, verdict } = await reportOf({ LOKI_URL: 'http://loki' });
  assert.equal(exitCode, 1);
  assert.deepEqual(steps, [{ step: 'push', status: 'skipped', text: 'not tried: there is no endpoint' }]);
  const unusable = problems.find(({ level }) => level === 'error');
  assert.equal(verdict, `${unusable?.message} -> ${unusable?.remedy}`);
  assert.ok(problems.some(({ level, message }) => level === 'warn' && message.includes('LOKI_URL')));
});

test('switched off is no success', async () => {
  const { exitCode, steps, verdict } = await reportOf({ LOKI_EXTENSION_ENABLED: 'false' });
  assert.equal(exitCode, 1);
  assert.equal(steps[0]?.text, 'not tried: LOKI_EXTENSION_ENABLED is false');
  assert.equal(verdict, 'LOKI_EXTENSION_ENABLED is false: nothing is sent');
});

test('what filters cannot read is a problem, and told once', async () => {
  await using loki = await startFakeLoki();
  const { problems, settings } = await reportOf({ LOKI_PUSH_ENDPOINT: loki.url, LOKI_EXCLUDE_REGEX: '(' });
  assert.equal(problems.filter(({ message }) => message.includes('LOKI_EXCLUDE_REGEX')).length, 1);
  assert.equal(settings.find(({ name }) => name === 'LOKI_EXCLUDE_REGEX')?.source, 'not used');
});

test('what settings refer to is fetched, used, and not shown', async (t) => {
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
  const arn = 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki';
  const aws = await startFakeAws({ ...keys, values: { '/loki': 'pass-word-1', [arn]: 'pass-word-1' } });
  t.after(() => aws.close());
  await using loki = await startFakeLoki({ auth: { username: '1', password: 'pass-word-1' } });
  const { exitCode, stdout } = await check(
    {
      LOKI_PUSH_ENDPOINT: loki.url,
      LOKI_USERNAME: '1',
      LOKI_PASSWORD: arn,
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    },
    '--json',
  );
  const { steps, settings }: Report = JSON.parse(stdout);
  assert.deepEqual(
    [exitCode, steps[0]],
    [0, { step: 'secrets', status: 'ok', text: 'what the settings refer to is there' }],
  );
  assert.equal(settings.find(({ name }) => name === 'LOKI_PASSWORD')?.source, 'reference');
  assert.ok(!stdout.includes('pass-word-1'));
});

test('a secret that cannot be fetched is a step that fails, and nothing further is tried', async () => {
  const { exitCode, steps } = await reportOf({
    LOKI_PUSH_ENDPOINT: 'http://127.0.0.1:1',
    LOKI_USERNAME: '1',
    LOKI_PASSWORD: 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki',
  });
  assert.equal(exitCode, 1);
  assert.deepEqual(
    steps.map(({ step, status }) => [step, status]),
    [['secrets', 'failed']],
  );
});

for (const [args, exitCode, stream, before] of [
  [['--help'], 0, 'stdout', ''],
  [['-h', '--json'], 0, 'stdout', ''],
  [['--jsno'], 2, 'stderr', 'unknown argument "--jsno"\n'],
] as const) {
  test(`check ${args.join(' ')}: ${exitCode}, and how it is used`, async () => {
    const printed = await check({}, ...args);
    assert.equal(printed.exitCode, exitCode);
    assert.equal(printed[stream], `${before}usage: aws-lambda-loki-extension check [--json]\n`);
  });
}
