// TLS settings against real servers: own authorities, client certificates, names, versions.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import tls, { type TlsOptions } from 'node:tls';
import type { TlsSettings } from '../../src/config/route.ts';
import { createPushClient } from '../../src/loki/push-client.ts';
import { openRoute } from '../../src/net/route.ts';
import { createCertificate } from '../fakes/certificate.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { pushBody } from './push-body.ts';

const authority = createCertificate({ name: 'Authority of the test' });
const intermediate = createCertificate({ name: 'Intermediate', issuer: authority });
const good = createCertificate({ name: 'Server', hosts: ['127.0.0.1'], issuer: authority });
const below = createCertificate({ name: 'Server', hosts: ['127.0.0.1'], issuer: intermediate });
const named = createCertificate({ name: 'Server', hosts: ['loki.internal'], issuer: authority });
const expired = createCertificate({
  name: 'Server',
  hosts: ['127.0.0.1'],
  issuer: authority,
  notBefore: new Date(0),
  notAfter: new Date(86_400_000),
});
const own = createCertificate({ name: 'orders-api', hosts: ['orders-api'], issuer: authority });
const old = createCertificate({
  name: 'orders-api',
  hosts: ['orders-api'],
  notBefore: new Date(0),
  notAfter: new Date(86_400_000),
});
const other = createCertificate({ name: 'other', hosts: ['other'], issuer: authority });

/** @returns what a push comes to: its kind, or the error of TLS; and what was said of the settings */
async function push(t: TestContext, server: TlsOptions, tls: TlsSettings) {
  const loki = createTlsServer(server, (request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => loki.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    loki.close();
    loki.closeAllConnections();
  });
  const url = `https://127.0.0.1:${(loki.address() as AddressInfo).port}`;
  const notes: string[] = [];
  const route = openRoute({ proxy: {}, tls }, (variable, message) => notes.push(`${variable} ${message}`));
  const endpoint = { url, authorization: undefined, tenantId: undefined, headers: {} };
  const client = createPushClient(endpoint, 5_000, 'test', new FakeClock(), route.toLoki(new URL(url)));
  const outcome = await client.push(pushBody('x'));
  const code = 'code' in outcome ? `${outcome.code} ` : '';
  return { came: 'detail' in outcome ? `${code}${outcome.detail}` : outcome.kind, notes };
}

const inOneLine = (pem: string) => pem.trim().replaceAll('\n', '\\n');

for (const [what, ca] of [
  ['as PEM', authority.cert],
  ['with \\n written out', inOneLine(authority.cert)],
  ['with spaces for line ends', authority.cert.trim().replaceAll('\n', ' ')],
  ['in base64', Buffer.from(authority.cert).toString('base64')],
  [
    'in base64, behind a text',
    Buffer.from(`# ours\nsubject=CN = x\n${other.cert}${authority.cert}`).toString('base64'),
  ],
  ['beside others and text', `# ours\n${other.cert}\n# and\n${authority.cert}`],
]) {
  test(`an authority of one's own, ${what}`, async (t) => {
    assert.deepEqual(await push(t, good, { ca: String(ca) }), { came: 'accepted', notes: [] });
  });
}

