// Where we push, and as whom, as far as it may be shown: host and path but not the query, the kind of credentials but
// not the credentials.
import type { Target } from './symptoms.ts';

export interface PushAddress {
  /** Without user info. */
  readonly url: string;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
}

/** The extension's own port, and the special parts of the route to Loki. */
export interface OwnSettings {
  readonly port: number;
  readonly route?: { readonly tls: { readonly cert?: string } };
}

/** Shown if part of a password may stand where the host should be. */
const UNSAID = 'the host in LOKI_PUSH_ENDPOINT';

/** @param outside makes a text from outside safe to show; undefined if that is impossible */
export function targetOf(
  { url, authorization }: PushAddress,
  outside: Target['outside'],
  { port: ownPort, route }: OwnSettings = { port: 0 },
): Target {
  const { host, hostname, port: namedPort, pathname, protocol, search } = new URL(url);
  const secure = protocol === 'https:';
  const port = Number(namedPort) || (secure ? 443 : 80);
  const inDoubt = (pathname + search).includes('@');
  return {
    host: inDoubt ? UNSAID : host,
    hostname: inDoubt ? UNSAID : hostname,
    port,
    path: inDoubt ? '' : pathname,
    secure,
    isOwn: port === ownPort && isSandbox(hostname),
    hasCertificate: route?.tls.cert !== undefined,
    credentials: credentialsOf(authorization),
    outside,
  };
}

/** The target while it is not known yet. */
export function unknownTarget(outside: Target['outside']): Target {
  return {
    host: UNSAID,
    hostname: UNSAID,
    port: 443,
    path: '',
    secure: true,
    isOwn: false,
    credentials: 'other',
    outside,
  };
}

/** Whether the name means the sandbox itself. */
export function isSandbox(hostname: string): boolean {
  return /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|sandbox(?:\.localdomain)?)$/i.test(hostname);
}

function credentialsOf(authorization: string | undefined): Target['credentials'] {
  if (authorization === undefined) return 'none';
  const user = userOf(authorization);
  if (user === undefined) return 'other';
  return isNumber(user) ? 'numeric_user' : 'user';
}

/**
 * As whom we push. A numeric user is shown, as Grafana Cloud has; any other name may be secret.
 */
export function whoOf(authorization: string | undefined, tenantId: string | undefined): string {
  const user = authorization && userOf(authorization);
  const who =
    authorization === undefined
      ? 'nobody'
      : user === undefined
        ? 'bearer of a token'
        : isNumber(user)
          ? `user ${user}`
          : 'a user';
  return tenantId === undefined ? who : `${who}, tenant ${tenantId}`;
}

function userOf(authorization: string): string | undefined {
  const [, base64 = ''] = /^basic +(\S+)$/i.exec(authorization) ?? [];
  const pair = Buffer.from(base64, 'base64').toString();
  return base64 === '' ? undefined : pair.slice(0, Math.max(0, pair.indexOf(':')));
}

function isNumber(user: string): boolean {
  return /^\d{1,12}$/.test(user);
}
