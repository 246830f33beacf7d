// The quick way through a body must lead where the thorough one does: for any JSON, what the scan finds and what JSON.parse finds in the
// rest are together what JSON.parse finds in the whole.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createBodyReader } from '../../../src/records/body-json.ts';
import { scanBody } from '../../../src/records/body-scan.ts';
import { type LogRecord, toLogRecord } from '../../../src/records/record.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';
import { generateLines } from '../../fakes/generate.ts';
import { at, seededRandom } from '../../fakes/records.ts';

interface Reading {
  readonly records: readonly LogRecord[];
  readonly unreadable: number;
}

function readThoroughly(body: Buffer): Reading {
  let unreadable = 0;
  const reader = createBodyReader();
  const elements = reader.read(Buffer.from(body), (records) => {
    unreadable += records;
  });
  const records = [...elements].flatMap((json) => (json === undefined ? [] : toLogRecord(json, createTimeReader())));
  return { records, unreadable };
}

/** @returns what the two ways found together, and how many records the scan found */
function readQuickly(body: Buffer): Reading & { readonly scanned: number } {
  const scan = scanBody(Buffer.from(body), createTimeReader());
  const scanned: LogRecord[] = [];
  for (let record = scan.next(); record !== undefined; record = scan.next()) scanned.push(record);
  assert.equal(scan.next(), undefined, 'what has ended stays so');
  const rest = scan.rest();
  const { records, unreadable } = rest === undefined ? { records: [], unreadable: 0 } : readThoroughly(rest);
  return { records: [...scanned, ...records], unreadable, scanned: scanned.length };
}

function assertSame(body: Buffer | string): number {
  const bytes = Buffer.from(body as string);
  const { scanned, ...quick } = readQuickly(bytes);
  assert.deepEqual(quick, readThoroughly(bytes), bytes.toString().slice(0, 2_000));
  return scanned;
}

const TIME = '2026-01-05T10:00:00.118Z';
const line = (record: string, time = TIME) => ({ time, type: 'function', record });
const start = { time: TIME, type: 'platform.start', record: { requestId: 'r-1', tracing: { value: 'Root=1-a' } } };
const texts = [
  'plain',
  'with newline\n',
  'two\n\n',
  '\n',
  '',
  '"',
  '\\',
  '\\\n',
  '\\n',
  'ends with a backslash\\',
  'ends with a quote"',
  'a "quoted" word, a \\ and a \ttab\r\n',
  '{"level":"error","message":"say \\"hi\\""}\n',
  '{"a":"b"}',
  '"},{"time":"',
  '"}]',
  'ümläut 価格 🧀\n',
  'ümläut with \u0001 and "quotes" 🧀\n',
  'lone \ud83e surrogate\n',
  '<html> & more',
  '2026-01-05T10:00:00.118Z\t8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\tERROR\tno',
];

test('lines are scanned to their end, whatever they hold', () => {
  for (const text of texts) {
    assert.equal(assertSame(JSON.stringify([line(text)])), 1, JSON.stringify(text));
    assert.equal(assertSame(JSON.stringify([line('before'), line(text), line('after')])), 3, JSON.stringify(text));
  }
  assert.equal(assertSame(JSON.stringify(texts.map((text) => line(text)))), texts.length);
});

test('lines with the escapes of Go are scanned as well', () => {
  const escaped = JSON.stringify(texts.map((text) => line(text)))
    .replaceAll('<', '\\u003c')
    .replaceAll('é', '\\u00e9')
    .replaceAll('ü', '\\u00fc')
    .replaceAll('/', '\\/');
  assert.equal(assertSame(escaped), texts.length);
});

test('a whole flood is scanned, and each line is what it was', () => {
  const lines = generateLines(2_000);
  const body = JSON.stringify(lines.map((text) => line(`${text}\n`)));
  assert.equal(assertSame(body), 2_000);
  const { records } = readQuickly(Buffer.from(body));
  assert.deepEqual(
    records.map(({ line: bytes }) => Buffer.from(bytes, 'latin1').toString()),
    lines,
  );
});

test('a body is read in pieces of 64 KB, and elements of any length lie anywhere in them', () => {
  const random = seededRandom(11);
  const sizes = [10, 100, 1_000, 20_000, 65_400, 65_536, 150_000];
  for (let round = 0; round < 30; round++) {
    const records = Array.from({ length: 12 }, (_, index) => {
      const text = 'ü"\\'.repeat(Math.ceil((sizes[Math.floor(random() * sizes.length)] ?? 0) / 6));
      return index % 3 === round % 3 ? { ...start, record: { text } } : line(`${index} ${text}\n`);
    });
    const body = JSON.stringify(records);
    assert.equal(assertSame(body), records.length);
    // A blank in front of one element: the scan ends before it, wherever that is.
    const oddAt = Math.floor(random() * records.length);
    const odd = `[${records.map((record, index) => (index === oddAt ? ' ' : '') + JSON.stringify(record)).join(',')}]`;
    assert.equal(assertSame(odd), Math.max(0, oddAt - 1));
  }
});

test('a long element that never ends is left to be repaired, and what is before it is scanned', () => {
  const body = Buffer.from(
    `[${JSON.stringify(line('a'))},${JSON.stringify(line('x'.repeat(2_000_000))).slice(0, -9)}]`,
  );
  assert.equal(readQuickly(body).scanned, 1);
});

