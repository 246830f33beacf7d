// The fields of JSON lines and of pairs: which names hold a level or an id, which goes first, and what must stand beside them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const OTHER_ID = '9d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const NO = undefined;

const namesIn = (text: string) => text.trim().split(/\s+/);
const levelOf = (value: object | string) =>
  inspectText(typeof value === 'string' ? value : JSON.stringify(value)).level;

/** In the order in which they count. */
const LEVELS = namesIn(`
  level log.level log_level logLevel loglevel LogLevel _logLevel sLevel levelname logLevelName level_name levelName lvl Level
  @l @level LEVEL L severityText severity_text SeverityText severity Severity`);
const TIMES = namesIn('time timestamp @timestamp Timestamp ts datetime asctime @t Time T');
const TEXTS = namesIn(
  'message msg @message Message @mt @m MessageTemplate MESSAGE MSG body Body M text _meta errorMessage',
);

test('each name that loggers have for the level counts, the first of them wherever it stands', () => {
  for (const [index, name] of LEVELS.entries()) {
    assert.equal(levelOf({ message: 'x', [name]: 'WARN' }), 'warn', name);
    const next = LEVELS[index + 1];
    if (next === undefined) continue;
    assert.equal(levelOf({ message: 'x', [name]: 'WARN', [next]: 'ERROR' }), 'warn', name);
    assert.equal(levelOf({ message: 'x', [next]: 'ERROR', [name]: 'WARN' }), 'warn', name);
    assert.equal(levelOf({ message: 'x', [name]: 'high', [next]: 'ERROR' }), 'error', `${name} says nothing`);
  }
  for (const name of ['levels', 'eve', 'Severities', 'LeveL', 'state']) {
    assert.equal(levelOf({ message: 'x', [name]: 'WARN' }), undefined, name);
  }
});

test('of two fields with one name the first counts', () => {
  for (const name of ['level', 'lvl', 'severity']) {
    assert.equal(levelOf(`{"message":"x","${name}":"WARN","${name}":"ERROR"}`), 'warn', name);
    assert.equal(levelOf(`{"message":"x","${name}":"high","${name}":"ERROR"}`), 'error', name);
  }
});

test('beside `level` the names count only with a time or a message, and so does what is fatal', () => {
  for (const name of LEVELS) {
    assert.equal(levelOf({ [name]: 'WARN', device: 'd7' }), name === 'level' ? 'warn' : undefined, name);
  }
  for (const name of [...TIMES, ...TEXTS]) {
    assert.equal(levelOf({ severity: 'ERROR', [name]: 'x' }), 'error', name);
    assert.equal(levelOf({ [name]: 'x', level: 'critical' }), 'fatal', name);
  }
  for (const [line, level] of [
    [{ level: 'critical', event: 'x' }, 'fatal'],
    [{ severity: 'ERROR', event: 'x' }, NO],
    [{ level: 'critical', device: 'x' }, NO],
    [{ level: 'critical', aws_request_id: ID }, 'fatal'],
    [{ severity: 'ERROR', aws_request_id: ID }, NO],
    [{ level: 'critical', requestId: ID }, NO],
  ] as const) {
    assert.equal(levelOf(line), level, JSON.stringify(line));
  }
});

test('a number is a level beside `time`, or beside both a time and a message', () => {
  const byNumber = [NO, 'trace', 'debug', 'info', 'warn', 'error', 'fatal', NO] as const;
  for (const [tens, level] of byNumber.entries()) {
    assert.equal(levelOf({ level: tens * 10, time: 1 }), level, `${tens * 10}`);
    assert.equal(levelOf({ time: 1, level: tens * 10 }), level, `${tens * 10}`);
    assert.equal(levelOf({ level: tens * 10 + 1, time: 1 }), undefined, `${tens * 10 + 1}`);
  }
  for (const time of TIMES) {
    assert.equal(levelOf({ level: 50, [time]: 1 }), time === 'time' ? 'error' : undefined, time);
    for (const text of TEXTS) assert.equal(levelOf({ level: 50, [text]: 'x', [time]: 1 }), 'error', `${time} ${text}`);
  }
  for (const line of [
    { level: 50, message: 'x' },
    { level: 50, timestamp: 1, event: 'x' },
    { level: 500, time: 1 },
    { level: 5, time: 1 },
    { lvl: 50, time: 1 },
    { level: 50, log: { time: 1 } },
  ]) {
    assert.equal(levelOf(line), undefined, JSON.stringify(line));
  }
});

