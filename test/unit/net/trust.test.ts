// What the settings LOKI_TLS_* are good for, without a server: test/integration/trust.test.ts has those.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsSettings } from '../../../src/config/route.ts';
import { openRoute } from '../../../src/net/route.ts';
import { readTrusts } from '../../../src/net/trust.ts';
import { createCertificate } from '../../fakes/certificate.ts';

const END_MS = Date.UTC(2026, 0, 31);
const authority = createCertificate({ name: 'Authority of the test' });
const own = createCertificate({ name: 'orders-api', hosts: ['orders-api'], notAfter: new Date(END_MS) });
const other = createCertificate({ name: 'other', hosts: ['other'] });

const broken = (pem: string) => pem.replace('MII', 'AAA');
const block = (label: string, text: string) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
const ENCRYPTED = 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA';
const NONE_SENT = 'no client certificate is sent';

function read(tls: TlsSettings, nowMs = END_MS) {
  const notes: string[] = [];
  const trusts = readTrusts(tls, (variable, message) => notes.push(`${variable} ${message}`), nowMs);
  return { ...trusts, notes };
}

const troubles: readonly (readonly [what: string, TlsSettings, note: string])[] = [
  [
    'an authority that cannot be read',
    { ca: broken(authority.cert) },
    'LOKI_TLS_CA holds no certificate that can be read; the built-in authorities alone are trusted',
  ],
  [
    'a key for an authority',
    { ca: own.key },
    'LOKI_TLS_CA holds no certificate that can be read; the built-in authorities alone are trusted',
  ],
  [
    'a key that cannot be read',
    { cert: own.cert, key: block('PRIVATE KEY', 'AAAA') },
    `LOKI_TLS_KEY holds a key that cannot be read; ${NONE_SENT}`,
  ],
  [
    'a key that is encrypted as of old',
    { cert: own.cert, key: block('EC PRIVATE KEY', ENCRYPTED) },
    `LOKI_TLS_KEY holds a key that is encrypted, and there is no setting for its passphrase; ${NONE_SENT}`,
  ],
  [
    'the key of another certificate, behind the certificate',
    { cert: own.cert + other.key },
    `LOKI_TLS_CERT holds a key that is not that of the certificate; ${NONE_SENT}`,
  ],
  [
    'a certificate behind which is one that cannot be read',
    { cert: own.cert + broken(other.cert), key: own.key },
    `LOKI_TLS_CERT holds no certificate that can be read; ${NONE_SENT}`,
  ],
  [
    'a file below what is no folder',
    { cert: own.cert, key: '/dev/null/key.pem' },
    `LOKI_TLS_KEY names a file that cannot be read (ENOTDIR); ${NONE_SENT}`,
  ],
];
for (const [what, tls, note] of troubles) {
  test(`${what} is told of, and is not used`, () => {
    const { loki, others, notes } = read(tls);
    assert.deepEqual(notes, [note]);
    assert.deepEqual([loki.context, others.context], [undefined, undefined]);
  });
}

test('a certificate is good until the very moment of its end, and is sent all the same after it', () => {
  const tls = { cert: own.cert, key: own.key };
  assert.deepEqual(read(tls, END_MS).notes, []);
  const { loki, notes } = read(tls, END_MS + 1);
  assert.deepEqual(notes, ['LOKI_TLS_CERT has expired, on 2026-01-31']);
  assert.ok(loki.context);
});

for (const [what, spelled] of [
  ['\\n', (pem: string) => pem.replaceAll('\n', '\\n')],
  ['\\r\\n', (pem: string) => pem.replaceAll('\n', '\\r\\n')],
  ['carriage returns', (pem: string) => pem.replaceAll('\n', '\r\n')],
  ['tabs', (pem: string) => pem.replaceAll('\n', '\t')],
] as const) {
  test(`certificate and key are read with ${what} for line ends`, () => {
    const { loki, notes } = read({ ca: spelled(authority.cert), cert: spelled(own.cert), key: spelled(own.key) });
    assert.deepEqual(notes, []);
    assert.ok(loki.context);
  });
}

test('what is for Loki alone is neither for a proxy nor for AWS: its name, its leniency, our certificate', () => {
  const ours = { ca: authority.cert, cert: own.cert, key: own.key };
  const tls = { ...ours, serverName: 'loki.internal', skipVerify: true } as const;
  const route = openRoute({ proxy: { own: 'https://proxy.corp' }, tls }, () => {});
  const url = new URL('https://service.example.com');
  const toLoki = route.toLoki(url);
  const toAws = route.toAws(url);
  const { context, ...lenient } = toLoki.trust ?? {};
  assert.deepEqual(lenient, { serverName: 'loki.internal', skipVerify: true });
  for (const trust of [toLoki.proxyTrust, toAws.trust, toAws.proxyTrust]) {
    assert.deepEqual(Object.keys(trust ?? {}), ['context']);
    assert.ok(trust?.context && trust.context !== context);
  }
});
