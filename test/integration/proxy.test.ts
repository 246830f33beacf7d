// Pushes through a real proxy, to a Loki with and without TLS. No time but the fake clock's passes.
import assert from 'node:assert/strict';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ProxySettings, TlsSettings } from '../../src/config/route.ts';
import type { PushOutcome } from '../../src/loki/answer.ts';
import { createPushClient } from '../../src/loki/push-client.ts';
import { openRoute } from '../../src/net/route.ts';
import { createCertificate } from '../fakes/certificate.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { type HttpProxyOptions, startHttpProxy } from '../fakes/http-proxy.ts';
import { pushBody } from './push-body.ts';

const authority = createCertificate({ name: 'Authority of the test' });
const server = createCertificate({ name: 'Server', hosts: ['127.0.0.1', 'loki.internal'], issuer: authority });
const ACCEPTED = { kind: 'accepted', status: 204 };

async function startTlsLoki(t: TestContext): Promise<string> {
  const loki = createTlsServer({ cert: server.cert, key: server.key }, (request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => loki.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    loki.close();
    loki.closeAllConnections();
  });
  return `https://127.0.0.1:${(loki.address() as AddressInfo).port}`;
}

function clientFor(url: string, proxy: ProxySettings, tls: TlsSettings = { ca: authority.cert }) {
  const clock = new FakeClock();
  const notes: string[] = [];
  const route = openRoute({ proxy, tls }, (variable, message) => notes.push(`${variable} ${message}`));
  const endpoint = { url: `${url}/loki/api/v1/push`, authorization: undefined, tenantId: undefined, headers: {} };
  const client = createPushClient(endpoint, 5_000, 'test', clock, route.toLoki(new URL(url)));
  return { clock, client, notes };
}

async function through(t: TestContext, options: HttpProxyOptions, userInfo = '') {
  const proxy = await startHttpProxy(options);
  t.after(() => proxy.close());
  const scheme = options.tls ? 'https' : 'http';
  return { proxy, own: `${scheme}://${userInfo}127.0.0.1:${proxy.port}` };
}

test('https goes through a tunnel, and many pushes through the same one', async (t) => {
  const url = await startTlsLoki(t);
  const { proxy, own } = await through(t, {});
  const { client } = clientFor(url, { own });
  assert.deepEqual(await client.push(pushBody('one')), ACCEPTED);
  assert.deepEqual(await client.push(pushBody('two')), ACCEPTED);
  assert.deepEqual(proxy.asked, [`CONNECT ${url.slice('https://'.length)} HTTP/1.1`]);
});

test('http is handed to the proxy as a request, with the credentials for the proxy alone', async (t) => {
  const loki = await startFakeLoki({ limits: { maxAgeMs: undefined } });
  t.after(() => loki.close());
  const { proxy, own } = await through(t, { credentials: 'user:p@ss' }, 'user:p%40ss@');
  const { client } = clientFor(loki.url, { own }, {});
  assert.deepEqual(await client.push(pushBody('one')), ACCEPTED);
  assert.deepEqual(proxy.asked, [`POST ${loki.url}/loki/api/v1/push HTTP/1.1`]);
  assert.equal(loki.requests[0]?.headers['proxy-authorization'], undefined);
});

test('a proxy that is itself spoken to over TLS, with credentials', async (t) => {
  const url = await startTlsLoki(t);
  const { proxy, own } = await through(t, { tls: server, credentials: 'a:b' }, 'a:b@');
  const { client } = clientFor(url, { own });
  assert.deepEqual(await client.push(pushBody('one')), ACCEPTED);
  assert.equal(proxy.passed, 1);
});

test('a tunnel that died in a freeze is replaced at once', async (t) => {
  const url = await startTlsLoki(t);
  const { proxy, own } = await through(t, {});
  const { client } = clientFor(url, { own });
  await client.push(pushBody('one'));
  client.expectFreeze();
  proxy.cut();
  client.distrustConnections();
  assert.deepEqual(await client.push(pushBody('two')), ACCEPTED);
  assert.equal(proxy.passed, 2);
});

const page = '<html><head><title>Access Denied</title></head></html>';
const html = `HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`;
const refusals: readonly (readonly [string, HttpProxyOptions, code: string])[] = [
  ['wants credentials', { credentials: 'user:password' }, 'HTTP_407'],
  ['refuses with a web page', { answer: html }, 'HTTP_403'],
  ['says yes to everything, with a web page', { answer: html.replace('403 Forbidden', '200 OK') }, 'HTTP_200'],
  ['does not speak HTTP', { answer: 'SSH-2.0-OpenSSH_9.6\r\n' }, 'NOT_HTTP'],
  ['says HTTP without a status', { answer: 'HTTP/1.1 yes\r\n\r\n' }, 'NOT_HTTP'],
  ['closes in its answer', { answer: 'HTTP/1.1 200 Conn' }, 'NOT_HTTP'],
  ['closes the connection', { answer: 'close' }, 'ECONNRESET'],
];
for (const [what, options, code] of refusals) {
  test(`a proxy that ${what}`, async (t) => {
    const { proxy, own } = await through(t, options);
    const { client } = clientFor('https://loki.internal', { own });
    const outcome = await client.push(pushBody('x'));
    assert.ok(outcome.kind === 'unreachable');
    const { phase, proxy: at } = outcome;
    assert.deepEqual([phase, outcome.code, at], ['proxy', code, `127.0.0.1:${proxy.port}`]);
  });
}

test('a proxy that is silent costs one time-out, and is known for it', async (t) => {
  const { proxy, own } = await through(t, { answer: 'silent' });
  const { client, clock } = clientFor('https://loki.internal', { own });
  const pushing = client.push(pushBody('x'));
  while (proxy.asked.length === 0) await new Promise(setImmediate);
  assert.equal(client.waitsFor(), 'proxy');
  await clock.advance(5_000);
  const { phase, code } = (await pushing) as Extract<PushOutcome, { kind: 'unreachable' }>;
  assert.deepEqual([phase, code], ['proxy', 'ETIMEDOUT']);
});

test('a proxy behind which the handshake fails: that is no trouble of the proxy', async (t) => {
  const url = await startTlsLoki(t);
  const { own } = await through(t, {});
  const { client } = clientFor(url, { own }, {});
  const outcome = await client.push(pushBody('x'));
  assert.ok(outcome.kind === 'unreachable');
  assert.deepEqual([outcome.phase, outcome.proxy, outcome.address], ['tls', undefined, undefined]);
});
