// The fake Loki on a thread of its own: while megabytes are decoded there, the emulator in the test's thread can still
// measure how fast the extension answers. The parent gets a handle; the file is also the thread's own program.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type FakeLoki, startFakeLoki } from './fake-loki.ts';
import type { StoredEntry } from './loki/store.ts';

/** What a fake Loki on another thread holds at one moment. */
export interface LokiSnapshot {
  readonly entries: readonly StoredEntry[];
  readonly duplicates: number;
  /** Of each request, in order: how many streams it had, the bytes of its body and of the message in it. */
  readonly requests: readonly {
    readonly streams: number;
    readonly wireBytes: number;
    readonly rawBytes: number;
    readonly status: number;
  }[];
}

export interface LokiThread {
  readonly url: string;
  snapshot(): Promise<LokiSnapshot>;
  /** How many requests have come: cheaper than a snapshot. */
  requestCount(): Promise<number>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

type Question = 'snapshot' | 'requestCount';

/** Starts a fake Loki with Loki's own limits on another thread. */
export async function startLokiThread(): Promise<LokiThread> {
  const worker = new Worker(import.meta.filename);
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      const settle = (error: Error | undefined, value: unknown) => {
        worker.off('message', onMessage);
        worker.off('error', onError);
        if (error === undefined) resolve(value);
        else reject(error);
      };
      const onMessage = (value: unknown) => settle(undefined, value);
      const onError = (error: Error) => settle(error, undefined);
      worker.on('message', onMessage);
      worker.on('error', onError);
    });
  const url = String(await next());
  function ask(question: Question): Promise<unknown> {
    const answer = next();
    worker.postMessage(question);
    return answer;
  }
  const close = async () => void (await worker.terminate());
  return {
    url,
    snapshot: () => ask('snapshot') as Promise<LokiSnapshot>,
    requestCount: () => ask('requestCount') as Promise<number>,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function snapshotOf(loki: FakeLoki): LokiSnapshot {
  const requests = loki.requests.map(({ streams, wire, raw, status }) => ({
    streams: streams.length,
    wireBytes: wire.length,
    rawBytes: raw?.length ?? 0,
    status: status ?? 0,
  }));
  return { entries: loki.entries(), duplicates: loki.duplicates, requests };
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const loki = await startFakeLoki();
  port.on('message', (question: Question) =>
    port.postMessage(question === 'snapshot' ? snapshotOf(loki) : loki.requests.length),
  );
  port.postMessage(loki.url);
}
