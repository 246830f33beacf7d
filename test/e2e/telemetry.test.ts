// The Telemetry API: which schema is asked for, and what becomes of its records, of lines that are objects above all.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { suite, type TestContext, test } from 'node:test';
import { type Bench, type BenchOptions, createBench } from '../support/extension.ts';
import type { ApiAnswer } from '../support/lambda/api.ts';
import type { StoredEntry } from '../support/loki/store.ts';
import { assertDelivered, assertHealthy, assertUnharmed, inOrder, ownMessages } from './support/expect.ts';
import { anyTime, assertArrived, entryOf, readFixture } from './support/fixture.ts';

const logsPath = '/2020-08-15/logs';
const telemetryPath = '/2022-07-01/telemetry';
const newestFirst = ['2025-01-29', '2022-12-13', '2022-07-01'];
const traceHeader = 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1';
const fixture = readFixture('telemetry-api-2022-12-13.json');

async function createTelemetry(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const bench = await createBench(t, {
    ...options,
    environment: { LOKI_EXTENSION_API: 'telemetry', ...options.environment },
  });
  await bench.emulator.start();
  return bench;
}

/** Path and schema version of each subscription that was asked for, in order. */
function asked({ emulator }: Bench): readonly string[] {
  return emulator.calls
    .filter(({ path }) => path === logsPath || path === telemetryPath)
    .map(({ path, body }) => `${path} ${JSON.parse(body).schemaVersion}`);
}

const askedTelemetry = (versions: readonly string[]) => versions.map((version) => `${telemetryPath} ${version}`);

/** Two invocations and SHUTDOWN, every record of which must arrive, without a word on our side. */
async function runAndExpectAll(bench: Bench): Promise<void> {
  const { emulator } = bench;
  await emulator.invoke({ lines: ['one', '{"level":"warn","message":"two"}'], tracing: traceHeader });
  await emulator.invoke({ lines: ['three'], outcome: 'error' });
  assert.equal((await emulator.shutdown()).exitCode, 0);
  assertDelivered(bench);
  assertHealthy(bench);
}

/** Delivers one body, as it stands, within an invocation; gives the entries that came of it, in the order of their time. */
async function deliverBody(
  { emulator, loki }: Bench,
  body: string,
  requestId?: string,
): Promise<readonly StoredEntry[]> {
  const deliver = async () => {
    const [delivery] = await emulator.deliver([body]);
    assert.equal(delivery?.attempts[0]?.outcome, 200);
  };
  await emulator.invoke({ during: deliver, ...(requestId === undefined ? {} : { requestId }) });
  assert.equal((await emulator.shutdown()).exitCode, 0);
  const own = new Set(emulator.emitted.map((record) => JSON.stringify(record)));
  return (['function', 'platform', 'extension'] as const)
    .flatMap((type) => inOrder(loki, type))
    .filter(({ line }) => !own.has(line));
}

