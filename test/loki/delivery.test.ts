// From the function's lines to a real Loki and back through its query API: every line, byte for byte, in order, once.
// Runs against any Loki with default limits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateLines, lineOfBytes } from '../fakes/generate.ts';
import { assertSameLines, createRealBench, expectedLines, linesOf } from './support/bench.ts';
import { startGateway } from './support/gateway.ts';
import { anyLoki } from './support/loki.ts';
import type { StoredEntry } from './support/query.ts';

const MAX_LINE_BYTES = 262_144;

test('every line and every platform event is in Loki once, byte for byte and in order', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t), { freeze: true });
  for (let seed = 1; seed <= 5; seed++)
    await bench.emulator.invoke({ lines: generateLines(1_500, { seed }), durationMs: 20 });
  await bench.emulator.shutdown();
  assertSameLines(linesOf(await bench.stored('function')), expectedLines(bench.emulator.emitted, 'function'));
  assertSameLines(linesOf(await bench.stored('platform')), expectedLines(bench.emulator.emitted, 'platform'));
  assert.equal((await bench.stored('extension')).length, 0);
  assert.deepEqual(bench.emulator.violations, []);
});

test('labels and structured metadata are as documented', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t), {
    environment: { LOKI_LOG_LABELS: 'env=prod, team = a=b', LOKI_SERVICE_NAME: 'shop' },
  });
  const tracing = 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1';
  const lines = ['plain', '{"level":"warn","message":"x"}', '{"level":50,"time":1767607200447,"msg":"pino"}'];
  const first = await bench.emulator.invoke({ lines, tracing });
  const second = await bench.emulator.invoke({ lines });
  await bench.emulator.shutdown();
  const entries = await bench.stored();
  const { name, region, version, accountId } = bench.emulator.function;
  for (const { labels } of entries) {
    const { type, ...rest } = labels;
    assert.ok(type === 'function' || type === 'platform', type);
    const own = { env: 'prod', team: 'a=b' };
    assert.deepEqual(rest, {
      ...own,
      service_name: 'shop',
      function_name: name,
      account_id: accountId,
      region,
      source: 'lambda',
    });
  }
  const functions = entries.filter((entry) => entry.labels['type'] === 'function');
  const metadata = functions.map((entry) => sent(entry));
  const instance = metadata[0]?.['instance'];
  assert.match(instance ?? '', /^.{8,}$/);
  const common = { function_version: version, instance };
  const trace = { trace_id: '1-695b8ba0-0f3c2b1a4d5e6f7081920a1b' };
  const expected = [
    { ...common, ...trace, request_id: first.requestId },
    { ...common, ...trace, request_id: first.requestId, level: 'warn' },
    { ...common, ...trace, request_id: first.requestId, level: 'error' },
    { ...common, request_id: second.requestId },
    { ...common, request_id: second.requestId, level: 'warn' },
    { ...common, request_id: second.requestId, level: 'error' },
  ];
  assert.deepEqual(metadata, expected);
  for (const entry of entries.filter(({ labels }) => labels['type'] === 'platform')) {
    const event = JSON.parse(entry.line);
    assert.equal(entry.metadata['event'], event.type);
    assert.equal(entry.metadata['request_id'] ?? undefined, event.record.requestId);
  }
});

test('equal lines of one millisecond are all kept', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t));
  const time = new Date().toISOString();
  const records = Array.from({ length: 3_000 }, () => ({ time, type: 'function', record: 'same again\n' }));
  await bench.emulator.invoke({ records });
  await bench.emulator.shutdown();
  const entries = await bench.stored('function');
  assertSameLines(linesOf(entries), new Array<string>(3_000).fill('same again'));
  const firstNs = BigInt(Date.parse(time)) * 1_000_000n;
  assert.deepEqual(
    entries.map((entry) => entry.timestampNs - firstNs),
    entries.map((_, index) => BigInt(index)),
  );
});

