// How the route to Loki differs from a direct one: a proxy, certificate authorities, a client certificate. These are
// the texts as they were typed. Late code interprets them (net/route.ts), and it is loaded only if one is set.
import { type Environment, quoted, type SettingReader, trimmed } from './reader.ts';
import { NOT_YET, readSwitch, withoutQuotes } from './setting-reader.ts';

export interface RouteSettings {
  readonly proxy: ProxySettings;
  readonly tls: TlsSettings;
}

export interface ProxySettings {
  /** LOKI_PROXY_URL: takes precedence over the others. */
  readonly own?: string;
  readonly https?: string;
  readonly http?: string;
  readonly except?: string;
}

export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly skipVerify?: true;
}

/** @returns undefined if nothing is set */
export function readRoute(reader: SettingReader, env: Environment): RouteSettings | undefined {
  const own = reader.text('LOKI_PROXY_URL');
  const either = (name: string) => {
    const text = trimmed(env[name.toLowerCase()]) ?? trimmed(env[name]);
    return text && withoutQuotes(text);
  };
  const byOthers = own === undefined;
  const proxy = present({
    own: own?.toLowerCase() === 'none' ? undefined : own,
    https: byOthers ? either('HTTPS_PROXY') : undefined,
    http: byOthers ? either('HTTP_PROXY') : undefined,
    except: byOthers ? either('NO_PROXY') : undefined,
  });
  const tls = present({
    ca: reader.text('LOKI_TLS_CA'),
    cert: reader.text('LOKI_TLS_CERT'),
    key: reader.text('LOKI_TLS_KEY'),
    serverName: readServerName(reader),
    skipVerify: skipsVerification(reader) ? (true as const) : undefined,
  });
  const isProxied = proxy.own !== undefined || proxy.https !== undefined || proxy.http !== undefined;
  return isProxied || Object.keys(tls).length > 0 ? { proxy: isProxied ? proxy : {}, tls } : undefined;
}

/**
 * The part that can be used before the secrets are fetched: nothing that is secret, and nothing that is for Loki alone.
 */
export function routeBefore({ proxy, tls }: RouteSettings): RouteSettings {
  return { proxy, tls: tls.ca === undefined || tls.ca === NOT_YET.other ? {} : { ca: tls.ca } };
}

function readServerName(reader: SettingReader): string | undefined {
  const name = 'LOKI_TLS_SERVER_NAME';
  const text = reader.text(name);
  if (text === undefined || /^(?:[\w-]+\.)*[\w-]+\.?$|^[\da-f.]*:[\da-f.]*:[\da-f:.]*$/i.test(text)) return text;
  reader.warn(name, `is not a host name alone: ${quoted(text)}; the host of LOKI_PUSH_ENDPOINT is expected instead`);
  return undefined;
}

function skipsVerification(reader: SettingReader): boolean {
  const name = 'LOKI_TLS_INSECURE_SKIP_VERIFY';
  const skips = readSwitch(reader, name);
  if (skips) reader.warn(name, 'is set: whoever is on the way to Loki can read what is sent, the credentials too');
  return skips;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
