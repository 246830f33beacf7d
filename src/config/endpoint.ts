// The push endpoint: its URL, authentication, tenant, and the user's own headers. Messages show no part of the URL and
// no header value, because a secret may stand in any of them by mistake.

import { isArn } from '../aws/reference.ts';
import { quoted, readPairs, type SettingReader } from './reader.ts';

export interface Endpoint {
  /** Without user info and fragment. */
  readonly url: string;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
  readonly tenantId: string | undefined;
  /** The user's own headers, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

const PUSH_PATH = '/loki/api/v1/push';
/** Headers that control how the body is sent or the answer comes, or that an HTTP client lets nobody set. */
const OWN_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'prefer',
  'proxy-connection',
  'range',
  'if-range',
  'te',
  'trailer',
  'user-agent',
  'upgrade',
  'expect',
]);

/** Whether a text looks like a host, as a URL without its scheme does. A token has other characters, and no port. */
export function isBareHost(text: string): boolean {
  return /^(?:(?:[a-z\d-]+\.)+[a-z]{2,}|[a-z\d.-]+(?=:\d))(?::\d{1,5})?(?:\/[a-z\d./-]*)?$/.test(text);
}

/** Undefined if nothing can be pushed; then there is an error among the problems. */
export function parseEndpoint(reader: SettingReader): Endpoint | undefined {
  const url = readUrl(reader);
  const headers = readHeaders(reader);
  const tenantId = readTenantId(reader);
  if (tenantId !== undefined && headers.delete('x-scope-orgid')) {
    reader.warn('LOKI_HEADERS', 'holds X-Scope-OrgID, but LOKI_TENANT_ID is set; LOKI_TENANT_ID is used');
  }
  const own = readAuthorization(reader, url);
  const given = headers.get('authorization');
  headers.delete('authorization');
  if (own !== undefined && given !== undefined) {
    reader.warn('LOKI_HEADERS', 'holds Authorization, but there are other credentials; those are used');
  }
  if (url === undefined) return undefined;
  if ((url.pathname + url.search + url.hash).includes('@')) {
    const signs = 'if it ends a password, a / ? or # in that must be written as %2F, %3F or %23';
    reader.warn('LOKI_PUSH_ENDPOINT', `holds an @ behind its host: ${signs}; it is used as it is`);
  }
  url.username = '';
  url.password = '';
  url.hash = '';
  if (url.pathname === '/') url.pathname = PUSH_PATH;
  return { url: url.href, authorization: own ?? given, tenantId, headers: Object.fromEntries(headers) };
}

function readUrl(reader: SettingReader): URL | undefined {
  const name = 'LOKI_PUSH_ENDPOINT';
  const advice = 'no logs are sent. Set it to the URL of Loki, such as https://loki.example.com';
  const text = reader.text(name);
  if (text === undefined) {
    reader.fail(name, `is not set: ${advice}`);
    return undefined;
  }
  // The reader has reported it already.
  if (isArn(text)) return undefined;
  const scheme = text.slice(0, 8).toLowerCase();
  if (!scheme.startsWith('http://') && scheme !== 'https://') {
    reader.fail(name, `does not begin with http:// or https://: ${advice}`);
    return undefined;
  }
  const url = URL.parse(text);
  if (url === null) reader.fail(name, `is not a URL: ${advice}`);
  return url ?? undefined;
}

/** A bearer token takes precedence over basic auth, and for basic auth the variables over the URL. */
function readAuthorization(reader: SettingReader, url: URL | undefined): string | undefined {
  const token = readBearerToken(reader);
  const setUser = reader.text('LOKI_USERNAME');
  const setPassword = reader.text('LOKI_PASSWORD');
  const user = setUser ?? decodeUserInfo(reader, url?.username);
  const password = setPassword ?? decodeUserInfo(reader, url?.password);
  if (setUser?.includes(':')) {
    reader.warn(
      'LOKI_USERNAME',
      'holds a colon, at which basic auth ends a user name: what is behind it is read as password',
    );
  }
  if (token !== undefined) {
    if (user !== undefined || password !== undefined) {
      reader.warn('LOKI_BEARER_TOKEN', 'is set, and so are credentials for basic auth; the token is used');
    }
    return `Bearer ${token}`;
  }
  if (user === undefined) {
    if (password !== undefined) reader.warn('LOKI_PASSWORD', 'is set without LOKI_USERNAME; no credentials are sent');
    return undefined;
  }
  if (password === undefined) {
    if (setUser !== undefined) reader.warn('LOKI_USERNAME', 'is set without LOKI_PASSWORD; it is sent alone');
    else reader.warn('LOKI_PUSH_ENDPOINT', 'holds a user name without a password; it is sent alone');
  }
  return `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}

function readBearerToken(reader: SettingReader): string | undefined {
  const token = reader.text('LOKI_BEARER_TOKEN')?.replace(/^bearer\s+/i, '');
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  reader.warn(
    'LOKI_BEARER_TOKEN',
    'holds a space, a line break or another character that no header can hold; it is not sent',
  );
  return undefined;
}

function decodeUserInfo(reader: SettingReader, text: string | undefined): string | undefined {
  if (!text) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    reader.warn('LOKI_PUSH_ENDPOINT', 'holds user info that is not percent-encoded correctly; it is sent as it is');
    return text;
  }
}

const TENANT_RULE = "may hold letters, digits and !-_.*'() only, at most 150";

function readTenantId(reader: SettingReader): string | undefined {
  const id = reader.text('LOKI_TENANT_ID');
  if (id === undefined || isTenantId(id)) return id;
  reader.warn('LOKI_TENANT_ID', `${TENANT_RULE}, not ${quoted(id)}; it is not sent`);
  return undefined;
}

/** Loki's rules. Anything else would be answered with 400, or would name another tenant. */
function isTenantId(id: string): boolean {
  return /^[\w!.*'()-]+$/.test(id) && id.length <= 150 && id !== '.' && id !== '..';
}

function readHeaders(reader: SettingReader): Map<string, string> {
  const name = 'LOKI_HEADERS';
  const headers = new Map<string, string>();
  for (const [index, pair] of readPairs(reader, name).entries()) {
    const header = pair.key.toLowerCase();
    const skip = (why: string) => reader.warn(name, `entry ${index + 1} ${why}; it is left out`);
    if (!pair.value) skip('is not of the form Name=value');
    else if (!/^[\w!#$%&'*+.^`|~-]+$/.test(header)) skip('has a name that no header can have');
    else if (OWN_HEADERS.has(header)) skip(`is ${header}, which the extension sets itself`);
    else {
      // A scheme such as `Bearer` may stand before the reference.
      const [, scheme = '', rest = pair.value] = /^([a-z]+ +)(arn:.*)$/is.exec(pair.value) ?? [];
      const found = reader.dereference(name, rest);
      if (found === undefined) continue;
      const value = scheme + found;
      if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(value)) skip('has a value that no header can hold');
      else if (header === 'x-scope-orgid' && !isTenantId(value)) skip(`is X-Scope-OrgID, which ${TENANT_RULE}`);
      else {
        if (headers.has(header)) reader.warn(name, `entry ${index + 1} names a header again; the last value is used`);
        headers.set(header, value);
      }
    }
  }
  return headers;
}
