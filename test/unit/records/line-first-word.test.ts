// Lines that begin with a word: what must stand behind it, or in front of it, for a level to be one and an id to be that of the request.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const TIME = '2026-01-05T10:00:00.118Z';
const NO = undefined;

const cases: readonly (readonly [what: string, lines: readonly (readonly [string, Level | undefined])[]])[] = [
  [
    'a level and a tab',
    [
      ['INFO\thello', 'info'],
      ['info\thello', 'info'],
      ['notice\thello', 'info'],
      ['success\thello', NO],
      ['ERROR\t0', NO],
      ['error\tnone', NO],
      ['ERROR\tnone', 'error'],
      ['ERROR\tfalse', NO],
    ],
  ],
  [
    'a level and a mark',
    [
      ['INFO|hello', 'info'],
      ['INFO> hello', 'info'],
      ['info|hello', NO],
      ['INFO;hello', NO],
      ['SILLY|hello', NO],
      ['FAIL> hello', NO],
    ],
  ],
  [
    'a level and a colon',
    [
      [`FINE: ${TIME}: hello`, 'debug'],
      [`fine: ${TIME}: hello`, NO],
      [`SILLY: ${TIME}: hello`, NO],
      ['FINE: 5 hello', NO],
      ['CRITICAL: 3 beds', NO],
      ['CRITICAL: 10:00:00 no beds', 'fatal'],
      ['CRITICAL: no beds', 'fatal'],
      ['ERROR: 3 beds', 'error'],
      ['ERROR: 0', NO],
      ['error: 12', NO],
      ['error:5', NO],
      ['ERROR:none', 'error'],
      ['ERROR:off', NO],
      ['fail: Orders.Worker[0]', 'error'],
      ['fail:Orders.Worker[0]', NO],
      ['fail: Orders.Worker', NO],
      ['fail:  Orders.Worker[0]', NO],
    ],
  ],
  [
    'a level in capitals and a word',
    [
      ['ERR 0', NO],
      ['ERR 0 rows', 'error'],
      ['ERROR false', 'error'],
      ['ERROR rate', NO],
      ['    WARNING disk full', 'warn'],
    ],
  ],
  [
    'a level and a bracket',
    [
      ['ERRO[0005] hello', 'error'],
      ['INFO[1s] hello', 'info'],
      ['INFO[a1] hello', NO],
      ['INFO(12) hello', NO],
      ['INFO(12): hello', NO],
      ['INFO[0005 hello', NO],
      ['error[E0425]: hello', 'error'],
      ['error[E1]: hello', 'error'],
      ['error[E0425] hello', NO],
      ['error[E0425]=: hello', NO],
      ['warning(orders): hello', 'warn'],
      ['warning(s): hello', NO],
      ['error(s): 0', NO],
      ['fatal[E0425]: hello', NO],
    ],
  ],
  [
    'a word that is a level only before a field',
    [
      ['TRACE | hello', 'trace'],
      ['TRACE - hello', 'trace'],
      ['TRACE [main] hello', 'trace'],
      ['TRACE 10:00:00 hello', 'trace'],
      ['TRACE orders::db: hello', 'trace'],
      [`TRACE Lambda runtime invoke{requestId="${ID}"}: hello`, 'trace'],
      ['TRACE hello', NO],
      ['TRACE a hello', NO],
      ['TRACE -5 hello', NO],
      ['TRACE 5 hello', NO],
      ['TRACE orders: hello', NO],
      ['TRACE (main) hello', NO],
    ],
  ],
  [
    'a name before the level',
    [
      ['app ERROR hello', 'error'],
      ['app ERR hello', 'error'],
      ['someone ERROR hello', NO],
      ['com.acme.Orders ERROR hello', 'error'],
      ['com.acme.Orders: ERROR hello', 'error'],
      ['com.acme. ERROR hello', NO],
      ['app Error hello', NO],
      ['app\tERROR hello', NO],
      ['app ERROR: hello', NO],
      ['app ERROR rate', NO],
      ['app ALERT hello', NO],
      ['MainThread: ERROR: hello', 'error'],
      ['worker2: ERROR: hello', 'error'],
      ['note: ERROR: hello', NO],
      ['app: ERROR hello', NO],
      [`${'x'.repeat(57)}.py ERROR hello`, 'error'],
      [`${'x'.repeat(58)}.py ERROR hello`, NO],
    ],
  ],
  [
    'a name, and the level between marks',
    [
      ['someone - ERROR - hello', 'error'],
      ['someone | ERROR | hello', 'error'],
      ['someone - ERROR | hello', 'error'],
      ['someone - ERROR: hello', 'error'],
      ['someone - ERROR hello', NO],
      ['someone -- ERROR - hello', NO],
      ['someone -ERROR - hello', NO],
      ['someone _ ERROR - hello', NO],
      ['someone ERROR - hello', NO],
      ['app: [ERROR] hello', 'error'],
      ['app: [ERROR hello', NO],
      ['app [ERROR] hello', NO],
      ['app: [error] hello', NO],
      ['app: [SUCCESS] hello', 'info'],
    ],
  ],
  [
    'one letter',
    [
      ['E, [2026-01-05T10:00:00.123456 #8] ERROR -- : hello', 'error'],
      ['I a[ERROR] hello', NO],
      ['I, x[ERROR] hello', NO],
      ['I, [8] ERROR rate', NO],
      ['W1125 22:49:07.3 8 a.go:1] x', 'warn'],
      ['I20261125 22:49:07.330746 8 a.go:1] hello', 'info'],
      ['E261125 22:49:07.330746 8 a.go:1] hello', 'error'],
      ['F1125 22:49:07', 'fatal'],
      ['D1125 22:49:07.330746 8 a.go:1] hello', NO],
      ['E112 22:49:07.330746 8 a.go:1] hello', NO],
      ['E11251 22:49:07.330746 8 a.go:1] hello', NO],
      ['E1125 22:49 8 a.go:1] hello', NO],
    ],
  ],
  [
    'a month or a weekday',
    [
      ['Jan 05, 2026 10:00:00 AM com.acme.Orders handle\nSEVERE: hello', 'error'],
      [' Jan 05, 2026 10:00:00 AM com.acme.Orders handle\nSEVERE: hello', 'error'],
      ['Mon Jan 05 10:00:00 2026 ERROR hello', 'error'],
      ['Jan said ERROR hello', NO],
    ],
  ],
  [
    'the end of a Go program',
    [
      ['panic: out of luck\n\ngoroutine 1 [running]:', 'fatal'],
      ['panic: out of luck', NO],
      ['panic: runtime error: out of luck', 'fatal'],
      ['dpanic: out of luck\n\ngoroutine 1 [running]:', NO],
    ],
  ],
];

