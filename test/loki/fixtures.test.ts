// Every record of the fixtures, delivered as one body, read back from a real Loki that does not look at the age of entries:
// each line byte for byte, each once, at the moment that its record states.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertSameLines, createRealBench, expectedLine, linesOf, type RealBenchOptions } from './support/bench.ts';
import { lokiVariants } from './support/config.ts';
import { ownLoki } from './support/loki.ts';
import { lastHour, type QueryWindow } from './support/query.ts';

type FixtureRecord = { readonly time?: unknown; readonly type?: unknown; readonly record?: unknown };

const NS_PER_MS = 1_000_000n;
const DAY_MS = 86_400_000;
const LOSSES = 'log lines were lost';

/** The times of the fixtures; one window over all of them would make Loki look through 130 years of daily tables. */
function windows(): readonly QueryWindow[] {
  const from = (startMs: number, days: number) => ({
    startNs: BigInt(startMs) * NS_PER_MS,
    endNs: BigInt(startMs + days * DAY_MS) * NS_PER_MS,
  });
  const past = [from(0, 1), from(Date.UTC(2025, 11, 1), 1), from(Date.UTC(2026, 0, 5), 1)];
  return [...past, lastHour(), from(Date.UTC(2099, 11, 31), 1)];
}

const cases: readonly (readonly [string, RealBenchOptions])[] = [
  ['logs-api-2021-03-18.json', { environment: { LOKI_EXTENSION_API: 'logs' } }],
  ['telemetry-api-2022-12-13.json', { environment: { LOKI_EXTENSION_API: 'telemetry' } }],
  ['telemetry-api-2025-01-29-managed-instances.json', { mode: 'managed-instances' }],
];

for (const [file, options] of cases) {
  test(`${file}: every record is in Loki once, at its own moment`, async (t) => {
    const loki = await ownLoki(t, lokiVariants.anyAge);
    if (loki === undefined) return;
    const body = readFileSync(join(import.meta.dirname, '../fixtures', file));
    const records: readonly FixtureRecord[] = JSON.parse(body.toString());
    const types = { LOKI_LOG_TYPES: 'platform,function,extension' };
    const environment = { ...options.environment, ...types };
    const bench = await createRealBench(t, loki, { ...options, windows: windows(), environment });
    await bench.emulator.start();
    await bench.emulator.deliver([body]);
    const { exitCode } = await bench.emulator.shutdown();
    assert.equal(exitCode, 0);
    // Our own output is recognised and does not come back; each fixture holds a platform.logsDropped, told in one line.
    const emitted: readonly FixtureRecord[] = bench.emulator.emitted.filter(({ type }) => type !== 'extension');
    const all = await bench.stored();
    const summaries = all.filter(({ labels, line }) => labels['type'] === 'extension' && line.includes(LOSSES));
    assert.equal(summaries.length, 1);
    const stored = all.filter((entry) => !summaries.includes(entry));
    const lines = [...records, ...emitted].map(expectedLine).filter((line) => line !== '');
    assertSameLines(linesOf(stored).toSorted(), lines.toSorted());
    for (const record of records) {
      const statedMs = typeof record.time === 'string' ? Date.parse(record.time) : Number.NaN;
      if (!/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/.test(String(record.time)) || expectedLine(record) === '') continue;
      const held = stored.filter((entry) => entry.line === expectedLine(record));
      assert.ok(
        held.some((entry) => entry.timestampNs / NS_PER_MS === BigInt(statedMs)),
        `${record.time}: ${expectedLine(record).slice(0, 100)}`,
      );
    }
  });
}
