// Bodies of the Logs and Telemetry APIs: whole, cut, truncated and hostile.
// The cut bodies are built as the platform builds them: each piece in an envelope of its own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type BodyReader, createBodyReader } from '../../../src/records/body-json.ts';

interface SplitCase {
  name: string;
  bodies: string[];
  expect: unknown[];
  expectLost?: number;
}

const fixture = new URL('../../fixtures/split-bodies.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: SplitCase[] };

function readAll(bodies: readonly (string | Buffer)[]): { records: unknown[]; lost: number } {
  const reader = createBodyReader();
  const results = bodies.map((body) => readOne(reader, body));
  const lost = results.reduce((sum, { unreadable }) => sum + unreadable, reader.giveUp());
  return { records: results.flatMap(({ records }) => records), lost };
}

function readOne(reader: BodyReader, body: string | Buffer): { records: unknown[]; unreadable: number } {
  let unreadable = 0;
  const elements = reader.read(Buffer.from(body as string), (records) => {
    unreadable += records;
  });
  const records = [...elements]
    .flatMap((json) => json ?? [])
    .map((json) => JSON.parse(Buffer.from(json, 'latin1').toString('utf8')));
  return { records, unreadable };
}

const before = { time: '2026-01-05T10:30:00.900Z', type: 'platform.start', record: { requestId: 'r-1' } };
const after = { time: '2026-01-05T10:30:00.990Z', type: 'function', record: 'after "it"\n' };
const headTime = '2026-01-05T10:30:00.910Z';
const pieceTime = '2026-01-05T10:30:00.911Z';
const textRecord = 'a "quote", \\ back\\slash, {"k":[1]} }],\u0001 \u00e9\u4fa1\ud83e\uddc0 and },{"time":"x" \n';
const objectRecord = {
  message: textRecord,
  empty: {},
  list: [{ a: 1 }, { b: 'x\\' }, [], [null, true]],
  'k"ey': -1.5e3,
};

function envelope(time: string, value: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.from(`{"time":"${time}","type":"function","record":`),
    Buffer.from(value as string),
    Buffer.from('}'),
  ]);
}

/** The bytes of a record as the platform cuts them at the given places, each piece in its envelope. */
function pieces(record: unknown, cuts: readonly number[]): Buffer[] {
  const value = valueBytes(record);
  const edges = [0, ...cuts, value.length];
  return edges
    .slice(1)
    .map((end, index) => envelope(index === 0 ? headTime : pieceTime, value.subarray(edges[index], end)));
}

/** JSON as Go's encoder writes it, with some \u escapes, so that cuts fall into those as well. */
function valueBytes(record: unknown): Buffer {
  return Buffer.from(JSON.stringify(record).replaceAll('\u00e9', '\\u00e9'));
}

function body(...elements: (Buffer | object)[]): Buffer {
  const parts = elements.map((element) => (Buffer.isBuffer(element) ? element : Buffer.from(JSON.stringify(element))));
  return Buffer.concat([
    Buffer.from('['),
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(','), part])),
    Buffer.from(']'),
  ]);
}

for (const { name, bodies, expect, expectLost } of cases) {
  test(`reads the recorded case: ${name}`, () => {
    assert.deepEqual(readAll(bodies), { records: expect, lost: expectLost ?? 0 });
  });
}

