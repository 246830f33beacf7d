import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { type Consequence, createTeller } from '../../../src/loki/teller.ts';
import {
  ACCEPTED,
  FAILED,
  METADATA_DISALLOWED,
  REFUSED,
  recordingLog,
  TARGET,
  UNREACHABLE,
} from '../../fakes/doubles.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

const NOTHING: Consequence = { lost: 0, reason: undefined, blamed: 'loki', isSetting: false };
const INTERRUPTED: PushOutcome = { kind: 'interrupted' };

function setUp(level: 'debug' | 'info' | 'warn' = 'warn') {
  const clock = new FakeClock();
  const log = recordingLog(clock, level);
  const teller = createTeller(log, () => TARGET, clock);
  const ids = () => log.messages.map(({ fields }) => fields['id']);
  return { clock, log, teller, ids };
}

test('a healthy Loki is not worth a word', () => {
  const { teller, log } = setUp();
  for (let count = 0; count < 3; count++) teller.tell(ACCEPTED, NOTHING);
  assert.deepEqual(log.messages, []);
  assert.equal(teller.lastTrouble(), undefined);
});

test('each trouble is told at once, and again after a minute', async () => {
  const { teller, clock, ids } = setUp();
  for (const outcome of [UNREACHABLE, UNREACHABLE, FAILED, UNREACHABLE]) teller.tell(outcome, NOTHING);
  assert.deepEqual(ids(), ['connection_refused', 'loki_failed']);
  await clock.advance(60_000);
  teller.tell(UNREACHABLE, NOTHING);
  assert.equal(ids().length, 3);
});

test('a push that freezes ended is told by what was seen last, else when nothing else comes for long', async () => {
  const { teller, ids, clock } = setUp();
  for (const last of [INTERRUPTED, ACCEPTED, INTERRUPTED]) {
    teller.tell(INTERRUPTED, NOTHING);
    await clock.advance(20_000);
    teller.tell(last, NOTHING);
  }
  assert.deepEqual(ids(), []);
  await clock.advance(10_000);
  teller.tell(INTERRUPTED, NOTHING);
  assert.deepEqual(ids(), ['frozen']);
  teller.tell({ kind: 'interrupted', last: UNREACHABLE }, NOTHING);
  assert.deepEqual(ids(), ['frozen', 'connection_refused']);
});

test('what one batch alone meets is a warning, and Loki stays well', () => {
  const { teller, log } = setUp();
  teller.tell(REFUSED, { ...NOTHING, blamed: 'batch' });
  assert.equal(log.messages[0]?.level, 'warn');
  assert.match(log.messages[0].message, /other pushes pass$/);
  assert.equal(teller.isWell(), true);
});

test('what refuses all batches for good is an error', () => {
  const { teller, log } = setUp();
  const rejected: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };
  teller.tell(rejected, { ...NOTHING, isSetting: true });
  assert.equal(log.messages[0]?.level, 'error');
  assert.equal(teller.isWell(), false);
});

test('the last trouble stays known when Loki is well again, which is told at info', () => {
  const { teller, log } = setUp('info');
  teller.tell(UNREACHABLE, NOTHING);
  teller.tell(ACCEPTED, NOTHING);
  assert.deepEqual(log.messages.map(({ message }) => message).slice(1), ['Loki is not well', 'Loki is well again']);
  assert.equal(teller.lastTrouble()?.id, 'connection_refused');
});

test('at info the first accepted push is told, at debug each push', () => {
  const { teller, log } = setUp('debug');
  const push = { outcome: 'accepted', entries: 3, bytes: 90, tookMs: 12 } as const;
  for (let count = 0; count < 2; count++) {
    teller.pushed(push);
    teller.tell(ACCEPTED, NOTHING);
  }
  assert.deepEqual(
    log.messages.map(({ level, message }) => `${level} ${message}`),
    ['debug push', 'info first push accepted', 'debug push'],
  );
  assert.equal(teller.slowestPushMs(), 12);
});

test('a batch that lost nothing is not worth a word, one that lost an entry is', () => {
  const { teller, ids } = setUp();
  const rejected: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };
  teller.tell(rejected, NOTHING);
  assert.deepEqual([ids().length, teller.lastTrouble()], [0, undefined]);
  teller.tell(rejected, { ...NOTHING, lost: 1 });
  assert.equal(ids().length, 1);
  assert.equal(teller.isWell(), true, 'it answers');
});

test('that Loki takes no metadata is told, and Loki stays well', () => {
  const { teller, log } = setUp('info');
  teller.tell(METADATA_DISALLOWED, NOTHING);
  assert.equal(log.messages.length, 1);
  assert.equal(teller.isWell(), true);
});

test('at info it is told once that Loki is not well, and once that it is well again, each time', () => {
  const { teller, log } = setUp('info');
  for (const outcome of [UNREACHABLE, FAILED, ACCEPTED, ACCEPTED, UNREACHABLE, ACCEPTED]) teller.tell(outcome, NOTHING);
  assert.deepEqual(
    log.messages.filter(({ level }) => level === 'info').map(({ message }) => message),
    ['Loki is not well', 'Loki is well again', 'Loki is not well', 'Loki is well again'],
  );
});

test('only what was accepted counts as the first push and as the slowest', () => {
  const { teller, log } = setUp('info');
  const push = { entries: 3, bytes: 90 } as const;
  teller.pushed({ ...push, outcome: 'failed', tookMs: 900 });
  assert.deepEqual([log.messages.length, teller.slowestPushMs()], [0, 0]);
  for (const tookMs of [12, 40, 7]) teller.pushed({ ...push, outcome: 'accepted', tookMs });
  assert.equal(log.messages[0]?.message, 'first push accepted');
  assert.equal(teller.slowestPushMs(), 40);
});
