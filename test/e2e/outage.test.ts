// Times in which Loki is not well: what can be delivered is delivered afterwards, every line is accounted for, and the
// function hardly notices.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { generateLines } from '../fakes/generate.ts';
import type { LokiAnswer } from '../fakes/loki/answers.ts';
import { createStarted, invoke, shutDown } from './support/bounded.ts';
import { assertDelivered, assertUnharmed, ownMessages, reportedLosses, sumOf } from './support/expect.ts';

suite('outage', { concurrency: 2 }, () => {
  test('delivers everything once Loki takes connections again', async (t) => {
    const bench = await createStarted(t);
    await invoke(bench, { lines: ['before'] });
    await bench.loki.refuse();
    for (let count = 0; count < 5; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    await bench.loki.listen();
    for (let count = 5; count < 8; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    await shutDown(bench);
    assertDelivered(bench);
    const warnings = ownMessages(bench.emulator);
    assert.equal(warnings.length, 1, bench.emulator.output);
  });

  test('delivers everything once Loki is well after silence', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_PUSH_TIMEOUT_MS: '1000' } });
    bench.loki.script(() => ({ stall: true }));
    for (let count = 0; count < 4; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    bench.loki.script([]);
    await bench.emulator.invoke({ durationMs: 1_200 });
    await invoke(bench, { lines: ['Loki is well'] });
    await shutDown(bench);
    assertDelivered(bench);
    assert.deepEqual(reportedLosses(bench.loki), {});
  });

  test('sends again at SHUTDOWN what hangs on a request that was never answered', async (t) => {
    const bench = await createStarted(t);
    bench.loki.script(() => ({ stall: true }));
    for (let count = 0; count < 4; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    bench.loki.script([]);
    await shutDown(bench);
    assertDelivered(bench);
  });

  test('waits as long as a gateway asks it to', async (t) => {
    const bench = await createStarted(t);
    const { loki } = bench;
    loki.script(() => ({ status: 429, headers: { 'retry-after': '2' } }));
    await invoke(bench, { lines: ['one'] });
    const asked = loki.requests.length;
    assert.ok(asked > 0);
    loki.script([]);
    await invoke(bench, { lines: ['two'] });
    await bench.emulator.invoke({ durationMs: 2_200 });
    const after = loki.requests.slice(asked).map(({ arrivedAtEpochMs }) => arrivedAtEpochMs);
    const last = loki.requests[asked - 1]?.arrivedAtEpochMs ?? 0;
    assert.ok(Math.min(...after) - last >= 1_990, 'the next push comes two seconds later');
    await shutDown(bench);
    assertDelivered(bench);
  });

  test('gives up on one poisonous entry after bounded tries, and delivers the others', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '20' } });
    const { loki, emulator } = bench;
    const poisonous = (lines: readonly { line: string }[]) => lines.some(({ line }) => line.includes('poison'));
    loki.script((request) => (poisonous(request.streams[0]?.entries ?? []) ? { status: 500 } : undefined));
    await invoke(bench, { lines: [...generateLines(20), 'poison', ...generateLines(20, { seed: 2 })] });
    for (let count = 0; count < 40 && sumOf(reportedLosses(loki)) === 0; count++) {
      await invoke(bench, { lines: [`more ${count}`], durationMs: 50 });
    }
    await shutDown(bench);
    assert.deepEqual(reportedLosses(loki), { retries_exhausted: 1 });
    const stored = loki.lines('function').length + loki.lines('platform').length;
    assert.equal(stored + 1, emulator.emitted.length, 'sent = stored + dropped');
    assert.ok(loki.requests.length < 300, `${loki.requests.length} requests`);
  });

  test('goes through all of them in turn, and accounts for every line', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_PUSH_TIMEOUT_MS: '300' } });
    const { loki, emulator } = bench;
    const statuses = [260, 400, 401, 413, 429, 500, 503];
    const answers: LokiAnswer[] = [...statuses.map((status) => ({ status })), { reset: true }, { stall: true }];
    for (const [seed, answer] of answers.entries()) {
      loki.script([answer]);
      await invoke(bench, { lines: generateLines(30, { seed }) });
      await invoke(bench, { lines: ['in between'] });
    }
    await loki.refuse();
    for (let count = 0; count < 3; count++) await invoke(bench, { lines: ['while Loki refuses'] });
    await loki.listen();
    loki.script([]);
    for (let count = 0; count < 6; count++) await invoke(bench, { lines: ['Loki is well'], durationMs: 30 });
    await shutDown(bench);
    const stored = loki.lines('function').length + loki.lines('platform').length;
    const losses = reportedLosses(loki);
    assert.equal(stored + sumOf(losses), emulator.emitted.length, `sent = stored + dropped ${JSON.stringify(losses)}`);
    const refused = loki.requests.filter(({ status }) => status === 260 || status === 400);
    const lost = refused.reduce((sum, { streams }) => sum + (streams[0]?.entries.length ?? 0), 0);
    assert.equal(sumOf(losses), lost, 'only what Loki has refused for good is lost');
    assert.equal(refused.length, 2);
  });

  test('lets invocations go by without waiting once Loki has failed often enough', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_FLUSH_TIMEOUT_MS: '3000' } });
    const { loki, emulator } = bench;
    loki.script(() => ({ stall: true }));
    const held: number[] = [];
    for (let count = 0; count < 4; count++) {
      const result = await emulator.invoke({ lines: [`${count}`], deadlineInMs: 20_000 });
      held.push(result.heldMs ?? Number.POSITIVE_INFINITY);
    }
    assert.ok((held[0] ?? 0) >= 2_500, `the first waits: ${held.join(', ')} ms`);
    for (const heldMs of held.slice(1)) assert.ok(heldMs < 2_500, `the others do not: ${held.join(', ')} ms`);
    const { exitCode } = await emulator.shutdown();
    assert.equal(exitCode, 0);
    assertUnharmed(emulator);
  });
});
