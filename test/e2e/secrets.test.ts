// Secrets by reference on the built executable: nothing is sent without them, no invocation is held for them, and none of them is ever printed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { type FakeAws, type FakeAwsOptions, startFakeAws } from '../fakes/aws-services.ts';
import { createCertificate } from '../fakes/certificate.ts';
import { type Bench, type BenchOptions, createBench } from '../fakes/extension.ts';
import { startHttpProxy } from '../fakes/http-proxy.ts';
import { examplesOf, policiesOf } from './support/examples.ts';
import { assertUnharmed, ownMessages, runUnharmed } from './support/expect.ts';
import { startTls } from './support/tls.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', sessionToken: 'IQoJb3Jp/+=' };
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_SESSION_TOKEN: KEYS.sessionToken,
};

interface SecretsBench extends Bench {
  readonly aws: FakeAws & { readonly url: string };
}

async function createSecretsBench(
  t: TestContext,
  values: FakeAwsOptions['values'],
  environment: Readonly<Record<string, string>>,
  options: BenchOptions & { readonly delayMs?: number } = {},
): Promise<SecretsBench> {
  const aws = await startFakeAws({ ...KEYS, values }, options.delayMs);
  t.after(() => aws.close());
  const backoff = { LOKI_RETRY_MIN_BACKOFF_MS: '5', LOKI_RETRY_MAX_BACKOFF_MS: '20' };
  const variables = { ...CREDENTIALS, AWS_ENDPOINT_URL: aws.url, ...backoff, ...environment };
  return { aws, ...(await createBench(t, { ...options, environment: { ...variables, ...options.environment } })) };
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

suite('secrets by reference', { concurrency: 2 }, () => {
  test('are fetched in init, and the first invocation is sent with them', async (t) => {
    const { aws, loki, emulator } = await createSecretsBench(
      t,
      { [SECRET]: '{"user":"4711","password":"p:w"}' },
      { LOKI_USERNAME: `${SECRET}:user::`, LOKI_PASSWORD: `${SECRET}:password::` },
    );
    await emulator.start();
    await aws.waitFor(2);
    await emulator.invoke({ lines: ['hello'] });
    await loki.waitFor(() => loki.lines('function').includes('hello'));
    assert.deepEqual(
      new Set(loki.requests.map(({ headers }) => headers['authorization'])),
      new Set([basic('4711', 'p:w')]),
    );
    await emulator.shutdown();
    assertUnharmed(emulator);
    assert.deepEqual(ownMessages(emulator), []);
  });

  test('are fetched again when Loki refuses them, and what was refused arrives', async (t) => {
    let token = 'old-token-of-yesterday';
    const { aws, loki, emulator } = await createSecretsBench(
      t,
      { [SECRET]: () => token },
      { LOKI_BEARER_TOKEN: SECRET },
      { loki: { auth: { bearerToken: 'new-token-of-today' } } },
    );
    await emulator.start();
    await aws.waitFor(1);
    token = 'new-token-of-today';
    for (let count = 0; count < 5; count++) await emulator.invoke({ lines: [`line ${count}`], durationMs: 100 });
    await emulator.shutdown();
    for (let count = 0; count < 5; count++) assert.ok(loki.lines('function').includes(`line ${count}`));
    assert.equal(aws.asked.length, 2);
    assert.doesNotMatch(emulator.output, /token-of/);
  });

  for (const [what, value, id, sentence] of [
    [
      'a role without the permission',
      () => ({
        status: 400,
        text: '{"__type":"AccessDeniedException","Message":"not authorized to perform: secretsmanager:GetSecretValue"}',
      }),
      'secret_denied',
      /^LOKI_PASSWORD: arn:\S+ may not be read: the role of the function lacks secretsmanager:GetSecretValue$/,
    ],
    ['a secret that is not there', undefined, 'secret_missing', /does not exist$/],
    [
      'a JSON secret without a key',
      '{"user":"x","password":"canary-7471"}',
      'secret_no_key',
      /keys "user", "password"/,
    ],
  ] as const) {
    test(`${what}: it is said once, no invocation is held, all is kept`, async (t) => {
      const { loki, emulator } = await createSecretsBench(t, value === undefined ? {} : { [SECRET]: value }, {
        LOKI_USERNAME: '4711',
        LOKI_PASSWORD: SECRET,
      });
      await runUnharmed(emulator);
      const messages = ownMessages(emulator).filter(({ fields }) => fields['id'] === id);
      assert.equal(messages.length, 1, emulator.output);
      assert.match(String(messages[0]?.message), sentence);
      assert.equal(loki.requests.length, 0);
      assert.doesNotMatch(emulator.output, /canary/);
    });
  }

  test('a service that never answers holds no invocation for longer than a moment', async (t) => {
    const proxy = await startHttpProxy({ answer: 'silent' });
    t.after(() => proxy.close());
    const { emulator } = await createSecretsBench(
      t,
      {},
      { LOKI_BEARER_TOKEN: SECRET, AWS_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}`, LOKI_FLUSH_TIMEOUT_MS: '60000' },
    );
    await emulator.start();
    for (let count = 0; count < 5; count++) {
      const { extensionTimedOut } = await emulator.invoke({ lines: [`line ${count}`] });
      assert.equal(extensionTimedOut, false);
    }
    const { exitedBeforeDeadline } = await emulator.shutdown();
    assert.equal(exitedBeforeDeadline, true);
    assert.ok(
      ownMessages(emulator).some(({ fields }) => /^secret_/.test(String(fields['id']))),
      emulator.output,
    );
  });

  test('a snapshot holds none: they are fetched at the first event', async (t) => {
    const { aws, loki, emulator } = await createSecretsBench(
      t,
      { [SECRET]: 'token' },
      { LOKI_BEARER_TOKEN: SECRET, LOKI_EXTENSION_API: 'telemetry' },
      { function: { initializationType: 'snap-start' }, freeze: true },
    );
    await emulator.start();
    await emulator.freeze();
    assert.equal(aws.asked.length, 0);
    await emulator.invoke({ lines: ['hello'], durationMs: 300 });
    await emulator.invoke({ lines: ['again'] });
    await emulator.shutdown();
    assert.deepEqual([...loki.lines('function')].sort(), ['again', 'hello']);
    assert.equal(aws.asked.length, 1);
  });

  test('a service that is slow, invocations that are short, and freezes between: all arrives', async (t) => {
    const { loki, emulator } = await createSecretsBench(
      t,
      { [SECRET]: 'token' },
      { LOKI_BEARER_TOKEN: SECRET },
      { freeze: true, delayMs: 900 },
    );
    await emulator.start();
    for (let count = 0; count < 12; count++) await emulator.invoke({ lines: [`line ${count}`], durationMs: 100 });
    await emulator.shutdown();
    assertUnharmed(emulator);
    for (let count = 0; count < 12; count++)
      assert.ok(loki.lines('function').includes(`line ${count}`), `line ${count}`);
  });

  test('AWS and Loki behind a proxy that alone knows their names, over TLS with an authority of its own', async (t) => {
    const authority = createCertificate({ name: 'Authority of the test' });
    const names = ['secretsmanager.eu-central-1.amazonaws.com', 'loki.internal'];
    const { cert, key } = createCertificate({ name: 'Inspecting proxy', hosts: names, issuer: authority });
    const ports: Record<string, number> = {};
    const proxy = await startHttpProxy({ credentials: 'user:p@ss', hosts: ports });
    t.after(() => proxy.close());
    const { aws, loki, emulator } = await createSecretsBench(
      t,
      { [SECRET]: 'token-7471' },
      {
        AWS_ENDPOINT_URL: '',
        LOKI_BEARER_TOKEN: SECRET,
        LOKI_TLS_CA: authority.cert,
        HTTPS_PROXY: `http://user:p%40ss@127.0.0.1:${proxy.port}`,
      },
      { endpoint: () => 'https://loki.internal', loki: { auth: { bearerToken: 'token-7471' } } },
    );
    ports[String(names[0])] = await startTls(t, Number(new URL(aws.url).port), { cert, key });
    ports['loki.internal'] = await startTls(t, Number(new URL(loki.url).port), { cert, key });
    await emulator.start();
    await emulator.invoke({ lines: ['hello'], durationMs: 300 });
    await emulator.shutdown();
    assertUnharmed(emulator);
    assert.deepEqual(loki.lines('function'), ['hello'], emulator.output);
    assert.deepEqual(ownMessages(emulator), []);
    assert.deepEqual(
      [...new Set(proxy.asked)].sort(),
      names
        .sort()
        .map((name) => `CONNECT ${name}:443 HTTP/1.1`)
        .sort(),
    );
  });

  const page = readFileSync(path.join(import.meta.dirname, '../../docs/secrets.md'), 'utf8');
  for (const example of examplesOf(page)) {
    test(`docs/secrets.md: ${Object.keys(example).join(', ')}`, async (t) => {
      const values: Record<string, string> = {};
      const { emulator, loki, aws } = await createSecretsBench(
        t,
        values,
        {},
        {
          // What the example does not name itself is what the page says of its secrets.
          environment: { ...example, LOKI_EXTENSION_LOG_LEVEL: 'warn' },
          endpoint(loki) {
            Object.assign(values, secretsOfThePage(loki.url));
            return loki.url;
          },
        },
      );
      await emulator.start();
      await emulator.invoke({ lines: ['hello'], durationMs: 300 });
      await emulator.shutdown();
      assert.deepEqual(ownMessages(emulator), [], emulator.output);
      assert.ok(loki.lines('function').includes('hello'));
      assert.ok(aws.asked.length > 0);
    });
  }

  test('docs/secrets.md: the policies allow what the examples need, and nothing else', () => {
    const needed = new Set(
      examplesOf(page).flatMap((example) =>
        Object.values(example).flatMap((value) => value.match(/arn:[\w:/.-]+/g) ?? []),
      ),
    );
    const statements = policiesOf(page).flatMap(({ Statement }) => Statement);
    for (const arn of needed) {
      const action = arn.includes(':ssm:') ? 'ssm:GetParameter' : 'secretsmanager:GetSecretValue';
      assert.ok(
        // A key, a stage or a version stands behind what the policy names.
        statements.some(({ Action, Resource }) => Action === action && `${arn}:`.startsWith(`${Resource}:`)),
        arn,
      );
    }
    const actions = new Set(statements.map(({ Action }) => Action));
    assert.deepEqual([...actions].sort(), ['kms:Decrypt', 'secretsmanager:GetSecretValue', 'ssm:GetParameter']);
  });
});

/** What the page says that its secrets hold. */
function secretsOfThePage(url: string): Record<string, string> {
  const at = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;
  return {
    [at('secretsmanager', 'secret:loki-AbCdEf')]: 'glc_token',
    [at('secretsmanager', 'secret:prod/loki-GhIjKl')]: JSON.stringify({ user: '123456', password: 'glc_token', url }),
    [at('ssm', 'parameter/loki/token')]: 'glc_token',
  };
}
