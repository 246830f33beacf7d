// Bodies of real size, each in memory of its own, which is gone as soon as the body has been read: nothing may live on in it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBodyQueue } from '../../../src/records/body-queue.ts';
import type { LogRecord } from '../../../src/records/record.ts';

/** As it comes from the listener: in memory of its own. */
function received(text: string): Buffer {
  const body = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  body.write(text);
  return body;
}

function readAll(bodies: readonly Buffer[]): { records: LogRecord[]; lost: number; released: number } {
  const queue = createBodyQueue();
  const records: LogRecord[] = [];
  let lost = 0;
  let released = 0;
  for (const body of bodies) queue.add(body, () => released++);
  while (queue.waitingBodies() > 0) {
    queue.read(
      32,
      (record) => records.push(record),
      (_, count) => {
        lost += count;
      },
    );
  }
  return { records, lost: lost + queue.giveUpHead(), released };
}

const line = (time: string, text: string) => JSON.stringify({ time, type: 'function', record: text });
const words = (bytes: number) => 'every word of it "counts"\t\\ and é '.repeat(bytes / 30);

for (const [what, cutAt] of [
  ['at 256 KiB, in its text', 256 * 1024],
  ['at its first byte', 1],
  ['before its last byte', -1],
] as const) {
  test(`a record of 400 KB that the platform cut ${what} outlives the memory of both bodies`, () => {
    const record = words(400_000);
    const value = JSON.stringify(record);
    const edge = cutAt < 0 ? value.length + cutAt : cutAt;
    const piece = (text: string) => `{"time":"2026-01-05T10:30:00.910Z","type":"function","record":${text}}`;
    const before = line('2026-01-05T10:30:00.900Z', 'before');
    const after = line('2026-01-05T10:30:00.990Z', 'after');
    const bodies = [
      received(`[${before},${piece(value.slice(0, edge))}]`),
      received(`[${piece(value.slice(edge))},${after}]`),
    ];
    const { records, lost, released } = readAll(bodies);
    const lines = records.map((each) => Buffer.from(each.line, 'latin1').toString('utf8'));
    assert.deepEqual(
      lines.map((text) => text.length),
      [6, record.length, 5],
    );
    assert.equal(lines[1], record);
    assert.deepEqual([lost, released], [0, 2]);
    assert.deepEqual(
      bodies.map(({ length }) => length),
      [0, 0],
      'the memory of both is given back',
    );
  });
}

test('what is remembered of a body outlives its memory: lines, times and ids', () => {
  const bodies = [1, 2].map((n) =>
    received(
      `[${line('2026-01-05T10:30:00.900Z', `${n} ${words(100_000)}`)},${JSON.stringify({
        time: '2026-01-05T10:30:00.901Z',
        type: 'platform.start',
        record: { requestId: `r-${n}` },
      })}]`,
    ),
  );
  const { records } = readAll(bodies);
  assert.deepEqual(
    records.map(({ line: text, time, requestId }) => [text.length > 20, time?.ms, requestId]),
    [
      [true, Date.UTC(2026, 0, 5, 10, 30, 0, 900), undefined],
      [true, Date.UTC(2026, 0, 5, 10, 30, 0, 901), 'r-1'],
      [true, Date.UTC(2026, 0, 5, 10, 30, 0, 900), undefined],
      [true, Date.UTC(2026, 0, 5, 10, 30, 0, 901), 'r-2'],
    ],
  );
});

for (const [what, body] of [
  ['an object that breaks off', `[{"l":[${'{"a":[1,2,{"b":"c"}]},'.repeat(100_000)}`],
  ['a list of things that are no records and breaks off', `[${'{"a":1},'.repeat(250_000)}{"a`],
  ['a string that breaks off', `[{"time":"x","type":"function","record":"${'\\\\'.repeat(1_000_000)}`],
  ['one record', `[{"type":"function","record":{"l":[${'{"a":[1,2,{"b":"c"}]},'.repeat(100_000)}1]}}]`],
] as const) {
  test(`of 2 MB that are ${what} no more than a stretch is looked at in one turn`, () => {
    const queue = createBodyQueue();
    queue.add(received(body), () => {});
    let turns = 0;
    let ended = 0;
    while (queue.waitingBodies() > 0) {
      queue.read(
        32,
        () => ended++,
        (_reason, count) => {
          ended += count;
        },
      );
      turns++;
    }
    assert.ok(turns >= Math.floor(body.length / (64 * 1024)) - 1, `${turns} turns for ${body.length} bytes`);
    assert.ok(ended + queue.giveUpHead() > 0);
  });
}

