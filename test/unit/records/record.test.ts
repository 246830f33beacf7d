import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import { aliasOf, toLogRecord, traceIdOf } from '../../../src/records/record.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';
import { fixture } from '../../fakes/records.ts';

const readJson = (json: string) => toLogRecord(toByteString(json), createTimeReader());
const read = (raw: unknown) => readJson(JSON.stringify(raw));
const TIME = '2026-01-05T10:00:00.118Z';

test('text is the line as it is, less one line end', () => {
  const lines: [string, string][] = [
    ['hello\n', 'hello'],
    ['hello', 'hello'],
    ['two\n\n', 'two\n'],
    ['windows\r\n', 'windows'],
    ['two\r\n\r\n', 'two\r\n'],
    ['old mac\r', 'old mac\r'],
    ['\n\r\n', '\n'],
    [' spaces \n', ' spaces '],
    ['\n', ''],
    ['', ''],
    ['a\nb\n', 'a\nb'],
  ];
  for (const [record, line] of lines) assert.equal(read({ time: TIME, type: 'function', record }).line, line);
});

test('an object is its JSON with every field in its order', () => {
  const record = { message: 'x', level: 'INFO', nested: { b: [1, null], a: 'ü' }, timestamp: 5 };
  const { line, level, type } = read({ time: TIME, type: 'function', record });
  assert.equal(line, toByteString(JSON.stringify(record)));
  assert.equal(level, 'info');
  assert.equal(type, 'function');
});

test('a record that is neither text nor object is its JSON', () => {
  for (const record of [null, 42, true, [], ['a']]) {
    assert.equal(read({ time: TIME, type: 'function', record }).line, JSON.stringify(record));
  }
});

test('a value is sent as it was written: digits, order of keys, doubled keys, blanks and escapes', () => {
  for (const record of [
    '{"b":1,"1":2,"b":3}',
    '{ "a" : 1.0 , "e":1e400,"f":1e-400,"g":0.1000000000000000055511151231257827 }',
    '[12345678901234567890,-0.0,1E3]',
    '{"u":"\\u00fc\\/\\ud83e"}',
    '1.50',
    `${'['.repeat(10_000)}"deep"${']'.repeat(10_000)}`,
    `{"n":1.${'0'.repeat(80_000)}1}`,
  ]) {
    assert.equal(readJson(`{"time":"${TIME}","type":"function", "record": ${record} }`).line, record);
    const event = `{"time":"${TIME}","type":"platform.x","record":${record}}`;
    assert.equal(readJson(event).line, event);
  }
});

test('of a field that is there twice the last one counts', () => {
  const { line, type } = readJson('{"type":"extension","record":"a","type":"function","record":"b"}');
  assert.deepEqual([line, type], ['b', 'function']);
});

test('a platform event is the whole event as JSON, with its full type', () => {
  const raw = { time: TIME, type: 'platform.runtimeDone', record: { requestId: 'r-1', status: 'success', more: true } };
  const record = read(raw);
  assert.deepEqual(JSON.parse(record.line), raw);
  assert.equal(record.type, 'platform');
  assert.equal(record.event, 'platform.runtimeDone');
  assert.equal(record.requestId, 'r-1');
});

test('an event of an unknown type is sent like a platform event', () => {
  const raw = { time: TIME, type: 'something.new', record: 'text', extra: 1 };
  const { type, event, line } = read(raw);
  assert.deepEqual([type, event, JSON.parse(line)], ['platform', 'something.new', raw]);
});

test('an event without type or without record is sent whole', () => {
  for (const raw of [
    { time: TIME, record: 'x' },
    { time: TIME, type: 'function' },
    { time: TIME, type: 'platform.start' },
  ]) {
    const { type, line } = read(raw);
    assert.equal(type, 'platform');
    assert.deepEqual(JSON.parse(line), raw);
  }
});

test('the request id of a report or a fault in text form is found', () => {
  const id = 'f7a4e9c1-2b7d-4e55-b1de-3c8f0a6d4e21';
  for (const text of [
    `REPORT RequestId: ${id}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\t\n`,
    `RequestId: ${id} Error: Runtime exited with error: exit status 255\nRuntime.ExitError`,
    `RequestId: ${id}\tStatus: error\tErrorType: Runtime.ExitError\n`,
    `START RequestId: ${id} Version: $LATEST\n`,
  ]) {
    assert.equal(read({ time: TIME, type: 'platform.fault', record: text }).requestId, id, text);
  }
});

