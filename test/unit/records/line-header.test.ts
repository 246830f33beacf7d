// The fields in front of a message, behind a time and in brackets: which may stand before the level, and how far it is looked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const TIME = '2026-01-05T10:00:00.118Z';
const NO = undefined;

type Row = readonly [line: string, level: Level | undefined];

function assertLevels(rows: readonly Row[], before = ''): void {
  for (const [line, level] of rows) {
    assert.equal(inspectText(before + line).level, level, JSON.stringify(before + line));
  }
}

const behindTime: readonly (readonly [what: string, rows: readonly Row[]])[] = [
  [
    'what sets a level in lower case apart from a sentence',
    [
      ['info: hello', 'info'],
      ['info| hello', 'info'],
      ['info] hello', 'info'],
      ['info, hello', 'info'],
      ['info> hello', 'info'],
      ['info\thello', 'info'],
      ['info; hello', NO],
      ['info hello', NO],
      ['info | hello', 'info'],
      ['info - hello', 'info'],
      ['info : hello', 'info'],
      ['info -hello', NO],
      ['info :hello', NO],
      ['info . hello', NO],
      ['error orders : hello', 'error'],
      ['error orders: hello', NO],
      ['error orders: [Orders] hello', 'error'],
      ['error codes.vapor-x: a=1 b-c=x y [Orders] hello', 'error'],
      [`error orders: a=${'x'.repeat(386)} [Orders] hello`, 'error'],
      [`error orders: a=${'x'.repeat(387)} [Orders] hello`, NO],
      ['error orders: hello [Orders] hello', NO],
      ['error orders: a=1 hello', NO],
      ['error orders: [Errno 111] hello', NO],
      ['error orders: [Orders]', NO],
      ['error of orders: [Orders] hello', NO],
      ['error: 0', NO],
      ['error: none', NO],
    ],
  ],
  [
    'words that are levels only between tabs, or before a category',
    [
      ['\tundefined\tfail\thello', 'error'],
      ['\tundefined\tcrit\thello', 'fatal'],
      ['\tundefined\tsuccess\thello', NO],
      ['\tundefined\tfail hello', NO],
      ['a1 fail\thello', NO],
      ['fail: Orders.Worker[0]', 'error'],
      ['fail: hello', NO],
      ['fail Orders.Worker[0]', NO],
      ['alert: Orders.Worker[0]', NO],
    ],
  ],
  [
    'names that may stand before the level',
    [
      ['orders.py ERROR hello', 'error'],
      ['OrdersWorker ERROR hello', 'error'],
      ['worker2 ERROR hello', 'error'],
      ['7 ERROR hello', 'error'],
      ['/var ERROR hello', 'error'],
      ['_main ERROR hello', 'error'],
      ['@scope ERROR hello', 'error'],
      ['#seven ERROR hello', 'error'],
      ['~seven ERROR hello', NO],
      ['Orders ERROR hello', NO],
      ['ORDERS ERROR hello', NO],
      ['host ERROR hello', 'error'],
      ['the ERROR hello', NO],
      ['host worker ERROR hello', NO],
      ['host worker2 ERROR hello', 'error'],
      ['[main]ERROR hello', 'error'],
      ['(main) ERROR hello', 'error'],
      ['{main} ERROR hello', 'error'],
      ['<main> ERROR hello', NO],
      ['[main ERROR hello', NO],
    ],
  ],
  [
    'words that are names where marks stand around them',
    [
      ['Orders, ERROR hello', 'error'],
      ['Orders] ERROR hello', 'error'],
      ['Orders| ERROR hello', 'error'],
      ['Orders; ERROR hello', NO],
      ['\tOrders\tERROR\thello', 'error'],
      ['Orders\tERROR hello', NO],
      ['\tOrders ERROR hello', NO],
      ['- Orders - ERROR - hello', 'error'],
      ['| Orders | ERROR | hello', 'error'],
      ['- Orders | ERROR - hello', 'error'],
      ['- Orders ERROR hello', NO],
      ['Orders - ERROR hello', NO],
      ['Orders | ERROR hello', NO],
    ],
  ],
  [
    'a level that is part of a field',
    [
      ['orders.ERROR: hello', 'error'],
      ['shop.orders.ERROR: hello', 'error'],
      ['orders.error: hello', NO],
      ['orders.ERROR hello', NO],
      ['ERROR/MainProcess hello', 'error'],
      ['error/MainProcess hello', NO],
      ['ERROR:orders:hello', 'error'],
      ['ERROR-orders hello', NO],
    ],
  ],
  [
    'one letter',
    [
      ['I [8 main] hello', 'info'],
      ['I [8:main] hello', 'info'],
      ['W tensorflow/core/x.cc:17] hello', 'warn'],
      ['I hello', NO],
      ['A [8 main] hello', NO],
      ['E, hello', NO],
      ['IN [8 main] hello', NO],
      ['[E] [main.go:17] hello', 'error'],
      ['[A] [main.go:17] hello', NO],
    ],
  ],
  [
    'a bracket with a level in it',
    [
      ['[ERROR] hello', 'error'],
      ['[error] 0', 'error'],
      ['[ error] hello', 'error'],
      ['[error ] hello', 'error'],
      ['[core:error] hello', 'error'],
      ['[orders#error] hello', 'error'],
      ['[core:ERROR] hello', NO],
      ['[core-error] hello', NO],
    ],
  ],
  [
    'the words of PHP',
    [
      ['PHP Warning: hello', 'warn'],
      ['Fatal error: hello', 'fatal'],
      ['panic: runtime error: hello', NO],
      ['npm ERR! hello', NO],
    ],
  ],
  [
    'a second line',
    [
      ['com.acme.Orders handle\nSEVERE: hello', 'error'],
      ['com.acme.Orders handle\nFINEST: hello', 'trace'],
      ['com.acme.Orders handle\nSEVERE hello', NO],
      ['com.acme.Orders handle\nsevere: hello', NO],
      ['com.acme.Orders handle\n\nSEVERE: hello', NO],
    ],
  ],
];

