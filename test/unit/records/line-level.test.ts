// The levels of lines that real loggers print, and of sentences that only look like one, held to what a person would say of each.
// `log-lines.json` is the yardstick; `more-log-lines.json` was composed, and printed by loggers, without asking the code.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import { type Level, toLevel } from '../../../src/records/line-level.ts';
import { toLogRecord } from '../../../src/records/record.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';
import { fixture, functionRecord } from '../../fakes/records.ts';

interface KnownLine {
  readonly source: string;
  readonly record: unknown;
  /** What a person would call right; null for none. */
  readonly level: readonly (Level | null)[];
  readonly requestId?: string;
  readonly kind?: 'logger' | 'sentence';
}

const read = (record: unknown) =>
  toLogRecord(toByteString(JSON.stringify({ ...functionRecord(''), record })), createTimeReader());
const isRight = ({ record, level }: KnownLine) => level.includes(read(record).level ?? null);
const yardstick = fixture('log-lines.json') as readonly KnownLine[];
const others = fixture('more-log-lines.json') as readonly KnownLine[];
const LEAST_RIGHT = 0.98;

test('every line of the yardstick has the level that a person would give it', () => {
  assert.deepEqual(
    yardstick.filter((line) => !isRight(line)).map(({ source, record }) => [source, record, read(record).level]),
    [],
  );
});

test('the id of the invocation is found in every line that carries it', () => {
  for (const { source, record, requestId } of [...yardstick, ...others]) {
    if (requestId === undefined) continue;
    const found = read(record);
    assert.equal(found.requestId ?? found.mentionedId, requestId, source);
  }
});

for (const kind of ['logger', 'sentence'] as const) {
  test(`other lines are right but for a few, and none is a false error or fatal (${kind})`, () => {
    const lines = others.filter((line) => line.kind === kind);
    const wrong = lines.filter((line) => !isRight(line));
    const told = wrong.map(({ source, record }) => [source, record, read(record).level]);
    assert.ok(lines.length >= 150);
    assert.ok(wrong.length <= lines.length * (1 - LEAST_RIGHT), JSON.stringify(told));
    assert.deepEqual(
      told.filter(([, , level]) => level === 'error' || level === 'fatal'),
      [],
    );
  });
}

test('the level of a field is read in any usual spelling', () => {
  const spellings: [Level, string[]][] = [
    ['trace', ['trace', 'TRACE', 'Trace', 'silly', 'FINEST', 'TRACE4']],
    ['debug', ['debug', 'Debug', 'verbose', 'FINE', 'CONFIG', 'DEBUG-4', 'DEBUG2']],
    ['info', ['info', 'INFO ', 'iNfO', 'Information', 'notice', 'http', 'INFO+2', 'Info3']],
    ['warn', ['warn', 'WARNING', 'Warning', 'wrn', 'WARN+2', 'WARN2']],
    ['error', ['error', 'err', 'severe', 'fail', 'ERROR3', '\u001b[31merror\u001b[39m', '\\u001b[31merror\\u001b[39m']],
    ['fatal', ['fatal', 'critical', 'CRIT', 'emergency', 'alert', 'panic', 'FATAL4']],
  ];
  for (const [level, words] of spellings) for (const word of words) assert.equal(toLevel(word), level, word);
  for (const value of [
    '',
    'errors',
    'no error',
    'error1',
    'error5',
    'error22',
    '2',
    '50',
    'high',
    'x'.repeat(1e6),
    50,
    null,
    undefined,
    true,
    ['error'],
  ]) {
    assert.equal(toLevel(value), undefined, String(value).slice(0, 50));
  }
});
