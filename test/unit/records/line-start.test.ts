// How a line may begin before its first field: blanks, symbols, colours and numbers; and lines that begin with a bracket or an equals sign.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const TIME = '2026-01-05T10:00:00.118Z';
const NO = undefined;

const cases: readonly (readonly [what: string, rows: readonly (readonly [line: string, Level | undefined])[]])[] = [
  [
    'blanks',
    [
      [' error: hello', 'error'],
      ['\nerror: hello', 'error'],
      ['\terror: hello', 'error'],
      ['  error: hello', NO],
      ['\n\nerror: hello', NO],
      ['   Error: hello', NO],
      ['  ERROR: hello', 'error'],
      ['\r\nERROR: hello', NO],
      [`${' '.repeat(64)}ERROR: hello`, 'error'],
      [`${' '.repeat(65)}ERROR: hello`, NO],
      [`${'\n'.repeat(64)}{"level":"warn"}`, 'warn'],
      [`${'\n'.repeat(65)}{"level":"warn"}`, NO],
      [' '.repeat(64), NO],
      [' '.repeat(10), NO],
      ['\ufefferror: hello', 'error'],
      ['\ufefferror     hello', NO],
      ['\ufeff  ERROR: hello', 'error'],
      ['\ufeff{"level":"warn"}', 'warn'],
    ],
  ],
  [
    'a symbol',
    [
      ['✖ ERROR: hello', 'error'],
      ['✖  error     hello', 'error'],
      ['✖  hello     hello', NO],
      ['✖  success   hello', 'info'],
      ['✖  alert     hello', NO],
      ['✖  error hello', NO],
      ['│  error  │ 5 │', NO], // console.table
      ['║  error     ║', NO],
      ['│ ERROR: hello', 'error'],
      ['✖ [WARN] hello', 'warn'],
      ['✖ {"level":"warn"}', 'warn'],
      ['✖ 10:00:00 ERROR hello', 'error'],
      ['✖ =ERROR REPORT==', 'error'],
      ['✖ΕRROR: hello', NO],
      ['✖ERROR: hello', NO],
      ['✖error     hello', NO],
      ['！{"level":"warn"}', NO],
      ['🧀🧀 ERROR: hello', 'error'],
      ['✖✖✖ ERROR: hello', NO],
      ['\u007f ERROR: hello', NO],
    ],
  ],
  [
    'colours',
    [
      ['\u001b[31mERROR\u001b[0m: hello', 'error'],
      ['\u001b[1;31mERROR\u001b[0m hello', 'error'],
      ['\u001b[mERROR hello', 'error'],
      ['\u001b[KERROR hello', NO],
      [`${'\u001b[31m'.repeat(118)}ERROR: hello`, 'error'],
      [`${'\u001b[31m'.repeat(120)}ERROR: hello`, NO],
      [`${TIME} \u001b[31mERROR\u001b[0m hello`, 'error'],
      [`hello ${'x'.repeat(300)} \u001b[31mERROR\u001b[0m hello`, NO],
    ],
  ],
  [
    'seconds or milliseconds of Unix',
    [
      ['1767607200 ERROR hello', 'error'],
      ['1767607200 error: hello', 'error'],
      ['1767607200\terror: hello', 'error'],
      ['1767607200118 error: hello', 'error'],
      ['1767607200118\terror: hello', 'error'],
      ['1767607200.118 error: hello', 'error'],
      ['176760720 ERROR hello', NO],
      ['176760720\tERROR\thello', NO],
      ['17676072001180 ERROR hello', NO],
      ['12.345s ERROR hello', 'error'],
      ['[1767607200] ERROR hello', 'error'],
    ],
  ],
  [
    'another number',
    [
      ['2848 [main] ERROR hello', 'error'],
      ['2848 [main] NOTICE hello', NO],
      ['12 MainThread ERROR hello', 'error'],
      ['12 MainThread NOTICE hello', NO],
      ['12 Main ERROR hello', NO],
      ['12 main ERROR hello', NO],
      ['12 (main) ERROR hello', NO],
      ['1234567890 [main] ERROR hello', 'error'],
      [`12 M${'a'.repeat(35)}T ERROR hello`, 'error'],
      [`12 M${'a'.repeat(36)}T ERROR hello`, NO],
      ['12 Jan 2026 10:00:00 NOTICE hello', 'info'],
      ['05/01/2026 10:00:00 NOTICE hello', 'info'],
      ['05.01.2026 10:00:00 NOTICE hello', 'info'],
      ['05-01-2026 10:00:00 NOTICE hello', 'info'],
      ['9:00:00 NOTICE hello', 'info'],
      ['3 ERROR hello', NO],
    ],
  ],
  [
    'a bracket or an equals sign',
    [
      ['(ERROR) hello', 'error'],
      ['<WARNING> hello', 'warn'],
      ['(error) hello', NO],
      ['(ERROR)hello', NO],
      ['(ALERT) hello', NO],
      ['(LAMBDA) hello', NO],
      ['=ERROR REPORT==== 5-Jan-2026::10:00:00 ===', 'error'],
      ['=INFO REPORT==== 5-Jan-2026::10:00:00 ===', 'info'],
      ['=OTHER REPORT====', NO],
      ['(node:8) [DEP0040] DeprecationWarning: hello', 'warn'],
      ['(node:8) Warning: hello', 'warn'],
      ['(node:8) Error: hello', NO],
      ['(node) Warning: hello', NO],
      [`(node:8) ${'X'.repeat(62)}Warning: hello`, 'warn'],
      [`(node:8) ${'X'.repeat(63)}Warning: hello`, NO],
    ],
  ],
];

