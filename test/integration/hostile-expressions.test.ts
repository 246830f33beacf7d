// Expressions that would never end, and others that take half a minute for a line, in the real watch over them. Whatever the machine is like
// they are stopped; how soon is asserted nowhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../src/byte-string.ts';
import type { FilterSettings } from '../../src/config/filter-settings.ts';
import { createBoundedRun } from '../../src/filters/bounded.ts';
import type { Ruling } from '../../src/filters/filters.ts';
import { PATTERNS } from '../../src/filters/patterns.ts';
import { textRecord } from '../../src/records/record.ts';
import { filtersOf } from '../unit/filters/filter-setup.ts';

const KIB_256 = 262_144;
const EXPONENTIAL = '^(a+)+$';
const QUADRATIC = 'a+b';

function setUp(settings: FilterSettings) {
  const runBounded = createBoundedRun();
  let nowMs = 0;
  let runs = 0;
  let stops = 0;
  const { filters, slow } = filtersOf(settings, {
    now: () => nowMs,
    cpuMs: () => process.threadCpuUsage().user / 1_000,
    runBounded(run, limitMs) {
      runs++;
      const isDone = runBounded(run, limitMs);
      if (!isDone) stops++;
      return isDone;
    },
  });
  return {
    filters,
    slow,
    stops: () => stops,
    runs: () => runs,
    pass(ms: number) {
      nowMs += ms;
    },
    /** What becomes of these lines; in as many goes as it takes. */
    decide(lines: readonly string[]): readonly Ruling[] {
      const rulings: Ruling[] = [];
      for (const line of lines) filters.add(textRecord('function', toByteString(line), undefined));
      while (filters.waiting() > 0) filters.run((_, ruling) => rulings.push(ruling), false);
      return rulings;
    },
  };
}

const textsOf = (rulings: readonly Ruling[]) => rulings.map(({ record }) => record.line.slice(0, 30));

for (const [kind, regex, hostile] of [
  ['exponential', EXPONENTIAL, `${'a'.repeat(40)}!`],
  ['exponential', EXPONENTIAL, `${'a'.repeat(KIB_256 - 1)}!`],
  ['quadratic', QUADRATIC, 'a'.repeat(KIB_256)],
  ['quadratic, not ASCII', 'ä+b', 'ä'.repeat(KIB_256 / 2)],
  ['quadratic', String.raw`\s+$`, `${' '.repeat(KIB_256 - 1)}x`],
  ['cubic, with a back reference', String.raw`(.*)x\1y`, 'abc'.repeat(KIB_256 / 3)],
] as const) {
  test(`${kind}: ${regex} on ${hostile.length} characters keeps a line that it is to filter, and those around it are decided on`, () => {
    const { decide, slow } = setUp({ LOKI_EXCLUDE_REGEX: `${regex}|DEBUG` });
    const rulings = decide(['INFO before', 'DEBUG before', hostile, 'DEBUG after', 'INFO after']);
    assert.deepEqual(
      rulings.map(({ filteredBy }) => filteredBy),
      [undefined, 'exclude_regex', undefined, 'exclude_regex', undefined],
    );
    assert.deepEqual(slow, [`LOKI_EXCLUDE_REGEX ${hostile.length}`]);
  });

  test(`${kind}: ${regex} on ${hostile.length} characters withholds a line that it is to redact, and it alone`, () => {
    const { decide, slow } = setUp({ LOKI_REDACT_REGEX: `${regex}|secret` });
    const rulings = decide(['a secret', hostile, 'INFO after']);
    assert.deepEqual(textsOf(rulings), ['a [redacted]', '[redaction timed out]', 'INFO after']);
    assert.deepEqual(
      rulings.map(({ isWithheld }) => isWithheld),
      [false, true, false],
    );
    assert.deepEqual(slow, [`LOKI_REDACT_REGEX ${hostile.length}`]);
  });
}

test('what was too slow once is not tried again on lines half as long and longer, for a minute and then for two', () => {
  const { decide, slow, stops, pass } = setUp({ LOKI_REDACT_REGEX: QUADRATIC });
  const long = 'a'.repeat(KIB_256);
  decide([long]);
  const stopsOfOne = stops();
  for (let round = 0; round < 50; round++) decide([long, 'a'.repeat(KIB_256 / 2)]);
  assert.equal(stops(), stopsOfOne, 'a hundred more cost nothing');
  const filtering = setUp({ LOKI_EXCLUDE_REGEX: QUADRATIC });
  for (let round = 0; round < 50; round++) filtering.decide([long, 'aab', 'a'.repeat(KIB_256 / 2)]);
  assert.ok(filtering.stops() <= 4 && filtering.slow.length === 1);
  assert.deepEqual(textsOf(decide(['aab', long])), ['[redacted]', '[redaction timed out]'], 'short ones are redacted');
  pass(60_000);
  decide([long]);
  assert.ok(stops() > stopsOfOne, 'tried again');
  const stopsOfTwo = stops();
  pass(60_000);
  decide([long]);
  assert.equal(stops(), stopsOfTwo);
  pass(60_000);
  decide([long]);
  assert.ok(stops() > stopsOfTwo);
  assert.deepEqual(slow, Array(3).fill(`LOKI_REDACT_REGEX ${KIB_256}`));
});

