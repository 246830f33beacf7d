// Chooses the proxy for a URL: the one set for this extension, or the one in the variables that other programs read
// too.
// https://everything.curl.dev/usingcurl/proxies/env.html
import { BlockList, isIP } from 'node:net';
import type { ProxySettings } from '../config/route.ts';

export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  /** Whether the connection to the proxy itself uses TLS. */
  readonly secure: boolean;
  /** Value of the Proxy-Authorization header. */
  readonly authorization: string | undefined;
}

/** Reads the settings once. @param note is told of each setting that cannot be used */
export function readProxies(
  { own, https, http, except }: ProxySettings,
  note: (variable: string, message: string) => void,
): (url: URL) => HttpProxy | undefined {
  const proxy = (variable: string, text: string | undefined) => {
    if (text === undefined) return undefined;
    const parsed = parseProxy(text);
    if (typeof parsed !== 'string') return parsed;
    note(variable, `${parsed}; no proxy is used`);
    return undefined;
  };
  const ownProxy = proxy('LOKI_PROXY_URL', own);
  if (own !== undefined) return () => ownProxy;
  const proxies = { 'https:': proxy('HTTPS_PROXY', https), 'http:': proxy('HTTP_PROXY', http) };
  const isExcepted = readExceptions(except ?? '');
  return (url) => {
    const found = proxies[url.protocol as keyof typeof proxies];
    return found && !isLocal(url) && !isExcepted(url) ? found : undefined;
  };
}

/** The sandbox itself, and the services that the platform offers inside it. */
export function isLocal({ hostname }: URL): boolean {
  return /^(?:localhost|.*\.localhost|127\.[\d.]+|\[::1\]|169\.254\.[\d.]+)$/i.test(hostname);
}

/** @returns what is wrong, if it is not a proxy that we can use */
function parseProxy(text: string): HttpProxy | string {
  // Without a scheme other programs assume plain HTTP.
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === '') {
    const signs = text.includes('@') ? ': in user and password @ : / ? # and % are written as %40 and the like' : '';
    return `is not the URL of a proxy${signs}`;
  }
  const { protocol, hostname, port, username, password } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not the URL of an http or https proxy';
  const secure = protocol === 'https:';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (secure ? 443 : 80),
    secure,
    authorization: username === '' && password === '' ? undefined : basic(username, password),
  };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * `*`; a name, which stands for what is below it as well; an address; a range of addresses; each with or without a
 * port.
 */
function readExceptions(text: string): (url: URL) => boolean {
  const rules = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(readException);
  return ({ hostname, port, protocol }) => {
    const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
    const itsPort = port || (protocol === 'https:' ? '443' : '80');
    return rules.some((rule) => (rule.port === undefined || rule.port === itsPort) && rule.fits(host));
  };
}

interface Exception {
  readonly port: string | undefined;
  readonly fits: (host: string) => boolean;
}

function readException(text: string): Exception {
  if (text === '*') return { port: undefined, fits: () => true };
  const [, address = '', bits] = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/.exec(text) ?? [];
  if (bits !== undefined) return { port: undefined, fits: inRange(address, Number(bits)) };
  if (isIP(text) !== 0) return { port: undefined, fits: inRange(text, undefined) };
  const [, host = text, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return { port, fits: inRange(bare, undefined) };
  const name = host.replace(/^\*?\./, '').replace(/\.$/, '');
  return { port, fits: (other) => name !== '' && (other === name || other.endsWith(`.${name}`)) };
}

function inRange(address: string, bits: number | undefined): (host: string) => boolean {
  const family = familyOf(address);
  const most = family === 'ipv4' ? 32 : 128;
  if (family === undefined || (bits ?? 0) > most) return () => false;
  const list = new BlockList();
  list.addSubnet(address, bits ?? most, family);
  return (host) => {
    const itsFamily = familyOf(host);
    return itsFamily !== undefined && list.check(host, itsFamily);
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}