for (const [what, rows] of cases) {
  test(`a line that begins with ${what} has the level that a person would give it`, () => {
    for (const [line, level] of rows) assert.equal(inspectText(toByteString(line)).level, level, JSON.stringify(line));
  });
}

test('a line may begin with the id of its request and a tab, as those of Bref do', () => {
  const hex = `a${ID.slice(1)}`;
  for (const [line, level, id] of [
    [`${ID}\tERROR\tpayment failed\t{"message":"payment failed","level":"ERROR"}\n`, 'error', ID],
    [`${hex}\tNOTICE\thello\t{"message":"hello","level":"NOTICE"}\n`, 'info', hex],
    [`${ID}\tEMERGENCY\thello\t{}`, 'fatal', ID],
    [`${ID}\tinfo\thello`, 'info', ID],
    [`${ID}\tINFO\t{"level":"error","message":"boom"}`, 'error', ID],
    [`${ID}\tInvoke Error\t{"errorType":"Exception","errorMessage":"boom","stack":[]}`, 'error', ID],
    [`${ID}\tERROR\tInvoke Error\tboom`, 'error', ID],
    [`${ID}\tInvoke Error`, NO, ID],
    [`${ID}\thello`, NO, ID],
    [`${ID}\thello\tERROR\thello`, NO, ID],
    [`${ID}\tERROR hello\t`, NO, ID],
    [`${ID} ERROR\thello`, NO, NO],
    [`x${ID.slice(1)}\tERROR\thello`, NO, NO],
    [`${'x'.repeat(36)}\tERROR\thello`, NO, NO],
  ] as const) {
    assert.deepEqual(inspectText(toByteString(line)), { level, requestId: NO, mentionedId: id }, JSON.stringify(line));
  }
});

test('what a worker of PHP-FPM has said has its own level, not that of the manager', () => {
  const time = '[19-Jan-2019 20:52:38]';
  const said = 'WARNING: [pool default] child 14 said into stderr: "';
  for (const [line, level] of [
    [`${time} ${said}NOTICE: PHP message: PHP Fatal error:  Uncaught Exception: boom"`, 'fatal'],
    [`${time} ${said}PHP Warning:  hello"`, 'warn'],
    [`${time} ${said}[2019-01-19 20:52:38] app.INFO: hello []"`, 'info'],
    [`${time} ${said}{"message":"boom","level":400,"level_name":"ERROR"}"`, 'error'],
    [`${time} ${said}hello"`, NO],
    [`${time} ${said}NOTICE: PHP message: hello"`, 'info'],
    [`${time} ${said.replace('stderr', 'stdout')}hello"`, NO],
    [`[19-Jan-2019 20:52:38.123456] ${said}ERROR hello"`, 'error'],
    [`${said}ERROR hello"`, 'error'],
    [`${said}hello"`, NO],
    [`${time} NOTICE: PHP message: PHP Parse error:  hello`, 'error'],
    [`${time} NOTICE: PHP message: hello`, 'info'],
    ['NOTICE: PHP message: PHP Fatal error:  Uncaught Error: boom in /var/task/index.php:3', 'fatal'],
    ['NOTICE: PHP message: PHP Deprecated:  hello', 'warn'],
    ['NOTICE: PHP message: ERROR hello', 'error'],
    ['NOTICE: PHP message: hello', 'info'],
    [`${time} NOTICE: fpm is running, pid 8`, 'info'],
    [`${time} WARNING: [pool default] child 14 exited on signal 11 (SIGSEGV) after 1.5 seconds from start`, 'warn'],
    [`${time} WARNING: [pool default] child 14, script '/var/task/index.php' said into stderr`, 'warn'],
    ['NOTICE: PHP messages: hello', NO],
    [`${time.replace('Jan', 'jan')} ${said}hello"`, 'warn'],
  ] as const) {
    assert.equal(inspectText(toByteString(line)).level, level, JSON.stringify(line));
  }
  assert.equal(inspectText(`${'NOTICE: PHP message: '.repeat(100_000)}ERROR hello`).level, 'info');
});