for (const [kind, record] of [
  ['text', textRecord],
  ['object', objectRecord],
] as const) {
  const length = valueBytes(record).length;
  const whole = { time: headTime, type: 'function', record };

  test(`puts a ${kind} record together again, cut at any byte, in two bodies`, () => {
    for (let cut = 1; cut < length; cut += 1) {
      const [head, tail] = pieces(record, [cut]) as [Buffer, Buffer];
      const result = readAll([body(before, head), body(tail, after)]);
      assert.deepEqual(result, { records: [before, whole, after], lost: 0 }, `cut at ${cut}`);
    }
  });

  test(`puts a ${kind} record together again, cut at any byte, in one body`, () => {
    for (let cut = 1; cut < length; cut += 1) {
      const result = readAll([body(before, ...pieces(record, [cut]), after)]);
      assert.deepEqual(result, { records: [before, whole, after], lost: 0 }, `cut at ${cut}`);
    }
  });

  test(`puts a ${kind} record together again from three pieces, in one, two or three bodies`, () => {
    for (let first = 1; first < length - 40; first += 1) {
      const second = first + 40;
      const [head, middle, tail] = pieces(record, [first, second]) as [Buffer, Buffer, Buffer];
      const expected = { records: [before, whole, after], lost: 0 };
      for (const bodies of [
        [body(before, head), body(middle), body(tail, after)],
        [body(before, head, middle), body(tail, after)],
        [body(before, head), body(middle, tail, after)],
        [body(before, head, middle, tail, after)],
      ]) {
        assert.deepEqual(readAll(bodies), expected, `cut at ${first} and ${second}, ${bodies.length} bodies`);
      }
    }
  });

  test(`counts one for a ${kind} record whose tail never comes, or whose head never came, cut at any byte`, () => {
    for (let cut = 1; cut < length; cut += 1) {
      const [head, tail] = pieces(record, [cut]) as [Buffer, Buffer];
      const kept = { records: [before, after], lost: 1 };
      // Behind a backslash the next text is read as the tail: a tail can look just like it, and is far more likely.
      if (!head.toString('latin1').endsWith('\\}')) {
        assert.deepEqual(readAll([body(before, head), body(after)]), kept, `head cut at ${cut}`);
      }
      // Cut behind a backslash, or outside of a string (never seen), a tail can be whole by accident: nobody can tell.
      const value = valueBytes(record).toString('latin1');
      if (isInString(value.slice(0, cut)) && value[cut - 1] !== '\\') {
        assert.deepEqual(readAll([body(before), body(tail, after)]), kept, `tail cut at ${cut}`);
      }
    }
  });
}

/** True if this beginning of a JSON text ends inside a string. */
function isInString(text: string): boolean {
  return (text.replaceAll(/\\./g, '').split('"').length - 1) % 2 === 1;
}

test('puts a record of seven pieces together again, one byte after another where it hurts', () => {
  const value = valueBytes(textRecord);
  const backslash = value.indexOf('\\u00e9');
  const cuts = [
    1,
    backslash + 1,
    backslash + 2,
    backslash + 4,
    value.indexOf('\u4fa1') + 1,
    value.indexOf('\u4fa1') + 2,
  ];
  const result = readAll(pieces(textRecord, cuts).map((piece) => body(piece)));
  assert.deepEqual(result, { records: [{ time: headTime, type: 'function', record: textRecord }], lost: 0 });
});

test('puts text of digits together again although its pieces are numbers', () => {
  const record = '1'.repeat(300);
  const bodies = pieces(record, [100, 200]).map((piece) => body(piece));
  assert.deepEqual(readAll(bodies), { records: [{ time: headTime, type: 'function', record }], lost: 0 });
});

test('puts two cut records together again, the second head in the body of the first tail', () => {
  const [head, tail] = pieces('one one', [4]) as [Buffer, Buffer];
  const [otherHead, otherTail] = pieces('two two', [4]) as [Buffer, Buffer];
  const { records, lost } = readAll([body(head), body(tail, before, otherHead), body(otherTail)]);
  assert.deepEqual(
    records.map((record) => (record as { record: unknown }).record),
    ['one one', before.record, 'two two'],
  );
  assert.equal(lost, 0);
});

test('keeps every record before the place where a body breaks off, and counts one for the rest', () => {
  const records = [before, { time: headTime, type: 'function', record: objectRecord }, after, null, 7, after];
  const whole = Buffer.from(JSON.stringify(records));
  let complete = 0;
  for (let end = 1; end < whole.length; end += 1) {
    const result = readAll([whole.subarray(0, end)]);
    // A number may go on behind the end of the text, all other values end where they end.
    while (complete < records.length && end >= Buffer.byteLength(JSON.stringify(records.slice(0, complete + 1))) - 1)
      complete += 1;
    assert.deepEqual(result, { records: records.slice(0, complete), lost: 1 }, `ends at ${end}`);
  }
});

