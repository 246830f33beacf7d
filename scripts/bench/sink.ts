// The benchmarks' end of the Loki stand-in in sink-process.ts: starts it, sets how far away it is, and asks what has arrived.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SinkCommands } from './sink-process.ts';

/** What has arrived since the last reset. Moments are monotonic milliseconds. */
export interface SinkReport {
  readonly pushes: readonly { readonly bytes: number; readonly receivedMs: number; readonly answeredMs: number }[];
  readonly functionLines: number;
  readonly otherLines: number;
  /** Bytes of UTF-8 in the function's lines. */
  readonly lineBytes: number;
  /** For each function line with a marker `#<number> `: the number, and when its push was received. */
  readonly arrivals: readonly (readonly [marker: number, ms: number])[];
  /** Bytes of the requests as they came over the connections, headers included. */
  readonly wireBytes: number;
}

export interface Sink {
  /** For LOKI_PUSH_ENDPOINT. */
  readonly url: string;
  /** The same Loki behind TLS, with a certificate of an authority that NODE_EXTRA_CA_CERTS has to name. */
  readonly secureUrl: string;
  /** Forgets what has arrived. From now on each push is answered after `delayMs`. */
  reset(delayMs?: number): Promise<void>;
  report(): Promise<SinkReport>;
  /** @throws unless so many lines of the function have arrived */
  reportOf(lines: number): Promise<SinkReport>;
  /** Resolves when nothing has arrived for a while. */
  settled(): Promise<void>;
  close(): void;
}

const QUIET_MS = 50;

export async function startSink(): Promise<Sink> {
  const child = fork(path.join(import.meta.dirname, 'sink-process.ts'), { serialization: 'advanced' });
  child.once('exit', (code) => {
    // Without it nothing can be measured; and what waits for an answer would wait for ever.
    if (code !== 0) throw new Error(`the sink has ended with ${code}`);
  });
  const [{ port, securePort }] = (await once(child, 'message')) as [{ port: number; securePort: number }];

  async function ask<Name extends keyof SinkCommands>(
    name: Name,
    ...args: Parameters<SinkCommands[Name]>
  ): Promise<ReturnType<SinkCommands[Name]>> {
    const answered = once(child, 'message');
    child.send([name, ...args]);
    const [[result]] = await answered;
    return result;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    secureUrl: `https://127.0.0.1:${securePort}`,
    reset: (delayMs = 0) => ask('reset', delayMs),
    report: () => ask('report'),
    async reportOf(lines) {
      const report = await ask('report');
      if (report.functionLines === lines) return report;
      throw new Error(`${report.functionLines} of ${lines} lines have arrived`);
    },
    async settled() {
      for (let before = -1; ; ) {
        const now = await ask('count');
        if (now === before) return;
        before = now;
        await sleep(QUIET_MS);
      }
    },
    close: () => child.disconnect(),
  };
}