test('lines that get shorter each time cost a stop for each halving at most', () => {
  const { decide, slow } = setUp({ LOKI_EXCLUDE_REGEX: EXPONENTIAL });
  for (let characters = 4_096; characters > 40; characters -= 16) decide([`${'a'.repeat(characters)}!`]);
  assert.ok(slow.length <= 7, String(slow));
});

test('after one stop the turn is over: what waits comes with the next one', () => {
  const { filters, runs } = setUp({ LOKI_EXCLUDE_REGEX: EXPONENTIAL });
  const hostile = `${'a'.repeat(50)}!`;
  for (const line of ['first', hostile, 'last']) filters.add(textRecord('function', toByteString(line), undefined));
  const passed: string[] = [];
  filters.run(({ line }) => passed.push(line), false);
  assert.equal(runs(), 1);
  assert.deepEqual(passed, ['first']);
  assert.equal(filters.waiting(), 2);
  assert.equal(filters.clear(), 2);
  filters.add(textRecord('function', toByteString('anew'), undefined));
  filters.run(({ line }) => passed.push(line), false);
  assert.deepEqual(passed, ['first', 'anew'], 'nothing is left of what was given up');
});

test('an expression is not blamed for the first run that it fails, nor while it had no CPU', () => {
  const hostile = `${'a'.repeat(50)}!`;
  const runsUntilBlamed = (cpuMs: () => number) => {
    let runs = 0;
    const bounded = createBoundedRun();
    const { filters, slow } = filtersOf(
      { LOKI_EXCLUDE_REGEX: EXPONENTIAL },
      {
        cpuMs,
        runBounded: (run, limitMs) => {
          runs++;
          return bounded(run, limitMs);
        },
      },
    );
    filters.add(textRecord('function', toByteString(hostile), undefined));
    while (filters.waiting() > 0) filters.run(() => {}, false);
    assert.equal(slow.length, 1);
    return runs;
  };
  let spentMs = 0;
  assert.equal(
    runsUntilBlamed(() => (spentMs += 3)),
    2,
  );
  assert.equal(
    runsUntilBlamed(() => 0),
    8,
  );
});

test('where it is urgent nobody is blamed: it is tried again later', () => {
  const { filters, slow, decide } = setUp({ LOKI_EXCLUDE_REGEX: QUADRATIC });
  filters.add(textRecord('function', toByteString('a'.repeat(KIB_256)), undefined));
  for (let turn = 0; turn < 20; turn++) filters.run(() => assert.fail(), true);
  assert.deepEqual([filters.waiting(), slow], [1, []]);
  assert.equal(decide([]).length, 1);
  assert.equal(slow.length, 1);
});

test('two watches do not know of each other', () => {
  const ran: string[] = [];
  const [one, other] = [createBoundedRun(), createBoundedRun()];
  assert.ok(
    one(() => ran.push('one'), 10_000) &&
      other(() => ran.push('other'), 10_000) &&
      one(() => ran.push('one again'), 10_000),
  );
  assert.deepEqual(ran, ['one', 'other', 'one again']);
  assert.throws(() => one(() => assert.fail('a flaw'), 10_000), /a flaw/);
  const left = Object.getOwnPropertySymbols(globalThis).filter(({ description }) => description?.includes('loki'));
  assert.deepEqual(left, [], 'nothing of it stays behind');
});

test('text of our own is withheld where the expression takes too long on it', () => {
  const { filters } = setUp({ LOKI_REDACT_REGEX: EXPONENTIAL });
  assert.equal(filters.redactOwn(`${'a'.repeat(50)}!`), '[redaction timed out]');
  assert.equal(filters.redactOwn('say aaa'), 'say aaa');
  assert.equal(filters.redactOwn('aaa'), '[redacted]');
});

for (const [name, pattern] of Object.entries(PATTERNS)) {
  test(`the pattern ${name} takes a time that grows with the length alone`, () => {
    const pieces = [
      'a',
      '@',
      'a@',
      '.',
      'a.',
      '4',
      '4 ',
      '4111-',
      'AKIA',
      'A',
      'secretaccesskey',
      'secret_access_key=',
      'sessiontoken',
    ]
      .concat([
        'bearer ',
        'bearer a',
        'basic ',
        'basic A',
        '://',
        '://a:',
        '://a:b',
        '://a:b@',
        'eyJ',
        'eyJaaaaaaaa.',
        '.eyJaaaaaaaa',
      ])
      .concat([
        '-----BEGIN ',
        '-----BEGIN PRIVATE KEY-----',
        '-----END ',
        'ghp_',
        'xoxb-',
        'AIza',
        '-',
        '_',
        ' ',
        '"',
        'ä',
        '%40',
        '%40a.',
      ]);
    const runLong = createBoundedRun();
    for (const piece of pieces) {
      const text = piece.repeat(KIB_256 / piece.length);
      assert.ok(
        runLong(() => pattern(text), 20_000),
        `${name} on many ${piece}`,
      );
    }
  });
}
