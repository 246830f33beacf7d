// A whole pipeline with a scripted push client, a fake clock and a log that remembers: everything of the core but sockets.
import type { Config } from '../../src/config/config.ts';
import { createOwnLineTest } from '../../src/log.ts';
import { createLedger } from '../../src/losses.ts';
import { createPipeline, type PipelineParts } from '../../src/pipeline.ts';
import { ACCEPTED, FakePushClient, type PushScript, recordingLog, TARGET } from '../fakes/doubles.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { nanosecondsOf, testConfig } from '../fakes/records.ts';

export const OWN_PID = 17;
export const INSTANCE = '0123456789abcdef';

export interface Arrived {
  /** Value of the label `type`. */
  readonly type: string;
  readonly labels: string;
  readonly line: string;
  readonly nanoseconds: bigint;
  readonly metadata: Readonly<Record<string, string>>;
}

export function setUp(
  changes: Partial<Config> = {},
  script: PushScript = () => ACCEPTED,
  concurrent = false,
  parts: Partial<PipelineParts> = {},
) {
  const clock = new FakeClock();
  const client = new FakePushClient(clock, script);
  const ledger = createLedger();
  const log = recordingLog(clock);
  let drawn = 0;
  const pipeline = createPipeline({
    config: testConfig(changes),
    identity: {
      functionName: 'orders-api',
      functionVersion: '$LATEST',
      accountId: '123456789012',
      region: 'eu-central-1',
    },
    concurrent,
    client,
    ledger,
    log,
    target: () => TARGET,
    mask: (text) => text,
    clock,
    random: () => 0.5,
    drawInstanceId: () => {
      drawn++;
      return INSTANCE;
    },
    isOwnLine: createOwnLineTest(OWN_PID),
    defer: queueMicrotask,
    ...parts,
  });
  return {
    clock,
    client,
    ledger,
    log,
    pipeline,
    instancesDrawn: () => drawn,
    droppedEntries: () => Object.values(ledger.totals().dropped).reduce((sum, count) => sum + count, 0),
    /** Flushes, and gives everything that was accepted so far. */
    async arrived(): Promise<readonly Arrived[]> {
      await clock.until(pipeline.flush(clock.now() + 2_000), 2_000);
      return client.pushes.flatMap(({ labels, entries }) =>
        entries.map((entry) => ({
          type: /type="([a-z]+)"/.exec(labels)?.[1] ?? '',
          labels,
          line: entry.line,
          nanoseconds: nanosecondsOf(entry),
          metadata: Object.fromEntries(entry.metadata),
        })),
      );
    },
  };
}
