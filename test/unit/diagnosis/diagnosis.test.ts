// Every symptom that can be seen, and whether a stranger would know what to do: phase, address, cause, and no word from outside.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { diagnosePush, diagnoseSandbox } from '../../../src/diagnosis/diagnosis.ts';
import { DIAGNOSES } from '../../../src/diagnosis/remedies.ts';
import type { Phase, PushSymptom, SandboxSymptom, SecretTrouble } from '../../../src/diagnosis/symptoms.ts';
import { targetOf } from '../../../src/diagnosis/target.ts';

const SECRET = 'canary-7471';

function target(url = 'https://loki.example.com/loki/api/v1/push', authorization: string | undefined = undefined) {
  return targetOf({ url, authorization }, (text) => text.replaceAll(SECRET, '[masked]'));
}

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const plain = target('http://loki.example.com:3100/loki/api/v1/push');
const cloud = target('https://logs-prod-012.grafana.net/loki/api/v1/push', basic('me@example.com:glc_x'));
const local = target('http://127.0.0.1:3100/loki/api/v1/push');

const unreachable = (
  phase: 'name_not_found' | 'name_server_silent' | 'no_route' | 'refused' | 'tls' | 'closed',
  code?: string,
  detail = '',
): PushSymptom => ({
  kind: 'unreachable',
  phase,
  code,
  detail,
  address: '10.0.0.1:443',
});
const unanswered = (detail: string, code?: string): PushSymptom => ({
  kind: 'unanswered',
  phase: 'answer',
  detail,
  code,
});
const refused = (status: number, text = '', location?: string): PushSymptom => ({
  kind: 'refused',
  status,
  detail: `${status} ${text}`,
  location,
});
const openssl = (text: string) =>
  `write EPROTO 00A8:error:0A00010B:SSL routines:ssl3_get_record:${text}:../ssl/record.c:355:`;

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
const viaProxy = (phase: Phase, code: string, detail = ''): PushSymptom => ({
  ...{ kind: 'unreachable', phase, code, detail },
  ...{ address: '10.0.0.9', proxy: 'proxy.corp:3128' },
});
const unready = (trouble: SecretTrouble): PushSymptom => ({
  kind: 'unready',
  secret: { trouble, reference: ARN, variables: ['LOKI_PASSWORD'] },
});
const onTheWay = (phase: Phase, code: string, proxy?: string): PushSymptom =>
  unready({
    kind: 'unreachable',
    url: 'https://secretsmanager.eu-central-1.amazonaws.com/',
    way: { kind: 'unreachable', phase, code, detail: '', address: '10.0.0.1', proxy },
  });

