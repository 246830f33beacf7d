// The ruling on each record, asked of the filters themselves: what is passed on beside the line, and how much is taken in at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import type { FilterSettings } from '../../../src/config/filter-settings.ts';
import type { Ruling } from '../../../src/filters/filters.ts';
import { textRecord, toLogRecord } from '../../../src/records/record.ts';
import { createTimeReader } from '../../../src/records/record-time.ts';
import { filtersOf } from './filter-setup.ts';

const record = (raw: unknown) => toLogRecord(toByteString(JSON.stringify(raw)), createTimeReader());

function rulingOn(settings: FilterSettings, raw: unknown): Ruling {
  const { filters } = filtersOf(settings);
  const rulings: Ruling[] = [];
  filters.add(record(raw));
  filters.run((_, ruling) => rulings.push(ruling), false);
  return rulings[0] ?? assert.fail();
}

test('there is room for 128 records and for less than 128 KiB of text, again after each run and after giving up', () => {
  for (const [characters, last] of [
    [1, 128],
    [1_024, 128],
    [2_048, 64],
    [128 * 1_024 - 1, 2],
    [128 * 1_024, 1],
  ] as const) {
    const { filters } = filtersOf({ LOKI_REDACT: 'email' });
    for (const empty of [() => filters.run(() => {}, false), () => filters.clear(), () => {}]) {
      for (let count = 0; count < last; count++) {
        assert.equal(filters.hasRoom(), true, `${count} of ${characters} characters`);
        filters.add(textRecord('function', toByteString('x'.repeat(characters)), undefined));
      }
      assert.equal(filters.hasRoom(), false, `${last} of ${characters} characters`);
      assert.equal(filters.waiting(), last);
      empty();
    }
  }
});

const start = (more: object) => ({ type: 'platform.start', record: { requestId: 'r-1', ...more } });

test('a tenant is taken for a secret only where it is no longer in its redacted event', () => {
  const settings = { LOKI_REDACT: 'email' };
  for (const [event, tenantId] of [
    [start({ tenantId: 'tenant-a', mail: 'jane@example.com' }), 'tenant-a'],
    [start({ tenantId: 'tenant-ä', mail: 'jane@example.com' }), 'tenant-ä'],
    [start({ tenantId: 'tenant-a' }), 'tenant-a'],
    [start({ tenantId: 'jane@example.com' }), '[redacted]'],
    [start({ mail: 'jane@example.com' }), undefined],
  ] as const) {
    assert.equal(rulingOn(settings, event).record.tenantId, tenantId, JSON.stringify(event));
  }
});

test('fields are read of lines of the function that are sent, and of nothing else', () => {
  const settings = { LOKI_METADATA_FIELDS: 'id' };
  const line = (type: string) => ({ type, record: { id: 7, level: 'DEBUG', type: 'x' } });
  const found = (more: FilterSettings, raw: unknown) => rulingOn({ ...settings, ...more }, raw).fields;
  assert.deepEqual(found({}, line('function')), { id: '7' });
  assert.equal(found({}, line('extension')), undefined);
  assert.equal(found({}, { type: 'platform.start', id: 7, record: {} }), undefined);
  assert.equal(found({ LOKI_MIN_LEVEL: 'warn' }, line('function')), undefined);
  assert.equal(found({ LOKI_REDACT_REGEX: 'x(' }, line('function')), undefined);
});

test('an expression finds what an escape stands for', () => {
  const { record: sent } = rulingOn(
    { LOKI_REDACT_REGEX: 'say "hi"' },
    { type: 'function', record: { a: 'a "b"', b: 'they say "hi"' } },
  );
  assert.equal(sent.line, String.raw`{"a":"a \"b\"","b":"they [redacted]"}`);
});

