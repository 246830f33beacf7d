// From the function's lines to a receiver that nobody here wrote, and back through its query API: nanosecond, line, labels and
// structured metadata of every entry. A push without a time is given the time of receipt there, so time 0 becomes now.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sorted } from '../e2e/support/expect.ts';
import { assertArrived, lineOfRecord, readFixture } from '../e2e/support/fixture.ts';
import { extensionExecutable, freePort } from '../fakes/extension.ts';
import { generateLines } from '../fakes/generate.ts';
import type { EmulatorOptions } from '../fakes/lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../fakes/lambda-emulator.ts';
import type { StoredEntry } from '../fakes/loki/store.ts';
import { startReceiver } from './support/receiver.ts';
import { startTee } from './support/tee.ts';

async function startExtension(
  t: TestContext,
  endpoint: string,
  { environment, ...options }: EmulatorOptions = {},
): Promise<LambdaEmulator> {
  const emulator = await createLambdaEmulator({
    ...options,
    executable: extensionExecutable(),
    environment: {
      LOKI_PUSH_ENDPOINT: endpoint,
      LOKI_EXTENSION_PORT: String(await freePort()),
      LOKI_LOG_TYPES: 'platform,function,extension',
      ...environment,
    },
  });
  t.after(() => emulator.stop());
  await emulator.start();
  return emulator;
}

/** Entries of the test's own records: without the sandbox's own platform events, and without our own lines. */
function delivered(entries: readonly StoredEntry[], emulator: LambdaEmulator): readonly StoredEntry[] {
  const events = new Set(emulator.emitted.map((record) => JSON.stringify(record)));
  return entries.filter(({ line, labels }) => !events.has(line) && !(labels['type'] === 'extension' && isOurs(line)));
}

const isOurs = (line: string) => line.includes('log lines were lost');

const cases: readonly (readonly [string, EmulatorOptions])[] = [
  ['logs-api-2021-03-18.json', { environment: { LOKI_EXTENSION_API: 'logs' } }],
  ['telemetry-api-2022-12-13.json', { environment: { LOKI_EXTENSION_API: 'telemetry' } }],
  ['telemetry-api-2025-01-29-managed-instances.json', { mode: 'managed-instances' }],
];

for (const [file, options] of cases) {
  test(`${file}: every record is there once, in its stream, at its nanosecond`, async (t) => {
    const receiver = await startReceiver(t);
    const fixture = readFixture(file);
    const sinceMs = Date.now();
    const emulator = await startExtension(t, receiver.endpoint, options);
    await emulator.deliver([fixture.text]);
    const { exitCode } = await emulator.shutdown();
    assert.equal(exitCode, 0);
    const all = await receiver.entries();
    const records = fixture.records.filter((record) => lineOfRecord(record) !== '');
    assertArrived(delivered(all, emulator), { ...fixture, records }, sinceMs, 1n);
  });
}

test('odd text is there as it was written', async (t) => {
  const receiver = await startReceiver(t);
  const odd = 'a\uFFFDb "q" \\ \u{1F600} ü';
  const emulator = await startExtension(t, receiver.endpoint, { environment: { LOKI_LOG_LABELS: `odd=${odd}` } });
  const texts = [
    ...['\uD83D half', 'half \uDE00', '\uFFFD', '\0 nul', '\u001b[31mred\u007f', '\u202Eabc', '\u2028', '\uFEFFmark'],
    ...['\r\ntwo\nlines\r', '  spaces  ', '\t', '"', '\\', '\\u0041', '{"a":1}', '{"_msg":"no","_time":"1"}', '[1,2'],
    ...[
      'Grüße, 世界 \u{1F469}\u200D\u{1F680}',
      'e\u0301',
      '\u0600\u0B95\u0BCD',
      'x'.repeat(200_000),
      'é€\u{1F600}'.repeat(9),
    ],
  ];
  const time = new Date().toISOString();
  // JSON.stringify writes a lone surrogate as an escape, which is how the platform delivers it.
  await emulator.deliver([JSON.stringify(texts.map((record) => ({ time, type: 'function', record })))]);
  await emulator.shutdown();
  const entries = (await receiver.entries()).filter(({ labels }) => labels['type'] === 'function');
  assert.deepEqual(
    entries.map(({ line }) => line),
    texts.map((text) => text.toWellFormed()),
  );
  // Loki refuses U+FFFD in a label.
  for (const { labels } of entries) assert.equal(labels['odd'], odd.replace('\uFFFD', '?'));
});

test('fifty equal lines of one millisecond are there, each at the next nanosecond', async (t) => {
  const receiver = await startReceiver(t);
  const emulator = await startExtension(t, receiver.endpoint);
  const time = new Date().toISOString();
  const records = Array.from({ length: 50 }, () => ({ time, type: 'function', record: 'same again\n' }));
  const { requestId } = await emulator.invoke({ records });
  await emulator.shutdown();
  const entries = (await receiver.entries()).filter(({ labels }) => labels['type'] === 'function');
  const firstNs = BigInt(Date.parse(time)) * 1_000_000n;
  assert.deepEqual(
    entries.map(({ line, timestampNs, metadata }) => ({ line, timestampNs, requestId: metadata['request_id'] })),
    records.map((_, index) => ({ line: 'same again', timestampNs: firstNs + BigInt(index), requestId })),
  );
});

test('100,000 mixed lines and their events are there as another decoder reads them, and as they were emitted', async (t) => {
  const receiver = await startReceiver(t);
  const { endpoint, loki } = await startTee(t, receiver.endpoint);
  const emulator = await startExtension(t, endpoint, { function: { memorySizeMb: 1024 } });
  for (let seed = 1; seed <= 20; seed++) {
    await emulator.invoke({ lines: generateLines(5_000, { seed }), alias: 'live', durationMs: 20 });
  }
  await emulator.shutdown({ deadlineInMs: 30_000 });
  const entries = await receiver.entries();
  assert.deepEqual(emulator.violations, []);
  assert.equal(entries.filter(({ labels }) => labels['type'] === 'function').length, 100_000);
  assertEqualEntries(entries, loki.entries());
  assert.equal(loki.duplicates, 0);
});

/** By the first difference: a full diff of so many would take minutes and tell nobody anything. */
function assertEqualEntries(actual: readonly StoredEntry[], expected: readonly StoredEntry[]): void {
  for (const type of ['function', 'platform', 'extension']) {
    const [ours, theirs] = [actual, expected].map((all) => sorted(all.filter(({ labels }) => labels['type'] === type)));
    for (const [index, { timestampNs, line, labels, metadata }] of theirs?.entries() ?? []) {
      const one = ours?.[index];
      const seen = { timestampNs: one?.timestampNs, line: one?.line, labels: one?.labels, metadata: one?.metadata };
      assert.deepEqual(seen, { timestampNs, line, labels, metadata }, `${type} ${index}`);
    }
    assert.equal(ours?.length, theirs?.length, type);
  }
}
