// `check` on the executable: each mistake as the running extension would tell it, the way to Loki step by step, and no secret in any of it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { startFakeAws } from '../fakes/aws-services.ts';
import { createCertificate } from '../fakes/certificate.ts';
import { extensionExecutable } from '../fakes/extension.ts';
import { type FakeLoki, type FakeLokiOptions, startFakeLoki } from '../fakes/fake-loki.ts';
import { startTlsRelay } from '../fakes/tls-relay.ts';
import { setUps, trusting } from './support/wrong-set-ups.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', sessionToken: 'IQoJb3Jp/+=' };

interface Step {
  readonly step: string;
  readonly status: string;
  readonly text: string;
  readonly id?: string;
}

interface Printed {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Printed> {
  const child = spawn(extensionExecutable(), ['check', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { exitCode, stdout, stderr };
}

async function startLoki(t: TestContext, options: FakeLokiOptions = {}): Promise<FakeLoki> {
  const loki = await startFakeLoki(options);
  t.after(() => loki.close());
  return loki;
}

const stepsOf = ({ stdout }: Printed): readonly Step[] => JSON.parse(stdout).steps;

suite('check', { concurrency: 2 }, () => {
  test('pushes one line, reads it back, and says that all is well', async (t) => {
    const auth = { username: '123456', password: 'canary-pass-1' };
    const loki = await startLoki(t, { auth, queries: 'answered' });
    const env = {
      LOKI_PUSH_ENDPOINT: loki.url,
      LOKI_USERNAME: auth.username,
      LOKI_PASSWORD: auth.password,
      LOKI_LOG_LABELS: 'env=prod',
      AWS_LAMBDA_FUNCTION_NAME: 'orders-api',
    };
    const people = await run(env);
    assert.deepEqual([people.exitCode, people.stderr], [0, '']);
    assert.match(people.stdout, /^OK: a line went to Loki and was read back$/m);
    assert.ok(
      people.stdout.split('\n').every((line) => line.length <= 80),
      'fits a terminal',
    );
    assert.doesNotMatch(people.stdout, /canary/);
    assert.ok(!people.stdout.includes('\x1b'), 'no colours in a pipe');
    const machines = await run(env, '--json');
    const { ok, settings } = JSON.parse(machines.stdout);
    assert.equal(ok, true);
    assert.deepEqual(
      stepsOf(machines).map(({ step, status }) => [step, status]),
      [
        ['name', 'ok'],
        ['connection', 'ok'],
        ['push', 'ok'],
        ['read back', 'ok'],
      ],
    );
    const shown = new Map<string, object>(settings.map(({ name, ...rest }: { name: string }) => [name, rest]));
    assert.deepEqual(shown.get('LOKI_PASSWORD'), { value: '[masked]', source: 'environment' });
    assert.deepEqual(shown.get('LOKI_USERNAME'), { value: '123456', source: 'environment' });
    assert.deepEqual(shown.get('LOKI_FLUSH_STRATEGY'), { value: 'adaptive', source: 'default' });
    assert.deepEqual(shown.get('LOKI_TENANT_ID'), { source: 'not set' });
    const [entry, ...more] = loki.entries();
    assert.equal(more.length, 1, 'one line each time');
    assert.deepEqual(
      [entry?.labels['function_name'], entry?.labels['type'], entry?.labels['env']],
      ['orders-api', 'extension', 'prod'],
    );
  });

  for (const [what, queries, said] of [
    ['may not read', 'forbidden', /these credentials may not read \(403\)/],
    ['find no query API', undefined, /no query API beside the push address \(404\)/],
  ] as const) {
    test(`says that the line was not looked for where the credentials ${what}, which is no failure`, async (t) => {
      const loki = await startLoki(t, queries === undefined ? {} : { queries });
      const printed = await run({ LOKI_PUSH_ENDPOINT: loki.url }, '--json');
      assert.equal(printed.exitCode, 0);
      const last = stepsOf(printed).at(-1);
      assert.equal(last?.status, 'skipped');
      assert.match(last.text, said);
    });
  }

  test('shows of each setting what is in force, and of secrets and control signs neither', async (t) => {
    const loki = await startLoki(t);
    const env = {
      LOKI_PUSH_ENDPOINT: loki.url,
      LOKI_USERNAME: '"123456"',
      LOKI_PASSWORD: 'canary-1',
      LOKI_SERVICE_NAME: 'red\u001b[31m\nnext',
      LOKI_LOG_LABELS: 'level=info',
      LOKI_HEADERS: 'X-A=canary-2,Content-Type=x',
      LOKI_MAX_LINE_BYTES: 'many',
      LOKI_TENANT_ID: 'two words',
      LOKI_TLS_CA: '/no/such/file',
      LOKI_TLS_SERVER_NAME: 'https://loki.internal',
      LOKI_DROP_EVENTS: 'Start;end',
      LOKI_MIN_LEVEL: 'verbose',
      LOKI_INCLUDE_REGEX: 'order',
      LOKI_EXCLUDE_REGEX: '(',
      LOKI_REDACT: 'emails',
      LOKI_REDACT_REGEX: 'canary-3',
      LOKI_METADATA_FIELDS: 'orderId,customer.id=customer,level',
      HTTPS_PROXY: 'http://user:canary-4@proxy.corp:3128',
      NO_PROXY: '.internal',
    };
    const machines = await run(env, '--json');
    const people = await run(env);
    const shown = new Map<string, { value?: string; source: string }>(
      JSON.parse(machines.stdout).settings.map(({ name, ...rest }: { name: string }) => [name, rest]),
    );
    const of = (name: string) => [shown.get(name)?.source, shown.get(name)?.value];
    for (const [name, source, value] of [
      ['LOKI_USERNAME', 'environment', '123456'],
      ['LOKI_SERVICE_NAME', 'environment', 'red\\u{1b}[31m\\u{a}next'],
      ['LOKI_LOG_LABELS', 'not used', undefined],
      ['LOKI_HEADERS', 'environment', '1 header, [masked]'],
      ['LOKI_MAX_LINE_BYTES', 'default', '262144'],
      ['LOKI_TENANT_ID', 'not used', undefined],
      ['LOKI_TLS_CA', 'not used', undefined],
      ['LOKI_TLS_SERVER_NAME', 'not used', undefined],
      ['LOKI_DROP_EVENTS', 'environment', 'start,end'],
      ['LOKI_MIN_LEVEL', 'not used', undefined],
      ['LOKI_INCLUDE_REGEX', 'environment', 'order'],
      ['LOKI_EXCLUDE_REGEX', 'not used', undefined],
      ['LOKI_REDACT', 'environment', 'email'],
      ['LOKI_REDACT_REGEX', 'environment', '[masked]'],
      ['LOKI_METADATA_FIELDS', 'environment', 'orderId,customer.id=customer'],
      ['HTTPS_PROXY', 'environment', 'http://[masked]@proxy.corp:3128'],
      ['NO_PROXY', 'environment', '.internal'],
    ] as const) {
      assert.deepEqual(of(name), [source, value], name);
    }
    assert.match(machines.stdout, /entry 2 is content-type, which the extension sets itself/);
    for (const { stdout } of [machines, people])
      assert.ok(!stdout.includes('\x1b') && !stdout.includes('canary'), stdout);
    assert.match(people.stdout, /^ {2}set, and of no use: LOKI_TENANT_ID,/m);
  });

  test('says why nothing is tried where the extension is switched off', async () => {
    const printed = await run({ LOKI_PUSH_ENDPOINT: 'https://loki.example.com', LOKI_EXTENSION_ENABLED: 'off' });
    assert.equal(printed.exitCode, 1);
    assert.match(printed.stdout, /not tried: LOKI_EXTENSION_ENABLED is false/);
  });

  test('shows version, certificate and days of TLS', async (t) => {
    const loki = await startLoki(t);
    const authority = createCertificate({ name: 'Authority of the test' });
    const soon = new Date(Date.now() + 5 * 86_400_000);
    const { cert, key } = createCertificate({ name: 'Loki', hosts: ['127.0.0.1'], issuer: authority, notAfter: soon });
    const relay = await startTlsRelay(loki.port, { cert, key });
    t.after(() => relay.close());
    const printed = await run({ LOKI_PUSH_ENDPOINT: relay.url, ...trusting(t, authority) }, '--json');
    assert.equal(printed.exitCode, 0, printed.stdout);
    const tls = stepsOf(printed).find(({ step }) => step === 'TLS');
    assert.equal(tls?.status, 'warn');
    assert.match(tls.text, /^TLSv1\.3, certificate of Loki by Authority of the test, 4 days left: have it renewed$/);
  });

  for (const [what, arrange, id, sentence] of setUps) {
    test(`says that there is ${what}`, async (t) => {
      const loki = await startLoki(t);
      const { endpoint, environment } = await arrange(t, loki);
      const env = {
        LOKI_PUSH_ENDPOINT: endpoint,
        LOKI_PASSWORD: 'canary-pass-2',
        LOKI_USERNAME: '123456',
        ...environment,
      };
      const bare = id === 'credentials_missing' ? { LOKI_PUSH_ENDPOINT: endpoint, ...environment } : env;
      const printed = await run(bare, '--json');
      const { steps, problems } = JSON.parse(printed.stdout);
      const told = [
        ...problems.map(({ message, ...rest }: Record<string, string>) => ({ text: message, ...rest })),
        ...steps,
      ];
      const found = told.find((one) => one.id === id);
      assert.ok(found !== undefined, printed.stdout);
      assert.match(found.text, sentence);
      assert.ok(found.remedy.length > 10);
      assert.equal(printed.exitCode, id === 'setting_unknown' ? 0 : 1);
      assert.doesNotMatch(printed.stdout + printed.stderr, /--use-system-ca|canary|wrong-one/);
    });
  }

  test('prints no secret, wherever one stands', async (t) => {
    const loki = await startLoki(t);
    loki.script(() => ({ status: 400, body: 'entry canary-header-1 canary-word-2 rejected: ingestion rate limit' }));
    const env = {
      LOKI_PUSH_ENDPOINT: `${loki.url.replace('//', '//canary-user-1:canary-word-2@')}/loki/api/v1/push?key=canary-query-3`,
      LOKI_HEADERS: 'X-Api-Key=canary-header-1',
      LOKI_BEARER_TOKEN: '"canary-token-4"',
      LOKI_LOG_LABELS: 'oops=canary-token-4',
      LOKI_PASWORD: 'canary-misspelt-5',
      LOKI_TLS_KEY: 'canary-key-6',
    };
    const proxied = { ...env, LOKI_PROXY_URL: 'http://canary-proxy-7:canary-proxy-8@127.0.0.1:1' };
    for (const [variables, ...args] of [[env], [env, '--json'], [proxied]] as const) {
      const { exitCode, stdout, stderr } = await run(variables, ...args);
      assert.equal(exitCode, 1);
      assert.doesNotMatch(stdout + stderr, /canary/);
      assert.match(stdout, /1 header, \[masked\]/);
      assert.match(stdout, /LOKI_PASWORD is not a setting of this extension; LOKI_PASSWORD is\s+probably meant/);
    }
  });

  for (const [key, status, said] of [
    ['token', 0, /^OK: /m],
    ['tokn', 1, /^FAILED: LOKI_BEARER_TOKEN:[\s\S]*\bkey/m],
  ] as const) {
    test(`fetches what settings refer to, here by the key ${key}, and shows the reference alone`, async (t) => {
      const aws = await startFakeAws({ ...KEYS, values: { [SECRET]: '{"token":"canary-secret-9"}' } });
      t.after(() => aws.close());
      const loki = await startLoki(t, { auth: { bearerToken: 'canary-secret-9' } });
      const { exitCode, stdout, stderr } = await run({
        LOKI_PUSH_ENDPOINT: loki.url,
        LOKI_BEARER_TOKEN: `${SECRET}:${key}::`,
        AWS_ENDPOINT_URL: aws.url,
        AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
        AWS_SESSION_TOKEN: KEYS.sessionToken,
      });
      assert.equal(exitCode, status, stdout);
      assert.match(stdout, said);
      assert.ok(stdout.includes(`${SECRET}:${key}::`));
      assert.doesNotMatch(stdout + stderr, /canary|wJalr|IQoJ/);
    });
  }

  test('names what is missing, what is switched off, and how it is called', async () => {
    const missing = await run({ LOKI_URL: 'https://loki.example.com' });
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stdout, /^FAILED: LOKI_PUSH_ENDPOINT is not set/m);
    assert.match(missing.stdout, /LOKI_URL is not a setting of this extension; LOKI_PUSH_ENDPOINT is\s+probably meant/);
    const off = await run({ LOKI_EXTENSION_ENABLED: 'false' });
    assert.deepEqual([off.exitCode, /LOKI_EXTENSION_ENABLED is false: nothing is sent/.test(off.stdout)], [1, true]);
    const help = await run({}, '--help');
    assert.deepEqual([help.exitCode, help.stderr], [0, '']);
    const odd = await run({}, '--yaml');
    assert.deepEqual([odd.exitCode, odd.stdout], [2, '']);
    assert.match(odd.stderr, /^unknown argument "--yaml"\nusage: /);
  });
});
