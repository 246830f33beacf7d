// The user's filters on the built executable: what is sent, what is counted, and that the lifecycle goes on as ever.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Bench, createBench } from '../fakes/extension.ts';
import { assertHealthy, assertUnharmed, inOrder, ownMessages } from './support/expect.ts';

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

  test('lines, objects and events arrive filtered and redacted, with fields as metadata, and nothing is printed', async (t) => {
    const environment = {
      LOKI_INCLUDE_REGEX: '(?i)order|café',
      LOKI_EXCLUDE_REGEX: String.raw`GET \/health`,
      LOKI_REDACT: 'email,card',
      LOKI_REDACT_REGEX: '"pin":"(?<pin>[^"]*)"',
      LOKI_METADATA_FIELDS: 'orderId,customer.mail',
    };
    const bench = await createBench(t, { environment });
    const { emulator, loki } = bench;
    await emulator.start();
    const order = {
      message: 'order',
      orderId: 'o-17',
      pin: '1234',
      customer: { mail: 'jane@example.com', card: 4111111111111111 },
    };
    const { requestId } = await emulator.invoke({
      lines: ['Order of jane@example.com 🧀', 'order GET /health', 'something else', 'au café'],
      records: [{ type: 'function', record: order }],
    });
    await emulator.shutdown();
    const entries = inOrder(loki, 'function');
    assert.deepEqual(
      entries.map(({ line }) => line).sort(),
      [
        'Order of [redacted] 🧀',
        'au café',
        '{"message":"order","orderId":"o-17","pin":"[redacted]","customer":{"mail":"[redacted]","card":"[redacted]"}}',
      ].sort(),
    );
    for (const { metadata } of entries) assert.equal(metadata['request_id'], requestId);
    const { metadata = {} } = entries.find(({ line }) => line.startsWith('{')) ?? {};
    assert.deepEqual([metadata['orderId'], metadata['customer_mail']], ['o-17', '[redacted]']);
    assertHealthy(bench);
  });

  test('of a redaction that cannot be read only that is said, in the log and in place of each line', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_REDACT_REGEX: 's3cr3t(' } });
    const { emulator, loki } = bench;
    await emulator.start();
    await emulator.invoke({ lines: ['my s3cr3t'] });
    await emulator.shutdown();
    const lines = new Set(loki.entries({}).map(({ line }) => line));
    assert.deepEqual([...lines], ['[withheld: LOKI_REDACT_REGEX cannot be read]']);
    assert.deepEqual(
      ownMessages(emulator).map(({ level, fields }) => [level, fields['id']]),
      [['error', 'setting_unusable']],
    );
    assert.ok(!emulator.output.includes('s3cr3t'));
    assertUnharmed(emulator);
  });

  test('what the extension says of itself is redacted too', async (t) => {
    const environment = { LOKI_REDACT: 'email', LOKI_REDACT_REGEX: 'reports', LOKI_DROP_EVENTS: 'reports,a@b.example' };
    const bench = await createBench(t, { environment });
    await bench.emulator.start();
    await bench.emulator.invoke({ lines: ['one'] });
    await bench.emulator.shutdown();
    const said = ownMessages(bench.emulator).map(({ message }) => message);
    assert.equal(said.length, 2);
    for (const message of said) assert.match(message, /^LOKI_DROP_EVENTS holds "\[redacted\]"/);
    assertUnharmed(bench.emulator);
  });
});

const KIB_256 = 262_144;

suite('hostile expressions', { concurrency: 2 }, () => {
  for (const [kind, regex, line] of [
    ['an exponential expression', '^(a+)+$', `${'a'.repeat(60)}!`],
    ['a quadratic expression', 'a+b', 'a'.repeat(KIB_256 - 100)],
  ] as const) {
    test(`${kind} makes no timeout of an invocation whose deadline is near, and what it did not hide is sent`, async (t) => {
      const environment = {
        LOKI_EXCLUDE_REGEX: `${regex}|DEBUG`,
        LOKI_REDACT_REGEX: `${regex}|secret`,
        LOKI_FLUSH_STRATEGY: 'end',
        LOKI_EXTENSION_LOG_LEVEL: 'info',
      };
      const bench = await createBench(t, { environment });
      const { emulator, loki } = bench;
      await emulator.start();
      const lines = ['a secret', line, 'DEBUG x', line, 'INFO y'];
      const { extensionTimedOut } = await emulator.invoke({ lines, durationMs: 2_300, deadlineInMs: 3_000 });
      assert.ok(!extensionTimedOut);
      for (let round = 0; round < 3; round++) await emulator.invoke({ lines });
      await emulator.shutdown();
      assert.deepEqual(
        inOrder(loki, 'function').map((entry) => entry.line),
        Array(4).fill(['a [redacted]', '[redaction timed out]', '[redaction timed out]', 'INFO y']).flat(),
      );
      const ids = ownMessages(emulator).map(({ fields }) => fields['id']);
      assert.ok(ids.includes('filter_slow') && ids.includes('redaction_slow'));
      assert.ok(ids.filter((id) => id === 'redaction_slow').length === 1);
      assert.equal(account(bench)['filtered'], 4);
      assertUnharmed(emulator);
    });
  }
});
