import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILTER_SETTINGS } from '../../../src/config/filter-settings.ts';
import { PATTERNS } from '../../../src/filters/patterns.ts';
import { dropsEvent, isBelow } from '../../../src/filters/rules.ts';
import type { Level } from '../../../src/records/line-level.ts';
import { rulesOf } from './filter-setup.ts';

const EVENTS = ['platform.start', 'platform.end', 'platform.report', 'platform.runtimeDone', 'platform.initReport'];

for (const [text, dropped] of [
  ['start,end,report', ['platform.start', 'platform.end', 'platform.report']],
  [' START , platform.initReport,', ['platform.start', 'platform.initReport']],
  ['runtimeDone report', ['platform.report', 'platform.runtimeDone']],
  ['platform.end', ['platform.end']],
  ['all', EVENTS],
  [',', []],
] as const) {
  test(`LOKI_DROP_EVENTS=${text} drops ${dropped.length} of ${EVENTS.length} events`, () => {
    const { rules, told } = rulesOf({ LOKI_DROP_EVENTS: text });
    assert.deepEqual(
      EVENTS.filter((event) => dropsEvent(rules, event)),
      dropped,
    );
    assert.deepEqual(told, []);
  });
}

test('an event whose name is part of another one is not taken for it', () => {
  const { rules } = rulesOf({ LOKI_DROP_EVENTS: 'report' });
  assert.equal(dropsEvent(rules, 'platform.initReport'), false);
  assert.equal(dropsEvent(rules, 'platform.restoreReport'), false);
  assert.equal(dropsEvent(rules, undefined), false);
});

test('a name that is no event is used, as new events come up, and warned of', () => {
  const { rules, told } = rulesOf({ LOKI_DROP_EVENTS: 'reports,start' });
  assert.deepEqual(told, ['warn LOKI_DROP_EVENTS holds "reports", which is no event of Lambda\'s that we know']);
  assert.equal(dropsEvent(rules, 'platform.start'), true);
  assert.equal(dropsEvent(rules, 'platform.reports'), true);
});

