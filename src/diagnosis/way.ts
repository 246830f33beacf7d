// Diagnoses for everything that fails before there is a readable answer: names, routes, connections, TLS, and servers
// that do not speak HTTP/1.1. A Node error is identified by its code. Its message is not used: it gives advice that
// does not apply in Lambda, and may repeat the value of a setting.
import { isHtml, titleOf } from './loki-words.ts';
import { DIAGNOSES, type DiagnosisId } from './remedies.ts';
import type { OnTheWay, PushSymptom, Target, Told } from './symptoms.ts';
import { isSandbox } from './target.ts';

const unreachable = ({ name = 'Loki' }: Target) => `${name} cannot be reached`;

/**
 * How servers answer a plain HTTP/1.1 request: one that expects TLS sends an alert, one that expects HTTP/2 sends
 * SETTINGS or GOAWAY on stream 0.
 */
const TLS_ALERT = '\x15\x03';
const HTTP2_FIRST_FRAMES: readonly number[] = [4, 7];
const HTTP2_STREAM_0 = '\0\0\0\0';

export function tellWay(symptom: OnTheWay, target: Target): Told {
  if (symptom.proxy !== undefined) return tellProxy(symptom, symptom.proxy, target);
  const unreached = unreachable(target);
  const { phase, detail, address } = symptom;
  const code = errorCodeOf(symptom);
  const place = address === undefined || target.host.includes(address) ? target.host : `${target.host} at ${address}`;
  const withCode = code === undefined ? '' : ` (${code})`;
  const tls = tellTls(code ?? '', detail, place, target);
  if (tls) return tls;
  if (code === 'EMFILE' || code === 'ENFILE') {
    return ['no_descriptors', `${unreached}: no connection can be opened${withCode}`];
  }
  switch (phase) {
    case 'name_not_found':
      return ['name_not_found', `${unreached}: there is no host named ${target.hostname}`];
    case 'name_server_silent':
      return ['name_server_silent', `${unreached}: the name server does not answer for ${target.hostname}`];
    case 'no_route':
      return ['no_route', `${unreached}: no route, connecting to ${place} ${endOf(symptom, 'is not answered')}`];
    case 'refused':
      return [
        'connection_refused',
        `${unreached}: ${place} refuses the connection, nothing listens there`,
        isSandbox(target.hostname)
          ? `${target.hostname} is the sandbox itself: set LOKI_PUSH_ENDPOINT to Loki`
          : undefined,
      ];
    case 'proxy': // without a name, which is told above
    case 'tls':
      return /time|within/i.test(detail) || code?.includes('TIMEOUT') || code === 'ETIMEDOUT'
        ? ['tls_silent', `${unreached}: TLS, ${place} accepts the connection and does not answer the handshake`]
        : [
            'tls_failed',
            `${unreached}: TLS, the handshake with ${place} is broken off${withCode}`,
            target.hasCertificate ? closedRemedy(target) : undefined,
          ];
    case 'closed':
      return ['connection_closed', `${unreached}: ${place} closes the connection${withCode}`, closedRemedy(target)];
    case 'answer':
      return tellUnanswered(symptom, target);
  }
}

/** A proxy fails to be reached in the same ways as Loki, but the remedies differ. */
const PROXY_SETTING = 'correct LOKI_PROXY_URL, or HTTPS_PROXY and NO_PROXY, where that is not set';
const PROXY_TLS = 'write https:// in LOKI_PROXY_URL';
const PROXY_REMEDIES: Partial<Record<DiagnosisId, string>> = {
  name_not_found: PROXY_SETTING,
  no_route: `let the function's subnet reach the proxy: its port in security groups and network ACLs; or ${PROXY_SETTING}`,
  connection_refused: PROXY_SETTING,
  connection_closed: 'look at the proxy: it cuts connections',
  tls_wrong_name: 'use a host name in LOKI_PROXY_URL that is in the certificate of the proxy',
  tls_not_spoken: 'write http:// in LOKI_PROXY_URL, or the port on which the proxy speaks TLS',
  tls_silent: 'write http:// in LOKI_PROXY_URL, if the proxy speaks no TLS',
  tls_client_certificate: 'use a proxy that asks for no client certificate: LOKI_TLS_CERT is for Loki alone',
};

