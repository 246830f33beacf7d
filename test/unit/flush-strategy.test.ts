// Stories of sandboxes: how often each is called, and which of its invocations wait for their flush.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideFlush, EMPTY_HISTORY, type FlushStrategy, recordInvocation } from '../../src/flush-strategy.ts';
import { START_MS } from '../fakes/fake-clock.ts';

interface Story {
  readonly gapsMs: readonly number[];
  readonly strategy?: FlushStrategy;
  /** Whether lines that did not wait have left by the next invocation. */
  readonly leavesMeanwhile?: boolean;
}

/** The decisions of one invocation after the other, and the greatest age that a held line had when one began. */
function tell({ gapsMs, strategy = 'adaptive', leavesMeanwhile = true }: Story) {
  let history = EMPTY_HISTORY;
  let nowMs = START_MS;
  let oldestMs: number | undefined;
  let oldestAgeMs = 0;
  const decisions = [0, ...gapsMs].map((gapMs) => {
    nowMs += gapMs;
    history = recordInvocation(history, nowMs);
    oldestAgeMs = Math.max(oldestAgeMs, nowMs - (oldestMs ?? nowMs));
    const decision = decideFlush(strategy, history, nowMs, oldestMs);
    if (decision === 'wait' || leavesMeanwhile) oldestMs = undefined;
    else oldestMs ??= nowMs;
    return decision;
  });
  return { decisions, oldestAgeMs, waits: decisions.filter((decision) => decision === 'wait').length };
}

const every = (gapMs: number, times: number) => Array<number>(times).fill(gapMs);
const HOUR_MS = 3_600_000;

test('one call an hour: every invocation waits', () => {
  const { decisions, waits } = tell({ gapsMs: every(HOUR_MS, 24) });
  assert.equal(waits, decisions.length);
});

test('one call a minute: every invocation waits, as the next comes too late to carry the batch out within seconds', () => {
  const { decisions, waits } = tell({ gapsMs: every(60_000, 60) });
  assert.equal(waits, decisions.length);
});

test('a call every 5 s: the first invocations wait, those after them do not', () => {
  const { decisions } = tell({ gapsMs: every(5_000, 100) });
  assert.deepEqual(decisions.slice(0, 4), ['wait', 'wait', 'wait', 'wait']);
  assert.ok(decisions.slice(5).every((decision) => decision === 'go'));
});

test('a call every 5 s where nothing leaves in the background: no line gets older than 15 s', () => {
  const { oldestAgeMs, waits } = tell({ gapsMs: every(5_000, 100), leavesMeanwhile: false });
  assert.ok(oldestAgeMs <= 15_000, `${oldestAgeMs} ms`);
  assert.ok(waits > 20);
});

test('10 calls a second: nobody waits but for the first', () => {
  const { decisions, waits } = tell({ gapsMs: every(100, 10_000) });
  assert.ok(waits <= 5);
  assert.equal(decisions.at(-1), 'go');
});

test('10 calls a second where nothing leaves in the background: a wait every few seconds, and no line older than 15 s', () => {
  const { oldestAgeMs, waits } = tell({ gapsMs: every(100, 10_000), leavesMeanwhile: false });
  assert.ok(oldestAgeMs <= 15_000);
  assert.ok(waits < 200, `${waits} of 10,000 wait`);
});

test('a burst of 500 calls, then silence: the first call after it waits again', () => {
  const { decisions } = tell({ gapsMs: [...every(50, 500), 15 * 60_000] });
  assert.equal(decisions.at(-2), 'go');
  assert.equal(decisions.at(-1), 'wait');
});

test('after a silence a sandbox has to prove again that it is busy', () => {
  const { decisions } = tell({ gapsMs: [...every(50, 20), HOUR_MS, 50, 50, 50, 50] });
  assert.deepEqual(decisions.slice(-5, -1), ['wait', 'wait', 'wait', 'wait']);
  assert.equal(decisions.at(-1), 'go');
});

test('invocations of 15 minutes in a row: each waits', () => {
  const { decisions, waits } = tell({ gapsMs: every(15 * 60_000, 8) });
  assert.equal(waits, decisions.length);
});

test('end: every invocation waits, however busy', () => {
  const { decisions, waits } = tell({ gapsMs: every(10, 100), strategy: 'end' });
  assert.equal(waits, decisions.length);
});

test('continuous: no invocation ever waits, however old the lines', () => {
  assert.equal(tell({ gapsMs: every(HOUR_MS, 10), strategy: 'continuous', leavesMeanwhile: false }).waits, 0);
});

test('the history does not grow', () => {
  let history = EMPTY_HISTORY;
  for (let index = 0; index < 1_000; index++) history = recordInvocation(history, START_MS + index);
  assert.ok(history.startsMs.length < 10);
  assert.deepEqual(EMPTY_HISTORY.startsMs, []);
});

test('a line from before the clock was set back counts as old', () => {
  const busy = { startsMs: every(10, 5).map((gapMs, index) => START_MS + gapMs * index) };
  assert.equal(decideFlush('adaptive', busy, START_MS + 50, START_MS + 20), 'go');
  assert.equal(decideFlush('adaptive', busy, START_MS + 50, START_MS + HOUR_MS), 'wait');
});
