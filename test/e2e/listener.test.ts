// The listener: 200 at once and always, whatever the body is and whatever Loki does, and what can be read is sent.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import type { Delivery } from '../fakes/lambda/delivery.ts';
import { functionRecord } from '../fakes/lambda/records.ts';
import { startSilentServer } from '../fakes/silent-server.ts';
import {
  assertDelivered,
  assertHealthy,
  assertSameLines,
  assertUnharmed,
  inOrder,
  reportedLosses,
} from './support/expect.ts';

interface SplitCase {
  readonly name: string;
  readonly bodies: readonly string[];
  readonly expect: readonly { readonly type: string; readonly record: unknown }[];
  readonly expectLost?: number;
}

const { cases }: { cases: readonly SplitCase[] } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../fixtures/split-bodies.json'), 'utf8'),
);
const anyTime = { limits: { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined } };
const largestBody = 8 * 1024 * 1024;

suite('listener', { concurrency: 2 }, () => {
  test('there are split bodies to test with', () => assert.ok(cases.length >= 11));

  for (const { name, bodies, expect, expectLost = 0 } of cases) {
    test(`salvages what can be read: ${name}`, async (t) => {
      const { emulator, loki } = await createBench(t, { loki: anyTime });
      await emulator.start();
      await emulator.invoke({
        lines: ['before'],
        during: async () => assertAnswered(await emulator.deliver(bodies)),
      });
      await emulator.invoke({ lines: ['after'] });
      await emulator.shutdown();
      const lineOf = ({ record }: { record: unknown }) =>
        typeof record === 'string' ? record.replace(/\r?\n$/, '') : JSON.stringify(record);
      const salvaged = expect.filter(({ type }) => type === 'function').map(lineOf);
      const lines = loki.lines('function');
      assertSameLines(
        lines.filter((line) => line !== 'before' && line !== 'after'),
        salvaged,
        'function',
      );
      // The salvaged ones are months old and leave in a batch of their own, ahead of the others.
      assert.ok(lines.indexOf('before') < lines.indexOf('after') && lines.includes('before'));
      const own = new Set(emulator.emitted.map((record) => JSON.stringify(record)));
      assertSameLines(
        loki.lines('platform').filter((line) => !own.has(line)),
        expect.filter(({ type }) => type.startsWith('platform')).map((event) => JSON.stringify(event)),
        'platform',
      );
      assert.deepEqual(reportedLosses(loki), expectLost === 0 ? {} : { unreadable_record: expectLost });
      assertUnharmed(emulator);
    });
  }

  test('answers bodies that are no records at all, counts them, and reads the next one', async (t) => {
    const { emulator, loki } = await createBench(t);
    await emulator.start();
    const unreadable = ['42', 'null', '"a text"', 'true', '<html>502</html>', Buffer.from([0xff, 0xfe, 0x00, 0x80])];
    const harmless = ['', '   ', '[]'];
    await emulator.invoke({
      during: async () => assertAnswered(await emulator.deliver([...unreadable, ...harmless])),
    });
    await emulator.invoke({ lines: ['still here'] });
    await emulator.shutdown();
    assert.deepEqual(loki.lines('function'), ['still here']);
    assert.deepEqual(reportedLosses(loki), { unreadable_record: unreadable.length });
    assertUnharmed(emulator);
  });

  test('takes a body by POST and PUT, whole and in chunks', async (t) => {
    const bench = await createBench(t);
    const { emulator, loki } = bench;
    await emulator.start();
    const bodyOf = (mark: string) =>
      JSON.stringify(Array.from({ length: 300 }, (_, index) => functionRecord(`${mark} ${index} ${'é'.repeat(200)}`)));
    await emulator.invoke({
      during: async () => {
        assertAnswered(await emulator.deliver([bodyOf('POST')]));
        assertAnswered(await emulator.deliver([bodyOf('PUT')], { method: 'PUT' }));
        assertAnswered(await emulator.deliver([bodyOf('POST in chunks')], { chunked: true }));
        assertAnswered(await emulator.deliver([bodyOf('PUT in chunks')], { method: 'PUT', chunked: true }));
      },
    });
    for (const mark of ['POST', 'PUT', 'POST in chunks', 'PUT in chunks']) {
      const lines = loki.lines('function').filter((line) => /^\D+/.exec(line)?.[0] === `${mark} `);
      assert.equal(lines.length, 300, mark);
    }
    assertHealthy(bench);
  });

  test('takes a body of 8 MiB to its last byte, answers a larger one, and counts it', async (t) => {
    // The whole of it must fit into the buffer, whatever Loki does meanwhile.
    const bench = await createBench(t, {
      function: { memorySizeMb: 1_024 },
      environment: { LOKI_FLUSH_TIMEOUT_MS: '30000' },
    });
    const { emulator, loki } = bench;
    await emulator.start();
    const largest = bodyOfBytes(largestBody);
    assert.equal(Buffer.byteLength(largest), largestBody);
    await emulator.invoke({
      deadlineInMs: 60_000,
      during: async () => {
        assertAnswered(await emulator.deliver([largest]));
        assertAnswered(await emulator.deliver([bodyOfBytes(largestBody + 1)]));
        assertAnswered(await emulator.deliver([bodyOfBytes(2 * largestBody)], { chunked: true }));
      },
    });
    await emulator.invoke({ lines: ['after it'] });
    await emulator.shutdown();
    const records: readonly { record: string }[] = JSON.parse(largest);
    const lines = inOrder(loki, 'function').map((entry) => entry.line);
    assertSameLines(lines, [...records.map(({ record }) => record), 'after it'], 'function');
    assert.deepEqual(reportedLosses(loki), { body_too_large: 2 });
    assertUnharmed(emulator);
  });

  test('answers every body at the first attempt while every push stalls', async (t) => {
    const silent = await startSilentServer();
    t.after(() => silent.close());
    const { emulator } = await createBench(t, {
      endpoint: () => silent.url,
      environment: { LOKI_FLUSH_TIMEOUT_MS: '500', LOKI_BATCH_MAX_WAIT_MS: '10', LOKI_EXTENSION_LOG_LEVEL: 'silent' },
    });
    await emulator.start();
    const line = 'x'.repeat(600);
    const body = JSON.stringify(Array.from({ length: 1_000 }, (_, index) => functionRecord(`${index} ${line}`)));
    const answers: Delivery[] = [];
    await emulator.invoke({
      during: async () => {
        for (let count = 0; count < 20; count++) answers.push(...(await emulator.deliver([body])));
      },
    });
    assertAnswered(answers);
    assert.ok(silent.bytes > 0, 'pushes were under way');
    t.diagnostic(`20 bodies of ${body.length} bytes: ${answerTimes(answers)}`);
    assertUnharmed(emulator);
  });

  test('keeps bodies that come before the first event', async (t) => {
    const bench = await createBench(t);
    const { emulator } = bench;
    await emulator.start();
    for (let count = 0; count < 20; count++) emulator.log([`static code ${count}`]);
    await emulator.delivered();
    await emulator.invoke({ lines: ['first line of the handler'] });
    assertDelivered(bench);
    assertHealthy(bench);
  });
});

function assertAnswered(deliveries: readonly Delivery[]): void {
  assert.ok(deliveries.length > 0);
  for (const { attempts } of deliveries) {
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      [200],
    );
  }
}

function answerTimes(deliveries: readonly Delivery[]): string {
  const times = deliveries.flatMap(({ attempts }) => attempts.map(({ tookMs }) => tookMs)).sort((a, b) => a - b);
  const at = (share: number) => `${(times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1)} ms`;
  return `answered after ${at(0.5)} (median), ${at(1)} (longest)`;
}

/** A body of function records, without newlines, of exactly this length; each line is short enough not to be split. */
function bodyOfBytes(bytes: number): string {
  const time = new Date().toISOString();
  const envelope = JSON.stringify({ time, type: 'function', record: '' }).length + 1;
  const count = Math.ceil(bytes / 200_000);
  const each = Math.floor((bytes - 1) / count) - envelope;
  const records = Array.from({ length: count }, (_, index) => {
    const extra = index === 0 ? bytes - 1 - count * (each + envelope) : 0;
    const mark = `${index} `;
    return { time, type: 'function', record: mark + 'abcdefghij'.repeat(21_000).slice(0, each + extra - mark.length) };
  });
  return JSON.stringify(records);
}
