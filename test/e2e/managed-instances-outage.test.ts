// Lambda Managed Instances while Loki is not well: no event tells the extension to try again, or to tell what was lost.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { generateLines } from '../fakes/generate.ts';
import type { LokiScript } from '../fakes/loki/answers.ts';
import { assertDelivered, assertUnharmed, inOrder, ownMessages, reportedLosses } from './support/expect.ts';
import { arrivalTimeoutMs, arrived, createManaged, shutDown } from './support/managed.ts';

suite('managed instances in an outage', { concurrency: 4 }, () => {
  const outages: Readonly<Record<string, LokiScript | 'refused'>> = {
    'takes no connections': 'refused',
    'answers 503': () => ({ status: 503 }),
    'limits the rate': () => ({ status: 429 }),
    'resets every connection': () => ({ reset: true }),
    'says nothing': () => ({ stall: true }),
    'takes no credentials': () => ({ status: 401 }),
  };
  for (const [what, outage] of Object.entries(outages)) {
    test(`delivers everything by itself after a time in which Loki ${what}`, async (t) => {
      const bench = await createManaged(t, {
        environment: {
          LOKI_BATCH_MAX_WAIT_MS: '50',
          LOKI_PUSH_TIMEOUT_MS: '400',
          LOKI_RETRY_MIN_BACKOFF_MS: '10',
          LOKI_RETRY_MAX_BACKOFF_MS: '200',
        },
      });
      const { emulator, loki } = bench;
      await arrived(bench);
      if (outage === 'refused') await loki.refuse();
      else loki.script(outage);
      // Until the extension has noticed.
      for (let count = 0; count < 8 || (emulator.output === '' && count < 200); count++) {
        await emulator.invoke({ lines: generateLines(20, { seed: count }), durationMs: 50 });
      }
      if (outage === 'refused') await loki.listen();
      else loki.script([]);
      await arrived(bench);
      await shutDown(bench);
      assertDelivered(bench);
      assertUnharmed(emulator);
      assert.equal(ownMessages(emulator).length, 1, emulator.output);
      assert.deepEqual(reportedLosses(loki), {});
    });
  }

  test('tells of lines that Loki refused, without waiting for an event', async (t) => {
    const bench = await createManaged(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '50' } });
    const { emulator, loki } = bench;
    await arrived(bench);
    loki.script([{ status: 400, body: 'no' }]);
    emulator.log(['refused', 'refused too']);
    await loki.waitFor((server) => server.requests.some(({ status }) => status === 400));
    emulator.log(['taken']);
    await loki.waitFor((server) => server.lines('function').includes('taken'));
    await loki.waitFor((server) => server.lines('extension').length > 0, arrivalTimeoutMs);
    assert.deepEqual(reportedLosses(loki), { rejected: 2 });
    await shutDown(bench);
    assert.deepEqual(reportedLosses(loki), { rejected: 2 }, 'once');
    assert.deepEqual(
      inOrder(loki, 'function').map(({ line }) => line),
      ['taken'],
    );
    assertUnharmed(emulator);
  });

  test('tells of lines that Loki refused although nothing is logged after them', async (t) => {
    const bench = await createManaged(t, { environment: { LOKI_BATCH_MAX_WAIT_MS: '50' } });
    const { emulator, loki } = bench;
    await arrived(bench);
    loki.script([{ status: 400, body: 'no' }]);
    emulator.log(['refused']);
    await loki.waitFor((server) => server.lines('extension').length > 0, 5_000);
    assert.deepEqual(reportedLosses(loki), { rejected: 1 });
    await shutDown(bench);
    assertUnharmed(emulator);
  });
});
