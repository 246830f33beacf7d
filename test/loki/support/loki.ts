// The Loki of a test: the one of LOKI_URL, or one of its own that is started from LOKI_BINARY and removed afterwards.
// `make test-loki` sets one of the two; without either a test fails and says so, rather than prove nothing.

import type { TestContext } from 'node:test';
import type { LokiSettings } from './config.ts';
import { type LokiServer, startLoki } from './server.ts';

/** Where to push and where to ask. */
export type LokiPlace = { readonly url: string; readonly pushUrl: string };

/**
 * A Loki with settings of our own (see `lokiVariants`), for this test alone. Where only LOKI_URL is known it skips the
 * test and returns undefined.
 */
export async function ownLoki(t: TestContext, ...changes: readonly LokiSettings[]): Promise<LokiServer | undefined> {
  const binary = process.env['LOKI_BINARY'];
  if (binary) {
    const loki = await startLoki(binary, ...changes);
    t.after(() => loki.remove());
    return loki;
  }
  if (!process.env['LOKI_URL']) throw new Error('no Loki: run these tests with make test-loki');
  t.skip('needs a Loki with settings of its own: give LOKI_BINARY instead of LOKI_URL');
  return undefined;
}

/** Any Loki with default limits: the one that is given, else one for this test alone. */
export async function anyLoki(t: TestContext): Promise<LokiPlace> {
  const url = process.env['LOKI_URL'];
  if (url) return { url, pushUrl: `${url}/loki/api/v1/push` };
  const loki = await ownLoki(t);
  if (loki === undefined) throw new Error('no Loki: run these tests with make test-loki');
  return loki;
}
