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

test('up to a million steps need nobody to watch them, of all the texts together', () => {
  for (const [steps, lengths, isWatched] of [
    [1, [1_000_000], false],
    [1, [1_000_001], true],
    [4, [125_000, 125_000], false],
    [4, [125_000, 125_001], true],
    [0.5, [2_000_000], false],
    [Number.POSITIVE_INFINITY, [1], true],
    [Number.POSITIVE_INFINITY, [0], true],
  ] as const) {
    const { trials, add, runs } = setUp(steps);
    for (const [index, length] of lengths.entries()) add(`${index}`, length);
    assert.equal(trials.run(false), lengths.length);
    assert.equal(runs(), isWatched ? 1 : 0, `${steps} steps on ${lengths}`);
  }
});

/** Runs are stopped in the first trial that is not done yet: a stopped trial must be run again so many times. */
function setUpWithStops(cpuMsPerRun: number) {
  let cpuMs = 0;
  let runs = 0;
  let isRunning = false;
  const log: string[] = [];
  function runBounded(run: () => void): boolean {
    runs++;
    cpuMs += cpuMsPerRun;
    isRunning = true;
    try {
      run();
      return true;
    } catch {
      return false;
    } finally {
      isRunning = false;
    }
  }
  const trials = createTrials({ now: () => 0, cpuMs: () => cpuMs, runBounded });
  const expressionOf = (name: string): Tried => ({
    regExp: /abc/u,
    steps: Number.POSITIVE_INFINITY,
    tooSlow: (characters) => log.push(`${name} is too slow on ${characters}`),
  });
  return {
    trials,
    log,
    expressionOf,
    runs: () => runs,
    add(name: string, stops: number, characters = 9, isIdle = () => false, expression = expressionOf(name)) {
      let left = stops;
      const stop = () => {
        throw new Error('stopped');
      };
      trials.add({
        expression,
        text: 'x'.repeat(characters),
        isIdle,
        run: () => (left-- > 0 ? stop() : void log.push(name)),
        // What a run throws is no stop: only what is thrown here gets out of it.
        outOfTime: () => (isRunning ? stop() : void log.push(`not ${name}`)),
      });
    },
    /** @returns after how many runs all are done */
    runAll(count: number, isUrgent = false): number {
      const before = runs;
      while (runs < before + 30 && trials.run(isUrgent) < count);
      return runs - before;
    },
  };
}

for (const [what, characters, cpuMsPerRun] of [
  ['stops', 9, 5],
  ['CPU time', 5_000, 1],
] as const) {
  test(`an expression is blamed for ${what} of its own, and not of the text before it`, () => {
    const slowFirst = setUpWithStops(cpuMsPerRun);
    slowFirst.add('first', 1, characters);
    slowFirst.add('second', 99, characters);
    assert.equal(slowFirst.runAll(2), 4, 'one stop in the first, one behind it, two in the second alone');
    assert.deepEqual(slowFirst.log, ['first', 'not second', `second is too slow on ${characters}`]);

    const bothSlow = setUpWithStops(cpuMsPerRun);
    bothSlow.add('first', 99, characters);
    bothSlow.add('second', 99, characters);
    assert.equal(bothSlow.runAll(2), 4, 'two for each');
    assert.equal(bothSlow.log.filter((line) => line.startsWith('not')).length, 2);

    const cleared = setUpWithStops(cpuMsPerRun);
    cleared.add('first', 99, characters);
    cleared.trials.run(false);
    cleared.trials.clear();
    cleared.add('second', 99, characters);
    assert.equal(cleared.runAll(1), 2, 'two again');
  });
}

test('a stop in urgent times blames nobody, and does not count later', () => {
  const { trials, add, runAll, log } = setUpWithStops(5);
  add('one', 99);
  assert.equal(runAll(1, true), 30);
  assert.deepEqual(log, []);
  assert.equal(trials.run(false), 0);
  assert.equal(trials.run(false), 1);
  assert.deepEqual(log, ['not one', 'one is too slow on 9']);
});

test('while an expression rests, what it would be too slow on is told so at once, but for what nobody asks for', () => {
  const { trials, add, runAll, log, runs, expressionOf } = setUpWithStops(5);
  const expression = expressionOf('it');
  add('one', 99, 10, () => false, expression);
  runAll(1);
  trials.clear();
  log.length = 0;
  const before = runs();
  add('idle', 0, 10, () => true, expression);
  add('long', 0, 5, () => false, expression);
  add('short', 0, 4, () => false, expression);
  add('other', 0, 10);
  assert.equal(trials.run(false), 4);
  assert.deepEqual(log, ['not long', 'short', 'other']);
  assert.equal(runs(), before + 1);
});
