import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTrials, type Tried } from '../../../src/filters/trials.ts';

function setUp(steps = Number.POSITIVE_INFINITY) {
  let runs = 0;
  const log: string[] = [];
  const expression: Tried = { regExp: /abc/u, steps, tooSlow: () => log.push('too slow') };
  const runBounded = (run: () => void) => {
    runs++;
    run();
    return true;
  };
  const trials = createTrials({ now: () => 0, cpuMs: () => 0, runBounded });
  const add = (name: string, characters = 9, isIdle = () => false, run = () => void log.push(name)) =>
    trials.add({ expression, text: 'x'.repeat(characters), isIdle, run, outOfTime: () => log.push(`not ${name}`) });
  return { trials, add, log, runs: () => runs };
}

test('many texts are tried in one run, in their order', () => {
  const { trials, add, runs, log } = setUp();
  for (const name of ['one', 'two', 'three']) add(name);
  assert.equal(trials.added(), 3);
  assert.equal(trials.run(false), 3);
  assert.equal(runs(), 1);
  assert.deepEqual(log, ['one', 'two', 'three']);
});

test('where nobody wants to know any more nothing is tried', () => {
  const { trials, add, log } = setUp();
  add('one', 9, () => true);
  add('two');
  assert.equal(trials.run(false), 2);
  assert.deepEqual(log, ['two']);
});

test('what takes few steps needs nobody to watch it, but for very long texts', () => {
  const { trials, add, runs, log } = setUp(3);
  add('short');
  trials.run(false);
  trials.clear();
  assert.equal(runs(), 0);
  add('long', 400_000);
  trials.run(false);
  assert.equal(runs(), 1);
  assert.deepEqual(log, ['short', 'long']);
});

test('what V8 refuses on one text is given up on it alone, and nobody is blamed', () => {
  const { trials, add, log } = setUp();
  add('odd', 9, undefined, () => {
    throw new RangeError('Maximum call stack size exceeded');
  });
  add('other');
  assert.equal(trials.run(false), 2);
  assert.deepEqual(log, ['not odd', 'other']);
});

/** Every run is stopped, after so much CPU time of its own. */
function setUpStopped(cpuMsPerRun: number) {
  let nowMs = 0;
  let cpuMs = 0;
  let runs = 0;
  const slow: number[] = [];
  const expression: Tried = {
    regExp: /abc/u,
    steps: Number.POSITIVE_INFINITY,
    tooSlow: (characters) => slow.push(characters),
  };
  const runBounded = () => {
    runs++;
    cpuMs += cpuMsPerRun;
    return false;
  };
  const trials = createTrials({ now: () => nowMs, cpuMs: () => cpuMs, runBounded });
  return {
    slow,
    pass(ms: number) {
      nowMs += ms;
    },
    /** @returns after how many runs a text of this length is given up; 0 if it is not even tried */
    runsFor(characters: number): number {
      const before = runs;
      trials.add({ expression, text: 'x'.repeat(characters), isIdle: () => false, run() {}, outOfTime() {} });
      // What was given up before its turn needs no watch.
      while (runs < before + 20 && trials.run(false) < 1);
      trials.clear();
      return runs - before;
    },
  };
}

test('an expression is blamed for a short text after two stops, for a long one after one, and without CPU after eight', () => {
  for (const [cpuMs, characters, runs] of [
    [2, 4_095, 2],
    [2, 4_096, 1],
    [1, 4_095, 2],
    [1, 4_096, 2],
    [0.5, 4_096, 4],
    [0.25, 10, 8],
    [0, 4_096, 8],
  ] as const) {
    assert.equal(setUpStopped(cpuMs).runsFor(characters), runs, `${cpuMs} ms, ${characters} characters`);
  }
});

test('texts from half the length on are given up untried while the expression rests, each time for twice as long', () => {
  const { runsFor, pass, slow } = setUpStopped(2);
  assert.equal(runsFor(1_001), 2);
  for (const restMs of [60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000]) {
    pass(restMs - 1);
    assert.deepEqual([runsFor(501), runsFor(10_000)], [0, 0], `${restMs}`);
    pass(1);
    assert.equal(runsFor(1_001), 2, `${restMs}`);
  }
  assert.equal(slow.length, 9);
});

test('a shorter text that is too slow as well lowers the limit, and does not make the rest longer', () => {
  const { runsFor, pass } = setUpStopped(2);
  runsFor(1_000);
  pass(59_999);
  assert.deepEqual([runsFor(500), runsFor(499), runsFor(250), runsFor(249)], [0, 2, 0, 2]);
  pass(1);
  assert.equal(runsFor(1_000), 2);
});
