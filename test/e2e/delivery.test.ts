// Every line exactly once: floods, resends, batches, a buffer that overflows, and the account of it all.
// received = accepted + dropped + held is checked from outside: what was sent is in Loki, or named in a summary line.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { createBench, lineOf } from '../fakes/extension.ts';
import { generateLines, seededRandom } from '../fakes/generate.ts';
import type { Delivery } from '../fakes/lambda/delivery.ts';
import { functionRecord, type LambdaRecord } from '../fakes/lambda/records.ts';
import { startLokiThread } from '../fakes/loki-thread.ts';
import {
  assertDelivered,
  assertHealthy,
  assertSameLines,
  assertUnharmed,
  expectedOf,
  reportedLosses,
  sorted,
  sumOf,
} from './support/expect.ts';

suite('delivery', { concurrency: 1 }, () => {
  test('delivers 100,000 mixed lines of one invocation, once, byte for byte, in order', async (t) => {
    const loki = await startLokiThread();
    t.after(() => loki.close());
    const { emulator } = await createBench(t, {
      endpoint: () => loki.url,
      environment: { LOKI_FLUSH_TIMEOUT_MS: '60000' },
    });
    await emulator.start();
    const bodies = floodBodies(100_000, 20);
    const answers: Delivery[] = [];
    await emulator.invoke({
      deadlineInMs: 90_000,
      during: async () => {
        for (const { body } of bodies) answers.push(...(await emulator.deliver([body])));
      },
    });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    const { entries, duplicates, requests } = await loki.snapshot();
    const lines = sorted(entries.filter(({ labels }) => labels['type'] === 'function')).map(({ line }) => line);
    assertSameLines(
      lines,
      bodies.flatMap(({ records }) => records.map(({ record }) => lineOf(String(record)))),
      'function',
    );
    assert.equal(duplicates, 0);
    for (const { streams, rawBytes } of requests) {
      assert.equal(streams, 1);
      assert.ok(rawBytes <= 1_048_576, `a request of ${rawBytes} bytes`);
    }
    assert.deepEqual(
      answers.map(({ attempts }) => attempts.map(({ outcome }) => outcome)),
      bodies.map(() => [200]),
    );
    reportAnswers(t, answers);
    assertUnharmed(emulator);
    assert.equal(emulator.output, '');
  });

  test('puts one stream into each request, and no more bytes than it may', async (t) => {
    const maxBytes = 65_536;
    const environment = { LOKI_BATCH_MAX_BYTES: String(maxBytes), LOKI_LOG_TYPES: 'platform,function,extension' };
    const bench = await createBench(t, { environment });
    const { emulator, loki } = bench;
    await emulator.start();
    await emulator.invoke({
      lines: generateLines(3_000),
      records: [{ type: 'extension', record: 'from a neighbour\n' }],
    });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    for (const { streams, raw } of loki.requests) {
      assert.equal(streams.length, 1);
      assert.ok((raw?.length ?? 0) <= maxBytes);
    }
    const full = loki.requests.filter(({ raw }) => (raw?.length ?? 0) > maxBytes - 2_000);
    assert.ok(full.length >= 5, 'batches are filled before they leave');
    assertDelivered(bench, ['function', 'platform', 'extension']);
    assertHealthy(bench);
  });

  for (const [what, answer] of [
    ['the connection is reset', { resetAfterStore: true }],
    ['500 is answered', { status: 500, store: true }],
    ['no answer comes in time', { delayMs: 60_000 }],
  ] as const) {
    test(`resends the very same bytes when Loki has stored a push and ${what}`, async (t) => {
      const environment = {
        LOKI_PUSH_TIMEOUT_MS: '300',
        LOKI_RETRY_MAX_BACKOFF_MS: '20',
        LOKI_RETRY_MIN_BACKOFF_MS: '10',
      };
      const bench = await createBench(t, { environment });
      const { emulator, loki } = bench;
      await emulator.start();
      await emulator.invoke({ lines: ['before'] });
      loki.script([answer, answer]);
      for (let count = 0; count < 3; count++) await emulator.invoke({ lines: generateLines(100, { seed: count }) });
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertUnharmed(emulator);
      assert.ok(loki.duplicates > 0, 'Loki has recognised what came again');
      const bodies = loki.requests.map(({ wire }) => wire.toString('latin1'));
      assert.equal(bodies.length - new Set(bodies).size, 2, 'two pushes came again as they were');
    });
  }

  test('sends what is old enough while a long invocation runs', async (t) => {
    const bench = await createBench(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '50' } });
    const { emulator, loki } = bench;
    await emulator.start();
    await emulator.invoke({
      during: async () => {
        for (const line of ['first', 'second', 'third']) {
          emulator.log([line]);
          await loki.waitFor((server) => server.lines('function').includes(line), 5_000);
        }
      },
    });
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('accounts for every line when the buffer overflows, and keeps the errors', async (t) => {
    const bench = await createBench(t, {
      environment: {
        LOKI_BUFFER_MAX_BYTES: '524288',
        LOKI_BATCH_MAX_BYTES: '65536',
        LOKI_FLUSH_TIMEOUT_MS: '200',
        LOKI_RETRY_MIN_BACKOFF_MS: '1',
        LOKI_RETRY_MAX_BACKOFF_MS: '20',
      },
    });
    const { emulator, loki } = bench;
    await emulator.start();
    loki.script(() => ({ status: 503 }));
    const random = seededRandom(7);
    // Incompressible, so that the bound is reached whether it counts bytes before or after compression.
    const noise = () => Array.from({ length: 40 }, () => random().toString(36).slice(2)).join('');
    const lines = Array.from(
      { length: 6_000 },
      (_, index) => `${index % 300 === 0 ? '[ERROR] ' : ''}${index} ${noise()}`,
    );
    await emulator.invoke({ lines });
    await emulator.invoke({ lines: ['during the outage'] });
    loki.script([]);
    for (let count = 0; count < 5; count++) await emulator.invoke({ lines: [`after the outage ${count}`] });
    assert.equal((await emulator.shutdown()).exitCode, 0);
    const losses = reportedLosses(loki);
    assert.ok((losses['buffer_full'] ?? 0) > 1_000, JSON.stringify(losses));
    const stored = [...loki.lines('function'), ...loki.lines('platform')];
    assert.equal(stored.length + sumOf(losses), emulator.emitted.length, 'sent = stored + dropped');
    const expected = new Set(expectedLines(emulator.emitted));
    for (const line of stored) assert.ok(expected.has(line));
    const errors = lines.filter((line) => line.startsWith('[ERROR]'));
    const kept = new Set(stored);
    assert.deepEqual(
      errors.filter((line) => !kept.has(line)),
      [],
      'errors go last',
    );
    assertUnharmed(emulator);
    assert.equal(loki.duplicates, 0);
  });
});

interface FloodBody {
  readonly body: string;
  readonly records: readonly LambdaRecord[];
}

/** Mixed lines, many in each millisecond, as function records in bodies of equal length. */
function floodBodies(lines: number, bodies: number): readonly FloodBody[] {
  const each = lines / bodies;
  const all = generateLines(lines);
  return Array.from({ length: bodies }, (_, index) => {
    const records = all.slice(index * each, (index + 1) * each).map(functionRecord);
    return { records, body: JSON.stringify(records) };
  });
}

function expectedLines(records: readonly LambdaRecord[]): readonly string[] {
  return [...expectedOf(records, 'function'), ...expectedOf(records, 'platform')].map(({ line }) => line);
}

function reportAnswers(t: TestContext, answers: readonly Delivery[]): void {
  const times = answers.flatMap(({ attempts }) => attempts.map(({ tookMs }) => tookMs.toFixed(0)));
  const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0);
  t.diagnostic(`${answers.length} bodies, ${bytes} bytes, answered after ${times.join(', ')} ms`);
}