/** What is seen -> the diagnosis, and what its sentence says. */
const pushes: readonly (readonly [string, PushSymptom, string, RegExp, ReturnType<typeof target>?])[] = [
  ['no such host', unreachable('name_not_found', 'ENOTFOUND'), 'name_not_found', /no host named loki\.example\.com$/],
  [
    'a proxy that is not there',
    viaProxy('name_not_found', 'ENOTFOUND'),
    'name_not_found',
    /^the proxy cannot be reached: there is no host named proxy\.corp$/,
  ],
  [
    'a proxy that nobody runs',
    viaProxy('refused', 'ECONNREFUSED'),
    'connection_refused',
    /^the proxy cannot be reached: proxy\.corp:3128 at 10\.0\.0\.9 refuses/,
  ],
  [
    'a proxy without TLS',
    viaProxy('tls', 'ERR_SSL_WRONG_VERSION_NUMBER'),
    'tls_not_spoken',
    /^the proxy .* TLS with proxy/,
  ],
  [
    'a proxy that wants credentials',
    viaProxy('proxy', 'HTTP_407'),
    'proxy_credentials',
    /proxy\.corp:3128 wants credentials/,
  ],
  [
    'a proxy that refuses with a page',
    viaProxy('proxy', 'HTTP_403', `<html><title>Denied ${SECRET}</title>`),
    'proxy_refuses',
    /opens no way to loki\.example\.com: 403, a web page, "Denied \[masked\]"$/,
  ],
  [
    'a proxy that wants TLS',
    viaProxy('proxy', 'NOT_HTTP', '\x15\x03\x01'),
    'proxy_not_http',
    /speaks TLS, and we do not$/,
  ],
  ['a proxy that closes', viaProxy('proxy', 'ECONNRESET'), 'proxy_refuses', /closes the connection$/],
  ['a proxy that is silent', viaProxy('proxy', 'ETIMEDOUT'), 'proxy_silent', /does not answer$/],
  ['what is no proxy', viaProxy('proxy', 'NOT_HTTP', 'SSH-2.0'), 'proxy_not_http', /does not speak HTTP$/],
  [
    'a permission that is missing',
    unready({ kind: 'denied', permission: 'kms:Decrypt' }),
    'secret_denied',
    /^LOKI_PASSWORD: arn:\S+ may not be read: the role of the function lacks kms:Decrypt$/,
  ],
  [
    'a policy of the endpoint',
    unready({ kind: 'denied', permission: 'ssm:GetParameter', by: 'VPC endpoint policy' }),
    'secret_denied',
    /ssm:GetParameter is not allowed by a VPC endpoint policy$/,
  ],
  ['a secret that is not there', unready({ kind: 'missing' }), 'secret_missing', /does not exist$/],
  [
    'a secret of several values',
    unready({ kind: 'no_key', key: undefined, keys: ['user', 'password'] }),
    'secret_no_key',
    /is a JSON object with the keys "user", "password", and the reference names none$/,
  ],
  [
    'a key that is not there',
    unready({ kind: 'no_key', key: 'pass', keys: ['user'] }),
    'secret_no_key',
    /is a JSON object with the keys "user", and not with "pass"$/,
  ],
  [
    'a key of a secret that has none',
    unready({ kind: 'no_key', key: 'pass', keys: [] }),
    'secret_no_key',
    /is not a JSON object, and so has no key "pass"$/,
  ],
  [
    'a key under which there is no text',
    unready({ kind: 'no_key', key: 'pass', keys: ['user', 'pass'] }),
    'secret_no_key',
    /has neither a text nor a number under "pass"$/,
  ],
  ['a secret of bytes', unready({ kind: 'not_text' }), 'secret_not_text', /is not text$/],
  ['an empty secret', unready({ kind: 'empty' }), 'secret_not_text', /AbCdEf is empty$/],
  [
    'a credentials endpoint out of reach',
    unready({
      kind: 'unreachable',
      url: 'http://127.0.0.1:1/',
      way: { kind: 'unreachable', phase: 'refused', detail: '', code: 'ECONNREFUSED' },
      isForCredentials: true,
    }),
    'secret_unreachable',
    /cannot be had: the endpoint of the credentials cannot be reached: 127\.0\.0\.1:1 refuses/,
  ],
  [
    'a service that is silent',
    unready({
      kind: 'unreachable',
      url: 'http://127.0.0.1:1/',
      way: { kind: 'unanswered', phase: 'answer', detail: 'no answer within 3000 ms' },
    }),
    'secret_unreachable',
    /cannot be had: a request was sent to 127\.0\.0\.1:1, and no answer came within 3000 ms$/,
  ],
  ['no role', unready({ kind: 'no_credentials' }), 'secret_no_credentials', /no credentials/],
  [
    'a clock that is wrong',
    unready({ kind: 'refused', status: 400, code: 'InvalidSignatureException' }),
    'secret_refused',
    /is refused: 400 InvalidSignatureException$/,
  ],
  ['a service that limits', unready({ kind: 'throttled' }), 'secret_slow', /limits how often/],
  ['a service that fails', unready({ kind: 'failed', status: 503, code: '<b>' }), 'secret_slow', /fails, 503$/],
  ['a service that is slow', unready({ kind: 'slow' }), 'secret_slow', /not there yet/],
  [
    'a service out of reach',
    onTheWay('no_route', 'ETIMEDOUT'),
    'secret_unreachable',
    /cannot be had: the service that holds it cannot be reached: no route, connecting to secretsmanager\.eu-central-1\.amazonaws\.com at 10\.0\.0\.1 timed out$/,
  ],
  [
    'a service behind a proxy',
    onTheWay('proxy', 'HTTP_407', 'proxy.corp:3128'),
    'secret_unreachable',
    /proxy\.corp:3128 wants/,
  ],
  [
    'an address that is none',
    unready({ kind: 'unreachable', url: 'localhost:4566/', way: { kind: 'unreachable', phase: 'closed', detail: '' } }),
    'secret_unreachable',
    /the address of the service is no URL$/,
  ],
  [
    'a firewall that reads along',
    onTheWay('tls', 'SELF_SIGNED_CERT_IN_CHAIN'),
    'secret_unreachable',
    /TLS with secrets/,
  ],
  ['settings of no use', { kind: 'unready' }, 'setting_unusable', /of no use/],
  [
    'a flush that waits for a proxy',
    { kind: 'ran_out', afterMs: 2000, waitsFor: 'proxy' },
    'proxy_silent',
    /a proxy does not answer$/,
  ],
  [
    'a silent name server',
    unreachable('name_server_silent', 'EAI_AGAIN'),
    'name_server_silent',
    /name server does not answer/,
  ],
  [
    'no way out of the VPC',
    unreachable('no_route', 'ETIMEDOUT', 'no connection within 5000 ms'),
    'no_route',
    /no route, connecting to loki\.example\.com at 10\.0\.0\.1:443 timed out after 5000 ms/,
  ],
  ['an unreachable network', unreachable('no_route', 'ENETUNREACH'), 'no_route', /failed \(ENETUNREACH\)/],
  ['a closed port', unreachable('refused', 'ECONNREFUSED'), 'connection_refused', /refuses the connection/],
  [
    'a closed port of the sandbox',
    unreachable('refused', 'ECONNREFUSED'),
    'connection_refused',
    /127\.0\.0\.1:3100/,
    local,
  ],
  ['no descriptors', unreachable('closed', 'EMFILE'), 'no_descriptors', /EMFILE/],
  ['a reset', unreachable('closed', 'ECONNRESET'), 'connection_closed', /ECONNRESET/],
  [
    'a connection that is closed for a reason in words',
    unreachable('closed', undefined, `${SECRET} was here`),
    'connection_closed',
    /closes the connection$/,
  ],
  ['an expired certificate', unreachable('tls', 'CERT_HAS_EXPIRED'), 'tls_expired', /certificate has expired/],
  ['a certificate of tomorrow', unreachable('tls', 'CERT_NOT_YET_VALID'), 'tls_not_yet_valid', /not valid yet/],
  [
    "a certificate of another's",
    unreachable(
      'tls',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      `Hostname/IP does not match certificate's altnames: Host: ${SECRET}. is not in the cert's altnames: DNS:other.example.com, DNS:*.example.org`,
    ),
    'tls_wrong_name',
    /for another name: other\.example\.com, \*\.example\.org$/,
  ],
  [
    'a certificate of many names',
    unreachable('tls', 'ERR_TLS_CERT_ALTNAME_INVALID', "cert's altnames: DNS:a.de, DNS:b.de, DNS:c.de, DNS:d.de"),
    'tls_wrong_name',
    /for another name: a\.de, b\.de, c\.de and others$/,
  ],
  [
    'a certificate of three names',
    unreachable('tls', 'ERR_TLS_CERT_ALTNAME_INVALID', "cert's altnames: DNS:a.de, DNS:b.de, DNS:c.de"),
    'tls_wrong_name',
    /for another name: a\.de, b\.de, c\.de$/,
  ],
  [
    'a self-signed certificate',
    unreachable(
      'tls',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ),
    'tls_self_signed',
    /self-signed$/,
  ],
  [
    'a private authority',
    unreachable('tls', 'SELF_SIGNED_CERT_IN_CHAIN'),
    'tls_self_signed',
    /authority of its certificate is not known/,
  ],
  [
    'a missing intermediate',
    unreachable('tls', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    'tls_unknown_authority',
    /intermediate/,
  ],
  [
    'an unknown authority',
    unreachable('tls', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'),
    'tls_unknown_authority',
    /no known authority/,
  ],
  [
    'a client certificate that is asked for',
    unanswered('', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    'tls_client_certificate',
    /client certificate/,
  ],
  [
    'https to a port without TLS',
    unreachable('tls', 'EPROTO', openssl('wrong version number')),
    'tls_not_spoken',
    /does not speak TLS/,
  ],
  [
    'the same by its code',
    unreachable('tls', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'),
    'tls_not_spoken',
    /does not speak TLS/,
  ],
  [
    'TLS of old',
    unreachable('tls', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
    'tls_no_common_version',
    /no version of TLS/,
  ],
  [
    'HTTP/2 alone, over TLS',
    unreachable('tls', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'),
    'http2_only',
    /HTTP\/1\.1/,
  ],
  [
    'a handshake that stalls',
    unreachable('tls', undefined, 'no handshake within 5000 ms'),
    'tls_silent',
    /does not answer the handshake/,
  ],
  ['a handshake that fails for another reason', unreachable('tls', 'ECONNRESET'), 'tls_failed', /ECONNRESET/],
  ['no answer', unanswered('no answer within 5000 ms'), 'no_answer', /no answer came within 5000 ms/],
  [
    'a connection that is closed after the push',
    unanswered('other side closed', 'UND_ERR_SOCKET'),
    'connection_closed',
    /closed the connection/,
  ],
  [
    'a connection that is closed after the push, by the text alone',
    unanswered('ECONNRESET on read'),
    'connection_closed',
    /closed the connection \(ECONNRESET\)$/,
  ],
  [
    'http to a TLS port that hangs up',
    unanswered('other side closed', 'UND_ERR_SOCKET'),
    'tls_expected',
    /TLS may be spoken/,
    target('http://loki.example.com:443/x'),
  ],
  [
    'http to a TLS port that alerts',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: '\x15\x03\x01\0\x02\x02F' },
    'tls_expected',
    /speaks TLS/,
    plain,
  ],
  [
    'HTTP/2 alone, in the clear',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: '\0\0\x12\x04\0\0\0\0\0\0\x03' },
    'http2_only',
    /HTTP\/2/,
    plain,
  ],
  [
    'a GOAWAY of HTTP/2',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: '\0\0\x08\x07\0\0\0\0\0\0\0' },
    'http2_only',
    /HTTP\/2/,
    plain,
  ],
  [
    'a frame of HTTP/2 that is no greeting',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: '\0\0\x12\x05\0\0\0\0\0' },
    'not_http',
    /what is not HTTP\/1\.1 \(HPE_INVALID_CONSTANT\)$/,
    plain,
  ],
  [
    'bytes that are like a frame of HTTP/2 on another stream',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: '\0\0\x12\x04\0\0\0\0\x01' },
    'not_http',
    /what is not HTTP\/1\.1 \(HPE_INVALID_CONSTANT\)$/,
    plain,
  ],
  [
    'a greeting of SSH',
    { kind: 'unreadable', code: 'HPE_INVALID_CONSTANT', detail: `SSH-2.0-${SECRET}` },
    'not_http',
    /HPE_INVALID_CONSTANT/,
    plain,
  ],
  ['freezes and nothing else', { kind: 'interrupted' }, 'frozen', /frozen before Loki answered/],
  [
    'freezes and no route',
    { kind: 'interrupted', last: unreachable('no_route', 'ETIMEDOUT') },
    'no_route',
    /no route.*freezes/,
  ],
  [
    'a flush with no time for a connection',
    { kind: 'ran_out', afterMs: 99, waitsFor: 'connection' },
    'flush_ran_out',
    /only 99 ms were left for a push/,
  ],
  [
    'a flush with just enough time to tell',
    { kind: 'ran_out', afterMs: 100, waitsFor: 'connection' },
    'no_route',
    /timed out after 100 ms/,
  ],
  ['a flush that ran out', { kind: 'ran_out', afterMs: 2_000, waitsFor: undefined }, 'flush_ran_out', /within 2000 ms/],
  [
    'a flush that waited for a name',
    { kind: 'ran_out', afterMs: 2_000, waitsFor: 'name' },
    'name_server_silent',
    /name server/,
  ],
  [
    'a flush that waited for a connection',
    { kind: 'ran_out', afterMs: 2_000, waitsFor: 'connection' },
    'no_route',
    /timed out after 2000 ms/,
  ],
  ['a flush that waited for TLS', { kind: 'ran_out', afterMs: 2_000, waitsFor: 'tls' }, 'tls_silent', /handshake/],
  [
    'a flush that waited for an answer',
    { kind: 'ran_out', afterMs: 2_000, waitsFor: 'answer' },
    'no_answer',
    /no answer came within 2000 ms/,
  ],
  [
    'a sign-in page',
    refused(200, '<html><head><title>Grafana</title></head>'),
    'not_loki',
    /not Loki: 200, a web page, "Grafana"$/,
  ],
  [
    'a page with a long title',
    refused(200, `<html><head><title>Gra${'f'.repeat(400)}na</title></head>`),
    'not_loki',
    /a web page, "Graf{77}\.\.\."$/,
  ],
  ['an odd status', { kind: 'accepted', status: 202, odd: 'status' }, 'odd_answer', /202 where Loki answers 204/],
  ['an odd text', { kind: 'accepted', status: 200, odd: 'text' }, 'odd_answer', /a text/],
  ['no credentials', refused(401, 'Unauthorized'), 'credentials_missing', /none are set/],
  [
    'wrong credentials',
    refused(401, '{"error":"authentication error: invalid token"}'),
    'credentials_refused',
    /invalid token/,
    target(undefined, basic('1:x')),
  ],
  ['a user of Grafana Cloud that is no number', refused(401, ''), 'user_not_numeric', /not a number/, cloud],
  [
    'a user that is no number, elsewhere',
    refused(401, ''),
    'credentials_refused',
    /refuses the credentials: 401$/,
    target(undefined, basic('me@example.com:x')),
  ],
  [
    'wrong credentials at Grafana Cloud',
    refused(401, ''),
    'credentials_refused',
    /refuses the credentials: 401$/,
    target('https://logs-prod-012.grafana.net/loki/api/v1/push', basic('123456:glc_x')),
  ],
  ['no tenant', refused(401, 'no org id\n'), 'tenant_missing', /tenant: 401, no org id$/],
  ['a firewall', refused(403, '<html><head><title>403 Forbidden</title>'), 'forbidden', /"403 Forbidden"/],
  [
    'a wrong path',
    refused(404, '404 page not found'),
    'not_found',
    /loki\.example\.com\/a\/path: 404/,
    target('https://loki.example.com/a/path?key=secret'),
  ],
  ['405', refused(405), 'request_refused', /\/loki\/api\/v1\/push: 405/],
  ['407', refused(407), 'proxy_credentials', /proxy/],
  ['415', refused(415, SECRET), 'request_refused', /415, with a text of its own$/],
  [
    'a redirect',
    refused(302, '', `https://user:${SECRET}@other.example.com/login?token=${SECRET}#x`),
    'redirected',
    /to https:\/\/other\.example\.com\/login \(302\)$/,
  ],
  ['a redirect without a place', refused(307), 'redirected', /redirects our pushes \(307\)$/],
  [
    '429',
    {
      kind: 'throttled',
      status: 429,
      detail: `429 ingestion rate limit exceeded for user ${SECRET} (limit: 5 bytes/sec)`,
    },
    'throttled',
    /429, ingestion rate limit exceeded$/,
  ],
  [
    '503',
    { kind: 'failed', status: 503, detail: '503 no healthy upstream' },
    'loki_failed',
    /503, no healthy upstream$/,
  ],
  [
    'a flaw of ours in a push',
    { kind: 'failed', status: 0, detail: `TypeError: ${SECRET}\n    at send (file:///x/delivery.js:1:2)` },
    'internal_error',
    /: TypeError at delivery\.js:1:2$/,
  ],
  [
    'a flaw of ours deep in the code',
    {
      kind: 'failed',
      status: 0,
      detail: `Error: x${[1, 2, 3, 4].map((n) => `\n    at f${n} (/x/a.js:${n}:7)`).join('')}`,
    },
    'internal_error',
    /: Error at a\.js:1:7 at a\.js:2:7 at a\.js:3:7$/,
  ],
  [
    '500 with our header',
    { kind: 'failed', status: 500, detail: `500 Authorization: Bearer ${SECRET}` },
    'loki_failed',
    /500, with a text of its own$/,
  ],
  [
    'a tenant that is blocked',
    {
      kind: 'rejected',
      reason: 'blocked',
      status: 260,
      detail: "260 ingestion blocked for user 'x' until '2036-01-01T00:00:00Z'",
    },
    'blocked',
    /until 2036/,
  ],
  [
    'a timestamp too old',
    { kind: 'rejected', reason: 'too_old', status: 400, detail: '400 entry has timestamp too old' },
    'too_old',
    /too old/,
  ],
  [
    'a timestamp too new',
    {
      kind: 'rejected',
      reason: 'rejected',
      status: 400,
      detail: '400 entry has timestamp too new: 2036-01-01T00:00:00Z',
    },
    'too_new',
    /2036/,
  ],
  [
    'a clock of Loki that is behind',
    {
      kind: 'rejected',
      reason: 'rejected',
      status: 400,
      detail: '400 entry has timestamp too new: 2036-01-01T00:00:00Z',
      clockAheadMs: -3 * 3_600_000,
    },
    'clock_skew',
    /Loki's clock is 3 h behind ours: 400, timestamp too new: 2036/,
  ],
  [
    'a clock of Loki that is ahead',
    { kind: 'rejected', reason: 'too_old', status: 400, detail: '400', clockAheadMs: 30 * 86_400_000 },
    'clock_skew',
    /Loki's clock is 30 days ahead of ours: 400$/,
  ],
  [
    'old lines, and clocks that agree',
    { kind: 'rejected', reason: 'too_old', status: 400, detail: '400', clockAheadMs: 900 },
    'too_old',
    /too old: 400$/,
  ],
  [
    'a client certificate that has expired',
    unreachable('tls', 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED'),
    'tls_client_certificate',
    /it takes no client certificate, or not the one that it is sent$/,
  ],
  [
    'a line that is not found',
    { kind: 'not_read_back', afterMs: 10_020 },
    'not_read_back',
    /accepted, and 10 s later no query finds it$/,
  ],
  [
    'our own listener as endpoint',
    refused(404),
    'own_listener',
    /leads to the extension itself, which listens at localhost:1234: there is no push address/,
    targetOf({ url: 'http://localhost:1234/loki/api/v1/push', authorization: undefined }, (text) => text, {
      port: 1234,
    }),
  ],
  [
    'our own listener as endpoint, which is not there',
    unreachable('refused', 'ECONNREFUSED'),
    'own_listener',
    /extension itself/,
    targetOf({ url: 'http://[::1]:1234/loki/api/v1/push', authorization: undefined }, (text) => text, { port: 1234 }),
  ],
  [
    'a line too long',
    { kind: 'rejected', reason: 'line_too_long', status: 400, detail: "400 Max entry size '9' bytes exceeded" },
    'line_too_long',
    /9 bytes/,
  ],
  [
    'a line that is quoted',
    { kind: 'rejected', reason: 'rejected', status: 400, detail: `400 cannot parse "${SECRET}"` },
    'rejected',
    /400, with a text of its own$/,
  ],
  [
    'a line that is too large, by the text alone',
    { kind: 'too_large', detail: '413 request body too large: 9 > 8' },
    'too_large',
    /: 413, request body too large: 9 > 8$/,
  ],
  ['a line that is too large', { kind: 'too_large', status: 413, detail: '413' }, 'too_large', /413$/],
  [
    'no structured metadata',
    { kind: 'metadata_disallowed', detail: '' },
    'metadata_disallowed',
    /none is sent from now on/,
  ],
];

const secretError = Object.assign(new Error(`Unexpected token in "${SECRET}"`), { code: 'EADDRINUSE' });
const sandbox: readonly (readonly [string, SandboxSymptom, string, RegExp])[] = [
  [
    'a setting without which nothing works',
    { kind: 'setting', level: 'error', message: 'LOKI_X is not set' },
    'setting_unusable',
    /^LOKI_X is not set$/,
  ],
  [
    'a setting that is passed over',
    { kind: 'setting', level: 'warn', message: 'LOKI_X is odd' },
    'setting_ignored',
    /^LOKI_X is odd$/,
  ],
  [
    'a setting by another name',
    { kind: 'unknown_setting', variable: 'LOKI_URL', meant: 'LOKI_PUSH_ENDPOINT' },
    'setting_unknown',
    /^LOKI_URL is not a setting of this extension; LOKI_PUSH_ENDPOINT is probably meant$/,
  ],
  [
    'a setting that nobody knows',
    { kind: 'unknown_setting', variable: 'LOKI_FOO_BAR', meant: undefined },
    'setting_unknown',
    /^LOKI_FOO_BAR is not a setting of this extension$/,
  ],
  [
    'a port that is taken',
    { kind: 'port_taken', port: 1234, error: secretError },
    'port_taken',
    /port 1234.*\(EADDRINUSE\)$/,
  ],
  [
    'a filter that is too slow',
    { kind: 'expression_slow', variable: 'LOKI_EXCLUDE_REGEX', characters: 4_001 },
    'filter_slow',
    /^LOKI_EXCLUDE_REGEX took too long on a line of 4001 characters: it is sent, .* 2001 and more/,
  ],
  [
    'a redaction that is too slow',
    { kind: 'expression_slow', variable: 'LOKI_REDACT_REGEX', characters: 40 },
    'redaction_slow',
    /^LOKI_REDACT_REGEX took too long on a line of 40 characters: its text is not sent/,
  ],
  ['no port', { kind: 'no_port', error: secretError }, 'no_port', /no logs are sent \(EADDRINUSE\)$/],
  [
    'a subscription that is refused',
    {
      kind: 'subscription_refused',
      answers: `logs 2021-03-18: 400 {"errorType":"ValidationError","errorMessage":"${SECRET}"}; telemetry 2022-07-01: 500 ${SECRET}`,
    },
    'subscription_refused',
    /: logs 2021-03-18: 400 ValidationError; telemetry 2022-07-01: 500$/,
  ],
  [
    'a subscription that fails',
    { kind: 'subscription_failed', error: secretError },
    'subscription_failed',
    /no logs are sent/,
  ],
  ['an emulator', { kind: 'no_delivery' }, 'no_delivery', /delivers no logs/],
  ['a silent Extensions API', { kind: 'next_unanswered', error: secretError }, 'next_unanswered', /trying again/],
  [
    'a flaw of ours',
    { kind: 'internal_error', error: secretError },
    'internal_error',
    /the function goes on: Error at diagnosis\.test\.ts:\d+:\d+/,
  ],
  [
    'something thrown that is no error',
    { kind: 'internal_error', error: SECRET, noneSent: true },
    'internal_error',
    /no logs are sent$/,
  ],
];

const seen = new Set<string>(['lines_lost']);

for (const [what, symptom, id, sentence, where = target()] of pushes) {
  test(`${what}: ${id}`, () => {
    const diagnosis = diagnosePush(symptom, where);
    check(diagnosis, id, sentence);
  });
}

for (const [what, symptom, id, sentence] of sandbox) {
  test(`${what}: ${id}`, () => check(diagnoseSandbox(symptom), id, sentence));
}

function check(diagnosis: ReturnType<typeof diagnosePush>, id: string, sentence: RegExp): void {
  assert.ok(diagnosis);
  assert.equal(diagnosis.id, id);
  assert.match(diagnosis.sentence, sentence);
  const said = diagnosis.sentence + diagnosis.remedy;
  assert.ok(diagnosis.remedy.length > 10);
  assert.ok(!said.includes(SECRET), said);
  assert.ok(
    !/--use-system-ca|undefined|null|secret|\[object/.test(
      said.replaceAll(/to keep credentials safe|arn:\S+|secretsmanager\.|docs\/secrets\.md/g, ''),
    ),
    said,
  );
  seen.add(id);
}

test('there is a symptom for every diagnosis', () => {
  assert.deepEqual([...seen].sort(), Object.keys(DIAGNOSES).sort());
});

test('what needs nobody is no trouble', () => {
  assert.equal(diagnosePush({ kind: 'accepted', status: 204 }, target()), undefined);
});

test('a host in whose place a part of a password may stand is not named', () => {
  const doubtful = target('http://user:12/34@host');
  const diagnosis = diagnosePush(
    unreachable('name_server_silent', 'EAI_AGAIN', 'getaddrinfo EAI_AGAIN user'),
    doubtful,
  );
  assert.match(diagnosis?.sentence ?? '', /for the host in LOKI_PUSH_ENDPOINT$/);
});

test('at Grafana Cloud it is said when the address is that of Grafana and not of Loki', () => {
  const stack = target('https://example.grafana.net/loki/api/v1/push', basic('123:glc_x'));
  for (const symptom of [refused(404), refused(302, '', '/login'), refused(200, '<html>'), refused(405)]) {
    assert.match(diagnosePush(symptom, stack)?.remedy ?? '', /that of Loki, https:\/\/logs-/);
  }
  assert.doesNotMatch(diagnosePush(refused(404), cloud)?.remedy ?? '', /logs-/);
});

test('a redirect to https, and one to a sign-in page, have their own remedies', () => {
  const toTls = diagnosePush(refused(301, '', 'https://loki.example.com/loki/api/v1/push'), plain);
  assert.match(toTls?.remedy ?? '', /write https:/);
  const toPage = diagnosePush(refused(302, '', '/login'), target());
  assert.match(toPage?.remedy ?? '', /not of Grafana or of a sign-in page/);
});

test('the README lists every diagnosis and what to do about it, and no other', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '../../../README.md'), 'utf8');
  const table = readme.split('<!-- diagnoses -->')[1]?.split('<!-- /diagnoses -->')[0] ?? '';
  const [, ...rows] = [...table.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$/gm)];
  const listed = rows.map(([, id, remedy = '']) => [id, remedy.replaceAll('`', '')]);
  assert.deepEqual(
    listed,
    Object.entries(DIAGNOSES).map(([id, [, remedy]]) => [id, remedy]),
  );
});

