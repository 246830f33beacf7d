// The examples of docs/tls-and-proxies.md on the built executable, and what a proxy that fails costs the function.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { createCertificate } from '../fakes/certificate.ts';
import { type BenchOptions, createBench } from '../fakes/extension.ts';
import { type HttpProxyOptions, startHttpProxy } from '../fakes/http-proxy.ts';
import { examplesOf } from './support/examples.ts';
import { assertUnharmed, ownMessages, runUnharmed } from './support/expect.ts';
import { startTls } from './support/tls.ts';

const authority = createCertificate({ name: 'Authority of the test' });
const own = createCertificate({ name: 'orders-api', hosts: ['orders-api'], issuer: authority });
const page = readFileSync(path.join(import.meta.dirname, '../../docs/tls-and-proxies.md'), 'utf8');

/** The variables of an example, with the files, names and proxies of this test. */
async function fitTo(
  t: TestContext,
  example: Record<string, string>,
  proxyPort: number,
): Promise<{ fitted: Record<string, string>; server: TlsOptions }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = { 'authority.pem': authority.cert, 'client.pem': own.cert, 'client-key.pem': own.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const fitted = Object.fromEntries(
    Object.entries(example).map(([name, value]) => [
      name,
      value
        .replace('/var/task/', `${folder}/`)
        .replace(/^-----BEGIN.*$/, authority.cert.trim().replaceAll('\n', '\\n'))
        .replace('proxy.corp:3128', `127.0.0.1:${proxyPort}`),
    ]),
  );
  const hosts = example['LOKI_TLS_SERVER_NAME'] ? [example['LOKI_TLS_SERVER_NAME']] : ['127.0.0.1'];
  const isTrusted = example['LOKI_TLS_INSECURE_SKIP_VERIFY'] === undefined;
  const { cert, key } = createCertificate({ name: 'Loki', hosts, ...(isTrusted && { issuer: authority }) });
  const asksFor = example['LOKI_TLS_CERT'] ? { ca: authority.cert, requestCert: true } : {};
  return { fitted, server: { cert, key, ...asksFor } };
}

suite('TLS and proxies', { concurrency: 2 }, () => {
  for (const example of examplesOf(page)) {
    test(`docs/tls-and-proxies.md: ${Object.keys(example).join(', ')}`, async (t) => {
      const proxy = await startHttpProxy({ credentials: 'user:password' });
      t.after(() => proxy.close());
      const isProxied = Object.keys(example).some((name) => name.includes('PROXY'));
      const { fitted, server } = await fitTo(t, example, proxy.port);
      const { emulator, loki } = await createBench(t, {
        environment: fitted,
        endpoint: async (to) =>
          isProxied ? to.url : `https://127.0.0.1:${await startTls(t, Number(new URL(to.url).port), server)}`,
      });
      await emulator.start();
      await emulator.invoke({ lines: ['hello'] });
      await emulator.shutdown();
      assertUnharmed(emulator);
      assert.ok(loki.lines('function').includes('hello'), emulator.output);
      const warned = 'LOKI_TLS_INSECURE_SKIP_VERIFY' in example ? 1 : 0;
      assert.equal(ownMessages(emulator).length, warned, emulator.output);
      // The sandbox itself is not behind the proxies of other programs.
      const used = example['LOKI_PROXY_URL'] !== undefined && example['LOKI_PROXY_URL'] !== 'none';
      assert.equal(proxy.passed > 0, used);
    });
  }

  const refusals: readonly (readonly [string, HttpProxyOptions, id: string, sentence: RegExp])[] = [
    [
      'wants credentials',
      { credentials: 'user:password' },
      'proxy_credentials',
      /the proxy 127\.0\.0\.1:\d+ wants credentials/,
    ],
    [
      'refuses with a web page',
      { answer: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\n<html><title>Access Denied</title></html>' },
      'proxy_refuses',
      /opens no way to loki\.internal: 403, a web page, "Access Denied"$/,
    ],
    ['closes the connection', { answer: 'close' }, 'proxy_refuses', /closes the connection$/],
    ['does not speak HTTP', { answer: '220 mail.corp ESMTP\r\n' }, 'proxy_not_http', /does not speak HTTP$/],
    ['is silent', { answer: 'silent' }, 'proxy_silent', /does not answer$/],
  ];
  for (const [what, options, id, sentence] of refusals) {
    test(`a proxy that ${what}: it is said once, and the function notices nothing`, async (t) => {
      const proxy = await startHttpProxy(options);
      t.after(() => proxy.close());
      const { emulator } = await runThrough(t, `http://127.0.0.1:${proxy.port}`, {
        endpoint: () => 'https://loki.internal',
      });
      const messages = ownMessages(emulator).filter(({ fields }) => fields['id'] === id);
      assert.equal(messages.length, 1, emulator.output);
      assert.match(String(messages[0]?.message), sentence);
      assert.equal(proxy.passed, 0);
    });
  }

  test('a tunnel that died in a freeze costs no line', async (t) => {
    const proxy = await startHttpProxy();
    t.after(() => proxy.close());
    const { cert, key } = createCertificate({ name: 'Loki', hosts: ['127.0.0.1'], issuer: authority });
    const { emulator, loki } = await createBench(t, {
      freeze: true,
      environment: { LOKI_PROXY_URL: `http://127.0.0.1:${proxy.port}`, LOKI_TLS_CA: authority.cert },
      endpoint: async (to) => `https://127.0.0.1:${await startTls(t, Number(new URL(to.url).port), { cert, key })}`,
    });
    await emulator.start();
    for (let count = 0; count < 4; count++) {
      await emulator.invoke({ lines: [`line ${count}`] });
      if (count % 2 === 0) proxy.cut();
    }
    await emulator.shutdown();
    assertUnharmed(emulator);
    assert.deepEqual([...loki.lines('function')].sort(), ['line 0', 'line 1', 'line 2', 'line 3']);
    assert.deepEqual(ownMessages(emulator), [], emulator.output);
  });
});

async function runThrough(t: TestContext, proxyUrl: string, options: BenchOptions) {
  const bench = await createBench(t, {
    ...options,
    environment: { LOKI_PROXY_URL: proxyUrl, LOKI_RETRY_MAX_BACKOFF_MS: '50', LOKI_FLUSH_TIMEOUT_MS: '300' },
  });
  const { emulator } = bench;
  await runUnharmed(emulator);
  return bench;
}