function tellProxy(symptom: OnTheWay, proxy: string, target: Target): Told {
  const { phase, detail, code = '' } = symptom;
  if (phase === 'proxy') {
    const unreached = `${unreachable(target)}: the proxy ${proxy}`;
    if (code === 'NOT_HTTP') {
      if (detail.startsWith(TLS_ALERT)) return ['proxy_not_http', `${unreached} speaks TLS, and we do not`, PROXY_TLS];
      return ['proxy_not_http', `${unreached} does not speak HTTP`];
    }
    if (code === 'ETIMEDOUT') return ['proxy_silent', `${unreached} is asked for a way and does not answer`];
    const status = /^HTTP_(\d{3})$/.exec(code)?.[1];
    if (status === undefined) {
      const remedy = `${DIAGNOSES.proxy_refuses[1]}; if the proxy speaks TLS, ${PROXY_TLS}`;
      return ['proxy_refuses', `${unreached} is asked for a way to ${target.host} and closes the connection`, remedy];
    }
    const title = isHtml(detail) ? target.outside(titleOf(detail) ?? '') : '';
    const said = title ? `${status}, a web page, ${JSON.stringify(title.slice(0, 80))}` : status;
    if (status === '407') return ['proxy_credentials', `${unreached} wants credentials, or others: ${said}`];
    return ['proxy_refuses', `${unreached} opens no way to ${target.host}: ${said}`];
  }
  const port = Number(/:(\d+)$/.exec(proxy)?.[1]);
  const hostname = proxy.replace(/:\d+$/, '');
  const itself: Target = { ...target, name: 'the proxy', host: proxy, hostname, port, secure: phase === 'tls' };
  const [id, sentence] = tellWay({ ...symptom, proxy: undefined }, itself);
  return [id, sentence, PROXY_REMEDIES[id]];
}

/** Waiting for less than this says nothing about Loki or the route: a push across an ocean takes as long. */
const TELLING_MS = 100;

/** A push that is still pending when its time is over. */
export function tellPending({ afterMs, waitsFor }: Extract<PushSymptom, { kind: 'ran_out' }>, target: Target): Told {
  if (afterMs < TELLING_MS) {
    return [
      'flush_ran_out',
      `only ${afterMs} ms were left for a push to ${target.host}`,
      'set LOKI_FLUSH_STRATEGY=end, which leaves little to the shutdown; this alone says nothing against Loki',
    ];
  }
  const limit = { detail: `${afterMs} ms`, code: undefined, address: undefined };
  switch (waitsFor) {
    case 'name':
      return tellWay({ kind: 'unreachable', phase: 'name_server_silent', ...limit }, target);
    case 'connection':
      return tellWay({ kind: 'unreachable', phase: 'no_route', ...limit }, target);
    case 'proxy':
      return ['proxy_silent', `${unreachable(target)}: a proxy does not answer`];
    case 'tls':
      return tellWay({ kind: 'unreachable', phase: 'tls', ...limit, code: 'ETIMEDOUT' }, target);
    case 'answer':
      return tellWay({ kind: 'unanswered', phase: 'answer', ...limit }, target);
    case undefined:
      return ['flush_ran_out', `no push to ${target.host} was answered within ${afterMs} ms`];
  }
}

function tellUnanswered(symptom: OnTheWay, target: Target): Told {
  const sent = target.name === undefined ? 'a push was sent' : 'a request was sent';
  if (/reset|closed|hang up|EPIPE|ECONNABORTED/i.test(`${symptom.code} ${symptom.detail}`)) {
    const code = errorCodeOf(symptom);
    const how = code === undefined ? '' : ` (${code})`;
    // Some servers that expect TLS close without a word.
    if (!target.secure && /443$/.test(String(target.port))) {
      return [
        'tls_expected',
        `Loki does not answer: ${target.host} closes the connection; TLS may be spoken there${how}`,
      ];
    }
    return ['connection_closed', `${sent} to ${target.host}, which closed the connection${how}`, closedRemedy(target)];
  }
  return ['no_answer', `${sent} to ${target.host}, and no answer came${endOf(symptom, '')}`.trimEnd()];
}

/** Some servers close without a word if they expect TLS, or if they reject our certificate. */
function closedRemedy({ secure, hasCertificate }: Target): string | undefined {
  const otherwise = `else ${DIAGNOSES.connection_closed[1]}`;
  if (!secure) return `if TLS is spoken there, write https://; ${otherwise}`;
  return hasCertificate
    ? `check that this server accepts LOKI_TLS_CERT: its authority, its dates; ${otherwise}`
    : undefined;
}

/** Such as `timed out after 5000 ms`, if the time is known. */
function endOf(
  { code, detail }: { readonly code?: string | undefined; readonly detail: string },
  otherwise: string,
): string {
  const limit = /(\d+) ?ms/.exec(detail)?.[1];
  if (limit !== undefined) return otherwise === '' ? ` within ${limit} ms` : `timed out after ${limit} ms`;
  if (code === 'ETIMEDOUT' || code?.includes('TIMEOUT')) return otherwise === '' ? '' : 'timed out';
  const shown = codeOf(code);
  return shown === undefined ? otherwise : `${otherwise === '' ? '' : 'failed'} (${shown})`;
}