for (const [what, rows] of behindTime) {
  test(`behind a time: ${what}`, () => {
    assertLevels(rows, `${TIME} `);
    assertLevels(rows, `[${TIME}] `);
  });
}

test('without a time a bracket may hold the level, or stand before it', () => {
  assertLevels([
    ['[ERROR] hello', 'error'],
    ['[ERROR] 0', 'error'],
    ['[error] hello', 'error'],
    ['[error] 0', NO],
    ['[error]0', NO],
    ['[error] none', NO],
    ['[ ERROR] hello', 'error'],
    ['[ERROR ] hello', 'error'],
    ['[E] hello', NO],
    ['[core:error] hello', NO],
    ['[INFO  orders] hello', 'info'],
    ['[ERROR 22:53:43] hello', 'error'],
    ['[ERROR ORDERS] hello', NO],
    ['[ERROR rate] hello', NO],
    ['[ERROR Rate] hello', NO],
    ['[ALERT orders] hello', NO],
    ['[HELLO orders] hello', NO],
    ['[error orders] hello', NO],
    ['[E 260105 10:00:00 web:7] hello', 'error'],
    ['[W 2026-01-05 10:00:00.123 ServerApp] hello', 'warn'],
    ['[A 260105 10:00:00 web:7] hello', NO],
    ['[E orders] hello', NO],
    ['[8:8:1125/225343.701123:WARNING:sandbox_linux.cc(430)] hello', 'warn'],
    ['[8:8:1125/225343.701123:ALERT:sandbox_linux.cc(430)] hello', 'fatal'],
    ['[8:8:1125/225343.701123:warning:sandbox_linux.cc(430)] hello', NO],
    ['[main] ERROR hello', 'error'],
    ['[main] TRACE hello', 'trace'],
    ['[main] ERROR rate', NO],
    ['[main] ALERT hello', NO],
    ['[main] info: hello', 'info'],
    ['[main] info hello', NO],
    ['[main] fatal: hello', NO],
    ['[main] LAMBDA_WARNING: hello', 'warn'],
    ['[main] orders.py ERROR hello', 'error'],
    ['[main] orders ERROR hello', NO],
    ['[main] I [8] hello', NO],
    ['[main] 10:00:00 NOTICE hello', 'info'],
    ['[main] [10:00:00] NOTICE hello', 'info'],
    ['[main] 10 NOTICE hello', NO],
    ['[Mon Jan 05 10:00:00 2026] NOTICE hello', 'info'],
    ['[Monday] NOTICE hello', NO],
    [`[${TIME} NOTICE orders] hello`, 'info'],
  ]);
});