test('what breaks off without the brace that the platform puts behind a cut is no piece of a record', () => {
  const begin = `[{"time":"${headTime}","type":"function","record":"abc`;
  const tail = `[{"time":"${pieceTime}","type":"function","record":def"}]`;
  assert.deepEqual(readAll([begin, tail]), { records: [], lost: 2 });
  assert.deepEqual(readAll([`${begin}}]`, tail]), {
    records: [{ ...after, time: headTime, record: 'abcdef' }],
    lost: 0,
  });
});

test('keeps a record that contains a list of things like our envelope, beside a broken one', () => {
  const nested = { time: headTime, type: 'function', record: { events: [before, after, before], n: [[after], after] } };
  const [head, tail] = pieces('cut here', [3]) as [Buffer, Buffer];
  assert.deepEqual(readAll([body(nested, after, head), body(after, nested)]), {
    records: [nested, after, after, nested],
    lost: 1,
  });
  assert.deepEqual(readAll([body(nested, head), body(tail, nested, nested)]), {
    records: [nested, { time: headTime, type: 'function', record: 'cut here' }, nested, nested],
    lost: 0,
  });
});

test('reads a normal body the same with and without a head before it', () => {
  const odd = [before, {}, { type: 'function', record: {} }, null, 7, 'x', [[]], { record: [1] }, after, { type: 'x' }];
  const [head] = pieces('cut here', [3]) as [Buffer];
  for (const records of [odd, [...odd].reverse(), [{ type: 'function', record: {} }], [null], [after], odd.slice(3)]) {
    assert.deepEqual(readAll([body(...(records as object[]))]), { records, lost: 0 });
    assert.deepEqual(readAll([body(head), body(...(records as object[]))]), { records, lost: 1 });
  }
  assert.deepEqual(readAll([body(head), Buffer.from(JSON.stringify(after))]), { records: [after], lost: 1 });
  assert.deepEqual(readAll([body(head), 'not JSON']), { records: [], lost: 2 });
});

test('counts each broken record once, whatever stands between them', () => {
  const broken = Buffer.from('{"time":"t","type":"function","record":BAD"}');
  assert.deepEqual(readAll([body(broken, after, broken, broken, before, broken)]), {
    records: [after, before],
    lost: 4,
  });
});

test('keeps a waiting head through an empty body, and tells how much waits', () => {
  const [head, tail] = pieces('cut here', [3]) as [Buffer, Buffer];
  const reader = createBodyReader();
  assert.equal(reader.waitingBytes(), 0);
  assert.deepEqual(readOne(reader, body(head)), { records: [], unreadable: 0 });
  assert.equal(reader.waitingBytes(), head.length - 1);
  assert.deepEqual(readOne(reader, Buffer.from('[]')), { records: [], unreadable: 0 });
  assert.deepEqual(readOne(reader, Buffer.from(' \n')), { records: [], unreadable: 0 });
  assert.equal(readOne(reader, body(tail)).records.length, 1);
  assert.equal(reader.waitingBytes(), 0);
  assert.equal(reader.giveUp(), 0);
});

test('forgets a head that was given up', () => {
  const [head, tail] = pieces('cut here', [3]) as [Buffer, Buffer];
  const reader = createBodyReader();
  readOne(reader, body(head));
  assert.equal(reader.giveUp(), 1);
  assert.equal(reader.giveUp(), 0);
  assert.equal(reader.waitingBytes(), 0);
  assert.deepEqual(readOne(reader, body(tail, after)), { records: [after], unreadable: 1 });
});

test('joins pieces up to 4 MiB, and counts a longer record once, however many pieces follow', () => {
  const piece = 256 * 1024;
  for (const [count, lost] of [
    [15, 0],
    [40, 1],
  ] as const) {
    const record = 'x'.repeat(count * piece);
    const cuts = Array.from({ length: count - 1 }, (_, index) => (index + 1) * piece);
    const reader = createBodyReader();
    const results = pieces(record, cuts).map((part, index) => {
      const result = readOne(reader, index === count - 1 ? body(part, after) : body(part));
      assert.ok(reader.waitingBytes() <= 4 * 1024 * 1024);
      return result;
    });
    assert.equal(
      results.reduce((sum, result) => sum + result.unreadable, reader.giveUp()),
      lost,
    );
    const records = results.flatMap((result) => result.records);
    assert.equal(records.length, 2 - lost);
    assert.deepEqual(records.at(-1), after);
    if (lost === 0) assert.equal((records[0] as { record: string }).record.length, record.length);
  }
});