test('what the platform dropped is read, and nonsense in its place is nothing', () => {
  const drops = (record: unknown) => read({ time: TIME, type: 'platform.logsDropped', record }).platformDrops;
  assert.deepEqual(drops({ reason: 'slow', droppedRecords: 123, droppedBytes: 12_345 }), {
    records: 123,
    bytes: 12_345,
  });
  assert.deepEqual(drops({ droppedRecords: '1', droppedBytes: -5 }), { records: 0, bytes: 0 });
  assert.deepEqual(drops('text'), { records: 0, bytes: 0 });
  assert.equal(read({ type: 'platform.start', record: {} }).platformDrops, undefined);
});

test('the trace id is the root of the trace header', () => {
  assert.equal(traceIdOf('Root=1-695b8ba0-0f3c;Parent=5399;Sampled=1'), '1-695b8ba0-0f3c');
  assert.equal(traceIdOf('Sampled=1; Root=1-695b8ba0-0f3c'), '1-695b8ba0-0f3c');
  for (const header of ['', 'Parent=5399', undefined, 7, null]) assert.equal(traceIdOf(header), undefined);
  const tracing = { type: 'X-Amzn-Trace-Id', value: 'Root=1-695b8ba0-0f3c;Sampled=1' };
  assert.equal(read({ type: 'platform.report', record: { requestId: 'r', tracing } }).traceId, '1-695b8ba0-0f3c');
  assert.equal(read({ type: 'platform.report', record: { tracing: null } }).traceId, undefined);
});

test('an alias is what stands behind the name of the function, and is neither a version nor $LATEST', () => {
  const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:orders-api';
  assert.equal(aliasOf(`${arn}:live`), 'live');
  assert.equal(aliasOf(`${arn.replace('aws', 'aws-us-gov')}:v2_blue-1`), 'v2_blue-1');
  for (const none of [arn, `${arn}:7`, `${arn}:$LATEST`, `${arn}:`, `${arn}:a:b`, 'live', '', undefined, 7, null]) {
    assert.equal(aliasOf(none), undefined, String(none));
  }
});

test('every record of both fixtures becomes a record with a line of its own', () => {
  for (const name of ['logs-api-2021-03-18.json', 'telemetry-api-2022-12-13.json']) {
    for (const raw of fixture(name) as { type?: string; record?: unknown }[]) {
      const { type, line } = read(raw);
      if (raw.type !== 'function' && raw.type !== 'extension') assert.deepEqual(JSON.parse(line), raw);
      else if (raw.record === undefined) assert.equal(type, 'platform');
      else assert.equal(type, raw.type);
    }
  }
});

test('whatever comes becomes a record', () => {
  for (const raw of [null, 0, '', 'text', [], {}, true, { type: null, record: null }]) {
    assert.equal(typeof read(raw).line, 'string');
  }
});

test('an id is taken up to 256 characters, and a longer one or an empty one is none', () => {
  const idsOf = (id: string) => {
    const record = {
      requestId: id,
      tenantId: id,
      tracing: { value: `Root=${id}` },
      functionArn: `arn:aws:lambda:eu-central-1:123456789012:function:f:${id}`,
    };
    const { event, requestId, tenantId, traceId, alias } = read({ type: id, record });
    return [event, requestId, tenantId, traceId, alias];
  };
  for (const length of [1, 256]) {
    const id = 'x'.repeat(length);
    assert.deepEqual(idsOf(id), [id, id, id, id, id], `${length}`);
  }
  for (const length of [0, 257]) {
    const none = undefined;
    assert.deepEqual(idsOf('x'.repeat(length)), [none, none, none, none, none], `${length}`);
  }
});

test('a field that should be an id and is something else is none', () => {
  for (const odd of [7, true, null, ['r-1'], { id: 'r-1' }]) {
    const { event, requestId, tenantId } = read({ type: odd, record: { requestId: odd, tenantId: odd } });
    assert.deepEqual([event, requestId, tenantId], [undefined, undefined, undefined], JSON.stringify(odd));
  }
});