/** Error names of OpenSSL and Node, and what they mean. The name is in `code`, or in OpenSSL's text. */
const TLS_ERRORS: readonly (readonly [RegExp, DiagnosisId, string])[] = [
  [/CERT_HAS_EXPIRED/, 'tls_expired', 'its certificate has expired'],
  [/CERT_NOT_YET_VALID/, 'tls_not_yet_valid', 'its certificate is not valid yet'],
  [/ALTNAME_INVALID/, 'tls_wrong_name', 'its certificate is for another name'],
  [/DEPTH_ZERO_SELF_SIGNED_CERT/, 'tls_self_signed', 'its certificate is self-signed'],
  [/SELF_SIGNED_CERT_IN_CHAIN/, 'tls_self_signed', 'the authority of its certificate is not known'],
  [
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT/,
    'tls_unknown_authority',
    'its certificate leads to no known authority: an intermediate one is missing, or it is private',
  ],
  [
    /CERT_UNTRUSTED|INVALID_CA|INVALID_PURPOSE|CERT_REVOKED|CERT_CHAIN_TOO_LONG|CERT_SIGNATURE_FAILURE/,
    'tls_failed',
    'its certificate is not accepted',
  ],
  [
    /CERTIFICATE_REQUIRED|ALERT_NO_CERTIFICATE|certificate required/,
    'tls_client_certificate',
    'it asks for a client certificate',
  ],
  [
    // What a server says about a client certificate: these are OpenSSL's names of alerts.
    /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)|alert (?:bad|unsupported) certificate|alert certificate (?:revoked|expired|unknown)|alert unknown ca|alert access denied/,
    'tls_client_certificate',
    'it takes no client certificate, or not the one that it is sent',
  ],
  [/NO_APPLICATION_PROTOCOL|no application protocol/, 'http2_only', 'it does not speak HTTP/1.1'],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|wrong version number|packet length too long|INVALID_RECORD/,
    'tls_not_spoken',
    'it does not speak TLS',
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|protocol version|unsupported protocol/,
    'tls_no_common_version',
    'it speaks no version of TLS that is safe',
  ],
  [/UNRECOGNIZED_NAME|unrecognized name/, 'tls_wrong_name', 'it does not know this host name'],
  [
    /HANDSHAKE_FAILURE|handshake failure/,
    'tls_no_common_version',
    'it refuses the handshake: there is no common version or cipher',
  ],
];

function tellTls(code: string, detail: string, place: string, target: Target): Told | undefined {
  const [, id, what] =
    TLS_ERRORS.find(([error]) => error.test(code) || (/SSL|TLS|EPROTO/.test(code + detail) && error.test(detail))) ??
    [];
  if (id === undefined) return undefined;
  const names = id === 'tls_wrong_name' ? namesIn(detail) : '';
  return [id, `${unreachable(target)}: TLS with ${place} failed, ${what}${names}`];
}

/** The names that a certificate is valid for: not secret, and limited to a few kinds of characters. */
function namesIn(detail: string): string {
  const names = [...detail.matchAll(/\b(?:DNS|IP Address):([\w.*:-]{1,100})/g)].map(([, name]) => name);
  return names.length === 0 ? '' : `: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and others' : ''}`;
}

export function tellUnreadable({ detail, code }: Extract<PushSymptom, { kind: 'unreadable' }>, target: Target): Told {
  const shown = codeOf(code);
  const tls = tellTls(code ?? '', detail, target.host, target);
  if (tls) return tls;
  if (detail.startsWith(TLS_ALERT)) {
    return ['tls_expected', `Loki cannot be read: ${target.host} speaks TLS, and we do not`];
  }
  if (detail.slice(5, 9) === HTTP2_STREAM_0 && HTTP2_FIRST_FRAMES.includes(detail.charCodeAt(3))) {
    return ['http2_only', `Loki cannot be read: ${target.host} speaks HTTP/2 alone`];
  }
  return [
    'not_http',
    `Loki cannot be read: ${target.host} answers with what is not HTTP/1.1${shown ? ` (${shown})` : ''}`,
  ];
}

/** The name of the error, from `code` or from the beginning of `detail`. */
function errorCodeOf({ code, detail }: OnTheWay): string | undefined {
  return codeOf(code) ?? codeOf(detail.split(' ', 1)[0]);
}

/** The value if it looks like the name of an error; undefined for anything else. */
export function codeOf(code: unknown): string | undefined {
  return typeof code === 'string' && /^[A-Z][A-Z\d_]{2,60}$/.test(code) ? code : undefined;
}
