// Level and request id of log lines: the formats of Lambda's runtimes and of the usual loggers, and text that is none of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const BARE_ID = '8d1f5a1e4c0e4c619d630f5c5cf2b1aa';
const NO = undefined;

type Expected = [line: string, level: Level | undefined, requestId?: string | undefined, mentionedId?: string];

const formats: [string, Expected[]][] = [
  [
    'Lambda itself',
    [
      [`START RequestId: ${ID} Version: $LATEST\n`, NO, ID],
      [`END RequestId: ${ID}\n`, NO, ID],
      [`REPORT RequestId: ${ID}\tDuration: 3.00 ms\tBilled Duration: 4 ms\n`, NO, ID],
      [`2026-01-05T10:07:03.001Z ${ID} Task timed out after 3.00 seconds\n\n`, 'error', ID],
      [`2026-01-05T10:07:03.001Z ${BARE_ID} Task timed out after 3.00 seconds`, 'error', BARE_ID],
      [`RequestId: ${ID} Error: Runtime exited with error: exit status 255\nRuntime.ExitError`, 'error', ID],
      [`RequestId: ${ID} Process exited before completing request`, 'error', ID],
      [`RequestId: ${ID}\tStatus: error\tErrorType: Runtime.ExitError\n`, 'error', ID],
      [`RequestId: ${ID}\tStatus: timeout`, 'error', ID],
      [`RequestId: ${ID} went well`, NO, NO, ID],
      ['RequestId: none', NO, NO],
      ['INIT_START Runtime Version: nodejs:22.v1\tRuntime Version ARN: arn:aws:lambda:eu::runtime:1', NO, NO],
      ['LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code.', 'warn', NO],
    ],
  ],
  [
    'Node.js',
    [
      [`2026-01-05T10:00:00.446Z\t${ID}\tINFO\treceived 3 items\n`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tWARN\t`, 'warn', ID],
      [`2026-01-05T10:00:00.446Z\t${BARE_ID}\tERROR\tInvoke Error \t{"errorType": "TypeError"}`, 'error', BARE_ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tDEBUG\tquery plan:\n  Seq Scan`, 'debug', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tTRACE\tx`, 'trace', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tFATAL\tx`, 'fatal', ID],
      ['2026-01-05T10:00:00.299Z\tundefined\tINFO\tcold start', 'info', NO],
      [`2026-01-05T10:00:00.446Z\t${ID}\ttenant-a\tINFO\tx`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tINFO\t{"level":"error","message":"boom"}`, 'error', ID],
      [`2026-01-05T10:00:00.446Z\tundefined\tINFO\t{"level":50,"time":1767607200446,"msg":"boom"}`, 'error', NO],
      [`2026-01-05T10:00:00.446Z\t${ID}\tERROR\t{"level":"warning","message":"slow"}`, 'warn', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tINFO\t{"level":"high","device":"d7"}`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tINFO\t{"patient":7,"level":"critical"}`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tINFO\tgot {"level":"error","message":"boom"}`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tno level here, ERROR or not`, NO, NO, ID],
    ],
  ],
  [
    'Python',
    [
      [`[INFO]\t2026-01-05T10:00:00.446Z\t${ID}\thello\n`, 'info', ID],
      [`[WARNING]\t2026-01-05T10:00:00.446Z\t${ID}\thello`, 'warn', ID],
      [`[CRITICAL]\t2026-01-05T10:00:00.446Z\t${BARE_ID}\thello`, 'fatal', BARE_ID],
      ['[ERROR]\t2026-01-05T10:00:00.446Z\t\tno request yet', 'error', NO],
      ["[ERROR] Runtime.ImportModuleError: Unable to import module 'app'", 'error', NO],
      ['[ERROR] ValueError: negative\nTraceback (most recent call last):', 'error', NO],
      ['INFO:root:hello', 'info', NO],
      ['WARNING:my.module:hello', 'warn', NO],
      ['2026-01-05 10:00:00,123 - my.module - WARNING - hello', 'warn', NO],
      ['2026-01-05 10:00:00,123 - INFO - hello', 'info', NO],
      ['2026-01-05 10:00:00,123 INFO my.module hello', 'info', NO],
      ['2026-01-05 10:00:00.123 | SUCCESS  | app:main:7 - hello', 'info', NO],
      ['[2026-01-05 10:00:00,123] ERROR in app: hello', 'error', NO],
    ],
  ],
  [
    'Java',
    [
      [`2026-01-05 10:00:00 ${ID} INFO  Handler - hello`, 'info', NO, ID],
      [`2026-01-05 10:00:00 ${ID} WARN  Handler:42 - hello`, 'warn', NO, ID],
      ['2026-01-05 10:00:00,123 [main] ERROR x.y.Z - hello', 'error', NO],
      ['10:00:00.123 [main] DEBUG x.y.Z -- hello', 'debug', NO],
      ['2026-01-05T10:00:00.123Z  INFO 8 --- [           main] x.y.Z : hello', 'info', NO],
      ['2026-01-05 10:00:00.123  WARN 8 --- [           main] x.y.Z : hello', 'warn', NO],
      ['[main] INFO x.y.Z - hello', 'info', NO],
      ['Jan 05, 2026 10:00:00 AM x.y.Z handle\nSEVERE: hello', 'error', NO],
      ['Jan 05, 2026 10:00:00 AM x.y.Z handle\nFINER: hello', 'debug', NO],
      ['SEVERE: hello', 'error', NO],
    ],
  ],
  [
    '.NET',
    [
      [`2026-01-05T10:00:00.446Z\t${ID}\tinfo\thello`, 'info', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tfail\thello`, 'error', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tcrit\thello`, 'fatal', ID],
      [`2026-01-05T10:00:00.446Z\t${ID}\tdbug\thello`, 'debug', ID],
      ['warn: My.Namespace.Class[0]', 'warn', NO],
      ['[10:00:00 INF] hello', 'info', NO],
    ],
  ],
  [
    'Go',
    [
      ['time=2026-01-05T10:00:00.000Z level=INFO msg="level=ERROR"', 'info', NO],
      ['level=warning ts=2026-01-05T10:00:00Z msg=hello', 'warn', NO],
      ['ts=1 level="error" msg=hello', 'error', NO],
      ['msg=hello path=/level=error', NO, NO],
      ['2026-01-05T10:00:00.000Z\tINFO\tmain.go:12\thello', 'info', NO],
      ['2026-01-05T10:00:00.000Z\terror\tmain.go:12\thello', 'error', NO],
      ['2026/01/05 10:00:00 INFO hello key=value', 'info', NO],
      ['2026/01/05 10:00:00 hello', NO, NO],
      ['panic: runtime error: index out of range', 'fatal', NO],
    ],
  ],
  [
    'Rust, Ruby, PHP',
    [
      ['2026-01-05T10:00:00.123456Z  INFO bootstrap: hello', 'info', NO],
      ['2026-01-05T10:00:00.123456Z ERROR bootstrap: hello', 'error', NO],
      [
        '\u001b[2m2026-01-05T10:00:00.123456Z\u001b[0m \u001b[33m WARN\u001b[0m \u001b[2mbootstrap\u001b[0m: hello',
        'warn',
        NO,
      ],
      ['\u001b[32m INFO\u001b[0m \u001b[2mbootstrap\u001b[0m: hello', 'info', NO],
      [' INFO bootstrap: hello', 'info', NO],
      ['[2026-01-05T10:00:00Z ERROR bootstrap] hello', 'error', NO],
      [`I, [2026-01-05T10:00:00.123456 #8]  INFO ${ID} -- : hello`, 'info', ID],
      ['E, [2026-01-05T10:00:00.123456 #8] ERROR -- : hello', 'error', NO],
      ['[2026-01-05T10:00:00.000000+00:00] app.WARNING: hello [] []', 'warn', NO],
    ],
  ],
  [
    'console output',
    [
      ['ERROR: disk full', 'error', NO],
      ['error: disk full', 'error', NO],
      ['Error: disk full\n    at handler (index.js:1:1)', 'error', NO],
      ['WARN disk almost full', 'warn', NO],
      ['DEBUG', 'debug', NO],
      ['[info] hello', 'info', NO],
      ['[ WARN ] hello', 'warn', NO],
      ['\u001b[31merror\u001b[39m: hello', 'error', NO],
      ['2026-01-05T10:00:00.000Z\t\u001b[34mINFO\u001b[0m\thello', 'info', NO],
      ['2026-01-05T10:00:00.000Z error: hello', 'error', NO],
      ['2026-01-05T10:00:00.000Z [error]: hello', 'error', NO],
    ],
  ],
  [
    'text that only speaks of levels',
    [
      ['', NO, NO],
      ['\n', NO, NO],
      ['no error here', NO, NO],
      ['error rate is low', NO, NO],
      ['3 errors found', NO, NO],
      ['Errors: 3', NO, NO],
      ['ERRORS: 3', NO, NO],
      ['ERROR_COUNT 3', NO, NO],
      ['An ERROR occurred', NO, NO],
      ['fine: no problems', NO, NO],
      ['config: loaded', NO, NO],
      ['FINE weather', NO, NO],
      ['success: true', NO, NO],
      ['[config-sidecar] error count 0', NO, NO],
      ['[1,2,"ERROR"]', NO, NO],
      ['["ERROR"]', NO, NO],
      ['[error', NO, NO],
      ['2026-01-05 10:00:00 error rate is low', NO, NO],
      ['2026-01-05T10:00:00.000Z Sending ERROR mail', NO, NO],
      ['2026-01-05 ERROR', NO, NO],
      ['2026 ERROR', NO, NO],
      ['    at Error (index.js:1:1)', NO, NO],
      ['    "level": "error"', NO, NO],
      ['Traceback (most recent call last):\n  ERROR', NO, NO],
      ['set level=error please', NO, NO],
      [`${ID} ERROR`, NO, NO],
      [`my id is ${ID}`, NO, NO],
      [`2026-01-05T10:00:00.446Z\t${ID.slice(1)}\tx`, NO, NO],
      [`2026-01-05T10:00:00.446Z\t${ID}0\tx`, NO, NO],
      [`2026-01-05T10:00:00.446Z\t${'g'.repeat(32)}\tx`, NO, NO],
      ['\u001b', NO, NO],
      ['\u001b[', NO, NO],
      ['\u001b[31m', NO, NO],
      ['\u00e4rgerlich: ERROR', NO, NO],
    ],
  ],
  [
    'JSON as text',
    [
      [`{"level":"info","time":1767607200447,"msg":"hello","requestId":"${ID}"}\n`, 'info', NO, ID],
      [`{"timestamp":"2026-01-05T10:00:00Z","level":"WARN","AWSRequestId":"${ID}","message":"x"}`, 'warn', ID],
      [`{"aws_request_id":"${BARE_ID}","level":"Information"}`, 'info', BARE_ID],
      [`{ "function_request_id" : "${ID}" , "level" : "CRITICAL" }`, 'fatal', ID],
      ['{"patient":7,"level":"critical"}', NO, NO],
      ['{"event":"gone","level":"critical"}', 'fatal', NO],
      ['{"text":"boom\\n","record":{"level":{"icon":"x","name":"ERROR","no":40},"message":"boom"}}', 'error', NO],
      ['{"0":"boom","_meta":{"runtime":"node","logLevelName":"ERROR"}}', 'error', NO],
      ['{"record":{"level":"error"},"id":7}', NO, NO],
      ['{"level":30,"time":1,"msg":"hi"}', 'info', NO],
      ['{"time":1,"msg":"hi","level":30}', 'info', NO],
      ['{"level":30,"msg":"hi"}', NO, NO],
      ['{"level":60,"time":1}', 'fatal', NO],
      ['{"level":60}', NO, NO],
      ['{"timestamp":1,"level":60,"message":"x"}', 'fatal', NO],
      ['{"timestamp":1,"level":60,"device":"d7"}', NO, NO],
      ['{"level":"50","time":1}', NO, NO],
      ['{"level":35,"time":1}', NO, NO],
      ['{"level":70,"time":1}', NO, NO],
      ['{"level":50,"sLevel":"ERROR","message":"x"}', 'error', NO],
      ['{"level":3}', NO, NO],
      ['{"level":1e9}', NO, NO],
      ['{"level":"notice","severity":"ERROR","message":"x"}', 'info', NO],
      ['{"severity":"ERROR","message":"x","level":"notice"}', 'info', NO],
      ['{"severity":"ERROR","message":"x"}', 'error', NO],
      ['{"severity":"CRITICAL","ticket":7}', NO, NO],
      ['{"logLevel":"error","region":"eu-central-1"}', NO, NO],
      ['{"log":{"level":"WARN"},"message":"x"}', 'warn', NO],
      ['{"log":{"level":"WARN"}}', NO, NO],
      [`{"level":"INFO","span":{"requestId":"${ID}"}}`, 'info', NO, ID],
      [`{"level":"INFO","spans":[ {"requestId":"${ID}","name":"x"},{"requestId":"y"}]}`, 'info', NO, ID],
      [`{"level":"INFO","spans":[]}`, 'info', NO],
      [`{"level":"INFO","contextMap":{"AWSRequestId":"${ID}"}}`, 'info', ID],
      [`{"level":"INFO","mdc":["AWSRequestId"]}`, 'info', NO],
      [`{"level":"INFO","mdc":{"AWSRequestId":"${ID}"}}`, 'info', ID],
      [`{"FunctionRequestId":"${ID}","Level":"Error","Message":"x"}`, 'error', ID],
      ['{"level":"WARN+2","time":"x"}', 'warn', NO],
      ['  {"level":"warn"}', 'warn', NO],
      ['\u00ef\u00bb\u00bf{"level":"warn"}', 'warn', NO],
      ['{"levelname":"WARNING","message":"x"}', 'warn', NO],
      ['{"msg":"\\"level\\":\\"error\\"","level":"debug"}', 'debug', NO],
      ['{"msg":"back\\\\","level":"debug"}', 'debug', NO],
      ['{"err":{"level":"error","requestId":"x"},"list":[{"level":"fatal"},"]}"],"level":"warn"}', 'warn', NO],
      [`{"err":{"level":"error","requestId":"${ID}"}}`, NO, NO],
      ['{"message":"an error happened"}', NO, NO],
      ['{"level":null,"requestId":17}', NO, NO],
      ['{"level":{"level":"error"}}', NO, NO],
      ['{"level":"nonsense","requestId":"r-1"}', NO, NO],
      ['{"a":1}{"level":"error"}', NO, NO],
      ['{"a":"level":"error"}', NO, NO],
      ['{level:"error"}', NO, NO],
      ['{}', NO, NO],
      ['{', NO, NO],
      ['{"', NO, NO],
      ['{"level"', NO, NO],
      ['{"level":', NO, NO],
      ['{"level":"error', NO, NO],
      ['{"level":"error","half', 'error', NO],
      [`{"level":"info","message":"requestId","requestId":"${ID}"}`, 'info', NO, ID],
      [`{"requestId":"","level":"info","awsRequestId":"${ID}"}`, 'info', NO, ID],
    ],
  ],
];

for (const [name, lines] of formats) {
  test(`knows the level and the request of ${name}`, () => {
    for (const [line, level, requestId, mentionedId] of lines) {
      assert.deepEqual(inspectText(line), { level, requestId, mentionedId }, JSON.stringify(line));
    }
  });
}

test("another request's id is never taken for the invocation's", () => {
  for (const line of [
    `RequestId: ${ID} of DynamoDB`,
    `RequestId: ${ID} went well`,
    `ERROR ${ID} not found`,
    `ERROR ${BARE_ID} checksum mismatch`,
    `2026-01-05T10:00:00Z ${BARE_ID}.jpg uploaded`,
    `2026-01-05T10:00:00.446Z ${ID} shipped`,
    `2026-01-05T10:00:00.446Z\t${ID}\tuploaded`,
    `[ERROR] ${ID} not found`,
    `[ERROR] 2026-01-05T10:00:00.446Z ${BARE_ID} checksum mismatch`,
    `{"request_id":"${ID}","event":"request_started"}`,
    `{"requestContext":{"requestId":"${ID}","AWSRequestId":"${ID}"}}`,
    `{"level":"info","err":{"aws_request_id":"${ID}"}}`,
    `time=2026-01-05T10:00:00Z level=info request_id=${ID}`,
    `{\n  requestContext: { requestId: '${ID}' }\n}`,
    `GET /orders/${ID}`,
    ID,
    '2026-01-05 10:00:00,123 - app - INFO - hello',
    'INFO - msg',
    '{"requestId":"-"}',
  ]) {
    assert.equal(inspectText(line).requestId, undefined, line);
  }
});

test('a line says the same whatever lines came before it', () => {
  const lines = formats.flatMap(([, expected]) => expected.map(([line]) => line));
  const alone = lines.map((line) => inspectText(line));
  assert.deepEqual(
    lines.toReversed().map((line) => inspectText(line)),
    alone.toReversed(),
  );
});

test('gives the same answer for the beginning of a line as for all of it, once the header is in', () => {
  for (const [, lines] of formats) {
    for (const [line, level] of lines) {
      for (let end = 0; end < line.length; end += 1) inspectText(line.slice(0, end));
      if (line.startsWith('{') || line.length < 20) continue;
      const longer = `${line} ${'more ERROR [ERROR] '.repeat(50)}`;
      assert.equal(inspectText(longer).level, level, JSON.stringify(line));
    }
  }
});

test('time grows with the length only, whatever the line is made of', { timeout: 60_000 }, () => {
  const length = 256 * 1024;
  const units = [
    ...[
      'a',
      ' ',
      '\t',
      '\n',
      '[',
      ']',
      '(',
      '{',
      '<',
      '- ',
      ' | ',
      ': ',
      ', ',
      '=',
      'a=',
      'a= ',
      'a="',
      "a='\\'",
      '"',
      '\\',
      '0',
      '9.',
    ],
    ...[
      '1:',
      '10:00:00',
      '2026-01-05 ',
      '2026-01-05 10:00:00 ',
      'Jan 05, 2026\n',
      'Mon Jan 5 ',
      '[10:00:00',
      '+01:00',
      '1.2e+09',
    ],
    ...[
      '\u001b[',
      '\u001b[31m',
      '\u001b[;',
      '\u00ef\u00bb\u00bf',
      'A',
      'ERROR',
      'ERROR ',
      'ERROR: ',
      'error: ',
      'E1125 ',
      'I, [',
      '::',
      'a.',
    ],
    ...[
      `${ID} `,
      `${BARE_ID}`,
      'requestId',
      'requestId="',
      'requestId: ',
      'RequestId: ',
      '\\u001b[',
      'null ',
      'level=',
      'severity=error ',
    ],
    ...[
      '{"a":',
      '{"a":[',
      '"\\',
      '{"a":"\\\\',
      '{"a":1,',
      '"log":{',
      '"span":{"a":',
      '"level":10,',
      '"severity":"error",',
      '[0]',
      'a[',
      '/1.:',
    ],
  ];
  const starts = [
    ...[
      '',
      '{',
      '{"',
      '{"a":',
      '{"a":"',
      '{"a":[',
      '{"level":"info",',
      '{"severity":"error",',
      '{"log":{',
      '{"level":30,',
      ' \n\t',
    ],
    ...[
      '2026-01-05T10:00:00.446Z\t',
      '2026-01-05T10:00:00.446Z ERROR: ',
      '[',
      '[ERROR] ',
      'x=',
      'ERROR: ',
      'error: ',
      'fail: ',
      'app ',
    ],
    ...[
      'PHP ',
      'panic: ',
      'RequestId: ',
      `RequestId: ${ID}`,
      '\u001b[31m',
      'level=error ',
      '10:00:00 ',
      '2848 [',
      'INFO ',
      '=ERROR REPORT==',
    ],
  ];
  const body = units.map((unit) => unit.repeat(length / unit.length));
  for (const start of starts) for (const text of body) inspectText(start + text);
  assert.equal(inspectText(`{"a":"${'\\"'.repeat(length)}","level":"error"}`).level, 'error');
  assert.equal(inspectText(`{"a":"${'\\\\'.repeat(length)}","level":"error"}`).level, 'error');
  assert.equal(inspectText(`{"level":"info",${'"a":1,'.repeat(length / 6)}"equest":1}`).level, 'info');
});