test('a push whose answer is lost is sent again as it was, and nothing comes twice', async (t) => {
  const loki = await anyLoki(t);
  const gateway = await startGateway(t, loki.url, ['lose answer', 'answer', 'lose answer', 'lose answer']);
  const bench = await createRealBench(t, loki, { endpoint: gateway.url });
  for (let seed = 1; seed <= 4; seed++) await bench.emulator.invoke({ lines: generateLines(200, { seed }) });
  await bench.emulator.shutdown();
  const lines = expectedLines(bench.emulator.emitted, 'function');
  assertSameLines(linesOf(await bench.arrived('function', lines.length)), lines);
  assert.ok(gateway.statuses.every((status) => status === 204));
  const distinct = new Set(gateway.bodies.map((body) => body.toString('base64')));
  assert.equal(gateway.bodies.length - distinct.size, 3, 'each lost answer makes one resend of the same bytes');
});

test('lines at the limit stay whole, longer ones come in numbered parts that make up the line', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t));
  const sizes = [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 1_000_000];
  const lines = sizes.map((bytes, index) => lineOfBytes(bytes, 'abcd'[index]));
  await bench.emulator.invoke({ lines });
  await bench.emulator.shutdown();
  const entries = await bench.stored('function');
  assert.deepEqual(
    entries.map((entry) => entry.metadata['part']),
    [...[undefined, undefined, '1/2', '2/2'], ...['1/4', '2/4', '3/4', '4/4']],
  );
  const rebuilt: string[] = [];
  for (const { line, metadata } of entries) {
    assert.ok(Buffer.byteLength(line) <= MAX_LINE_BYTES);
    if (metadata['part'] === undefined || metadata['part'].startsWith('1/')) rebuilt.push(line);
    else rebuilt[rebuilt.length - 1] += line;
  }
  assertSameLines(rebuilt, lines);
});

test('several MiB of one invocation arrive whole', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t), { function: { memorySizeMb: 1024 } });
  const lines = generateLines(40_000, { seed: 7 });
  assert.ok(lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) > 4 * 1024 * 1024);
  await bench.emulator.invoke({ lines });
  const entries = await bench.arrived('function', lines.length);
  assertSameLines(linesOf(entries), lines);
  await bench.emulator.shutdown();
});

test('broken and odd characters do no harm, in lines as in labels', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t), {
    environment: { LOKI_LOG_LABELS: 'odd=a\uFFFDb "q" \\ \u{1F600}' },
  });
  const texts = [
    '\uD83D half',
    'half \uDE00',
    '\uFFFD',
    '\0 nul',
    '\u001b[31mred',
    '\r\ntwo\nlines\r',
    '\u202Eabc',
    '\u2028',
  ];
  await bench.emulator.start();
  const time = new Date().toISOString();
  // JSON.stringify writes a lone surrogate as an escape, which is how the platform delivers it.
  const body = JSON.stringify(texts.map((record) => ({ time, type: 'function', record })));
  await bench.emulator.deliver([body]);
  await bench.emulator.invoke({ lines: ['good'] });
  await bench.emulator.shutdown();
  const expected = [...texts.map((text) => text.toWellFormed()), 'good'];
  assert.deepEqual(linesOf(await bench.stored('function')), expected);
});

test('the lines of a timed-out and of a crashed invocation arrive like any others', async (t) => {
  const bench = await createRealBench(t, await anyLoki(t), { freeze: true });
  await bench.emulator.invoke({ lines: ['before'] });
  await bench.emulator.invoke({ lines: ['will time out'], outcome: 'timeout', deadlineInMs: 1_500 });
  await bench.emulator.invoke({ lines: ['will crash'], outcome: 'crash' });
  await bench.emulator.invoke({ lines: ['after'] });
  await bench.emulator.shutdown();
  assert.deepEqual(linesOf(await bench.stored('function')), ['before', 'will time out', 'will crash', 'after']);
  assertSameLines(
    linesOf(await bench.stored('platform')).toSorted(),
    expectedLines(bench.emulator.emitted, 'platform').toSorted(),
  );
});

// Loki adds `detected_level` to whatever it stores.
function sent({ metadata }: StoredEntry): Readonly<Record<string, string>> {
  const { detected_level: _, ...rest } = metadata;
  return rest;
}
