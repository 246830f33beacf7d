// Any bodies: received = accepted + dropped, and what comes after them arrives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bodyOf, functionRecord } from '../../fakes/records.ts';
import { setUp } from '../pipeline-setup.ts';

const TIME = '2026-01-05T10:00:00.118Z';
const part = fc.oneof(
  fc.constantFrom(
    `{"time":"${TIME}","type":"function","record":`,
    '"line"}',
    '},',
    '[',
    ']',
    '{',
    '"',
    '\\',
    ' ',
    'null',
    '1e9',
  ),
  fc.constantFrom(
    `{"time":"${TIME}","type":"platform.runtimeDone","record":{"requestId":"r-1"}}`,
    '{"l":[{"time":""}]}',
    ',',
  ),
  fc.string({ maxLength: 4 }),
);
const body = fc.array(part, { maxLength: 12 }).map((parts) => Buffer.from(`[${parts.join('')}]`));

test('whatever the bodies are, the account adds up, and the records behind them arrive', async (t) => {
  const seed = Number(process.env['PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(body, { nil: undefined }), { maxLength: 6 }), async (bodies) => {
      const { pipeline, ledger, droppedEntries, arrived } = setUp();
      pipeline.begin();
      for (const each of bodies) pipeline.receive(each);
      // The first may be taken for the tail of a record that was cut.
      pipeline.receive(bodyOf(functionRecord('first'), functionRecord('second')));
      const lines = (await arrived()).map(({ line }) => line);
      assert.ok(lines.includes('second'));
      assert.equal(ledger.totals().received, ledger.totals().accepted + droppedEntries());
      assert.equal(pipeline.heldEntries(), 0);
    }),
    { seed, numRuns: Number(process.env['PROPERTY_RUNS'] ?? 100) },
  );
});
