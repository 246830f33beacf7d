// A backlog and a delivery with a scripted push client, a fake clock, and the largest jitter there is: a backoff takes exactly its ceiling.
import type { Config } from '../../../src/config/config.ts';
import { createBacklog } from '../../../src/loki/backlog.ts';
import type { StreamType } from '../../../src/loki/batch.ts';
import { createDelivery } from '../../../src/loki/delivery.ts';
import { createTeller } from '../../../src/loki/teller.ts';
import { createLedger } from '../../../src/losses.ts';
import { FakePushClient, type PushScript, recordingLog, TARGET } from '../../fakes/doubles.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { entryOf, metadataOf, testConfig } from '../../fakes/records.ts';

export function setUp(script: PushScript, changes: Partial<Config> = {}, random = () => 1) {
  const config = testConfig(changes);
  const clock = new FakeClock();
  const client = new FakePushClient(clock, script);
  const ledger = createLedger();
  const log = recordingLog(clock);
  const labels = { function: '{type="function"}', platform: '{type="platform"}', extension: '{type="extension"}' };
  const limits = { maxBatchBytes: config.batchMaxBytes, maxBufferBytes: config.bufferMaxBytes };
  const backlog = createBacklog(labels, limits, ledger.dropped);
  const delivery = createDelivery({
    config,
    backlog,
    client,
    ledger,
    clock,
    random,
    tell: createTeller(log, () => TARGET, clock).tell,
  });
  const metadata = metadataOf({ request_id: 'r-1' });

  function hold(line: string, type: StreamType = 'function', isError = false): void {
    ledger.received(1);
    const entry = entryOf(line, { metadata: delivery.takesMetadata() ? metadata : Buffer.alloc(0), isError });
    backlog.add(type, { ms: clock.now(), nanos: 0 }, entry, clock.now());
  }

  return {
    clock,
    client,
    ledger,
    log,
    backlog,
    delivery,
    hold,
    /** Holds lines as one body of the platform would bring them. */
    receive(...lines: string[]) {
      for (const line of lines) hold(line);
      delivery.wake();
    },
    /** An invocation of its own: the lines come, and are flushed for 2 s at most. */
    async flush(...lines: string[]) {
      for (const line of lines) hold(line);
      delivery.wake();
      const startMs = clock.now();
      await clock.until(delivery.flush(startMs + config.flushTimeoutMs));
      return clock.now() - startMs;
    },
    droppedEntries: () => Object.values(ledger.totals().dropped).reduce((sum, count) => sum + count, 0),
  };
}
