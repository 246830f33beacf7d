// The fake Loki on a thread of its own, for floods: what it decodes there disturbs neither the emulator nor the clock.
// Beside the entries it counts the bytes of the bodies. The file is also the thread's own program.

import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { startFakeLoki } from '../../../test/fakes/fake-loki.ts';
import type { Stored } from './tally.ts';

export interface LokiHoldings {
  readonly entries: readonly Stored[];
  /** Bodies that were accepted, as they came over the connection. */
  readonly acceptedBytes: number;
  readonly accepted: number;
  readonly requests: number;
}

export interface LokiThread {
  readonly url: string;
  /** How many requests have come. */
  requests(): Promise<number>;
  holdings(): Promise<LokiHoldings>;
  close(): Promise<void>;
}

type Question = 'requests' | 'holdings';

export async function startLokiThread(): Promise<LokiThread> {
  const worker = new Worker(import.meta.filename);
  const [url] = (await once(worker, 'message')) as [string];
  async function ask<T>(question: Question): Promise<T> {
    const answered = once(worker, 'message');
    worker.postMessage(question);
    return ((await answered) as [T])[0];
  }
  return {
    url,
    requests: () => ask('requests'),
    holdings: () => ask('holdings'),
    async close() {
      await worker.terminate();
    },
  };
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const loki = await startFakeLoki();
  const holdings = (): LokiHoldings => {
    const accepted = loki.requests.filter(({ status }) => status === 204);
    return {
      entries: loki.entries().map(({ line, timestampNs }) => ({ line, timestampNs })),
      acceptedBytes: accepted.reduce((sum, { wire }) => sum + wire.length, 0),
      accepted: accepted.length,
      requests: loki.requests.length,
    };
  };
  port.on('message', (question: Question) =>
    port.postMessage(question === 'requests' ? loki.requests.length : holdings()),
  );
  port.postMessage(loki.url);
}