test('a record has the time that its element states, wherever it stands among the fields', () => {
  const time = { ms: Date.UTC(2026, 0, 5, 10, 0, 0, 118), nanos: 0 };
  for (const json of [
    `{"time":"${TIME}","type":"function","record":"x"}`,
    `{"type":"function","record":"x","time":"${TIME}"}`,
    `{ "note" : {"time":"1999-01-01T00:00:00.000Z"} , "time" : "${TIME}" , "more":[1], "type":"platform.start" }`,
  ]) {
    assert.deepEqual(readJson(json).time, time, json);
  }
  assert.equal(readJson('{"times":"2026-01-05T10:00:00.118Z","type":"function","record":"x"}').time, undefined);
});

test('an id in any place of the text of a platform event is that of its request, and in no other text', () => {
  const id = 'f7a4e9c1-2b7d-4e55-b1de-3c8f0a6d4e21';
  const record = `RequestId: ${id} had no sandbox left`;
  assert.equal(read({ type: 'platform.fault', record }).requestId, id);
  const { requestId, mentionedId } = read({ type: 'function', record });
  assert.deepEqual([requestId, mentionedId], [undefined, id]);
});

test('the fields of a platform event are read up to 64 KiB of it, and a longer one is sent as well', () => {
  for (const [bytes, requestId] of [
    [64 * 1024, 'r-1'],
    [64 * 1024 + 1, undefined],
  ] as const) {
    const record = JSON.stringify({ requestId: 'r-1', filling: '' }).replace('""', `"${'x'.repeat(bytes - 32)}"`);
    assert.equal(record.length, bytes);
    const json = `{"type":"platform.report","record":${record}}`;
    const { line, requestId: found } = readJson(json);
    assert.equal(found, requestId);
    assert.ok(line === json);
  }
});

test('what the platform dropped is whole records and bytes, one at least', () => {
  const drops = (droppedRecords: unknown, droppedBytes: unknown) =>
    read({ type: 'platform.logsDropped', record: { droppedRecords, droppedBytes } }).platformDrops;
  assert.deepEqual(drops(1, 0.5), { records: 1, bytes: 0 });
  assert.deepEqual(drops(2.9, 1e9), { records: 2, bytes: 1e9 });
  assert.deepEqual(drops(0, null), { records: 0, bytes: 0 });
  assert.deepEqual(drops(['7'], true), { records: 0, bytes: 0 });
});

// With an expression whose time grew with the square of the length, each of these would take minutes, and not well under a second.
const million = (unit: string) => unit.repeat(Math.ceil((1024 * 1024) / unit.length));
const short = (unit: string) => unit.repeat(Math.floor(65_000 / unit.length));
for (const [name, json] of [
  ['a time of digits', `{"time":"2026-01-05T10:00:00.${million('1')}x","type":"function","record":"x"}`],
  ['a short time of digits', `{"time":"2026-01-05T10:00:00.${short('1')}x","type":"function","record":"x"}`],
  ['a time of blanks', `{"time":"2026-01-05T10:00:00${short(' ')}x","type":"function","record":"x"}`],
  ['a trace of semicolons', `{"type":"platform.start","record":{"tracing":{"value":"${short('; ')}"}}}`],
  ['a trace of blanks', `{"type":"platform.start","record":{"tracing":{"value":";${short(' ')}Root"}}}`],
  ['a number of zeros', `{"type":"function","record":{"n":1.${million('0')}1,"id":12345678901234567890}}`],
  ['a number alone', `{"type":"function","record":${million('1')}}`],
  ['escaped quotes', `{"type":"function","record":"${million('\\"')}"}`],
  ['backslashes', `{"type":"function","record":"${million('\\\\')}"}`],
  ['unicode escapes', `{"type":"function","record":"${million('\\u00fc')}"}`],
  ['line ends', `{"type":"function","record":"${million('\\r\\n')}"}`],
  ['many fields', `{${million('"a":1,')}"type":"function","record":{}}`],
  ['fields of an object', `{"type":"function","record":{${million('"level":0,')}"a":1}}`],
  ['escapes in a name', `{"${million('\\"')}":1,"type":"function","record":"x"}`],
  ['brackets', `{"type":"function","record":${'['.repeat(8_000)}${million('{},')}1${']'.repeat(8_000)}}`],
  ['blanks', `{"type":"function",${million(' ')}"record":${million(' ')}[${million(' ')}]}`],
] as const) {
  test(`a megabyte of ${name} is read in time that grows with its length only`, { timeout: 60_000 }, () => {
    const { line } = readJson(json);
    assert.ok(line.length > 0);
  });
}
