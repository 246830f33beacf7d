// The user's filters on the built executable: what is sent, what is counted, and that the lifecycle goes on as ever.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Bench, createBench } from '../fakes/extension.ts';
import { assertUnharmed, inOrder, ownMessages } from './support/expect.ts';

/** The account that the executable gives at its end; nothing may be missing from it. */
function account({ emulator }: Bench): Record<string, number> {
  const { fields = {} } = ownMessages(emulator).find(({ message }) => message === 'totals') ?? {};
  const { received, accepted, filtered, dropped, held } = fields as Record<string, number>;
  const counts = { received: received ?? NaN, accepted: accepted ?? NaN, filtered: filtered ?? NaN };
  assert.equal(counts.received, counts.accepted + counts.filtered + (dropped ?? NaN) + (held ?? NaN));
  return counts;
}

suite('filters', { concurrency: 2 }, () => {
  test('events and levels that are not wanted stay away, and no invocation waits for them', async (t) => {
    const environment = {
      LOKI_DROP_EVENTS: 'all',
      LOKI_MIN_LEVEL: 'warn',
      LOKI_FLUSH_STRATEGY: 'end',
      LOKI_EXTENSION_LOG_LEVEL: 'info',
    };
    const bench = await createBench(t, { environment });
    const { emulator, loki } = bench;
    await emulator.start();
    const { requestId, heldMs } = await emulator.invoke({ lines: ['INFO below', 'ERROR above', 'no level'] });
    assert.ok((heldMs ?? Number.NaN) < 2_000, 'the end of the invocation was seen');
    await emulator.shutdown();
    const entries = inOrder(loki, 'function');
    assert.deepEqual(
      entries.map(({ line, metadata }) => [line, metadata['request_id']]),
      [
        ['ERROR above', requestId],
        ['no level', requestId],
      ],
    );
    assert.deepEqual(inOrder(loki, 'platform'), []);
    const { accepted, filtered } = account(bench);
    assert.equal(accepted, 2);
    assert.equal(filtered, 1 + emulator.emitted.filter(({ type }) => type.startsWith('platform.')).length);
    assertUnharmed(emulator);
  });
});
