// The one rule, as a table: what an outcome means for a batch, for every kind of outcome and everything that is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretTrouble } from '../../../src/diagnosis/symptoms.ts';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { type Facts, isAway, refusalOf, type Verdict, verdict } from '../../../src/loki/verdict.ts';
import {
  ACCEPTED,
  CUT,
  FAILED,
  INTERRUPTED,
  METADATA_DISALLOWED,
  REFUSED,
  TOO_LARGE,
  throttled,
  UNANSWERED,
  UNREACHABLE,
  UNREADABLE,
} from '../../fakes/doubles.ts';

const FIRST: Facts = {
  entries: 10,
  requestBytes: 1_000,
  failures: 0,
  blame: 0,
  othersPassed: false,
  isPart: false,
  passedMeanwhile: false,
  tookMs: 5,
  failuresInARow: 0,
  othersUntried: true,
  isSmallest: true,
  stripped: false,
  restamped: false,
  sameRefusals: 0,
  isLast: false,
};
const ALONE: Facts = { ...FIRST, othersUntried: false };
const OTHERS_PASS: Facts = { ...FIRST, failures: 1, othersPassed: true, failuresInARow: 1 };
const rejected = (changes: Partial<PushOutcome & { kind: 'rejected' }> = {}): PushOutcome => ({
  kind: 'rejected',
  reason: 'rejected',
  entries: 'all',
  status: 400,
  detail: '400 no',
  ...changes,
});
const TROUBLES = [REFUSED, FAILED, UNREADABLE, UNANSWERED, CUT, INTERRUPTED];

const inShort = ({ action, blamed, heard, isSetting }: Verdict) =>
  [
    action.kind === 'drop' ? `drop ${action.lost} ${action.reason}` : action.kind,
    ...(action.kind === 'keep' && action.pause !== 'none' ? [action.pause] : []),
    blamed,
    heard,
    ...(isSetting ? ['setting'] : []),
  ].join(', ');

const TABLE: readonly (readonly [what: string, outcome: PushOutcome, facts: Partial<Facts>, verdict: string])[] = [
  ['stored', ACCEPTED, {}, 'accept, nobody, passed'],
  ['stored at last', ACCEPTED, { failures: 99, othersPassed: true }, 'accept, nobody, passed'],
  ['one entry refused', rejected({ entries: { refused: 1 } }), {}, 'drop 1 rejected, batch, passed'],
  ['all refused', rejected(), {}, 'drop 10 rejected, batch, answered'],
  ['all refused again', rejected(), { sameRefusals: 1 }, 'drop 10 rejected, batch, answered'],
  ['all refused, as two before', rejected(), { sameRefusals: 2 }, 'keep, loki, refused, setting'],
  [
    'one refused, as two before',
    rejected({ entries: { refused: 1 } }),
    { sameRefusals: 2 },
    'drop 1 rejected, batch, passed',
  ],
  ['all too old', rejected({ reason: 'too_old', untimely: true }), {}, 'restamp, nobody, answered'],
  ['all too new', rejected({ entries: { refused: 10 }, untimely: true }), {}, 'restamp, nobody, answered'],
  [
    'too old again',
    rejected({ reason: 'too_old', untimely: true }),
    { restamped: true },
    'drop 10 too_old, batch, answered',
  ],
  ['some too old', rejected({ untimely: true, entries: { refused: 3 } }), {}, 'drop 3 rejected, batch, passed'],
  ['too large', TOO_LARGE, {}, 'halve, nobody, answered'],
  ['a single line too large', TOO_LARGE, { entries: 1 }, 'drop 1 line_too_long, batch, answered'],
  ['everything too large', TOO_LARGE, { sameRefusals: 2 }, 'keep, loki, refused, setting'],
  [
    'a single line, and everything too large',
    TOO_LARGE,
    { entries: 1, sameRefusals: 2 },
    'keep, loki, refused, setting',
  ],
  ['no metadata', METADATA_DISALLOWED, {}, 'strip, nobody, answered'],
  ['no metadata, and there was none', METADATA_DISALLOWED, { stripped: true }, 'drop 10 rejected, batch, answered'],
  [
    'no metadata, and there was none, as two before',
    METADATA_DISALLOWED,
    { stripped: true, sameRefusals: 2 },
    'keep, loki, refused, setting',
  ],
  ['too fast', throttled(), {}, 'keep, loki, failed'],
  ['too much at once', throttled(undefined, true), {}, 'halve, loki, failed'],
  ['too much at once, alone', throttled(undefined, true), { entries: 1 }, 'keep, loki, failed'],
  ['a large one, too fast again', throttled(), { failures: 2, requestBytes: 70_000 }, 'halve, loki, failed'],
  ['a small one, too fast again', throttled(), { failures: 99 }, 'keep, loki, failed'],
  ['too fast, while others pass', throttled(), { ...OTHERS_PASS }, 'keep, backoff, batch, silence'],
  ['too fast again, while others pass', throttled(), { ...OTHERS_PASS, failures: 2 }, 'halve, batch, silence'],
  ['a freeze came between, and nothing passes', INTERRUPTED, {}, 'keep, nobody, silence'],
  ['a freeze came between once more', INTERRUPTED, { failures: 1 }, 'keep, backoff, nobody, silence'],
  ['no connection, nothing passes', UNREACHABLE, {}, 'keep, loki, failed'],
  [
    'no connection again and again, and nothing else can be tried: no part of it would get further',
    UNREACHABLE,
    { othersUntried: false, failures: 99 },
    'keep, loki, failed',
  ],
  [
    'a connection that closes again and again, and nothing else can be tried',
    CUT,
    { othersUntried: false, failures: 2 },
    'probe, loki, failed',
  ],
  [
    'a single line, too fast for ever',
    throttled(),
    { ...OTHERS_PASS, entries: 1, blame: 99 },
    'keep, backoff, batch, silence',
  ],
];