test('the objects of loggers hold a level or an id, and no other object and none within them does', () => {
  for (const name of ['log', '@fields', '_meta', 'record']) {
    assert.equal(levelOf({ [name]: { level: 'WARN' }, message: 'x' }), 'warn', name);
    assert.equal(levelOf({ [name]: { a: 1, logLevelName: 'WARN' }, message: 'x' }), 'warn', name);
    assert.equal(levelOf({ [name]: { severity: 'WARN' }, message: 'x' }), undefined, name);
    assert.equal(levelOf({ [name]: { log: { level: 'WARN' } }, message: 'x' }), undefined, name);
    assert.equal(levelOf({ [name]: [{ level: 'WARN' }], message: 'x' }), undefined, name);
    assert.equal(inspectText(JSON.stringify({ [name]: { aws_request_id: ID } })).requestId, undefined, name);
  }
  for (const name of ['mdc', 'contextMap', 'span', 'spans']) {
    for (const value of [
      { AWSRequestId: ID },
      { a: 1, AWSRequestId: ID },
      [{ AWSRequestId: ID }, { AWSRequestId: 'x' }],
    ]) {
      assert.equal(inspectText(JSON.stringify({ level: 'INFO', [name]: value })).requestId, ID, name);
    }
    assert.equal(inspectText(JSON.stringify({ [name]: { mdc: { AWSRequestId: ID } } })).requestId, undefined, name);
    assert.equal(levelOf({ [name]: { level: 'WARN' }, message: 'x' }), undefined, name);
  }
  for (const [line, level] of [
    [{ message: 'x', log: { level: 'ERROR' }, level: 'warn' }, 'warn'],
    [{ message: 'x', log_level: 'WARN', log: { level: 'ERROR' } }, 'error'],
    [{ message: 'x', log: { level: 'high' }, severity: 'ERROR' }, 'error'],
    [{ message: 'x', error: { level: 'ERROR' } }, NO],
    [{ message: 'x', level: { name: 'ERROR' } }, 'error'],
    [{ message: 'x', level: [{ name: 'ERROR' }] }, NO],
    [{ message: 'x', level: { names: 'ERROR' } }, NO],
  ] as const) {
    assert.equal(levelOf(line), level, JSON.stringify(line));
  }
});

test('each name that the runtimes have for the id is that of the request, and each other one only mentions it', () => {
  const own = namesIn('AWSRequestId aws_request_id function_request_id FunctionRequestId functionRequestId');
  const mentions = namesIn('requestId awsRequestId request_id RequestId');
  const idsOf = (line: object) => {
    const { requestId, mentionedId } = inspectText(JSON.stringify(line));
    return [requestId, mentionedId];
  };
  for (const before of [{}, { level: 'info' }, { level: 30, time: 1 }, { message: 'requests', level: 'info', n: 1 }]) {
    for (const name of own) assert.deepEqual(idsOf({ ...before, [name]: ID }), [ID, NO], name);
    for (const name of mentions) {
      assert.deepEqual(idsOf({ ...before, [name]: ID }), [NO, ID], name);
      assert.deepEqual(idsOf({ ...before, [name]: 'r-1', other: 1, aws_request_id: ID }), [ID, NO], name);
    }
    for (const name of ['request', 'requestID', 'x-request-id', 'id']) {
      assert.deepEqual(idsOf({ ...before, [name]: ID }), [NO, NO], name);
    }
  }
  assert.deepEqual(idsOf({ requestId: ID, request_id: OTHER_ID }), [NO, ID], 'the first of them');
  assert.deepEqual(idsOf({ AWSRequestId: ID, aws_request_id: OTHER_ID, n: 1 }), [ID, NO], 'the first of them');
  for (const odd of [`${ID} `, `x${ID}`, 7, null, [ID], { id: ID }])
    assert.deepEqual(idsOf({ requestId: odd }), [NO, NO]);
});