test('behind the level an id is that of the request where Lambda or a logger puts it, and else only mentioned', () => {
  for (const [line, requestId, mentionedId] of [
    [`[INFO]\t${TIME}\t${ID}\thello`, ID, NO],
    [`[INFO]\t${TIME}\t${ID} hello`, NO, ID],
    [`[INFO]\t${TIME} ${ID}\thello`, NO, NO],
    [`[INFO] ${TIME} ${ID} hello`, NO, ID],
    [`[INFO] ${TIME} ${ID}\thello`, NO, ID],
    [`[INFO] ${TIME}\t${ID}\thello`, NO, NO],
    [`[INFO]\t10:00:00\t${ID}\thello`, ID, NO],
    [`[INFO]\t5 o'clock\t${ID}\thello`, NO, NO],
    [`[INFO]\t5\t${ID}\thello`, NO, NO],
    [`[INFO] hello ${ID}`, NO, NO],
    [`[INFO] ${ID} hello`, NO, ID],
    [`[INFO] ${ID} -- hello`, ID, NO],
    [`[INFO] ${ID} - hello`, NO, ID],
    [`[INFO] ${ID}.jpg`, NO, NO],
    [`[INFO]-${ID}`, NO, NO],
    [`[INFO] ${ID}`, NO, ID],
    [`(INFO) ${ID} hello`, NO, ID],
    [`<WARNING> ${ID} -- hello`, ID, NO],
    [`INFO requestId="${ID}"`, NO, ID],
    [`INFO requestId=${ID}`, NO, ID],
    [`INFO requestId: ${ID}`, NO, ID],
    [`INFO requestId:${ID}`, NO, ID],
    [`INFO "requestId":"${ID}"`, NO, ID],
    [`INFO "awsRequestId": "${ID}"`, NO, ID],
    [`INFO requestId= "${ID}"`, NO, ID],
    [`INFO aws-request-id=${ID} aws-trace-id=Root=1-2`, NO, ID],
    [`INFO request-id=${ID}`, NO, NO],
    [`INFO aws-request-id: ${ID}`, NO, NO],
    [`INFO requestId ${ID}`, NO, NO],
    [`INFO requestId;${ID}`, NO, NO],
    [`INFO request ${ID}`, NO, NO],
    [`INFO requestId:  ${ID}`, NO, NO],
  ] as const) {
    const found = inspectText(line);
    assert.deepEqual([found.requestId, found.mentionedId], [requestId, mentionedId], line);
    assert.equal(found.level, line.startsWith('<') ? 'warn' : 'info', line);
  }
});

test('a mention is looked for in the 400 characters behind the level', () => {
  const line = (characters: number) =>
    `INFO ${'x'.repeat(characters - 'requestId='.length - ID.length - 2)} requestId=${ID}`;
  assert.equal(line(400).length, 4 + 400);
  assert.equal(inspectText(line(400)).mentionedId, ID);
  assert.equal(inspectText(line(401)).mentionedId, undefined);
});

test('the level of a JSON line that another logger printed goes before that of the logger, if it stands behind a tab', () => {
  for (const [line, level] of [
    [`INFO\t{"level":"error"}`, 'error'],
    [`INFO {"level":"error"}`, 'info'],
    [`INFO\t {"level":"error"}`, 'info'],
    [`INFO\t["level":"error"}`, 'info'],
    [`INFO\t{"level":"hello"}`, 'info'],
    [`${TIME}\t${ID}\tINFO\t{"level":"error"}`, 'error'],
    [`[INFO]\t${TIME}\t${ID}\t{"level":"error"}`, 'info'],
  ] as const) {
    assert.equal(inspectText(line).level, level, line);
  }
});
