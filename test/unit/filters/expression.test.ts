import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExpression } from '../../../src/filters/expression.ts';

function read(text: string) {
  const read = readExpression(text);
  if ('reason' in read) assert.fail(`${text}: ${read.reason} at ${read.at}`);
  return read;
}

for (const [text, matching, other] of [
  ['health', 'GET /health', 'GET /orders'],
  [String.raw`GET \/health`, 'GET /health', 'GET health'],
  ['{"level":"debug"', '{"level":"debug","m":1}', '{"level":"info"}'],
  [String.raw`SA:SPAM\-\D+\:RC:`, 'SA:SPAM-REJECTED:RC:', 'SA:SPAM:RC:'],
  ['(?i)password', 'PassWord', 'pass word'],
  ['(?s)a.b', 'a\nb', 'ab'],
  ['(?im)^b$', 'a\nB', 'ab'],
  [String.raw`^[\w-.]+$`, 'a-b.c', 'a b'],
  [String.raw`^[\]\-\"]+$`, ']-"', '\\'],
  [String.raw`\\-`, '\\-', '-'],
  ['(?P<id>[0-9]+)x', '12x', 'x12'],
  ['(?i:warn)', 'WARN', 'wa'],
  ['^(START|END)', 'END RequestId', 'THE END'],
  ['^.$', '🧀', 'ab'],
  ['[😀-😎]', '😃', '🧀'],
  [String.raw`\p{Lu}\u{e4}\u00e4`, 'Äää', 'aää'],
  [String.raw`^\x41\t\d{2}$`, 'A\t12', 'A 12'],
  ['a{,2}', 'a{,2}', 'aa'],
  ['x}]', 'x}]', 'x'],
  [String.raw`(a)\1`, 'aa', 'a'],
] as const) {
  test(`${text} is what a person means by it`, () => {
    const { regExp } = read(text);
    assert.ok(regExp.test(matching));
    assert.ok(!regExp.test(other));
    assert.ok(!regExp.global && !regExp.sticky, 'it remembers nothing');
  });
}

for (const [text, reason, at] of [
  ['a(b', /^unterminated group$/, 2],
  ['ab)c', /^unmatched '\)'$/, 3],
  ['*a', /^nothing to repeat$/, 1],
  ['a**', /^nothing to repeat$/, 3],
  ['a++', /^nothing to repeat$/, 3],
  ['x[z-a]', /^range out of order/, 2],
  ['[abc', /^unterminated character class$/, 1],
  ['ab\\', /at end of pattern$/, 3],
  [String.raw`^a\z`, /^invalid escape$/, 3],
  [String.raw`\Aa`, /^invalid escape$/, 1],
  ['a[[:alpha:]]', /\[:alpha:\] are not known/, 2],
  ['a{3,1}', /^numbers out of order/, 2],
  ['(?i)a(', /^unterminated group$/, 6],
  ['a(?x)b', /^invalid group$/, 3],
  [String.raw`\k<no>`, /^invalid named/, 1],
] as const) {
  test(`${text} is refused at character ${at}`, () => {
    const problem = readExpression(text);
    assert.ok('reason' in problem);
    assert.match(problem.reason, reason);
    assert.equal(problem.at, at);
  });
}

test('it is known how many steps an expression takes that has no way to go far back', () => {
  for (const [text, steps] of [
    ['health', 6],
    ['a|b|c', 5],
    ['^[a-z]x$', 4],
    ['(?i)debug', 5],
    [String.raw`password=\S+`, 12],
    [String.raw`\d{12,}|b*`, 18],
    ['^(START|END|REPORT) RequestId', 116],
    ['a(?:b(c|d))', 18],
    ['(a)|b', 5],
    ['(a)b+', 6],
    ['a+?', 5],
    ['a{3}|b{2}|c', 12],
  ] as const) {
    assert.equal(read(text).steps, steps, text);
  }
  const unknown = [
    'a+b',
    '.*x',
    'a?b',
    '(a)+',
    '(a+)',
    '(a|b){2}',
    'x(?=a)',
    '(?<!a)b',
    String.raw`(a)\1`,
    'a+?b',
    'a{2}b',
    '(a+|b)c',
    '(a)*',
  ];
  for (const text of unknown) assert.equal(read(text).steps, Number.POSITIVE_INFINITY, text);
});
