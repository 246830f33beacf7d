// When we are the problem: whatever is wrong with settings, port or Loki, every invocation succeeds, one clear line says
// why nothing is sent, and no credential or log line is ever printed.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { type Bench, createBench } from '../fakes/extension.ts';
import { generateLines } from '../fakes/generate.ts';
import { functionSecrets } from '../fakes/lambda/environment.ts';
import type { LokiAnswer } from '../fakes/loki/answers.ts';
import {
  assertDelivered,
  assertHealthy,
  assertUnharmed,
  type OwnMessage,
  ownMessages,
  runUnharmed,
} from './support/expect.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Three invocations and SHUTDOWN, of which the function must notice nothing. */
async function runAll(
  t: TestContext,
  environment: Variables,
  options: Parameters<typeof createBench>[1] = {},
): Promise<Bench> {
  const bench = await createBench(t, { ...options, environment });
  await runUnharmed(bench.emulator);
  return bench;
}

function onlyMessage({ emulator }: Bench): OwnMessage {
  const [message, ...more] = ownMessages(emulator);
  assert.ok(message !== undefined && more.length === 0, `one message: ${emulator.output}`);
  return message;
}

suite('fail open', { concurrency: 2 }, () => {
  test('prints nothing in a healthy run, and says more only when asked to', async (t) => {
    assertHealthy(await runAll(t, {}));
    const { emulator } = await runAll(t, { LOKI_EXTENSION_LOG_LEVEL: 'info', LOKI_TENANT_ID: 'team-a' });
    const [started, first, totals, ...more] = ownMessages(emulator);
    assert.deepEqual(more, []);
    assert.equal(started?.message, 'started');
    assert.match(String(started.fields['to']), /^http:\/\/127\.0\.0\.1:\d+\/loki\/api\/v1\/push$/);
    assert.deepEqual([started.fields['as'], started.fields['api']], ['nobody, tenant team-a', 'logs']);
    assert.equal(first?.message, 'first push accepted');
    assert.equal(totals?.message, 'totals');
    assert.equal(totals.fields['received'], emulator.emitted.length);
    assert.equal(totals.fields['accepted'], emulator.emitted.length);
  });

  test('takes another port when its own is taken, with a warning, and loses nothing', async (t) => {
    const neighbour = createServer();
    await new Promise<void>((listening) => neighbour.listen(0, listening));
    t.after(() => neighbour.close());
    const address = neighbour.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const bench = await createBench(t, { environment: { LOKI_EXTENSION_PORT: String(port) } });
    await runUnharmed(bench.emulator);
    const subscribed = bench.emulator.calls.find(({ path }) => path === '/2020-08-15/logs');
    assert.ok(!subscribed?.body.includes(`:${port}/`));
    const { level, message } = onlyMessage(bench);
    assert.equal(level, 'warn');
    assert.ok(message.includes(String(port)));
    assertDelivered(bench);
  });

  for (const [what, endpoint] of [
    ['no endpoint', undefined],
    ['an empty endpoint', ''],
    ['an endpoint that is no URL', 'nonsense'],
    ['an endpoint without a host', 'http://'],
    ['an endpoint of another scheme', 'ftp://loki.example.com'],
    ['a port that is none', 'http://loki.example.com:99999'],
    ['a file', 'file:///etc/passwd'],
  ] as const) {
    test(`lets the function go on with ${what}, and says so in one line`, async (t) => {
      const bench = await runAll(t, { LOKI_PUSH_ENDPOINT: endpoint });
      const { level, message } = onlyMessage(bench);
      assert.equal(level, 'error');
      assert.match(message, /LOKI_PUSH_ENDPOINT/);
      assert.equal(bench.loki.requests.length, 0);
    });
  }

  test('lets the function go on when the host of Loki does not exist', async (t) => {
    const bench = await runAll(t, { LOKI_PUSH_ENDPOINT: 'http://loki.invalid:3100' });
    assert.ok(ownMessages(bench.emulator).some(({ message }) => /cannot be reached/.test(message)));
  });

  test('leaves out malformed labels with a warning for each, and sends everything', async (t) => {
    const bench = await runAll(t, { LOKI_LOG_LABELS: 'good=yes,novalue,1bad=x,bad-name=y,=z,__own=1,type=mine' });
    assertDelivered(bench);
    assert.equal(bench.loki.entries()[0]?.labels['good'], 'yes');
    assert.deepEqual(Object.keys(bench.loki.entries()[0]?.labels ?? {}).sort(), [
      'account_id',
      'function_name',
      'good',
      'region',
      'service_name',
      'source',
      'type',
    ]);
    const messages = ownMessages(bench.emulator);
    assert.ok(messages.length > 0);
    for (const { level, message } of messages) {
      assert.equal(level, 'warn');
      assert.match(message, /LOKI_LOG_LABELS/);
    }
  });

  for (const labels of ['{"broken', '{}', ',,,', '=', '{"a":{"b":1}}', '\u0000', '🧀=1', 'a='.repeat(2_000)]) {
    test(`delivers everything with the labels ${JSON.stringify(labels.slice(0, 20))}`, async (t) => {
      // A variable cannot hold a NUL.
      const bench = await runAll(t, { LOKI_LOG_LABELS: labels.replaceAll('\u0000', '\u0001') });
      assertDelivered(bench);
    });
  }

  test('reports all bad values of one run together, each with the variable and what was used', async (t) => {
    const bad = {
      LOKI_FLUSH_STRATEGY: 'sometimes',
      LOKI_FLUSH_TIMEOUT_MS: '-1',
      LOKI_BATCH_MAX_BYTES: '99999999999',
      LOKI_EXTENSION_PORT: '9001',
      LOKI_STRUCTURED_METADATA: 'perhaps',
      LOKI_LOG_TYPES: 'functions',
    };
    // The default port may be taken on the machine that runs this, which is one more warning.
    const bench = await runAll(t, bad);
    assertDelivered(bench);
    const messages = ownMessages(bench.emulator).filter(({ message }) => !message.startsWith('port 1234'));
    for (const [variable, value] of Object.entries(bad)) {
      const about = messages.filter(({ message }) => message.includes(variable));
      assert.equal(about.length, 1, variable);
      assert.equal(about[0]?.level, 'warn');
      assert.ok(about[0].message.includes(value), about[0].message);
    }
    assert.equal(messages.length, Object.keys(bad).length);
  });

  test('stays out of the way when it is disabled', async (t) => {
    const bench = await runAll(t, { LOKI_EXTENSION_ENABLED: 'false', LOKI_PUSH_ENDPOINT: undefined });
    assertHealthy(bench);
    assert.equal(bench.emulator.subscription, undefined);
    assert.deepEqual(
      [...new Set(bench.emulator.calls.map(({ path }) => path))],
      ['/2020-01-01/extension/register', '/2020-01-01/extension/event/next'],
    );
    assert.equal(bench.loki.requests.length, 0);
  });

  test('lets 30 invocations pass while Loki is dead, and does not repeat itself', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_RETRY_MAX_BACKOFF_MS: '20' } });
    const { emulator, loki } = bench;
    await loki.refuse();
    await emulator.start();
    for (let count = 0; count < 30; count++) {
      const { extensionTimedOut } = await emulator.invoke({ lines: generateLines(10, { seed: count }) });
      assert.equal(extensionTimedOut, false);
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertUnharmed(emulator);
    const messages = ownMessages(emulator);
    assert.equal(messages.filter(({ message }) => /cannot be reached/.test(message)).length, 1);
    const lost = messages.find(({ fields }) => fields['shutdown_deadline'] !== undefined);
    assert.equal(lost?.fields['shutdown_deadline'], emulator.emitted.length);
  });

  test('never prints a credential or a log line, at the level trace, whatever goes wrong', async (t) => {
    const logged = 'a line of the function with a secret-of-its-own';
    const answers: readonly (readonly [string, readonly LokiAnswer[]])[] = [
      ['healthy', []],
      ['failing', [401, 403, 404, 260, 400, 413, 422, 429, 500, 503].map((status) => ({ status }))],
      ['broken', [{ reset: true }, { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, { stall: true }]],
    ];
    for (const [what, script] of answers) {
      const credentials = {
        LOKI_USERNAME: 'example-user-7471',
        LOKI_PASSWORD: 'example-password-8262',
        LOKI_HEADERS: 'X-Api-Key=example-key-9353,broken header=example-value-1535',
      };
      const bench = await createBench(t, {
        endpoint: (loki) => loki.url.replace('http://', 'http://example-login-5131:example-word-6242@'),
        environment: {
          ...credentials,
          LOKI_BEARER_TOKEN: what === 'healthy' ? 'example-token-1424' : undefined,
          LOKI_EXTENSION_LOG_LEVEL: 'trace',
          LOKI_PUSH_TIMEOUT_MS: '300',
          LOKI_FLUSH_TIMEOUT_MS: '300',
          LOKI_RETRY_MAX_BACKOFF_MS: '20',
          LOKI_FLUSH_STRATEGY: 'end',
          LOKI_TENANT_ID: 'not a tenant',
          NODE_DEBUG: 'http,net,tls,undici,fetch,websocket',
        },
      });
      const { emulator, loki } = bench;
      await emulator.start();
      loki.script(script);
      for (let count = 0; count < 15; count++) await emulator.invoke({ lines: [`${logged} ${count}`] });
      await emulator.shutdown();
      assertUnharmed(emulator);
      assert.notEqual(emulator.output, '', `${what}: there is something to look at`);
      const basic = Buffer.from('example-user-7471:example-password-8262').toString('base64');
      const secrets = [
        ...[
          'example-password-8262',
          'example-key-9353',
          'example-value-1535',
          'example-login-5131',
          'example-word-6242',
        ],
        ...['example-token-1424', basic, 'secret-of-its-own'],
        ...Object.values(functionSecrets),
      ];
      for (const secret of secrets) assert.ok(!emulator.output.includes(secret), `${what}: ${secret} was printed`);
    }
  });
});
