// The route to a server, if settings make it anything but direct. Loaded only when there are such settings.
import type { RouteSettings } from '../config/route.ts';
import type { Way } from './connect.ts';
import { isLocal, readProxies } from './proxy.ts';
import { readTrusts } from './trust.ts';

export interface Route {
  toLoki(url: URL): Way;
  /** Services inside the sandbox are never reached through a proxy. */
  toAws(url: URL): Way;
}

/** @param note is told of each setting that cannot be used; the message continues after the variable's name */
export function openRoute({ proxy, tls }: RouteSettings, note: (variable: string, message: string) => void): Route {
  const proxyTo = readProxies(proxy, note);
  const { loki, others } = readTrusts(tls, note);
  const way = (trust: typeof loki, found: ReturnType<typeof proxyTo>): Way => ({
    proxy: found,
    trust,
    proxyTrust: others,
  });
  return {
    toLoki: (url) => way(loki, proxyTo(url)),
    toAws: (url) => way(others, isLocal(url) ? undefined : proxyTo(url)),
  };
}
