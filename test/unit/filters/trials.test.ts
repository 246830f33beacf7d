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