for (const [what, outcome, facts, expected] of TABLE) {
  test(`${what}: ${expected}`, () => assert.equal(inShort(verdict(outcome, { ...FIRST, ...facts })), expected));
}

for (const outcome of TROUBLES) {
  const { kind } = outcome;
  const of = (facts: Facts) => verdict(outcome, facts);
  const patient = kind !== 'refused';

  test(`${kind}, and something else can be tried: it is kept`, () => {
    for (const failures of [0, 1, 50]) {
      const { action, heard } = of({ ...FIRST, failures });
      assert.equal(action.kind, 'keep');
      assert.equal(heard, kind === 'refused' ? 'refused' : kind === 'interrupted' ? 'silence' : 'failed');
    }
  });

  test(`${kind}, nothing passes and nothing else can be tried: one entry is tried alone, ${patient ? 'in the end' : 'at once'}`, () => {
    assert.equal(of(ALONE).action.kind, patient ? 'keep' : 'probe');
    assert.equal(of({ ...ALONE, failures: 2 }).action.kind, 'probe');
    assert.equal(of({ ...ALONE, failures: 2, entries: 1 }).action.kind, 'keep');
    assert.equal(of({ ...ALONE, failures: 2, isSmallest: false }).action.kind, 'keep');
  });

  test(`${kind}, while others pass: it is split, ${patient ? 'in the end' : 'at once'}, and a part at once`, () => {
    assert.equal(of(OTHERS_PASS).action.kind, patient ? 'keep' : 'halve');
    assert.equal(of({ ...OTHERS_PASS, failures: 2 }).action.kind, 'halve');
    assert.equal(of({ ...OTHERS_PASS, failures: 0, isPart: true }).action.kind, 'halve');
    assert.equal(of(OTHERS_PASS).heard, 'silence', 'the others need not wait for it');
  });

  test(`${kind}, while others passed long ago: it is Loki`, () => {
    for (const entries of [1, 10]) {
      const { action } = of({ ...OTHERS_PASS, entries, failures: 50, blame: 50, failuresInARow: 12 });
      assert.equal(action.kind, 'keep');
    }
  });

  test(`${kind} on a single entry, while others pass: it is given up in the end, and not before`, () => {
    const single = { ...OTHERS_PASS, entries: 1 };
    for (const blame of [0, 5, 10]) assert.equal(of({ ...single, failures: 99, blame }).action.kind, 'keep');
    const { action } = of({ ...single, blame: 11 });
    const reason = kind === 'refused' ? 'rejected' : 'retries_exhausted';
    assert.deepEqual(action, { kind: 'drop', reason, lost: 1 });
  });
}

test('an attempt that was long is not made three times: what passed beside it says enough', () => {
  for (const outcome of [UNANSWERED, FAILED, INTERRUPTED]) {
    const of = (changes: Partial<Facts>) => verdict(outcome, { ...FIRST, passedMeanwhile: true, ...changes });
    assert.equal(inShort(of({ tookMs: 5_000 })), 'halve, batch, silence');
    assert.equal(inShort(of({ tookMs: 5_000, entries: 1 })), 'keep, backoff, batch, silence');
    assert.equal(of({ tookMs: 20 }).blamed, verdict(outcome, FIRST).blamed);
    assert.equal(of({ tookMs: 5_000, passedMeanwhile: false }).blamed, verdict(outcome, FIRST).blamed);
    assert.equal(verdict(outcome, { ...OTHERS_PASS, tookMs: 5_000 }).action.kind, 'halve');
  }
});