test('the level is one of nine fields', () => {
  for (const [fields, level] of [
    [8, 'error'],
    [9, undefined],
  ] as const) {
    assertLevels([[`${TIME} ${'[a] '.repeat(fields)}ERROR hello`, level]]);
    assertLevels([[`${TIME} ${'a.b '.repeat(fields)}ERROR hello`, level]]);
  }
});

test('a name has 60 characters at most', () => {
  for (const [characters, level] of [
    [60, 'error'],
    [61, undefined],
  ] as const) {
    const fill = (end: string) => 'x'.repeat(characters - end.length) + end;
    assertLevels(
      [
        [`${fill('.py')} ERROR hello`, level],
        [`${fill('.ERROR')}: hello`, level],
        [`[${fill(':error')}] hello`, level],
      ],
      `${TIME} `,
    );
    assertLevels([[`[ERROR ${'x'.repeat(characters - 6)}] hello`, level]]);
  }
});

test('a level is looked for in the first 200 characters, and what looks like an id as well', () => {
  const upTo = (end: number) => {
    const names = `${TIME} ${'a.b'.padEnd(57, 'c')} ${'d.e'.padEnd(57, 'f')} `;
    return `${names}${'g.h'.padEnd(end - names.length - 1, 'i')} `;
  };
  assertLevels([
    [`${upTo(196)}WARN hello`, 'warn'],
    [`${upTo(197)}WARN hello`, NO],
    [`${TIME} [${'x'.repeat(171)}] WARN hello`, NO],
  ]);
  assert.equal(inspectText(`${upTo(199)}${ID} hello`).mentionedId, ID);
  assert.equal(inspectText(`${upTo(200)}${ID} hello`).mentionedId, undefined);
});

test('an id is that of the invocation only between tabs and before the level', () => {
  const rows: [string, Level | undefined, requestId?: string | undefined, mentionedId?: string][] = [
    [`${TIME}\t${ID}\tINFO\thello`, 'info', ID],
    [`[${TIME}]\t${ID}\tINFO\thello`, 'info', ID],
    [`${TIME}\t${ID} INFO\thello`, 'info', NO, ID],
    [`${TIME} ${ID}\tINFO\thello`, 'info', NO, ID],
    [`${TIME} ${ID} INFO hello`, 'info', NO, ID],
    [`${TIME}\t${ID}\tINFOx`, NO, NO, ID],
    [`${TIME}\t${ID}\tINFO`, 'info', ID],
    [`${TIME} ${ID}`, NO, NO, ID],
    [`${TIME} ${ID}.jpg ERROR hello`, 'error'],
    [`${TIME} ${ID} Task timed out after 3.00 seconds`, 'error', ID],
    [`${TIME} ${ID} Task ran out of time after 3.00 seconds`, NO, NO, ID],
  ];
  for (const [line, level, requestId, mentionedId] of rows) {
    assert.deepEqual(inspectText(line), { level, requestId, mentionedId }, JSON.stringify(line));
  }
});
