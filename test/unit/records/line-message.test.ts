// JSON that the function printed, inside of the JSON that Lambda's JSON log format makes of each line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import { ownJson } from '../../../src/records/line-message.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const NO = undefined;
const OWN = { level: 'error', msg: 'boom' };

/** As Node.js writes it; .NET has a trace before the message, Java the message before the level. */
const node = (message: unknown, level = 'INFO') =>
  JSON.stringify({ timestamp: '2026-01-05T10:00:00.118Z', level, requestId: ID, message });
const levelOf = (line: string) => inspectText(toByteString(line)).level;

test('the level of a JSON line that was printed goes before that of the console', () => {
  const time = '"timestamp":"2026-01-05T10:00:00.118Z"';
  for (const [line, level] of [
    [node(JSON.stringify(OWN)), 'error'],
    [node(OWN), 'error'],
    [node(JSON.stringify(OWN, null, 2)), 'error'],
    [node(JSON.stringify({ level: 'warn', message: 'slow' }), 'ERROR'), 'warn'],
    [node(JSON.stringify({ level: 50, time: 1767607200446, msg: 'boom' })), 'error'],
    [node(JSON.stringify({ '@t': 'x', '@l': 'Error', '@mt': 'boom' })), 'error'],
    [node(JSON.stringify({ level: '\u001b[31merror\u001b[39m', message: 'boom' })), 'error'],
    [node(JSON.stringify({ text: 'a "quoted" \\ word é🧀', level: 'error' })), 'error'],
    [`{${time},"level":"Information","message":"{\\u0022level\\u0022:\\u0022Error\\u0022}"}`, 'error'],
    [
      `{${time},"level":"Information","traceId":"Root=1-2","message":"{\\u0022Level\\u0022:\\u0022Error\\u0022,\\u0022Message\\u0022:1}"}`,
      'error',
    ],
    [`{${time},"message":"{\\"level\\":\\"ERROR\\"}","level":"INFO","AWSRequestId":"${ID}"}`, 'error'],
    [`{ ${time} , "level" : "INFO" , "message" : { "level" : "error" } }`, 'error'],
  ] as const) {
    assert.equal(levelOf(line), level, line);
  }
});

test('that of the console counts where what was printed is no JSON line, or states no level', () => {
  for (const message of [
    ...[
      'text',
      '',
      'got {"level":"error"}',
      '[{"level":"error"}]',
      '{"level":"high","device":"d7"}',
      '{level:"error"}',
    ],
    ...['{"patient":7,"level":"critical"}', '{"a":{"level":"error"}}', '{', '{"level"'],
    ...[{ userId: 'u-1' }, { level: 'high' }, { patient: 7, level: 'critical' }, [OWN], null, 7, {}],
    node(OWN),
  ]) {
    assert.equal(levelOf(node(message)), 'info', JSON.stringify(message));
  }
});

test("a line of another logger than Lambda's has its own level, whatever its message is", () => {
  for (const line of [
    { level: 'info', message: OWN, timestamp: 'x' },
    { level: 'info', timestamp: 'x', message: JSON.stringify(OWN) },
    { time: 'x', level: 'info', message: OWN },
    { timestamp: 'x', level: 'info', msg: OWN },
    { timestamp: 'x', level: 'info', data: { message: OWN } },
  ]) {
    assert.equal(levelOf(JSON.stringify(line)), 'info', JSON.stringify(line));
  }
  assert.equal(levelOf(JSON.stringify({ timestamp: 'x', message: OWN })), NO);
});

test('the id is that of the console', () => {
  const other = { ...OWN, requestId: '9d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa' };
  assert.deepEqual(inspectText(node(other)), { level: 'error', requestId: NO, mentionedId: ID });
});

test('the message is one of the first eight fields, and 8 KiB of its text are read', () => {
  const line = (before: number) =>
    `{"timestamp":1,"level":"info",${Array.from({ length: before - 2 }, (_, index) => `"f${index}":"",`).join('')}"message":{"level":"error"}}`;
  assert.equal(levelOf(line(7)), 'error');
  assert.equal(levelOf(line(8)), 'info');
  const withText = (characters: number) => JSON.stringify({ text: 'x'.repeat(characters), level: 'error' });
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
  for (const [written, level] of [
    [8192, 'error'],
    [8193, 'info'],
  ] as const) {
    const text = withText(written + '}'.length - escaped(withText(0)).length);
    assert.equal(escaped(text).length, written + '}'.length);
    assert.equal(levelOf(node(text)), level);
  }
});

test('a message in a message in a message is looked at once', { timeout: 10_000 }, () => {
  const open = '{"timestamp":1,"level":"info","message":';
  assert.equal(levelOf(`${open.repeat(100_000)}{"level":"error"}`), 'info');
});

test('what was printed begins where its brace stands', () => {
  const object = node(OWN);
  assert.deepEqual(ownJson(object, 0), { text: object, open: object.indexOf('{"level"') });
  assert.equal(ownJson('{"timestamp":1,"message":"{\\u007f\\u0080"}', 0)?.text, toByteString('{\u007f\u0080'));
  const cut = ownJson('{"timestamp":1,"message":"{\\u007f\\u0080', 0)?.text;
  assert.equal(cut, '{\u007f\\u0080', 'beyond ASCII an escape stays one where the text breaks off');
  const { text = '', open } = ownJson(node('{"a":"\\u00e9\\n"}'), 0) ?? {};
  assert.equal(open, 0);
  assert.ok(text.startsWith('{"a":"\\u00e9\\n"}'), text);
  for (const line of [
    '{"timestamp" 1,"message":{}}',
    '{"timestamp":1 "message":{}}',
    '{"timestamp":1,"message"{}}',
    '{',
    '{}',
  ]) {
    assert.equal(ownJson(line, 0), undefined, line);
  }
});