for (const [aheadMs, said] of [
  [59_999, undefined],
  [60_000, '1 min ahead of'],
  [-60_000, '1 min behind'],
  [7_199_000, '120 min ahead of'],
  [7_200_000, '2 h ahead of'],
  [172_799_000, '48 h ahead of'],
  [-172_800_000, '2 days behind'],
] as const) {
  test(`clocks that are ${aheadMs} ms apart ${said === undefined ? 'agree' : `are told as ${said}`}`, () => {
    const symptom = {
      kind: 'rejected',
      reason: 'rejected',
      status: 400,
      detail: '400',
      clockAheadMs: aheadMs,
    } as const;
    const sentence = said === undefined ? 'Loki refused log lines: 400' : `Loki's clock is ${said} ours: 400`;
    assert.equal(diagnosePush(symptom, target())?.sentence, sentence);
  });
}

test('what was seen last between freezes keeps its own remedy', () => {
  const last = unreachable('refused', 'ECONNREFUSED');
  const alone = diagnosePush(last, local)?.remedy;
  assert.match(alone ?? '', /^127\.0\.0\.1 is the sandbox itself/);
  assert.equal(diagnosePush({ kind: 'interrupted', last }, local)?.remedy, alone);
});

test('where a connection is closed in the clear, TLS may be spoken there, or somebody cuts connections', () => {
  assert.equal(
    diagnosePush(unreachable('closed', 'ECONNRESET'), plain)?.remedy,
    `if TLS is spoken there, write https://; else ${DIAGNOSES.connection_closed[1]}`,
  );
});

