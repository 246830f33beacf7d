// A real Loki that says no: low limits, several tenants, no structured metadata, blocked, stopped and killed in mid-traffic.
// What may be lost is said; everything else arrives, once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateLines } from '../fakes/generate.ts';
import { assertSameLines, createRealBench, expectedLines, linesOf } from './support/bench.ts';
import { lokiVariants } from './support/config.ts';
import { ownLoki } from './support/loki.ts';

const PATIENCE_MS = 60_000;

test('a rate limit is weathered: more than its burst arrives, later and whole', async (t) => {
  const loki = await ownLoki(t, lokiVariants.mediumRate);
  if (loki === undefined) return;
  const bench = await createRealBench(t, loki);
  // Some 400 KB with its metadata, where Loki takes 128 KiB at once and 64 KiB a second.
  const lines = generateLines(1_500, { seed: 3 });
  await bench.emulator.invoke({ lines });
  const entries = await bench.arrived('function', lines.length, PATIENCE_MS);
  assertSameLines(linesOf(entries), lines);
  await bench.emulator.shutdown();
  assert.equal((await bench.stored('extension')).length, 0);
});

test('each tenant sees its own lines and no others', async (t) => {
  const loki = await ownLoki(t, lokiVariants.multiTenant);
  if (loki === undefined) return;
  for (const tenant of ['team-a', 'team-b']) {
    const bench = await createRealBench(t, loki, { tenant });
    await bench.emulator.invoke({ lines: [`for ${tenant}`] });
    await bench.emulator.shutdown();
    assert.deepEqual(linesOf(await bench.stored('function')), [`for ${tenant}`]);
    const other = await createRealBench(t, loki, { tenant: `not-${tenant}` });
    assert.deepEqual(await other.stored(), []);
  }
});

test('without a tenant the function goes on, and the log says once what is wrong', async (t) => {
  const loki = await ownLoki(t, lokiVariants.multiTenant);
  if (loki === undefined) return;
  const bench = await createRealBench(t, loki);
  for (let i = 0; i < 5; i++) await bench.emulator.invoke({ lines: ['lost for want of a tenant'] });
  const { exitCode } = await bench.emulator.shutdown();
  assert.equal(exitCode, 0);
  assert.deepEqual(bench.emulator.violations, []);
  const saying = bench.emulator.output.split('\n').filter((line) => line.includes('no org id'));
  assert.equal(saying.length, 1, bench.emulator.output);
});

test('where structured metadata is not allowed the lines arrive without it, with one warning', async (t) => {
  const loki = await ownLoki(t, lokiVariants.noMetadata);
  if (loki === undefined) return;
  const bench = await createRealBench(t, loki);
  for (let seed = 1; seed <= 3; seed++) await bench.emulator.invoke({ lines: generateLines(300, { seed }) });
  await bench.emulator.shutdown();
  const entries = await bench.stored('function');
  assertSameLines(linesOf(entries), expectedLines(bench.emulator.emitted, 'function'));
  assertSameLines(linesOf(await bench.stored('platform')), expectedLines(bench.emulator.emitted, 'platform'));
  assert.ok(entries.every(({ metadata }) => Object.keys(metadata).length === 0));
  const warnings = bench.emulator.output.split('\n').filter((line) => /metadata/i.test(line));
  assert.equal(warnings.length, 1, bench.emulator.output);
});

test('a blocked tenant costs the lines, not the function', async (t) => {
  const loki = await ownLoki(t, lokiVariants.blocked);
  if (loki === undefined) return;
  const bench = await createRealBench(t, loki);
  for (let i = 0; i < 3; i++) await bench.emulator.invoke({ lines: ['blocked'] });
  const { exitCode } = await bench.emulator.shutdown();
  assert.equal(exitCode, 0);
  assert.deepEqual(await bench.stored(), []);
  assert.match(bench.emulator.output, /blocked/);
});

for (const how of ['stop', 'kill'] as const) {
  test(`nothing is lost or doubled when Loki is ${how === 'stop' ? 'stopped' : 'killed'} and started again in mid-traffic`, async (t) => {
    const loki = await ownLoki(t);
    if (loki === undefined) return;
    const bench = await createRealBench(t, loki, { freeze: true });
    const work = async (seeds: readonly number[]) => {
      for (const seed of seeds) await bench.emulator.invoke({ lines: generateLines(400, { seed }), durationMs: 10 });
    };
    await work([1, 2]);
    await loki[how]();
    await work([3, 4, 5]);
    await loki.start();
    await work([6, 7]);
    await bench.emulator.invoke({ lines: ['long'], durationMs: 3_000 });
    await bench.emulator.shutdown();
    const lines = expectedLines(bench.emulator.emitted, 'function');
    assertSameLines(linesOf(await bench.arrived('function', lines.length, PATIENCE_MS)), lines);
    assertSameLines(linesOf(await bench.stored('platform')), expectedLines(bench.emulator.emitted, 'platform'));
  });
}