test('events and objects between the lines do not end the scan', () => {
  const object = { time: TIME, type: 'function', record: { message: 'ü', id: 1, nested: [{ time: 'x' }, { a: [] }] } };
  const own = { time: TIME, type: 'extension', record: 'from an extension\n' };
  const odd = { time: TIME, type: 7, record: null };
  const other = line('of another precision', '2026-01-05T10:00:00.118123456Z');
  const records = [start, line('a'), object, line('b\n'), own, odd, other, { time: TIME }, line('c')];
  assert.equal(assertSame(JSON.stringify(records)), records.length);
});

test('the digits of an object are kept', () => {
  const body = `[{"time":"${TIME}","type":"function","record":{"id":12345678901234567890}},${JSON.stringify(line('a'))}]`;
  assert.equal(assertSame(body), 2);
  assert.equal(readQuickly(Buffer.from(body)).records[0]?.line, '{"id":12345678901234567890}');
});

test('where a body is written otherwise, the rest is left to be parsed', () => {
  const first = JSON.stringify(line('first'));
  for (const [body, scanned] of [
    [`[${first}]\n`, 1],
    [`[${first}, ${first}]`, 0],
    [`[${first},${first}, ${first}]`, 1],
    [`[${first},{"type":"function","record":"no time"}]`, 0],
    [`[${first},${first},7,null,${first}]`, 1],
    [`[${first},{"time":"${TIME}","type":"function","record":"and more","x":1},${first}]`, 1],
    [`[{"time":"${TIME}","type":"function","record":["},{",{},{"time":"x"}]},${first}]`, 0],
    [`\ufeff[${first}]`, 0],
    [` [${first}]`, 0],
    [first, 0],
    ['[]', 0],
    ['', 0],
  ] as const) {
    assertSame(body);
    assert.ok(readQuickly(Buffer.from(body)).scanned >= scanned, body);
  }
});

test('a broken body loses no more than it would without the scan', () => {
  const first = JSON.stringify(line('first \\ "x"\n'));
  const second = JSON.stringify(start);
  const whole = `[${first},${second},${first},${first}]`;
  for (let end = 0; end < whole.length; end += 1) {
    assertSame(whole.slice(0, end));
    assertSame(`${whole.slice(0, end)}]`);
    assertSame(`${whole.slice(0, end)}}]`);
    assertSame(`${whole.slice(0, end)}"}]`);
    assertSame(`${whole.slice(0, end)}${whole.slice(end + 1)}`);
  }
});

test('bytes that are no UTF-8 are replaced', () => {
  const body = Buffer.from(JSON.stringify([line('x~x'), line('y')]));
  body[body.indexOf('~')] = 0xff;
  assertSame(body);
  assert.equal(readQuickly(body).records[0]?.line, Buffer.from('x\ufffdx').toString('latin1'));
});

test('the recorded bodies are read the same', () => {
  for (const name of [
    'logs-api-2021-03-18',
    'telemetry-api-2022-12-13',
    'telemetry-api-2025-01-29-managed-instances',
  ]) {
    const fixture = readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), 'utf8');
    assertSame(JSON.stringify(JSON.parse(fixture)));
    for (const value of Object.values(JSON.parse(fixture))) {
      if (Array.isArray(value)) assertSame(JSON.stringify(value));
    }
  }
});

test('random bodies are read the same, and with one byte changed nothing is lost that is kept otherwise', () => {
  const random = seededRandom(7);
  const bytes = Buffer.from('{}[]",:\\n\u00e9tu0 \n');
  const elements = [...texts.map((text) => line(text)), start, null, [], { record: line('x') }, line('y', 'no time')];
  for (let round = 0; round < 3_000; round++) {
    const count = 1 + Math.floor(random() * 5);
    const records = Array.from({ length: count }, () => at(elements, Math.floor(random() * elements.length)));
    const body = Buffer.from(JSON.stringify(records));
    assertSame(body);
    body[Math.floor(random() * body.length)] = at([...bytes], Math.floor(random() * bytes.length));
    const [quick, thorough] = [readQuickly(body), readThoroughly(body)];
    // The scan does not look for what JSON forbids inside of a text, so it may keep more.
    assert.ok(quick.unreadable <= thorough.unreadable, body.toString());
    let found = 0;
    for (const record of quick.records) {
      const expected = thorough.records[found];
      if (expected !== undefined && isDeepStrictEqual(record, expected)) found++;
    }
    assert.equal(found, thorough.records.length, body.toString());
  }
});

// With a scan whose time grew with the square of the size, each of these would take hours, and not well under a second.
for (const [name, unit] of [
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['escaped quotes', '\\"'],
  ['escaped quotes and braces', '\\"}'],
  ['quotes and braces', '"}'],
  ['ends of elements', '"},{"time":"'],
  ['elements', `"},${JSON.stringify(line('x')).slice(0, -2)}`],
  ['events', `"},{"time":"${TIME}","type":"x","record":"`],
  ['events that do not close', `"},{"time":"${TIME}","type":"x","record":[`],
] as const) {
  test(`scans a large body of ${name} in time that grows with its size only`, { timeout: 60_000 }, () => {
    const filling = unit.repeat(Math.ceil((2 * 1024 * 1024) / unit.length));
    const body = Buffer.from(`[{"time":"${TIME}","type":"function","record":"${filling}"}]`);
    const { records, unreadable } = readQuickly(body);
    assert.ok(records.length + unreadable > 0);
  });
}