test('either expression filters without the other, and names itself', () => {
  const line = (text: string) => ({ type: 'function', record: text });
  for (const [settings, text, filteredBy] of [
    [{ LOKI_INCLUDE_REGEX: 'a' }, 'a', undefined],
    [{ LOKI_INCLUDE_REGEX: 'a' }, 'b', 'include_regex'],
    [{ LOKI_EXCLUDE_REGEX: 'a' }, 'a', 'exclude_regex'],
    [{ LOKI_EXCLUDE_REGEX: 'a' }, 'b', undefined],
    [{ LOKI_INCLUDE_REGEX: 'a', LOKI_EXCLUDE_REGEX: 'a' }, 'a', 'exclude_regex'],
    [{ LOKI_INCLUDE_REGEX: 'a', LOKI_EXCLUDE_REGEX: 'b' }, 'b', 'include_regex'],
    [{ LOKI_INCLUDE_REGEX: 'a' }, '', undefined],
    [{ LOKI_INCLUDE_REGEX: 'a', LOKI_MIN_LEVEL: 'warn' }, 'INFO b', 'min_level'],
  ] as const) {
    assert.equal(rulingOn(settings, line(text)).filteredBy, filteredBy, JSON.stringify([settings, text]));
  }
});

test('no expression is tried on lines of a type that is not sent', () => {
  for (const [logTypes, filteredBy] of [
    [['platform'], undefined],
    [['function'], 'exclude_regex'],
  ] as const) {
    const { filters } = filtersOf({ LOKI_EXCLUDE_REGEX: 'a' }, { logTypes });
    filters.add(record({ type: 'function', record: 'a' }));
    filters.run((_, ruling) => assert.equal(ruling.filteredBy, filteredBy), false);
    assert.equal(filters.waiting(), 0);
  }
});

test('a tenant that the expression finds is redacted also where its event is not sent', () => {
  const settings = { LOKI_REDACT_REGEX: 'jane', LOKI_DROP_EVENTS: 'all' };
  const { filteredBy, record: passed } = rulingOn(settings, start({ tenantId: 'jane' }));
  assert.deepEqual([filteredBy, passed.tenantId], ['drop_events', '[redacted]']);
});

test('a line that cannot be searched in time is withheld, and one that is to be filtered is sent', () => {
  for (const [settings, line, isWithheld] of [
    [{ LOKI_REDACT_REGEX: 'a+b' }, '[redaction timed out]', true],
    [{ LOKI_EXCLUDE_REGEX: 'a+b' }, String.raw`{"a":"a \"b\"","c":"\"d\""}`, false],
    [{ LOKI_INCLUDE_REGEX: 'a+b' }, String.raw`{"a":"a \"b\"","c":"\"d\""}`, false],
  ] as const) {
    let cpuMs = 0;
    const runBounded = () => {
      cpuMs += 5;
      return false;
    };
    const { filters, slow } = filtersOf(settings, { runBounded, cpuMs: () => cpuMs });
    const rulings: Ruling[] = [];
    filters.add(record({ type: 'function', record: { a: 'a "b"', c: '"d"' } }));
    while (filters.waiting() > 0) filters.run((_, ruling) => rulings.push(ruling), false);
    assert.deepEqual(
      rulings.map((ruling) => [ruling.record.line, ruling.isWithheld, ruling.filteredBy]),
      [[line, isWithheld, undefined]],
    );
    assert.equal(slow[0], `${Object.keys(settings)[0]} 27`);
  }
});

test('a text of our own is withheld where it cannot be searched, and then every one of half its length, untried', () => {
  let runs = 0;
  const runBounded = (run: () => void) => {
    runs++;
    run();
    return runs > 1;
  };
  const { filters } = filtersOf({ LOKI_REDACT_REGEX: 'a+b' }, { runBounded });
  assert.equal(filters.redactOwn('aab c'), '[redaction timed out]');
  assert.equal(filters.redactOwn('aab'), '[redaction timed out]');
  assert.equal(runs, 1);
  assert.equal(filters.redactOwn('ab'), '[redacted]');
  assert.equal(runs, 2);
});
