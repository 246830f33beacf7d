import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeSpans, replaceSpans } from '../../../src/filters/spans.ts';

for (const [what, spans, merged] of [
  ['nothing', [], []],
  ['one', [1, 4], [1, 4]],
  ['in order', [0, 1, 2, 3], [0, 1, 2, 3]],
  ['out of order', [8, 9, 2, 3, 5, 6], [2, 3, 5, 6, 8, 9]],
  ['ten and two, which are no words', [10, 12, 2, 3], [2, 3, 10, 12]],
  ['touching', [2, 3, 3, 5], [2, 5]],
  ['one apart', [2, 3, 4, 5], [2, 3, 4, 5]],
  ['overlapping', [2, 6, 4, 8], [2, 8]],
  ['overlapping, out of order', [4, 8, 2, 6], [2, 8]],
  ['one within another', [2, 9, 3, 4, 8, 9], [2, 9]],
  ['the same twice', [2, 4, 2, 4], [2, 4]],
  ['from the same start', [2, 4, 2, 6], [2, 6]],
  ['empty', [3, 3], []],
  ['empty, beside another', [0, 0, 2, 3, 5, 5], [2, 3]],
] as const) {
  test(`spans are sorted and merged: ${what}`, () => {
    assert.deepEqual(mergeSpans(spans), merged);
  });
}

test('each span is replaced, and what is around them stays', () => {
  for (const [spans, replaced] of [
    [[], 'abcdef'],
    [[0, 1], '-bcdef'],
    [[5, 6], 'abcde-'],
    [[0, 6], '-'],
    [[1, 2, 4, 5], 'a-cd-f'],
    [[1, 3, 3, 5], 'a--f'],
  ] as const) {
    assert.equal(replaceSpans('abcdef', spans, '-'), replaced);
  }
});