test('an authority in a file', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'trust-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'ca.pem');
  writeFileSync(file, authority.cert);
  assert.deepEqual(await push(t, good, { ca: file }), { came: 'accepted', notes: [] });
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a client certificate over ${version}`, async (t) => {
    const server = { ...good, ca: authority.cert, requestCert: true, maxVersion: version, minVersion: version };
    const tls = { ca: authority.cert, cert: inOneLine(own.cert), key: inOneLine(own.key) };
    assert.deepEqual(await push(t, server, tls), { came: 'accepted', notes: [] });
    assert.deepEqual(await push(t, server, { ca: authority.cert, cert: own.cert + own.key }), {
      came: 'accepted',
      notes: [],
    });
    const without = await push(t, server, { ca: authority.cert });
    assert.match(without.came, /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ECONNRESET/);
  });
}

test('what is wrong with a certificate stays wrong with an authority that is known', async (t) => {
  const ca = authority.cert;
  assert.match((await push(t, expired, { ca })).came, /^CERT_HAS_EXPIRED/);
  assert.match((await push(t, named, { ca })).came, /^ERR_TLS_CERT_ALTNAME_INVALID/);
  assert.match((await push(t, below, { ca })).came, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  assert.match((await push(t, good, {})).came, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE|^SELF_SIGNED/);
});

test('a missing intermediate certificate can be made up for', async (t) => {
  const ca = authority.cert + intermediate.cert;
  assert.equal((await push(t, below, { ca })).came, 'accepted');
  assert.equal(
    (await push(t, { ...below, cert: below.cert + intermediate.cert }, { ca: authority.cert })).came,
    'accepted',
  );
});

test("the built-in authorities stay trusted beside one's own", async (t) => {
  t.mock.method(tls, 'getCACertificates', () => [authority.cert]);
  assert.deepEqual(await push(t, good, { ca: other.cert }), { came: 'accepted', notes: [] });
});

test('the certificates behind our own are sent with it', async (t) => {
  const client = createCertificate({ name: 'orders-api', hosts: ['orders-api'], issuer: intermediate });
  const server = { ...good, ca: authority.cert, requestCert: true };
  const settings = { ca: authority.cert, key: client.key };
  const chain = client.cert + intermediate.cert;
  assert.deepEqual(await push(t, server, { ...settings, cert: chain }), { came: 'accepted', notes: [] });
  assert.notEqual((await push(t, server, { ...settings, cert: client.cert })).came, 'accepted');
});

test('the name in the certificate is that of the setting, and no other one', async (t) => {
  const ca = authority.cert;
  assert.equal((await push(t, named, { ca, serverName: 'loki.internal' })).came, 'accepted');
  assert.match((await push(t, good, { ca, serverName: 'loki.internal' })).came, /ALTNAME_INVALID/);
});

test('where verification is skipped every certificate will do', async (t) => {
  assert.equal((await push(t, expired, { skipVerify: true })).came, 'accepted');
});

test('a setting that is of no use is said to be, and the others stay in force', async (t) => {
  const ca = authority.cert;
  const cases: readonly (readonly [TlsSettings, RegExp])[] = [
    [
      { ca, cert: own.cert },
      /^LOKI_TLS_CERT holds no key, and LOKI_TLS_KEY is not set; no client certificate is sent$/,
    ],
    [{ ca, key: own.key }, /^LOKI_TLS_KEY is set without LOKI_TLS_CERT/],
    [{ ca, cert: own.cert, key: other.key }, /^LOKI_TLS_KEY holds a key that is not that of the certificate/],
    [{ ca, cert: own.cert, key: own.cert }, /^LOKI_TLS_KEY holds no key/],
    [{ ca, cert: own.key, key: own.key }, /^LOKI_TLS_CERT holds no certificate/],
    [{ ca, cert: own.cert, key: own.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') }, /^LOKI_TLS_KEY .* encrypted/],
    [{ ca, cert: '/no/such/file', key: own.key }, /^LOKI_TLS_CERT names a file that is not there; no client/],
    [{ ca, cert: own.cert, key: '/dev' }, /^LOKI_TLS_KEY names a folder; no client certificate is sent$/],
    [{ ca, cert: old.cert, key: old.key }, /^LOKI_TLS_CERT has expired, on 1970-01-02$/],
    [{ ca, cert: own.cert, key: '/dev/null' }, /^LOKI_TLS_KEY names a file that is not PEM/],
    [{ ca, cert: own.cert, key: 'hunter2' }, /^LOKI_TLS_KEY is neither PEM text nor the absolute path of a file/],
    [
      { ca: `${ca}${ca.replace('MII', 'AAA')}` },
      /^LOKI_TLS_CA holds certificates that cannot be read; they are left out/,
    ],
  ];
  for (const [tls, said] of cases) {
    const { came, notes } = await push(t, good, tls);
    assert.equal(notes.length, 1, JSON.stringify(tls));
    assert.match(String(notes[0]), said);
    assert.equal(came, 'accepted');
  }
});