test('what cannot be read may be stored: the second time it rests for long', () => {
  assert.equal(inShort(verdict(UNREADABLE, FIRST)), 'keep, loki, failed');
  assert.equal(inShort(verdict(UNREADABLE, { ...FIRST, failures: 1 })), 'keep, long, loki, failed');
  assert.equal(inShort(verdict(UNREADABLE, OTHERS_PASS)), 'keep, long, batch, silence');
});

test('at the end a batch is split at once, and an entry that is refused while others pass is given up', () => {
  assert.equal(verdict(FAILED, { ...OTHERS_PASS, isLast: true }).action.kind, 'halve');
  const single = { ...OTHERS_PASS, entries: 1, isLast: true };
  assert.equal(inShort(verdict(REFUSED, single)), 'drop 1 rejected, batch, silence');
  assert.equal(verdict(FAILED, single).action.kind, 'keep');
});

test('whatever is known, a batch of one is never split, nothing is given up where nothing passes, no drop exceeds the batch', () => {
  const outcomes = [...TROUBLES, ACCEPTED, TOO_LARGE, METADATA_DISALLOWED, throttled(), throttled(9, true), rejected()];
  const flags = ['othersPassed', 'isPart', 'othersUntried', 'isSmallest', 'stripped', 'restamped', 'isLast'] as const;
  let verdicts = 0;
  for (const outcome of outcomes) {
    for (let bits = 0; bits < 2 ** flags.length; bits++) {
      const known = Object.fromEntries(flags.map((flag, index) => [flag, (bits & (2 ** index)) > 0]));
      for (const [entries, failures, failuresInARow, sameRefusals] of [
        [1, 0, 0, 0],
        [1, 99, 3, 2],
        [10, 0, 0, 1],
        [10, 99, 99, 2],
      ] as const) {
        const facts = { ...FIRST, ...known, entries, failures, failuresInARow, sameRefusals, blame: failures };
        const { action, heard } = verdict(outcome, facts);
        verdicts++;
        if (entries === 1) assert.notEqual(action.kind, 'halve');
        if (entries === 1) assert.notEqual(action.kind, 'probe');
        if (action.kind === 'drop') {
          assert.ok(action.lost <= entries);
          assert.ok(!TROUBLES.includes(outcome) || (facts.othersPassed && failuresInARow < 12));
        }
        if (heard === 'passed') assert.ok(['accept', 'drop'].includes(action.kind));
      }
    }
  }
  assert.equal(verdicts, outcomes.length * 2 ** flags.length * 4);
});

test('refusals are the same when status and reason are', () => {
  assert.equal(refusalOf(rejected()), refusalOf(rejected({ detail: 'other words' })));
  assert.notEqual(refusalOf(rejected()), refusalOf(rejected({ status: 422 })));
  assert.equal(refusalOf(rejected({ entries: { refused: 1 } })), undefined, 'this one is about an entry');
  for (const outcome of [ACCEPTED, FAILED, REFUSED, throttled()]) assert.equal(refusalOf(outcome), undefined);
});

test('an attempt of a second is a long one, and no shorter one', () => {
  const of = (tookMs: number) => verdict(UNANSWERED, { ...FIRST, passedMeanwhile: true, tookMs }).action.kind;
  assert.deepEqual([of(999), of(1_000)], ['keep', 'halve']);
});

test('away is a Loki that cannot be reached, that has too much to do, or whose gateway says so', () => {
  const closed: PushOutcome = { kind: 'unreachable', phase: 'closed', code: undefined, detail: 'closed' };
  const failed = (status: number): PushOutcome => ({ kind: 'failed', status, detail: `${status}` });
  for (const outcome of [UNREACHABLE, throttled(), failed(502), failed(503), failed(504)]) {
    assert.equal(isAway(outcome), true, JSON.stringify(outcome));
  }
  const others = [
    ACCEPTED,
    REFUSED,
    UNANSWERED,
    closed,
    throttled(undefined, true),
    failed(408),
    failed(501),
    failed(505),
  ];
  for (const outcome of others) assert.equal(isAway(outcome), false, JSON.stringify(outcome));
});

test('a secret that may be there at any moment is waited for, and one that is not makes the setting wrong', () => {
  const heard = (trouble?: SecretTrouble) =>
    verdict(
      { kind: 'unready', ...(trouble && { secret: { trouble, reference: 'arn:aws:ssm', variables: [] } }) },
      FIRST,
    ).heard;
  assert.deepEqual(
    [heard({ kind: 'slow' }), heard({ kind: 'throttled' }), heard({ kind: 'failed', status: 500, code: 'X' })],
    ['failed', 'failed', 'failed'],
  );
  assert.deepEqual(
    [heard({ kind: 'missing' }), heard({ kind: 'empty' }), heard({ kind: 'refused', status: 400, code: 'X' }), heard()],
    ['refused', 'refused', 'refused', 'refused'],
  );
});