const short = (text: string) => line('2026-01-05T10:30:00.900Z', text);

test('a turn ends with the record that makes it 16 KiB of text, or with the last of as many as are asked for', () => {
  for (const [characters, maxRecords, taken] of [
    [8 * 1024, 32, 2],
    [8 * 1024 - 1, 32, 3],
    [16 * 1024, 32, 1],
    [1, 32, 32],
    [1, 33, 33],
    [8 * 1024, 1, 1],
  ] as const) {
    const queue = createBodyQueue();
    queue.add(
      received(
        `[${Array(40)
          .fill(short('x'.repeat(characters)))
          .join(',')}]`,
      ),
    );
    let records = 0;
    queue.read(
      maxRecords,
      () => records++,
      () => assert.fail(),
    );
    assert.equal(records, taken, `${characters} characters`);
  }
});

test('what waits is counted until it is read to its end, body by body, and each is released once', () => {
  const queue = createBodyQueue();
  const bodies = [received(`[${short('a')},${short('b')}]`), received(`[ ${short('c')}]`), received('[]')];
  const sizes = bodies.map(({ length }) => length);
  const [first = 0, second = 0, third = 0] = sizes;
  const released: number[] = [];
  assert.deepEqual([queue.waitingBytes(), queue.waitingBodies()], [0, 0]);
  for (const [index, body] of bodies.entries()) queue.add(body, () => released.push(index));
  queue.add(undefined, () => released.push(3));
  const lost: [string, number][] = [];
  const readOne = () =>
    queue.read(
      1,
      () => {},
      (reason, count) => lost.push([reason, count]),
    );
  const states: unknown[] = [];
  for (let turn = 0; turn < 20 && (turn === 0 || queue.waitingBodies() > 0); turn++) {
    states.push([queue.waitingBytes(), queue.waitingBodies(), released.length]);
    readOne();
  }
  const bytes = [first + second + third, second + third, third, 0];
  for (const [index, held] of bytes.entries()) {
    const isThere = states.some((state) => JSON.stringify(state) === JSON.stringify([held, 4 - index, index]));
    assert.ok(isThere, `${JSON.stringify(states)} has no ${held}`);
  }
  assert.deepEqual([queue.waitingBytes(), queue.waitingBodies()], [0, 0]);
  assert.deepEqual(released, [0, 1, 2, 3]);
  assert.deepEqual(lost, [['body_too_large', 1]]);
});

test('a body that is given up counts what was not read of it, at least one, and nothing of the body before it', () => {
  const three = () => received(`[${short('a')},${short('b')},${short('c')}]`);
  for (const [readBefore, lost] of [
    [0, 6],
    [1, 5],
    [2, 4],
    [3, 4],
    [4, 2],
    [5, 1],
    [6, 1],
  ] as const) {
    const queue = createBodyQueue();
    let released = 0;
    queue.add(three(), () => released++);
    queue.add(three(), () => released++);
    let records = 0;
    while (records < readBefore) {
      queue.read(
        1,
        () => records++,
        () => assert.fail(),
      );
    }
    assert.equal(queue.clear(), lost, `${readBefore} read`);
    assert.deepEqual([queue.waitingBytes(), queue.waitingBodies(), released], [0, 0, 2]);
    assert.equal(queue.clear(), 0);
  }
});

test('the memory of a body that shares it with others stays, and that of one alone is given back', () => {
  const shared = Buffer.alloc(4_096).subarray(0, 2_048).fill(0x20);
  shared.write(`[${short('a')}]`);
  const { lost } = readAll([shared]);
  assert.deepEqual([lost, shared.length, shared.buffer.byteLength], [0, 2_048, 4_096]);
});

test('a head whose tail has not come is given up once', () => {
  const queue = createBodyQueue();
  queue.add(received(`[${short('whole')},{"time":"2026-01-05T10:30:00.910Z","type":"function","record":"cut he}]`));
  const read = () => {
    while (queue.waitingBodies() > 0)
      queue.read(
        32,
        () => {},
        () => assert.fail(),
      );
  };
  read();
  assert.equal(queue.giveUpHead(), 1);
  assert.equal(queue.giveUpHead(), 0);
});