const LEVELS: readonly (Level | undefined)[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', undefined];

for (const [text, sent] of [
  ['info', ['info', 'warn', 'error', 'fatal', undefined]],
  ['WARNING', ['warn', 'error', 'fatal', undefined]],
  ['error', ['error', 'fatal', undefined]],
  ['fatal', ['fatal', undefined]],
  ['trace', LEVELS],
] as const) {
  test(`LOKI_MIN_LEVEL=${text} sends what is at or above it, and what states no level`, () => {
    const { rules, told } = rulesOf({ LOKI_MIN_LEVEL: text });
    assert.deepEqual(
      LEVELS.filter((level) => !isBelow(rules, level)),
      sent,
    );
    assert.deepEqual(told, []);
  });
}

test('a level that is none filters nothing, with one warning', () => {
  const { rules, told } = rulesOf({ LOKI_MIN_LEVEL: 'loud' });
  assert.ok(LEVELS.every((level) => !isBelow(rules, level)));
  assert.deepEqual(told, [
    'warn LOKI_MIN_LEVEL is not one of trace, debug, info, warn, error, fatal: "loud"; lines of all levels are sent',
  ]);
});

for (const [name, text, told] of [
  [
    'LOKI_EXCLUDE_REGEX',
    'health(',
    ['warn LOKI_EXCLUDE_REGEX is not a regular expression: unterminated group at character 7, "("; it is not used'],
  ],
  [
    'LOKI_INCLUDE_REGEX',
    '*',
    ['warn LOKI_INCLUDE_REGEX is not a regular expression: nothing to repeat at character 1, "*"; it is not used'],
  ],
  [
    'LOKI_INCLUDE_REGEX',
    '/health/i',
    ['warn LOKI_INCLUDE_REGEX stands between slashes, which are taken as part of it; (?i) in front ignores case'],
  ],
  ['LOKI_EXCLUDE_REGEX', '/api/items', []],
] as const) {
  test(`${name}=${text} is told with its place: ${told.length > 0}`, () => {
    assert.deepEqual(rulesOf({ [name]: text }).told, told);
    assert.equal(rulesOf({ [name]: text }).rules.isUnreadable, false);
  });
}

test('a redaction between slashes is what stands between them: with them it would hide nothing', () => {
  for (const [text, line, found] of [
    ['/password=\\w+/gi', 'PASSWORD=abc', 'PASSWORD=abc'],
    ['/password=\\w+/', 'password=abc', 'password=abc'],
    ['/a.b/s', 'a\nb', 'a\nb'],
    ['/(?:x|y)\\/z/m', 'y/z', 'y/z'],
  ] as const) {
    const { rules, told } = rulesOf({ LOKI_REDACT_REGEX: text });
    assert.equal(rules.redactExpression?.regExp.exec(line)?.[0], found, text);
    assert.deepEqual(told, [
      'warn LOKI_REDACT_REGEX stands between slashes, which are left out; (?i) in front ignores case',
    ]);
  }
  const broken = rulesOf({ LOKI_REDACT_REGEX: '/s3cr3t(/i' });
  assert.equal(broken.rules.isUnreadable, true);
  assert.match(String(broken.told), /unterminated group at character 8;/);
  assert.deepEqual(rulesOf({ LOKI_REDACT_REGEX: '/api/key' }).told, []);
});

test('a redaction that cannot be read lets no text pass, and what is told shows no part of it', () => {
  const { rules, told } = rulesOf({ LOKI_REDACT_REGEX: 's3cr3t(' });
  assert.equal(rules.isUnreadable, true);
  assert.deepEqual(told, [
    'error LOKI_REDACT_REGEX is not a regular expression: unterminated group at character 7; no text is sent until that is corrected, as something secret may be in it',
  ]);
});

test('a word that is no pattern stands for all of them, as one of them was meant, and is told as it was typed', () => {
  const { rules, told } = rulesOf({ LOKI_REDACT: 'card,Email_addresses' });
  assert.deepEqual([rules.redact, rules.isUnreadable], [Object.keys(PATTERNS), false]);
  assert.match(
    told.join(),
    /^warn LOKI_REDACT may hold email, .*, all, not "email_addresses"; all of them are redacted$/,
  );
});

for (const word of ['none', 'off', 'false', 'No']) {
  test(`${word} is an empty list`, () => {
    const { rules, told } = rulesOf({ LOKI_REDACT: word, LOKI_DROP_EVENTS: word });
    assert.deepEqual([rules.redact, rules.dropEvents.size, told], [[], 0, []]);
  });
}

test('line breaks and semicolons are as good as commas in every list', () => {
  const { rules, told } = rulesOf({
    LOKI_DROP_EVENTS: 'start;end\nreport',
    LOKI_REDACT: 'email;card\njwt',
    LOKI_METADATA_FIELDS: 'orderId\ncustomer.id=customer;total\r\nuser',
  });
  assert.deepEqual(told, []);
  assert.deepEqual([...rules.dropEvents], ['start', 'end', 'report']);
  assert.deepEqual(rules.redact, ['email', 'card', 'jwt']);
  assert.deepEqual(
    rules.fields.map(({ path, name }) => `${path}=${name}`),
    ['orderId=orderId', 'customer.id=customer', 'total=total', 'user=user'],
  );
});

for (const [text, names] of [
  ['email,card', ['email', 'card']],
  [' AWS_KEY  Emails,email ', ['aws-key', 'email']],
  ['credit-cards', ['card']],
  ['all', Object.keys(PATTERNS)],
  [',', []],
] as const) {
  test(`LOKI_REDACT=${text} is ${names.length} patterns`, () => {
    const { rules, told } = rulesOf({ LOKI_REDACT: text });
    assert.deepEqual(rules.redact, names);
    assert.deepEqual([rules.isUnreadable, told], [false, []]);
  });
}

test('the setting names each pattern that there is', () => {
  const { meaning } = FILTER_SETTINGS.find(({ name }) => name === 'LOKI_REDACT') ?? assert.fail();
  for (const name of Object.keys(PATTERNS)) assert.ok(meaning.includes(`\`${name}\``), name);
});

for (const [text, fields, told] of [
  ['orderId', ['orderId=orderId'], []],
  [' orderId , customer.id=customer ', ['orderId=orderId', 'customer.id=customer'], []],
  ['customer.id,order-id,2fa,__x', ['customer.id=customer_id', 'order-id=order_id', '2fa=_2fa', '__x=_x'], []],
  ['a=b=c', ['a=b'], []],
  ['a=1x', [], [/field "a=1x" must have a name of a-z/]],
  ['a=,=b', [], [/field "a=" must have a name/, /field "=b" has no name of a field/]],
  ['level,x=request_id,team,source', [], [/level, which/, /request_id, which/, /team, which/, /source, which/]],
  ['id,b.c=id', ['id=id'], [/has the name of another one; it is left out$/]],
] as const) {
  test(`LOKI_METADATA_FIELDS=${text} is ${fields.length} fields`, () => {
    const { rules, told: said } = rulesOf({ LOKI_METADATA_FIELDS: text }, { team: 'checkout' });
    assert.deepEqual(
      rules.fields.map(({ path, name }) => `${path}=${name}`),
      fields,
    );
    assert.equal(said.length, told.length, said.join());
    for (const [index, pattern] of told.entries()) assert.match(said[index] ?? '', pattern);
  });
}

test('no more fields are taken than a line can bear', () => {
  const names = Array.from({ length: 34 }, (_, index) => `f${index}`);
  const { rules, told } = rulesOf({ LOKI_METADATA_FIELDS: names.join(',') });
  assert.equal(rules.fields.length, 32);
  assert.equal(told.length, 2);
});