const secretsWay = (url: string, way: Extract<SecretTrouble, { kind: 'unreachable' }>['way']) =>
  diagnosePush(unready({ kind: 'unreachable', url, way }), target());
const service = 'https://secretsmanager.eu-central-1.amazonaws.com/';

for (const [what, symptom, remedy] of [
  ['a way out of the VPC', onTheWay('no_route', 'ETIMEDOUT'), DIAGNOSES.secret_unreachable[1]],
  ['the certificate', onTheWay('tls', 'CERT_HAS_EXPIRED'), DIAGNOSES.tls_expired[1]],
  [
    'the proxy that is not there',
    onTheWay('refused', 'ECONNREFUSED', 'proxy.corp:3128'),
    /^correct LOKI_PROXY_URL, or/,
  ],
  ['the proxy that is asked', onTheWay('proxy', 'HTTP_407', 'proxy.corp:3128'), DIAGNOSES.proxy_credentials[1]],
] as const) {
  test(`a secret that cannot be reached is cured where the fault is: ${what}`, () => {
    const told = diagnosePush(symptom, target())?.remedy ?? '';
    if (typeof remedy === 'string') assert.equal(told, remedy);
    else assert.match(told, remedy);
  });
}

test('TLS is suspected of a service of secrets at a port of TLS only', () => {
  const way = { kind: 'unanswered', phase: 'answer', detail: 'other side closed' } as const;
  const closed = /which closed the connection$/;
  assert.match(secretsWay('http://127.0.0.1/', way)?.sentence ?? '', closed);
  assert.match(secretsWay(service, way)?.sentence ?? '', closed);
  assert.match(secretsWay('http://127.0.0.1:443/', way)?.sentence ?? '', /TLS may be spoken there$/);
});

test('of the keys of a secret ten are named, and of a long one the beginning', () => {
  const told = (keys: readonly string[]) =>
    diagnosePush(unready({ kind: 'no_key', key: undefined, keys }), target())?.sentence ?? '';
  const keys = Array.from({ length: 11 }, (_, index) => `key-${index}`);
  assert.match(told(keys.slice(0, 10)), /"key-9", and the reference/);
  assert.match(told(keys), /"key-9" and others, and the reference/);
  assert.match(told(['k'.repeat(65)]), /"k{64}"/);
});

test('where a client certificate is sent, a connection that is closed may be for that', () => {
  const target = targetOf({ url: 'https://loki.example.com', authorization: undefined }, (text) => text, {
    port: 1234,
    route: { tls: { cert: '/var/task/client.pem' } },
  });
  for (const symptom of [
    { kind: 'unanswered', phase: 'answer', detail: 'UND_ERR_SOCKET other side closed' },
    { kind: 'unreachable', phase: 'tls', detail: '', code: 'ECONNRESET' },
  ] as const) {
    assert.match(String(diagnosePush(symptom, target)?.remedy), /^check that this server accepts LOKI_TLS_CERT/);
  }
});
