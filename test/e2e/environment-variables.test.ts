// The function's own variables are there for the extension too: none of those that steer Node.js may steer us.
// https://nodejs.org/docs/latest-v24.x/api/cli.html#environment-variables

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { type Bench, createBench } from '../fakes/extension.ts';
import { certificatePath, startTlsRelay, type TlsRelay } from '../fakes/tls-relay.ts';
import { assertDelivered, assertHealthy, assertUnharmed, ownMessages } from './support/expect.ts';

type Variables = Readonly<Record<string, string>>;

const harmless: readonly (readonly [string, Variables])[] = [
  ['NODE_OPTIONS that name a missing module', { NODE_OPTIONS: '--require /missing.js' }],
  ['NODE_OPTIONS that Node.js does not know', { NODE_OPTIONS: '--no-such-option --max-old-space-size=1' }],
  ['NODE_OPTIONS with an inspector', { NODE_OPTIONS: '--inspect-brk=127.0.0.1:0 --import /missing.mjs' }],
  ['NODE_UNIQUE_ID, as in a worker of a cluster', { NODE_UNIQUE_ID: '1' }],
  ['NODE_TLS_REJECT_UNAUTHORIZED', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ['NODE_PATH and NODE_ICU_DATA of the function', { NODE_PATH: '/missing', NODE_ENV: 'test', NODE_NO_WARNINGS: '0' }],
  ['NODE_PENDING_DEPRECATION', { NODE_PENDING_DEPRECATION: '1' }],
  ['DEBUG, PORT and the like', { DEBUG: '*', PORT: '1', HOST: 'nowhere', LOG_LEVEL: 'trace', FORCE_COLOR: '3' }],
  ['a thread pool of one', { UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '1' }],
  ['SSL variables that point nowhere', { SSL_CERT_FILE: '/missing.pem', SSL_CERT_DIR: '/missing' }],
  ['no variables of its own at all', { HOME: '', TMPDIR: '/missing', TZ: 'Asia/Tokyo', LC_ALL: 'tr_TR.UTF-8' }],
];

suite('environment variables', { concurrency: 2 }, () => {
  for (const [what, variables] of harmless) {
    test(`is not steered by ${what}`, async (t) => {
      const bench = await run(t, variables);
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  for (const variable of ['NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE', 'NODE_REDIRECT_WARNINGS']) {
    test(`writes nothing where ${variable} points`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'variables-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const bench = await run(t, { [variable]: variable === 'NODE_REDIRECT_WARNINGS' ? join(folder, 'file') : folder });
      // Node.js makes folders there before any program runs.
      const found = readdirSync(folder, { recursive: true, withFileTypes: true });
      assert.deepEqual(
        found.filter((entry) => !entry.isDirectory()),
        [],
      );
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  test('delivers everything while NODE_DEBUG makes Node.js print', async (t) => {
    const bench = await run(t, { NODE_DEBUG: 'http,net,tls,timer,stream' });
    assertDelivered(bench);
    assertUnharmed(bench.emulator);
    assert.match(bench.emulator.output, /^[A-Z]+ \d+: /m, 'Node.js has printed');
  });

  test('comes to rest when what NODE_DEBUG makes Node.js print comes back as records', async (t) => {
    const bench = await createBench(t, {
      environment: {
        NODE_DEBUG: 'http,net',
        LOKI_LOG_TYPES: 'platform,function,extension',
        LOKI_BATCH_MAX_WAIT_MS: '20',
      },
    });
    const { emulator } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['one'] });
    const countAfter = async (durationMs: number) => {
      await emulator.invoke({ durationMs });
      return emulator.deliveries.length;
    };
    const first = await countAfter(500);
    const second = await countAfter(1_500);
    assert.ok(second - first < 20, `${second - first} bodies in 1.5 s in which the function logged nothing`);
    assertUnharmed(emulator);
  });

  test('never sends to a Loki whose certificate nobody vouches for, even with NODE_TLS_REJECT_UNAUTHORIZED=0', async (t) => {
    const { bench, relay } = await runOverTls(t, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    assert.equal(bench.loki.requests.length, 0);
    assert.equal(relay.trusted, 0);
    assert.ok(relay.refused > 0, 'it has tried');
    const messages = ownMessages(bench.emulator);
    assert.ok(messages.some(({ message, fields }) => /self-signed|CERT/i.test(message + String(fields['detail']))));
  });

  test('trusts the authorities of NODE_EXTRA_CA_CERTS', async (t) => {
    const { bench, relay } = await runOverTls(t, { NODE_EXTRA_CA_CERTS: certificatePath });
    assertDelivered(bench);
    assertHealthy(bench);
    assert.ok(relay.trusted > 0);
  });
});

/** Two invocations and SHUTDOWN with these variables of the function. */
async function run(
  t: TestContext,
  environment: Variables,
  options: Parameters<typeof createBench>[1] = {},
): Promise<Bench> {
  const bench = await createBench(t, { ...options, environment });
  await bench.emulator.start();
  for (const line of ['one', 'two']) await bench.emulator.invoke({ lines: [line, line] });
  const { exitCode } = await bench.emulator.shutdown();
  assert.equal(exitCode, 0);
  assertUnharmed(bench.emulator);
  return bench;
}

async function runOverTls(t: TestContext, environment: Variables): Promise<{ bench: Bench; relay: TlsRelay }> {
  let relay: TlsRelay | undefined;
  const endpoint = async (loki: Bench['loki']) => {
    relay = await startTlsRelay(loki.port);
    t.after(() => relay?.close());
    return relay.url;
  };
  const bench = await run(t, environment, { endpoint });
  assert.ok(relay !== undefined);
  return { bench, relay };
}
