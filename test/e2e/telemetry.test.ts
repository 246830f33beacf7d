// The Telemetry API: which schema is asked for, what is done where one is refused, and invocations from start to end.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Bench } from '../fakes/extension.ts';
import type { ApiAnswer } from '../fakes/lambda/api.ts';
import { assertDelivered, assertHealthy, assertUnharmed, inOrder, ownMessages } from './support/expect.ts';
import { createTelemetry } from './support/telemetry.ts';

const logsPath = '/2020-08-15/logs';
const telemetryPath = '/2022-07-01/telemetry';
const newestFirst = ['2025-01-29', '2022-12-13', '2022-07-01'];
const traceHeader = 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1';

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
});
