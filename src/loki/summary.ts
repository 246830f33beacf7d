// Sends the extension's own summary lines to Loki, bypassing the backlog: a summary must neither evict nor delay the
// lines it reports on. Losing a summary does not count as a loss.
import { type Clock, type EpochMs, settledBy } from '../time.ts';
import { createBatchBuilder, type Entry } from './batch.ts';
import type { PushClient } from './push-client.ts';

export interface SummarySender {
  /** @returns whether Loki took it; the caller need not wait for that */
  send(entry: Entry): Promise<boolean>;
  /** Resolves when nothing is under way, or at `untilMs`. */
  sentBy(untilMs: EpochMs): Promise<void>;
}

const MAX_BYTES = 65_536;
/** At the end of its millisecond: what other extensions say begins at the start of theirs. */
const NANOS = 999_999;

/** @param labels of the stream of extensions */
export function createSummarySender(client: Pick<PushClient, 'push'>, labels: string, clock: Clock): SummarySender {
  let underWay: Promise<boolean> | undefined;

  async function push(entry: Entry): Promise<boolean> {
    const nowMs = clock.now();
    const builder = createBatchBuilder('extension', labels, MAX_BYTES);
    builder.add({ ms: nowMs, nanos: NANOS }, entry, nowMs);
    const batch = builder.seal();
    return batch !== undefined && (await client.push(batch.body)).kind === 'accepted';
  }

  return {
    send(entry) {
      const sending = push(entry).catch(() => false);
      underWay = sending;
      void sending.then(() => {
        if (underWay === sending) underWay = undefined;
      });
      return sending;
    },
    async sentBy(untilMs) {
      if (underWay) await settledBy(clock, underWay, untilMs);
    },
  };
}
