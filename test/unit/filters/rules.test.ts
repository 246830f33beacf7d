import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterSettings } from '../../../src/config/filter-settings.ts';
import { dropsEvent, isBelow, readRules } from '../../../src/filters/rules.ts';
import type { Level } from '../../../src/records/line-level.ts';

function read(settings: FilterSettings) {
  const warnings: string[] = [];
  const rules = readRules(settings, (variable, message) => warnings.push(`${variable} ${message}`));
  return { rules, warnings };
}

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
    const { rules, warnings } = read({ LOKI_DROP_EVENTS: text });
    assert.deepEqual(
      EVENTS.filter((event) => dropsEvent(rules, event)),
      dropped,
    );
    assert.deepEqual(warnings, []);
  });
}

test('an event whose name is part of another one is not taken for it', () => {
  const { rules } = read({ LOKI_DROP_EVENTS: 'report' });
  assert.equal(dropsEvent(rules, 'platform.initReport'), false);
  assert.equal(dropsEvent(rules, 'platform.restoreReport'), false);
  assert.equal(dropsEvent(rules, undefined), false);
});

test('a name that is no event is used, as new events come up, and warned of', () => {
  const { rules, warnings } = read({ LOKI_DROP_EVENTS: 'reports,start' });
  assert.deepEqual(warnings, ['LOKI_DROP_EVENTS holds "reports", which is no event of Lambda\'s that we know']);
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
    const { rules, warnings } = read({ LOKI_MIN_LEVEL: text });
    assert.deepEqual(
      LEVELS.filter((level) => !isBelow(rules, level)),
      sent,
    );
    assert.deepEqual(warnings, []);
  });
}

test('a level that is none filters nothing, with one warning', () => {
  const { rules, warnings } = read({ LOKI_MIN_LEVEL: 'loud' });
  assert.ok(LEVELS.every((level) => !isBelow(rules, level)));
  assert.deepEqual(warnings, [
    'LOKI_MIN_LEVEL is not one of trace, debug, info, warn, error, fatal: "loud"; lines of all levels are sent',
  ]);
});