test('a value of a level has 40 characters at most, and an object with its name 80', () => {
  for (const [more, level] of [
    [0, 'error'],
    [1, undefined],
  ] as const) {
    assert.equal(levelOf({ level: 'error'.padEnd(40 + more) }), level);
    const object = { icon: 'x'.repeat(80 - '{"icon":"","name":"ERROR"}'.length + more), name: 'ERROR' };
    assert.equal(JSON.stringify(object).length, 80 + more);
    assert.equal(levelOf({ record: { level: object }, text: 'x' }), level);
  }
});

test('where the text stops being JSON, reading stops', () => {
  for (const [line, level] of [
    ['{"message" "x","level":"error"}', NO],
    ['{"message":"x";"level":"error"}', NO],
    ['{"message":"x" "level":"error"}', NO],
    ['{"severity":"ERROR","a";"x","message":"y"}', NO],
    ['{"severity":"ERROR","a":"x";"message":"y"}', NO],
    ['{"severity":"ERROR","message":"y"', 'error'],
    ['{"level":"error"', 'error'],
    ['{ "severity" : "ERROR" , "a" : [1] , "message" : "y" }', 'error'],
  ] as const) {
    assert.equal(levelOf(line), level, line);
  }
});

test('pairs have a level and an id as JSON has them', () => {
  const rows: [string, Level | undefined, requestId?: string | undefined, mentionedId?: string][] = [
    ['level=error', 'error'],
    ['level=error msg=hello', 'error'],
    ['level=error hello there', NO],
    ['patient=7 level=error', 'error'],
    ['patient=7 level=critical', NO],
    ...['time', 'ts', 't', 'timestamp', 'msg', 'message', 'event'].flatMap((name): [string, Level][] => [
      [`${name}=7 level=critical`, 'fatal'],
      [`level=critical ${name}=7`, 'fatal'],
      [`severity=error ${name}=7`, 'error'],
    ]),
    ...['level', 'lvl', 'log.level', 'log_level', 'loglevel', 'levelname'].flatMap((name): [string, Level][] => [
      [`a=1 ${name}=warn`, 'warn'],
      [`a=1 ${name}="warn"`, 'warn'],
      [`a='x y' ${name}='warn' b=2`, 'warn'],
    ]),
    ['severity=error a=7', NO],
    ['a=1 levels=error', NO],
    ['a=1 level=errors', NO],
    ['a=1 level=error,', NO],
    ['a=1 level= msg=x', NO],
    ['a="level=error" msg=x', NO],
    ['a=1 then level=error', NO],
    ['level=info level=error', 'info'],
    [`level=info requestId=${ID}`, 'info', NO, ID],
    [`level=info request_id="${ID}"`, 'info', NO, ID],
    [`level=info awsRequestId='${ID}'`, 'info', NO, ID],
    [`level=info aws_request_id=${ID}`, 'info', ID],
    [`level=info AWSRequestId=${ID}`, 'info', ID],
    [`level=info function_request_id="${ID}"`, 'info', ID],
    [`a=1 requestId=${ID}`, NO, NO, ID],
    [`level=info xrequestId=${ID}`, 'info'],
    ['level=info requestId=r-1', 'info'],
  ];
  for (const [line, level, requestId, mentionedId] of rows) {
    assert.deepEqual(inspectText(line), { level, requestId, mentionedId }, line);
  }
});

test('of pairs the first 512 characters are read', () => {
  const line = (characters: number) => `msg=${'x'.repeat(characters - 'msg= level=silly'.length)} level=silly`;
  for (const [characters, level] of [
    [512, 'trace'],
    [513, undefined],
  ] as const) {
    assert.equal(line(characters).length, characters);
    assert.equal(levelOf(line(characters)), level);
    assert.equal(levelOf(`${line(characters)} more=1`), level);
  }
});