for (const [what, lines] of cases) {
  test(`a line that begins with ${what} has the level that a person would give it`, () => {
    for (const [line, level] of lines) assert.equal(inspectText(line).level, level, JSON.stringify(line));
  });
}

test('the id of a request is that of the invocation only in the lines that Lambda itself writes', () => {
  const lines: [string, requestId: string | undefined, mentionedId?: string][] = [
    [`START RequestId: ${ID} Version: $LATEST`, ID],
    [`END RequestId: ${ID}`, ID],
    [`REPORT RequestId: ${ID}\tDuration: 3.00 ms`, ID],
    ['END RequestId: none', NO],
    [`START order-1234 ${ID}`, NO],
    [`STARTED RequestId: ${ID}`, NO],
    [`ABORT RequestId: ${ID}`, NO],
    [`RequestId: ${ID} Error: hello`, ID],
    [`RequestId: ${ID} Process exited before completing request`, ID],
    [`RequestId: ${ID}\tStatus: error`, ID],
    [`RequestId: ${ID}\tStatus: failure`, ID],
    [`RequestId: ${ID}\tStatus: timeout\tError`, ID],
    [`RequestId: ${ID}\tStatus: success`, NO, ID],
    [`RequestId: ${ID}\tStatus: errors`, NO, ID],
    [`RequestId: ${ID} Status: error`, NO, ID],
    [`RequestId: ${ID} Errors: 5`, NO, ID],
  ];
  for (const [line, requestId, mentionedId] of lines) {
    const found = inspectText(line);
    assert.deepEqual([found.requestId, found.mentionedId], [requestId, mentionedId], line);
    const isFault = requestId !== undefined && line.startsWith('RequestId');
    assert.equal(found.level, isFault ? 'error' : undefined, line);
  }
});
