// Where the demo's logs go when no other Loki is named: to one that is embedded in this program.

import { startFakeLoki } from '../../test/fakes/fake-loki.ts';
import type { StoredEntry } from '../../test/fakes/loki/store.ts';

export interface Destination {
  /** What the extension gets as LOKI_PUSH_ENDPOINT. */
  readonly pushUrl: string;
  /** In the order of arrival. A push that was repeated counts once, as in Loki. */
  entries(): readonly StoredEntry[];
  cutConnections(): void;
  close(): Promise<void>;
}

export async function embeddedLoki(): Promise<Destination> {
  const loki = await startFakeLoki();
  return {
    pushUrl: loki.url,
    entries: () => loki.entries(),
    cutConnections: () => loki.destroyConnections(),
    close: () => loki.close(),
  };
}
