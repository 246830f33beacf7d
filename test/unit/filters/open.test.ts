// The filters as the executable opens them: which setting goes where, and where a problem with one is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import type { SandboxSymptom } from '../../../src/diagnosis/symptoms.ts';
import { type FilterConfig, openFilters } from '../../../src/filters/open.ts';
import type { LogType } from '../../../src/lambda/subscription.ts';
import { textRecord } from '../../../src/records/record.ts';

function open(config: Partial<FilterConfig>) {
  const symptoms: SandboxSymptom[] = [];
  const filters = openFilters(
    { filters: {}, labels: {}, logTypes: ['platform', 'function'], ...config },
    { tellSymptom: (symptom) => void symptoms.push(symptom) },
  );
  return {
    symptoms,
    rulingOn(type: LogType, text: string) {
      const told: unknown[] = [];
      filters.add(textRecord(type, toByteString(text), undefined));
      filters.run((_, { record, filteredBy }) => told.push(filteredBy ?? record.line), false);
      return told[0];
    },
  };
}

test('without a setting every line is sent as it is', () => {
  for (const config of [{}, { filters: undefined } as unknown as Partial<FilterConfig>]) {
    const { symptoms, rulingOn } = open(config);
    assert.equal(rulingOn('function', 'DEBUG jane@example.com'), 'DEBUG jane@example.com');
    assert.deepEqual(symptoms, []);
  }
});

test('each setting does what it is for, with the real watch over the expressions', () => {
  const { symptoms, rulingOn } = open({
    filters: {
      LOKI_MIN_LEVEL: 'info',
      LOKI_INCLUDE_REGEX: 'o+r+d',
      LOKI_EXCLUDE_REGEX: 'h+e+a',
      LOKI_REDACT: 'email',
      LOKI_REDACT_REGEX: 'n+o+-[0-9]',
    },
  });
  for (const [text, outcome] of [
    ['DEBUG order', 'min_level'],
    ['hello', 'include_regex'],
    ['order health', 'exclude_regex'],
    ['order no-7 of jane@example.com', 'order [redacted] of [redacted]'],
  ]) {
    assert.equal(rulingOn('function', text ?? ''), outcome, text);
  }
  assert.equal(rulingOn('extension', 'hello no-7'), 'hello no-7', 'a type that is not sent is not searched');
  assert.deepEqual(symptoms, []);
});

test('a problem with a setting is told with the name of the variable, and the labels are known', () => {
  const { symptoms } = open({
    filters: { LOKI_MIN_LEVEL: 'loud', LOKI_METADATA_FIELDS: 'team', LOKI_REDACT_REGEX: 'x(' },
    labels: { team: 'checkout' },
  });
  assert.deepEqual(
    symptoms.map((symptom) => symptom.kind === 'setting' && [symptom.level, symptom.message.split(' ')[0]]).sort(),
    [
      ['error', 'LOKI_REDACT_REGEX'],
      ['warn', 'LOKI_METADATA_FIELDS'],
      ['warn', 'LOKI_MIN_LEVEL'],
    ],
  );
});
