// Random bodies that are made to hurt, against the executable: every record beside them arrives, and next is always
// asked for. `FUZZ_SEED=<number>` repeats a run, `FUZZ_BODIES=<number>` makes it longer.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import { at, seededRandom } from '../fakes/records.ts';
import { assertUnharmed } from './support/expect.ts';

const BODIES = Number(process.env['FUZZ_BODIES'] ?? 60);
const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const element = (record: string, type = 'function') =>
  `{"time":"${new Date().toISOString()}","type":"${type}","record":${record}}`;
const repeat = (unit: string, bytes: number) => unit.repeat(Math.ceil(bytes / unit.length));

/** Records and pieces that have broken readers of JSON, this one or others. */
const NASTY: readonly ((bytes: number) => string)[] = [
  (bytes) => element(`${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}`),
  (bytes) => element('['.repeat(bytes)),
  (bytes) => element(repeat('{"a":[', bytes)),
  (bytes) => element(`[${repeat('{},', bytes)}1]`),
  (bytes) =>
    element(
      `{"l":[{"a":1},{"time":""}],"a":${'['.repeat(3_000)}12345678901234567890${']'.repeat(3_000)},"b":${bytes}}`,
    ),
  (bytes) => element(`{"n":1.${'0'.repeat(bytes)}1,"id":12345678901234567890}`),
  (bytes) => element(`"${repeat('\\"', bytes)}"`),
  (bytes) => element(`"${repeat('\\\\', bytes)}`),
  (bytes) => element(`"${repeat('"},{"time":"', bytes)}"`),
  (bytes) => element(`"${repeat('\\u0000\\ud83e', bytes)}"`),
  (bytes) => repeat('},{"time":"t","type":"function","record":', bytes),
  (bytes) => repeat('x},{"time":1', bytes),
  (bytes) => repeat(' ', bytes),
  (bytes) => repeat('nonsense,', bytes),
  (bytes) => repeat('null,', bytes).slice(0, -1),
  (bytes) => element(`{"${repeat('\\"', bytes)}":1,"level":"${repeat('e', bytes)}"}`),
  (bytes) => element(repeat('9', bytes)),
  () => element('{"requestId":"x","status":"success"}', 'platform.runtimeDone'),
  () => element('{"droppedRecords":1e400,"droppedBytes":-1}', 'platform.logsDropped'),
  () => `{"time":${'{"time":'.repeat(100)}1${'}'.repeat(100)},"type":[],"record":"x"}`,
];

function makeBody(random: () => number): Buffer {
  const pick = (count: number) => Math.floor(random() * count);
  const parts = Array.from({ length: 1 + pick(4) }, () =>
    random() < 0.3 ? element('"a line\\n"') : at(NASTY, pick(NASTY.length))(10 ** (1 + random() * 5)),
  );
  const body = Buffer.from(`[${parts.join(at([',', ' , ', '', '},'], pick(4)))}]`);
  const kind = pick(5);
  if (kind === 0) return body.subarray(0, pick(body.length));
  if (kind === 1) for (let count = 1 + pick(5); count > 0; count--) body[pick(body.length)] = pick(256);
  if (kind === 2) return Buffer.concat([body.subarray(pick(body.length)), body.subarray(0, pick(body.length))]);
  return body;
}

suite('hostile bodies', () => {
  test('whatever a body is, the records of the others arrive, and next is asked for', {
    timeout: 300_000,
  }, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const anyTime = { limits: { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined } };
    const { emulator, loki } = await createBench(t, { loki: anyTime, function: { memorySizeMb: 512 } });
    await emulator.start();
    const expected: string[] = [];
    for (let done = 0; done < BODIES; ) {
      await emulator.invoke({
        lines: [`invocation ${done}`],
        during: async () => {
          for (let count = 0; count < 10; count++, done++) {
            const mark = `behind body ${done}`;
            // The first may be taken for the tail of a record that was cut.
            const neighbours = Buffer.from(`[${element('"first"')},${element(`"${mark}"`)}]`);
            for (const { attempts } of await emulator.deliver([makeBody(random), neighbours])) {
              assert.deepEqual(
                attempts.map(({ outcome }) => outcome),
                [200],
              );
            }
            expected.push(mark);
          }
        },
      });
    }
    await emulator.invoke({ lines: ['the last'] });
    await emulator.shutdown();
    const lines = new Set(loki.lines('function'));
    assert.deepEqual(
      [...expected, 'the last'].filter((line) => !lines.has(line)),
      [],
    );
    assertUnharmed(emulator);
  });
});
