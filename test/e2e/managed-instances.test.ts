// Lambda Managed Instances: many invocations at once, no INVOKE event, no end of an invocation, no freeze, the Telemetry
// API alone. Between init and SHUTDOWN nothing tells the extension to do anything: it must do it by itself.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../fakes/extension.ts';
import { generateLines, lineOfBytes } from '../fakes/generate.ts';
import { assertAccounted, assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';
import { anyTime, assertArrived, entryOf, readFixture } from './support/fixture.ts';
import { arrivalTimeoutMs, arrived, createManaged, shutDown } from './support/managed.ts';

const registerPath = '/2020-01-01/extension/register';
/** So long that nothing leaves by its age. */
const never = '900000';

const fixture = readFixture('telemetry-api-2025-01-29-managed-instances.json');

/** The bodies of all calls to register, in order. */
function registered({ emulator }: Bench): readonly unknown[] {
  return emulator.calls.filter(({ path }) => path === registerPath).map(({ body }) => JSON.parse(body));
}

suite('managed instances', { concurrency: 4 }, () => {
  test('registers for SHUTDOWN alone where the initialization type tells', async (t) => {
    const bench = await createManaged(t);
    assert.deepEqual(registered(bench), [{ events: ['SHUTDOWN'] }]);
    assert.equal(bench.emulator.subscription?.api, 'telemetry');
    assert.equal(bench.emulator.subscription.schemaVersion, '2025-01-29');
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  for (const initializationType of [undefined, 'on-demand']) {
    const told = initializationType === undefined ? 'is missing' : `says ${initializationType}`;
    test(`registers again for SHUTDOWN alone when INVOKE is refused and the variable ${told}`, async (t) => {
      const bench = await createManaged(t, { environment: { AWS_LAMBDA_INITIALIZATION_TYPE: initializationType } });
      assert.deepEqual(registered(bench), [{ events: ['INVOKE', 'SHUTDOWN'] }, { events: ['SHUTDOWN'] }]);
      const { emulator } = bench;
      await Promise.all(['one', 'two', 'three'].map((line) => emulator.invoke({ lines: [line], durationMs: 20 })));
      await arrived(bench);
      for (const { metadata } of bench.loki.entries({ labels: { type: 'function' } })) {
        assert.equal(metadata['request_id'], undefined, 'a text line belongs to nobody in particular');
      }
      await shutDown(bench);
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  test('sends by age, again and again, while no event ever comes', async (t) => {
    const bench = await createManaged(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '100' } });
    await arrived(bench);
    for (let count = 0; count < 5; count++) {
      bench.emulator.log(generateLines(20, { seed: count }));
      await arrived(bench);
    }
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('sends by size while nothing is old enough, and the rest at SHUTDOWN', async (t) => {
    const batchBytes = 65_536;
    const bench = await createManaged(t, {
      environment: { LOKI_BATCH_MAX_WAIT_MS: never, LOKI_BATCH_MAX_BYTES: String(batchBytes) },
    });
    const { emulator, loki } = bench;
    const lines = Array.from({ length: 40 }, (_, index) => lineOfBytes(batchBytes / 4, String(index % 10)));
    emulator.log(lines);
    // A batch takes three of them; the last one is not full.
    await loki.waitFor((server) => server.lines('function').length >= 39, arrivalTimeoutMs);
    assert.equal(loki.lines('function').length, 39);
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('tells the lines of invocations that run at once apart by what they say themselves', async (t) => {
    const bench = await createManaged(t);
    const { emulator, loki } = bench;
    const requestIds = Array.from({ length: 24 }, () => randomUUID());
    const traceOf = (index: number) => `1-695b8ba0-${String(index).padStart(24, '0')}`;
    const run = (requestId: string, index: number) =>
      emulator.invoke({
        requestId,
        tracing: `Root=${traceOf(index)};Parent=53995c3f42cd8ad8;Sampled=1`,
        outcome: index % 6 === 5 ? 'error' : 'success',
        during: async () => {
          for (let step = 0; step < 4; step++) {
            emulator.emit([
              { time: new Date().toISOString(), type: 'function', record: { requestId, level: 'INFO', step } },
              { time: new Date().toISOString(), type: 'function', record: `text of ${index}, step ${step}` },
            ]);
            emulator.log([`${new Date().toISOString()}\t${requestId}\tWARN\tfrom Node.js ${step}`]);
            emulator.log([JSON.stringify({ level: 'error', requestId, message: `JSON as text ${step}` })]);
            await wait(3 + (index % 5));
          }
        },
      });
    await Promise.all(requestIds.map(run));
    await arrived(bench);
    for (const entry of loki.entries({ labels: { type: 'function' } })) {
      const named = requestIds.find((requestId) => entry.line.includes(requestId));
      assert.equal(entry.metadata['request_id'], named, entry.line);
    }
    for (const event of ['platform.start', 'platform.report']) {
      const entries = loki.entries({ metadata: { event } });
      assert.deepEqual(entries.map(({ metadata }) => metadata['request_id']).sort(), [...requestIds].sort());
    }
    for (const [index, requestId] of requestIds.entries()) {
      const own = loki.entries({ metadata: { request_id: requestId } });
      assert.equal(own.length, 2 + 4 * 3, 'start, report, and the lines that name the request');
      for (const { metadata, line } of own) assert.equal(metadata['trace_id'], traceOf(index), line);
    }
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('sends every record of the fixture once, with the request that it names and no other', async (t) => {
    const sinceMs = Date.now();
    const environment = { LOKI_LOG_TYPES: 'platform,function,extension' };
    const bench = await createManaged(t, { loki: { limits: anyTime }, environment });
    const { emulator, loki } = bench;
    await arrived(bench);
    const own = loki.entries().length;
    await emulator.deliver([fixture.text]);
    // The fixture says of the platform that it has lost records: a summary tells of them, without any event.
    await loki.waitFor((server) => server.entries().length > own + fixture.records.length, arrivalTimeoutMs);
    const entries = loki.entries().slice(own);
    const summaries = entries.filter(({ line }) => line.includes('"platformRecords":5'));
    assert.equal(summaries.length, 1);
    assertArrived(
      entries.filter((entry) => !summaries.includes(entry)),
      fixture,
      sinceMs,
    );
    for (const record of fixture.records) {
      const { requestId } = Object(record.record);
      assert.equal(entryOf(entries, record).metadata['request_id'], requestId, JSON.stringify(record));
    }
    const instances = new Set(entries.map(({ metadata }) => metadata['instance']));
    assert.equal(instances.size, 1);
    assert.match([...instances][0] ?? '', /^[0-9a-f]{8,}$/);
    await shutDown(bench);
    assertUnharmed(emulator);
    assert.equal(loki.duplicates, 0);
  });

  test('goes on after a long time without a word, on a new connection if the old one is gone', async (t) => {
    const bench = await createManaged(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '50' } });
    const { emulator, loki } = bench;
    await arrived(bench);
    const pushes = loki.requests.length;
    const before = cpuTicks(emulator.pid);
    await wait(2_000);
    assert.ok(cpuTicks(emulator.pid) - before < 50, 'it does nothing while there is nothing to do');
    assert.equal(loki.requests.length, pushes);
    loki.destroyConnections();
    await wait(500);
    emulator.log(['after a long time']);
    await arrived(bench);
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('lives on when one of the invocations times out', async (t) => {
    const bench = await createManaged(t);
    const { emulator } = bench;
    const timedOut = emulator.invoke({ lines: ['too slow'], outcome: 'timeout', deadlineInMs: 500 });
    await Promise.all([timedOut, ...['one', 'two'].map((line) => emulator.invoke({ lines: [line] }))]);
    await emulator.invoke({ lines: ['after the timeout'] });
    await arrived(bench);
    await shutDown(bench);
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('the last lines are in Loki or told as lost when SHUTDOWN is 396 ms away', async (t) => {
    const bench = await createManaged(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: never } });
    const { emulator } = bench;
    emulator.log(generateLines(200));
    await emulator.delivered();
    const taken = emulator.emitted.length;
    const end = await emulator.shutdown({ deadlineInMs: 396, killInMs: 10_000, lateLines: ['the very last line'] });
    assertAccounted(bench, [end], taken);
  });
});

/** Processor time that a process has used, in hundredths of a second. */
function cpuTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