suite('telemetry', { concurrency: 3 }, () => {
  for (const [oldest, taken] of [...newestFirst.entries()]) {
    test(`takes schema ${taken} where the platform knows no newer one`, async (t) => {
      const bench = await createTelemetry(t, { telemetryVersions: newestFirst.slice(oldest) });
      assert.deepEqual(asked(bench), askedTelemetry(newestFirst.slice(0, oldest + 1)));
      assert.equal(bench.emulator.subscription?.schemaVersion, taken);
      await runAndExpectAll(bench);
    });
  }

  test('goes on to an older schema whatever a newer one is refused with', async (t) => {
    const refusals: Readonly<Record<string, ApiAnswer>> = {
      '2025-01-29': { status: 404, body: '404 page not found\n' },
      '2022-12-13': { status: 500, body: '' },
    };
    const bench = await createTelemetry(t, {
      intercept: ({ path, body }) =>
        path === telemetryPath ? refusals[String(JSON.parse(body).schemaVersion)] : undefined,
    });
    assert.deepEqual(asked(bench), askedTelemetry(newestFirst));
    await runAndExpectAll(bench);
  });

  const logsRefusals: readonly ApiAnswer[] = [
    { status: 400, body: '{"errorType":"Logs.ValidationError","errorMessage":"URI: port "9001" is reserved"}' },
    { status: 403, body: '{"errorMessage":"not allowed","errorType":"Logs.Forbidden"}\n' },
    { status: 404, body: '404 page not found\n' },
    { status: 500, body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}\n' },
  ];
  for (const refusal of logsRefusals) {
    test(`falls back from a Logs API that answers ${refusal.status} to the Telemetry API`, async (t) => {
      const bench = await createTelemetry(t, {
        environment: { LOKI_EXTENSION_API: 'auto' },
        intercept: ({ path }) => (path === logsPath ? refusal : undefined),
        telemetryVersions: ['2022-12-13', '2022-07-01'],
      });
      const expected = [`${logsPath} 2021-03-18`, ...askedTelemetry(['2025-01-29', '2022-12-13'])];
      assert.deepEqual(asked(bench), expected);
      await runAndExpectAll(bench);
    });
  }

  test('says once, in one line, that the platform refused every subscription, and lets the function go on', async (t) => {
    const bench = await createTelemetry(t, {
      environment: { LOKI_EXTENSION_API: 'auto' },
      intercept: ({ path }) =>
        path === logsPath || path === telemetryPath ? { status: 403, body: 'not here' } : undefined,
    });
    const { emulator, loki } = bench;
    for (let count = 0; count < 3; count++) {
      const { extensionTimedOut } = await emulator.invoke({ lines: ['unheard'], deadlineInMs: 20_000 });
      assert.equal(extensionTimedOut, false);
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assert.deepEqual(asked(bench), [`${logsPath} 2021-03-18`, ...askedTelemetry(newestFirst)]);
    const messages = ownMessages(emulator);
    assert.equal(messages.length, 1, emulator.output);
    assert.equal(messages[0]?.level, 'error');
    for (const version of newestFirst) assert.ok(emulator.output.includes(version), version);
    assert.equal(loki.requests.length, 0);
    assertUnharmed(emulator);
  });

  test('waits for the end of each invocation, and tells the request and the trace of its events', async (t) => {
    const bench = await createTelemetry(t, { freeze: true });
    const { emulator, loki } = bench;
    const requestIds: string[] = [];
    for (let count = 0; count < 3; count++) {
      const { requestId } = await emulator.invoke({ lines: [`line ${count}`], tracing: traceHeader });
      requestIds.push(requestId);
      assert.equal(loki.lines('function').length, count + 1, 'in Loki before the freeze');
    }
    assert.equal((await emulator.shutdown()).exitCode, 0);
    assertDelivered(bench);
    assertHealthy(bench);
    for (const event of ['platform.start', 'platform.runtimeDone', 'platform.report']) {
      const entries = loki.entries({ metadata: { event } });
      assert.deepEqual(
        entries.map(({ metadata }) => metadata['request_id']),
        requestIds,
        event,
      );
      for (const { metadata } of entries) assert.equal(metadata['trace_id'], '1-695b8ba0-0f3c2b1a4d5e6f7081920a1b');
    }
    const lines = inOrder(loki, 'function');
    assert.deepEqual(
      lines.map(({ metadata }) => metadata['request_id']),
      requestIds,
    );
  });

  for (const outcome of ['timeout', 'crash'] as const) {
    test(`delivers an invocation that ends with a ${outcome}, and starts again`, async (t) => {
      const bench = await createTelemetry(t);
      const { emulator, loki } = bench;
      const { shutdown } = await emulator.invoke({
        lines: ['before the end'],
        lateLines: ['the very last words'],
        outcome,
        deadlineInMs: 1_000,
        reportDelivery: 'shutdown',
      });
      assert.equal(shutdown?.exitCode, 0);
      await emulator.invoke({ lines: ['a new sandbox'] });
      assert.equal((await emulator.shutdown()).exitCode, 0);
      assertDelivered(bench);
      assertHealthy(bench);
      const [report] = loki.entries({ metadata: { event: 'platform.report' } });
      assert.match(report?.line ?? '', outcome === 'timeout' ? /"status":"timeout"/ : /"Runtime.ExitError"/);
    });
  }

  test('sends every record of the fixture once, whole, in order, each with its own nanosecond', async (t) => {
    const sinceMs = Date.now();
    const environment = { LOKI_LOG_TYPES: 'platform,function,extension' };
    const bench = await createTelemetry(t, { loki: { limits: anyTime }, environment });
    const entries = await deliverBody(bench, fixture.text);
    // The fixture says of the platform that it has lost records: a summary tells of them.
    const summaries = entries.filter(({ line }) => line.includes('"platformRecords":1204'));
    assert.equal(summaries.length, 1);
    assertArrived(
      entries.filter((entry) => !summaries.includes(entry)),
      fixture,
      sinceMs,
    );
    assertUnharmed(bench.emulator);
    assert.equal(bench.loki.duplicates, 0);
  });

  test('tells request, trace and level of the records of the fixture', async (t) => {
    const bench = await createTelemetry(t, { loki: { limits: anyTime } });
    const entries = await deliverBody(bench, fixture.text);
    const trace = '1-695b8ba0-0f3c2b1a4d5e6f7081920a1b';
    const first = '3f6a1d52-90c4-4a3e-8f7b-2c1e5d6b7a01';
    const second = 'b01d4c77-5e2f-4b19-9a60-7d8e1f2a3b02';
    const third = '9c8e7f65-4d3b-4c2a-9180-6f5e4d3c2b03';
    const fourth = '1e2d3c4b-5a69-4788-8776-65544332aa04';
    const expected: readonly (readonly [string, string | undefined, string | undefined, string | undefined])[] = [
      ['"received 3 items', first, trace, 'info'],
      ['"sku":"KX-0042"', first, trace, 'warn'],
      ['negative quantity', first, trace, 'error'],
      ['"kind":"object message"', first, trace, 'debug'],
      ['own format: no timestamp', first, trace, undefined],
      ['numeric timestamp and numeric level', first, trace, 'info'],
      ['plain text although', first, trace, undefined],
      ['first line', first, trace, undefined],
      ['"long inside an object"', first, trace, 'info'],
      ['"durationMs":38.113', first, trace, undefined],
      ['"billedDurationMs":497', first, trace, undefined],
      ['"message":"giving up"', second, undefined, 'fatal'],
      ['"producedBytes":0', second, undefined, undefined],
      ['Task timed out after 3.00', third, undefined, 'error'],
      ['"tenantId":"tenant-blue","status":"timeout"}', third, undefined, undefined],
      ['"durationMs":59', fourth, undefined, undefined],
      ['"restoreDurationMs":188.31', fourth, undefined, undefined],
      ['platform.futureThing', fourth, undefined, undefined],
      ['platform.restoreStart', undefined, undefined, undefined],
      ['"phase":"invoke","status":"error","errorType":"Runtime.Unknown"}', undefined, undefined, undefined],
    ];
    for (const [part, requestId, traceId, level] of expected) {
      const [record, ...more] = fixture.records.filter((candidate) => JSON.stringify(candidate).includes(part));
      assert.ok(record !== undefined && more.length === 0, `one record has ${part}`);
      const { metadata } = entryOf(entries, record);
      assert.equal(metadata['request_id'], requestId, part);
      assert.equal(metadata['trace_id'], traceId, part);
      assert.equal(metadata['level'], level, part);
    }
    assertUnharmed(bench.emulator);
  });

  test('keeps every field and every digit of a line that is an object', async (t) => {
    // Written as JSON.stringify writes them, so that the line must be this very text.
    const objects = [
      '{"id":9223372036854775807,"parent":-9223372036854775808,"unsigned":18446744073709551615,"message":"64-bit ids"}',
      '{"list":[12345678901234567890,9007199254740993],"deep":{"a":{"b":[{"c":1234567890123456789012345678901234567890}]}}}',
      '{"price":0.12345678901234567891,"huge":1.5e400,"tiny":1e-400}',
      '{"":"an empty name","a.b":1,"with space":2,"Ünïcode 🧀":3,"__proto__":{"polluted":true},"constructor":4,"toString":5}',
      '{"text":"9223372036854775807","escaped":"\\"quoted\\" \\\\ \\n \\t \\u0000 \\u001b[1m","lone":"\\ud83d"}',
      '{"none":null,"yes":true,"no":false,"zero":0,"empty":{},"nothing":[],"nested":[[],[[]],{}]}',
      '{"time":"not the time of the record","type":"platform.start","record":{"requestId":"inner"}}',
      `{"blob":"${'x'.repeat(200_000)}","after":9007199254740993}`,
    ];
    const time = new Date().toISOString();
    const records = objects.map((object) => `{"time":"${time}","type":"function","record":${object}}`);
    const bench = await createTelemetry(t);
    const entries = await deliverBody(bench, `[${records.join(',')}]`);
    assert.equal(entries.length, objects.length);
    for (const [index, object] of objects.entries()) {
      assert.ok(entries[index]?.line === object, `${object.slice(0, 200)}\n${entries[index]?.line.slice(0, 200)}`);
      assert.equal(entries[index].labels['type'], 'function');
      assert.equal(entries[index].metadata['event'], undefined);
    }
    assertHealthy(bench);
  });

  test('keeps every digit of platform events and of records that are neither text nor object', async (t) => {
    const time = new Date().toISOString();
    const bodies = [
      `{"time":"${time}","type":"platform.futureThing","record":{"id":9223372036854775807}}`,
      `{"time":"${time}","type":"platform.report","record":{"requestId":"one","metrics":{"durationMs":1.25,"counter":18446744073709551615}}}`,
    ];
    const bench = await createTelemetry(t);
    const number = `{"time":"${time}","type":"function","record":12345678901234567890}`;
    const entries = await deliverBody(bench, `[${[...bodies, number].join(',')}]`);
    const lines = entries.map(({ line }) => line);
    assert.deepEqual(lines, ['12345678901234567890', ...bodies]);
    assertHealthy(bench);
  });

  test('splits an object that is longer than a line may be, and loses nothing of it', async (t) => {
    const object = JSON.stringify({ level: 'ERROR', text: 'é🧀'.repeat(70_000), last: 'field' });
    const bench = await createTelemetry(t);
    const time = new Date().toISOString();
    const entries = await deliverBody(bench, `[{"time":"${time}","type":"function","record":${object}}]`);
    assert.ok(entries.length >= 2);
    assert.ok(entries.map(({ line }) => line).join('') === object, 'the parts are the whole');
    for (const [index, { line, metadata }] of entries.entries()) {
      assert.equal(metadata['part'], `${index + 1}/${entries.length}`);
      assert.equal(metadata['level'], 'error');
      assert.ok(Buffer.byteLength(line) <= 262_144);
    }
    assertHealthy(bench);
  });

  test('reads level and request of a line that is an object, whatever the runtime calls them', async (t) => {
    const named = randomUUID();
    const open = randomUUID();
    const cases: readonly (readonly [object, string | undefined, string])[] = [
      [{ level: 'INFO', requestId: named, message: 'Node.js' }, 'info', named],
      [{ level: 'WARNING', AWSRequestId: named, message: 'Java' }, 'warn', named],
      [{ level: 'CRITICAL', requestId: named, message: 'Python' }, 'fatal', named],
      [{ level: 50, msg: 'pino' }, 'error', open],
      [{ level: 'no level at all', message: 'odd' }, undefined, open],
      [{ message: { level: 'ERROR' } }, undefined, open],
      [{ level: 'Debug', requestId: 42, message: 'a number is no request' }, 'debug', open],
    ];
    const bench = await createTelemetry(t);
    const time = new Date().toISOString();
    const records = cases.map(([record]) => ({ time, type: 'function', record }));
    const entries = await deliverBody(bench, JSON.stringify(records), open);
    assert.equal(entries.length, cases.length);
    for (const [index, [record, level, requestId]] of cases.entries()) {
      const line = JSON.stringify(record);
      assert.equal(entries[index]?.line, line);
      assert.equal(entries[index].metadata['level'], level, line);
      assert.equal(entries[index].metadata['request_id'], requestId, line);
    }
    assertHealthy(bench);
  });
});
