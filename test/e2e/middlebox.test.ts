// What stands before Loki may dislike a line, a size, or us: all that passes goes out at once, what does not is found by
// splitting and alone given up, and a setting that is wrong neither loses a line that fits nor storms whoever answers.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { generateLines } from '../fakes/generate.ts';
import type { LokiAnswer, LokiRequest } from '../fakes/loki/answers.ts';
import { createStarted, invoke, shutDown } from './support/bounded.ts';
import { assertDelivered, inOrder, ownMessages, reportedLosses } from './support/expect.ts';

const POISON = 'a line that something dislikes';
/** Not the short one of the other tests: a count of requests is looked at. */
const usualBackoff = { LOKI_RETRY_MIN_BACKOFF_MS: '100', LOKI_RETRY_MAX_BACKOFF_MS: '10000' };
const isPoisonous = ({ streams }: LokiRequest) =>
  streams.some(({ entries }) => entries.some(({ line }) => line === POISON));

suite('what stands before Loki', { concurrency: 2 }, () => {
  const dislikes: readonly (readonly [what: string, answer: LokiAnswer, reason: string])[] = [
    ['403', { status: 403 }, 'rejected'],
    ['405 and a page', { status: 405, body: '<html>no</html>' }, 'rejected'],
    ['406', { status: 406, body: 'Not Acceptable' }, 'rejected'],
    ['200 and a page', { status: 200, body: '<!doctype html><title>Sign in</title>' }, 'rejected'],
    ['500', { status: 500 }, 'retries_exhausted'],
    ['a reset', { reset: true }, 'retries_exhausted'],
  ];
  for (const [what, answer, reason] of dislikes) {
    test(`loses one line, and no other, where that line meets ${what}`, async (t) => {
      const bench = await createStarted(t);
      const { loki } = bench;
      loki.script((request) => (isPoisonous(request) ? answer : undefined));
      const lines = generateLines(120).with(60, POISON);
      for (let count = 0; count < 20; count++) {
        await invoke(bench, { lines: count === 2 ? lines : [`line ${count}`], durationMs: 50 });
      }
      const stored = loki.lines('function').length;
      assert.ok(stored >= 130, `${stored} lines are stored before SHUTDOWN`);
      await shutDown(bench);
      assert.equal(inOrder(loki, 'function').length, 138);
      const told = JSON.stringify(ownMessages(bench.emulator).map(({ fields }) => fields));
      assert.match(told, new RegExp(`"${reason}":1`), 'the loss is told with the last answer as its reason');
    });

    test(`delivers all where larger bodies meet ${what}, also when the first is one`, async (t) => {
      for (const large of [0, 2]) {
        const bench = await createStarted(t);
        const { loki } = bench;
        loki.script((request) => (request.wire.length > 8_192 ? answer : undefined));
        for (let count = 0; count < 8; count++) {
          await invoke(bench, { lines: count === large ? generateLines(400) : [`line ${count}`], durationMs: 50 });
        }
        await shutDown(bench);
        assertDelivered(bench);
        assert.deepEqual(reportedLosses(loki), {});
      }
    });
  }

  for (const status of [201, 202, 206, 207]) {
    test(`takes ${status} for stored`, async (t) => {
      const bench = await createStarted(t);
      bench.loki.script(() => ({ status, store: true, body: '' }));
      for (let count = 0; count < 3; count++) await invoke(bench, { lines: [`line ${count}`] });
      await shutDown(bench);
      assertDelivered(bench);
      assert.equal(bench.loki.duplicates, 0);
      assert.deepEqual(reportedLosses(bench.loki), {});
    });
  }

  for (const status of [402, 405, 407, 410, 411, 415, 418, 421, 425, 426, 431, 451]) {
    test(`keeps every line while all is answered with ${status}`, async (t) => {
      const bench = await createStarted(t);
      bench.loki.script(() => ({ status }));
      for (let count = 0; count < 5; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
      bench.loki.script([]);
      for (let count = 5; count < 8; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
      await shutDown(bench);
      assertDelivered(bench);
      assert.deepEqual(reportedLosses(bench.loki), {});
    });
  }

  test('keeps what comes after two batches where everything is refused for good', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_LOG_TYPES: 'function' } });
    const { loki } = bench;
    loki.script(() => ({ status: 400, body: 'bad request' }));
    for (let count = 0; count < 8; count++) await invoke(bench, { lines: [`line ${count}`] });
    loki.script([]);
    for (let count = 8; count < 11; count++) await invoke(bench, { lines: [`line ${count}`] });
    await shutDown(bench);
    const stored = inOrder(loki, 'function').map(({ line }) => line);
    const kept = Array.from({ length: 9 }, (_, index) => `line ${index + 2}`);
    assert.deepEqual(stored.slice(-kept.length), kept);
  });

  for (const status of [401, 403, 404, 307]) {
    test(`leaves at once, after a few requests, where ${status} was the answer to everything`, async (t) => {
      const bench = await createStarted(t, { environment: usualBackoff });
      const { loki, emulator } = bench;
      loki.script(() => ({ status, headers: { location: 'http://127.0.0.1:9/' } }));
      for (let count = 0; count < 6; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
      const asked = loki.requests.length;
      assert.ok(asked <= 40, `${asked} requests in six invocations`);
      await shutDown(bench);
      // One when it thaws or while it waits for late records, and one to drain; both rarely, by chance of the backoff.
      assert.ok(loki.requests.length - asked <= 3, `${loki.requests.length - asked} requests at SHUTDOWN`);
      assert.ok(ownMessages(emulator).length > 0);
    });
  }

  test('sends a few requests at SHUTDOWN, and no more, where Loki is down', async (t) => {
    const bench = await createStarted(t, { environment: usualBackoff });
    const { loki } = bench;
    loki.script(() => ({ status: 503 }));
    for (let count = 0; count < 6; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    const asked = loki.requests.length;
    await bench.emulator.shutdown({ deadlineInMs: 2_000 });
    assert.ok(loki.requests.length - asked <= 20, `${loki.requests.length - asked} requests at SHUTDOWN`);
  });
});
