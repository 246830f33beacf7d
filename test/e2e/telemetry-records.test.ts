// What becomes of the records of the Telemetry API: all of the fixture, and lines that are objects, beyond what it has.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { suite, test } from 'node:test';
import { assertHealthy, assertUnharmed } from './support/expect.ts';
import { anyTime, assertArrived, entryOf, readFixture } from './support/fixture.ts';
import { createTelemetry, deliverBody } from './support/telemetry.ts';

const fixture = readFixture('telemetry-api-2022-12-13.json');

suite('telemetry records', { concurrency: 3 }, () => {
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
      [{ level: 'INFO', requestId: open, message: 'Node.js' }, 'info', open],
      [{ level: 'INFO', requestId: named, message: 'another request' }, 'info', open],
      [{ level: 'WARNING', AWSRequestId: named, message: 'Java' }, 'warn', named],
      [{ level: 'CRITICAL', aws_request_id: named, message: 'Python' }, 'fatal', named],
      [{ level: 50, time: 1_767_607_200_447, msg: 'pino' }, 'error', open],
      [{ level: 50, device: 'd7', charging: false }, undefined, open],
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
