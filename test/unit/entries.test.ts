import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../src/byte-string.ts';
import { createEntries } from '../../src/entries.ts';
import type { Entry } from '../../src/loki/batch.ts';
import { createLedger } from '../../src/losses.ts';
import { createInvocations } from '../../src/records/invocations.ts';
import { toLogRecord } from '../../src/records/record.ts';
import { createTimeReader } from '../../src/records/record-time.ts';
import { START_MS } from '../fakes/fake-clock.ts';
import { at, functionRecord, platformRecord, testConfig } from '../fakes/records.ts';

const readTime = createTimeReader();

function setUp(concurrent: boolean) {
  const invocations = createInvocations(concurrent);
  const added: Entry[] = [];
  const entries = createEntries({
    config: testConfig({ maxLineBytes: 1_000 }),
    functionVersion: '7',
    concurrent,
    invocations,
    backlog: { add: (_type, _stated, entry) => added.push(entry) },
    ledger: createLedger(),
    isOwnLine: () => false,
    takesMetadata: () => true,
  });
  entries.begin('instance-1');
  const take = (raw: unknown) => entries.take(toLogRecord(toByteString(JSON.stringify(raw)), readTime), START_MS);
  return { invocations, added, take };
}

/** Names and values, which an encoded pair holds as they are. */
const textOf = ({ metadata }: Entry) => metadata.toString('latin1');

test('the lines of a hundred invocations that come in turn share their metadata', () => {
  const { added, take } = setUp(true);
  const ids = Array.from({ length: 100 }, (_, index) => `8d1f5a1e-4c0e-4c61-9d63-${String(index).padStart(12, '0')}`);
  for (let round = 0; round < 2; round++) {
    for (const id of ids) take(functionRecord(`2026-01-05T10:00:00.446Z\t${id}\tINFO\thello`));
  }
  for (const [index, id] of ids.entries()) {
    assert.ok(textOf(at(added, index)).includes(id));
    assert.equal(at(added, index).metadata, at(added, index + 100).metadata, 'encoded once');
  }
});

test('what an invocation turns out to have been is in the metadata of the lines that follow', () => {
  const { invocations, added, take } = setUp(false);
  take(platformRecord('start', { requestId: 'r-1', tenantId: 'tenant-a' }));
  take(functionRecord('first'));
  invocations.invoked('r-1', { alias: 'live', traceId: '1-abc' });
  take(functionRecord('second'));
  assert.deepEqual(
    added.slice(1).map((entry) => ['tenant-a', 'live', '1-abc'].map((value) => textOf(entry).includes(value))),
    [
      [true, false, false],
      [true, true, true],
    ],
  );
});

for (const [what, learn] of [
  [
    'tenant-b',
    (core: ReturnType<typeof setUp>) => core.take(platformRecord('start', { requestId: 'r-1', tenantId: 'tenant-b' })),
  ],
  [
    'canary',
    ({ invocations }: ReturnType<typeof setUp>) => invocations.invoked('r-1', { alias: 'canary', traceId: undefined }),
  ],
  [
    '1-def',
    ({ invocations }: ReturnType<typeof setUp>) => invocations.invoked('r-1', { traceId: '1-def', alias: undefined }),
  ],
] as const) {
  test(`metadata that is shared is made anew when ${what} alone is learnt`, () => {
    const core = setUp(false);
    core.take(platformRecord('start', { requestId: 'r-1' }));
    core.take(functionRecord('first'));
    learn(core);
    core.take(functionRecord('second'));
    assert.deepEqual(
      [at(core.added, 1), at(core.added, -1)].map((entry) => textOf(entry).includes(what)),
      [false, true],
    );
  });
}

test('each part of a long line says which it is', () => {
  const { added, take } = setUp(false);
  take(functionRecord('x'.repeat(2_500)));
  assert.deepEqual(
    added.map((entry) => /[1-3]\/3/.exec(textOf(entry))?.[0]),
    ['1/3', '2/3', '3/3'],
  );
  assert.equal(toByteString(added.map(({ line }) => line).join('')).length, 2_500);
});
