// The way to a server where settings make it another than the plain one. Loaded only where there are such settings.
import type { RouteSettings } from '../config/route.ts';
import type { Way } from './connect.ts';
import { isLocal, readProxies } from './proxy.ts';
import { readTrusts } from './trust.ts';

export interface Route {
  toLoki(url: URL): Way;
  /** Never through a proxy to what the sandbox itself offers. */
  toAws(url: URL): Way;
}

/** @param note hears of a setting that is of no use; the message goes on where the variable's name ends */
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
