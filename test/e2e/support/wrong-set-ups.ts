// Set-ups that are wrong, each in its own way, and by which diagnosis each is known: for the running extension and for `check`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer as createHttp2OverTls, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Certificate, type CertificateOptions, createCertificate } from '../../fakes/certificate.ts';
import { freePort } from '../../fakes/extension.ts';
import type { FakeLoki } from '../../fakes/fake-loki.ts';
import { startHttpProxy } from '../../fakes/http-proxy.ts';
import type { LokiAnswer } from '../../fakes/loki/answers.ts';

/** What is wrong: where the extension is told to push, and with which variables. */
export interface SetUp {
  readonly endpoint: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export type Arrange = (t: TestContext, loki: FakeLoki) => SetUp | Promise<SetUp>;

const authority = createCertificate({ name: 'Authority of the test' });
/** What lets in nobody who has no certificate of its own. */
const asking: TlsOptions = { requestCert: true, rejectUnauthorized: true };
const longAgo = { notBefore: new Date(0), notAfter: new Date(86_400_000) };

/** Says which message is expected: its id, and a part of its sentence. */
export const setUps: readonly (readonly [what: string, arrange: Arrange, id: string, sentence: RegExp])[] = [
  [
    'a closed port',
    async () => ({ endpoint: `http://127.0.0.1:${await freePort()}` }),
    'connection_refused',
    /cannot be reached: 127\.0\.0\.1:\d+ refuses/,
  ],
  ['a self-signed certificate', overTls({ hosts: ['127.0.0.1'] }, 'self'), 'tls_self_signed', /self-signed/],
  ['a certificate that has expired', overTls({ hosts: ['127.0.0.1'], ...longAgo }), 'tls_expired', /has expired/],
  [
    'a certificate of tomorrow',
    overTls({ hosts: ['127.0.0.1'], notBefore: new Date(Date.now() + 3_600_000) }),
    'tls_not_yet_valid',
    /not valid yet/,
  ],
  ['a certificate for another name', overTls({ hosts: ['other.example.com'] }), 'tls_wrong_name', /another name/],
  [
    'an authority that is not known',
    overTls({ hosts: ['127.0.0.1'] }, 'unknown'),
    'tls_unknown_authority',
    /leads to no known authority/,
  ],
  [
    'a server that asks for a client certificate, in TLS 1.3',
    overTls({ hosts: ['127.0.0.1'] }, 'known', { ...asking, minVersion: 'TLSv1.3' }),
    'tls_client_certificate',
    /asks for a client certificate/,
  ],
  [
    'a server that asks for a client certificate, in TLS 1.2',
    overTls({ hosts: ['127.0.0.1'] }, 'known', { ...asking, maxVersion: 'TLSv1.2' }),
    'tls_client_certificate',
    /asks for a client certificate/,
  ],
  [
    'a port behind which nobody speaks',
    async (t) => ({
      endpoint: `https://127.0.0.1:${await serve(
        t,
        createTcpServer(() => {}),
      )}`,
      environment: { LOKI_PUSH_TIMEOUT_MS: '300ms' },
    }),
    'tls_silent',
    /accepts the connection and does not answer the handshake/,
  ],
  [
    'no way to Loki',
    // Of all hosts at once none can be connected to.
    () => ({ endpoint: 'http://255.255.255.255:3100' }),
    'no_route',
    /no route, connecting to 255\.255\.255\.255:3100 failed \(ENETUNREACH\)/,
  ],
  [
    'our own listener as endpoint',
    async () => {
      const port = String(await freePort());
      return { endpoint: `http://localhost:${port}`, environment: { LOKI_EXTENSION_PORT: port } };
    },
    'own_listener',
    /leads to the extension itself, which listens at localhost:\d+: /,
  ],
  [
    'the endpoint by the name of a cousin',
    (_, loki) => ({ endpoint: loki.url, environment: { LOKI_TENANT: 'team-a' } }),
    'setting_unknown',
    /^LOKI_TENANT is not a setting of this extension; LOKI_TENANT_ID is probably meant$/,
  ],
  [
    'a clock of Loki that is behind',
    answering({
      status: 400,
      headers: { date: new Date(Date.now() - 3 * 3_600_000).toUTCString() },
      body: `entry for stream '{a="b"}' has timestamp too new: ${new Date().toISOString()}`,
    }),
    'clock_skew',
    /Loki's clock is 3 h behind ours: 400, timestamp too new/,
  ],
  ['a gateway that speaks HTTP/2 alone, over TLS', overHttp2, 'http2_only', /does not speak HTTP\/1\.1/],
  [
    'https to a port without TLS',
    (_, loki) => ({ endpoint: loki.url.replace('http:', 'https:') }),
    'tls_not_spoken',
    /does not speak TLS/,
  ],
  [
    'http to a port with TLS',
    async (t) => ({
      endpoint: `http://127.0.0.1:${await serve(
        t,
        createTcpServer((socket) => socket.once('data', () => socket.end('\x15\x03\x01\0\x02\x02\x46', 'latin1'))),
      )}`,
    }),
    'tls_expected',
    /speaks TLS/,
  ],
  [
    'what does not speak HTTP',
    async (t) => ({
      endpoint: `http://127.0.0.1:${await serve(
        t,
        createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
      )}`,
    }),
    'not_http',
    /not HTTP\/1\.1/,
  ],
  [
    'a gateway that speaks HTTP/2 alone',
    async (t) => ({ endpoint: `http://127.0.0.1:${await serve(t, createHttp2Server())}` }),
    'http2_only',
    /HTTP\/2 alone/,
  ],
  [
    'a sign-in page',
    answering({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html><title>Grafana</title>' }),
    'not_loki',
    /is not Loki: 200, a web page, "Grafana"$/,
  ],
  ['no credentials', answering({ status: 401, body: 'Unauthorized' }), 'credentials_missing', /none are set/],
  [
    'wrong credentials',
    answering({ status: 401 }, { LOKI_USERNAME: '123456', LOKI_PASSWORD: 'wrong-one' }),
    'credentials_refused',
    /401, authentication error: invalid token$/,
  ],
  [
    'a user of Grafana Cloud who is no number',
    // The name is known to the proxy alone.
    async (t, loki) => {
      loki.script(() => ({ status: 401 }));
      const host = 'logs-prod-012.grafana.net';
      const proxy = await startHttpProxy({ hosts: { [host]: Number(new URL(loki.url).port) } });
      t.after(() => proxy.close());
      const credentials = { LOKI_USERNAME: 'me@example.com', LOKI_PASSWORD: 'glc_canary' };
      return {
        endpoint: `http://${host}`,
        environment: { ...credentials, LOKI_PROXY_URL: `http://127.0.0.1:${proxy.port}` },
      };
    },
    'user_not_numeric',
    /^Grafana Cloud refuses the user, which is not a number: 401/,
  ],
  [
    'an endpoint without a scheme',
    () => ({ endpoint: 'loki.example.com' }),
    'setting_unusable',
    /^LOKI_PUSH_ENDPOINT does not begin with .* such as https:\/\/loki\.example\.com$/,
  ],
  ['no tenant', answering({ status: 401, body: 'no org id' }), 'tenant_missing', /wants to know the tenant/],
  [
    'a token without the right to write',
    answering({ status: 403 }),
    'forbidden',
    /403, authentication error: invalid scope requested$/,
  ],
  [
    'a wrong path',
    (_, loki) => ({ endpoint: `${loki.url}/loki?key=canary-query` }),
    'not_found',
    /no push address at 127\.0\.0\.1:\d+\/loki: 404/,
  ],
  [
    'a redirect',
    answering({ status: 302, headers: { location: '/login?back=canary-query' } }),
    'redirected',
    /redirects our pushes to http:\/\/127\.0\.0\.1:\d+\/login \(302\)$/,
  ],
];

export function answering(answer: LokiAnswer, environment: SetUp['environment'] = {}): Arrange {
  return (_, loki) => {
    loki.script(() => answer);
    return { endpoint: loki.url, environment };
  };
}

/** @param trust whether the certificate is known, of an unknown authority, or signed by itself */
function overTls(
  certificate: Omit<CertificateOptions, 'name'>,
  trust: 'known' | 'unknown' | 'self' = 'known',
  options: TlsOptions = {},
): Arrange {
  return async (t) => {
    const own = createCertificate({ name: 'Loki', ...certificate, ...(trust !== 'self' && { issuer: authority }) });
    const port = await serve(t, createTlsServer({ cert: own.cert, key: own.key, ...options }));
    return { endpoint: `https://127.0.0.1:${port}`, environment: trust === 'known' ? trusting(t, authority) : {} };
  };
}

async function overHttp2(t: TestContext): Promise<SetUp> {
  const { cert, key } = createCertificate({ name: 'Loki', hosts: ['127.0.0.1'], issuer: authority });
  const port = await serve(t, createHttp2OverTls({ cert, key }));
  return { endpoint: `https://127.0.0.1:${port}`, environment: trusting(t, authority) };
}

export function trusting(t: TestContext, { cert }: Certificate): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'authority.pem'), cert);
  return { NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') };
}

/** @returns the port */
export async function serve(
  t: TestContext,
  server: Pick<Server, 'listen' | 'address' | 'close' | 'on'>,
): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError' as 'error', () => {});
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
