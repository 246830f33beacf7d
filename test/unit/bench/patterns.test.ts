// The summary of an arrival pattern: what counts as held, as late, and as in Loki before the freeze.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Played, summarizePattern } from '../../../scripts/bench/patterns.ts';

const twoInvocations: Played = {
  invocations: [
    { startMs: 0, doneMs: 20, freeMs: 50 },
    { startMs: 5_000, doneMs: 5_020, freeMs: 5_020 },
  ],
  lines: [
    { invocation: 0, printedMs: 10, inLokiMs: 45 },
    { invocation: 1, printedMs: 5_010, inLokiMs: 60_000 },
  ],
};

test('an invocation is held from the end of the function until the extension asks for the next event', () => {
  const { heldMedianMs } = summarizePattern(twoInvocations);
  assert.equal(heldMedianMs, 15);
});

test('half the lines were in Loki before the freeze', () => {
  assert.equal(summarizePattern(twoInvocations).beforeFreezePercent, 50);
});

test('the delay of a line counts to its arrival, its age while calls come only to the end of the last', () => {
  const { delayMaxMs, oldestWhileCalledMs } = summarizePattern(twoInvocations);
  assert.equal(delayMaxMs, 54_990);
  assert.equal(oldestWhileCalledMs, 35);
});

test('a line that never arrived is no figure', () => {
  const lost = { ...twoInvocations, lines: [{ invocation: 0, printedMs: 10, inLokiMs: Number.NaN }] };
  assert.throws(() => summarizePattern(lost), /1 of 1 lines have not arrived/);
});