test('decodes UTF-8: characters whole, a byte order mark skipped, broken bytes replaced', () => {
  const bytes = Buffer.concat([
    Buffer.from('\ufeff["\u4fa1\ud83e\uddc0 '),
    Buffer.from([0xff, 0xe4, 0xbe]),
    Buffer.from('"]'),
  ]);
  assert.deepEqual(readAll([bytes]), { records: ['\u4fa1\ud83e\uddc0 \ufffd\ufffd'], lost: 0 });
  const [head, tail] = pieces('\u4fa1', [2]) as [Buffer, Buffer];
  const [first, second] = readAll([Buffer.concat([Buffer.from('\ufeff'), body(head)]), body(tail)]).records as {
    record: string;
  }[];
  assert.equal(first?.record, '\u4fa1');
  assert.equal(second, undefined);
});

test('counts one for a body without any record in it', () => {
  for (const text of [
    'nonsense',
    '[',
    '{',
    '"',
    '[nonsense]',
    '5',
    'true',
    '[{"type":"function"',
    '{"type":"function"',
    '[[[[',
    ']',
  ]) {
    assert.deepEqual(readAll([text]), { records: [], lost: 1 }, text);
  }
  for (const text of ['', ' \r\n', '\ufeff', '[]', '[ ]'])
    assert.deepEqual(readAll([text]), { records: [], lost: 0 }, text);
});

// With a reader whose time grew with the square of the size, each of these would take hours, and not well under a second.
const size = 2 * 1024 * 1024;
const hostile: [string, string][] = [
  ['brackets', '['],
  ['nested objects', '{"a":['],
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['spaces', '[ '],
  ['braces and spaces', '{        '],
  ['envelopes', '{"time":"t","type":"function","record":'],
  ['envelopes in lists', '},{"time":"t","type":"function","record":['],
  ['lists of envelopes', '},{"time":"t","type":"function","record":[{"a":1'],
  ['pieces without an end', 'x},{"time":"t","type":"function","record":'],
  ['pieces that begin like values', '{"a":"},{"time":"t","type":"function","record":'],
  ['times without an end', '},{"time":"'],
  ['times of digits', '},{"time":1'],
  ['spaces between', '},      {   "time":   '],
  ['numbers', '1},{"time":"t","type":"function","record":'],
];
for (const [name, unit] of hostile) {
  test(`reads a large body of ${name} in time that grows with its size only`, { timeout: 60_000 }, () => {
    const filling = unit.repeat(Math.ceil(size / unit.length));
    for (const text of [`[${filling}`, `[${filling}}]`, `[{"time":"t","type":"function","record":"${filling}}]`]) {
      const { records, lost } = readAll([text, body(before)]);
      assert.deepEqual(records.at(-1), before);
      assert.ok(lost >= 1);
    }
  });
}

test('long strings are looked at in stretches: an escape or an end at the edge of one is seen as any other', () => {
  const edges = [4_095, 4_096, 4_097, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537];
  for (const length of edges) {
    for (const end of ['', '"', '\\', '\n', '\\"', 'é"']) {
      const record = { type: 'function', ['k'.repeat(length)]: 1, record: `${'x'.repeat(length)}${end}` };
      const { records, lost } = readAll([` [${JSON.stringify(record)}, ${JSON.stringify(after)}]`]);
      assert.deepEqual({ records, lost }, { records: [record, after], lost: 0 }, `${length} ${end}`);
    }
    const broken = `[{"type":"function","record":"${'x'.repeat(length)}\\q"},${JSON.stringify(after)}]`;
    assert.deepEqual(readAll([broken]), { records: [after], lost: 1 }, `${length}`);
  }
});

test('hands on a deeply nested record without recursion', () => {
  const depth = 9000;
  const deep = `{"time":"t","type":"function","record":${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}}`;
  const [head] = pieces('cut here', [3]) as [Buffer];
  const { records, lost } = readAll([Buffer.concat([Buffer.from(`[${deep},`), head, Buffer.from(']')]), body(after)]);
  assert.equal(records.length, 2);
  assert.equal(lost, 1);
});
