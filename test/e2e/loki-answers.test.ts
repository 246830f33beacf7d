// Every answer that Loki or a gateway can give: what can be delivered is delivered once Loki is well, what cannot is
// counted and reported.
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { generateLines } from '../fakes/generate.ts';
import type { LokiAnswer } from '../fakes/loki/answers.ts';
import { createStarted, invoke, shutDown } from './support/bounded.ts';
import { assertDelivered, assertUnharmed, inOrder, ownMessages, reportedLosses, sumOf } from './support/expect.ts';

suite('answers of Loki', { concurrency: 2 }, () => {
  const passing: readonly (readonly [string, LokiAnswer])[] = [
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['499', { status: 499, body: 'context canceled' }],
    [
      'a 400 for a request that broke off',
      { status: 400, body: 'read tcp 10.0.1.2:3100->10.0.3.4:40712: i/o timeout' },
    ],
    ['500', { status: 500 }],
    ['502 of a proxy', { status: 502 }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    ['401', { status: 401 }],
    ['403', { status: 403 }],
    ['404', { status: 404 }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/elsewhere' } }],
    ['a reset connection', { reset: true }],
    ['a reset connection after storing', { resetAfterStore: true }],
    ['half an answer', { status: 204, store: true, bodyDelayMs: 20 }],
  ];
  for (const [what, answer] of passing) {
    test(`delivers everything once Loki is well after ${what}`, async (t) => {
      const bench = await createStarted(t);
      bench.loki.script(() => answer);
      for (let count = 0; count < 3; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
      bench.loki.script([]);
      for (let count = 3; count < 6; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
      await shutDown(bench);
      assertDelivered(bench);
      assert.deepEqual(reportedLosses(bench.loki), {});
    });
  }

  for (const status of [260, 400, 406, 422]) {
    test(`drops a batch that is answered with ${status}, never resends it, and says why`, async (t) => {
      const bench = await createStarted(t);
      const { loki, emulator } = bench;
      await invoke(bench, { lines: ['before'] });
      const answer = { status, body: `snappy: corrupt input, says Loki of "bad one" (${status})` };
      loki.script((request) => (request.streams[0]?.entries[0]?.line.startsWith('bad') ? answer : undefined));
      await invoke(bench, { lines: ['bad one', 'bad two'] });
      for (const line of ['after', 'after that']) await invoke(bench, { lines: [line] });
      await shutDown(bench);
      assert.deepEqual(
        inOrder(loki, 'function').map(({ line }) => line),
        ['before', 'after', 'after that'],
      );
      assert.equal(sumOf(reportedLosses(loki)), 2);
      assert.equal(loki.requests.filter((request) => request.status === status).length, 1);
      const [warning] = ownMessages(emulator);
      assert.equal(warning?.level, 'warn');
      assert.match(warning.message, new RegExp(`: ${status}, snappy: corrupt input$`));
      assert.doesNotMatch(emulator.output, /bad one/);
    });
  }

  test('loses only the entries that a 400 is about', async (t) => {
    const bench = await createStarted(t);
    const { loki, emulator } = bench;
    const time = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const ahead = (line: string) => ({ time, type: 'function', record: `${line}\n` });
    await invoke(bench, { lines: ['one'], records: [ahead('too new'), ahead('too new as well')] });
    await invoke(bench, { lines: ['two'] });
    await invoke(bench, { lines: ['three'] });
    await shutDown(bench);
    assert.deepEqual(
      inOrder(loki, 'function').map(({ line }) => line),
      ['one', 'two', 'three'],
    );
    assert.deepEqual(reportedLosses(loki), { rejected: 2 });
    const stored = loki.lines('function').length + loki.lines('platform').length;
    assert.equal(stored + 2, emulator.emitted.length, 'sent = stored + dropped');
    assert.equal(loki.duplicates, 0, 'what was stored was not sent again');
  });

  test('stamps anew what is too old for Loki, and keeps the time that was stated', async (t) => {
    const bench = await createStarted(t);
    const { loki, emulator } = bench;
    const time = '2020-01-01T00:00:00.000Z';
    await invoke(bench, { lines: ['one'], records: [{ time, type: 'function', record: 'of old\n' }] });
    await invoke(bench, { lines: ['two'] });
    await shutDown(bench);
    const entries = inOrder(loki, 'function');
    assert.deepEqual(entries.map(({ line }) => line).sort(), ['of old', 'one', 'two']);
    const old = entries.find(({ line }) => line === 'of old');
    assert.match(old?.metadata['original_time'] ?? '', /^2020-01-01T00:00:00\.0+Z$/);
    assert.deepEqual(reportedLosses(loki), {});
    assertUnharmed(emulator);
  });

  test('stamps anew a batch that is as a whole too new for Loki', async (t) => {
    const bench = await createStarted(t, { environment: { LOKI_LOG_TYPES: 'function' } });
    const { loki } = bench;
    const time = new Date(Date.now() + 48 * 3_600_000).toISOString();
    const ahead = ['one', 'two'].map((line) => ({ time, type: 'function', record: `${line} of the day after\n` }));
    await invoke(bench, { records: ahead });
    await invoke(bench, { lines: ['of today'] });
    await shutDown(bench);
    const entries = inOrder(loki, 'function');
    assert.deepEqual(entries.map(({ line }) => line).sort(), ['of today', ...ahead.map(({ record }) => record.trim())]);
    for (const { line, metadata } of entries) {
      assert.equal(metadata['original_time']?.slice(0, 19), line === 'of today' ? undefined : time.slice(0, 19), line);
    }
    assert.deepEqual(reportedLosses(loki), {});
  });

  test('gives up a single line that is too large for what stands before Loki, and no other', async (t) => {
    const bench = await createStarted(t);
    const { loki, emulator } = bench;
    loki.script((request) =>
      (request.raw?.length ?? 0) > 30_000 ? { status: 413, body: '<html>413</html>' } : undefined,
    );
    const large = 'x'.repeat(40_000);
    await invoke(bench, { lines: ['before', large, 'after'] });
    await invoke(bench, { lines: ['later'] });
    await shutDown(bench);
    assert.deepEqual(
      inOrder(loki, 'function').map(({ line }) => line),
      ['before', 'after', 'later'],
    );
    assert.deepEqual(reportedLosses(loki), { line_too_long: 1 });
    assert.ok(ownMessages(emulator).some(({ fields }) => fields['id'] === 'too_large'));
  });

  for (const [what, answer] of [
    ['102 and a reset', { interim: 102, reset: true, delayMs: 20 }],
    ['103 and silence', { interim: 103, stall: true }],
  ] as const) {
    test(`takes ${what} for no answer: all is sent again`, async (t) => {
      const bench = await createStarted(t, { environment: { LOKI_PUSH_TIMEOUT_MS: '400' } });
      const { loki } = bench;
      loki.script(() => answer);
      for (let count = 0; count < 3; count++) await invoke(bench, { lines: [`line ${count}`] });
      loki.script([]);
      await invoke(bench, { lines: ['line 3'] });
      await shutDown(bench);
      assertDelivered(bench);
      assert.deepEqual(reportedLosses(loki), {});
    });
  }

  for (const [what, answer] of [
    ['413', { status: 413 }],
    ['500 for a message that is too large', { status: 500, body: 'grpc: received message larger than max (9 vs. 4)' }],
  ] as const) {
    test(`halves a batch until it passes after ${what}`, async (t) => {
      const bench = await createStarted(t);
      bench.loki.script((request) => ((request.raw?.length ?? 0) > 10_000 ? answer : undefined));
      await invoke(bench, { lines: generateLines(1_000) });
      await invoke(bench, { lines: ['after'] });
      await shutDown(bench);
      assertDelivered(bench);
      assert.equal(bench.loki.duplicates, 0);
    });
  }

  test('makes requests smaller when one is more than the rate limit ever lets through', async (t) => {
    const bench = await createStarted(t);
    bench.loki.script((request) => ((request.raw?.length ?? 0) > 50_000 ? { status: 429 } : undefined));
    for (let count = 0; count < 3; count++) await invoke(bench, { lines: generateLines(1_000, { seed: count }) });
    await shutDown(bench);
    assertDelivered(bench);
  });

  test('sends no structured metadata to a Loki that allows none, and loses nothing', async (t) => {
    const bench = await createStarted(t, { loki: { limits: { allowStructuredMetadata: false } } });
    const { loki, emulator } = bench;
    for (let count = 0; count < 3; count++) await invoke(bench, { lines: generateLines(20, { seed: count }) });
    await shutDown(bench);
    assertDelivered(bench);
    for (const entry of loki.entries()) assert.deepEqual(entry.metadata, {});
    assert.deepEqual(reportedLosses(loki), {});
    const messages = ownMessages(emulator);
    assert.equal(messages.length, 1, emulator.output);
    assert.equal(messages[0]?.level, 'warn');
    assert.match(messages[0].message, /metadata/);
  });

  test('does not follow a redirect with its credentials', async (t) => {
    const stranger = await startFakeLoki();
    t.after(() => stranger.close());
    const credentials = { LOKI_USERNAME: '123456', LOKI_PASSWORD: 'glc_example_token' };
    const bench = await createStarted(t, { environment: credentials });
    const location = `${stranger.url}/loki/api/v1/push`;
    for (const status of [301, 302, 307, 308]) {
      bench.loki.script([{ status, headers: { location } }]);
      await invoke(bench, { lines: [`redirected with ${status}`] });
    }
    bench.loki.script([]);
    await shutDown(bench);
    assert.equal(stranger.requests.length, 0);
    assertDelivered(bench);
  });

  test('authenticates as it was told to, for itself and for its tenant', async (t) => {
    for (const [auth, variables] of [
      [
        { username: '123456', password: 'glc_example_token' },
        { LOKI_USERNAME: '123456', LOKI_PASSWORD: 'glc_example_token' },
      ],
      [{ bearerToken: 'example-bearer-token' }, { LOKI_BEARER_TOKEN: 'example-bearer-token' }],
    ] as const) {
      const bench = await createStarted(t, {
        loki: { auth, tenant: 'team-a' },
        environment: { ...variables, LOKI_TENANT_ID: 'team-a', LOKI_HEADERS: 'X-One=1,X-Two=a=b' },
      });
      await invoke(bench, { lines: ['one'] });
      await shutDown(bench);
      assertDelivered(bench);
      assert.equal(bench.loki.requests[0]?.headers['x-one'], '1');
      assert.equal(bench.loki.requests[0].headers['x-two'], 'a=b');
      assert.equal(bench.emulator.output, '');
    }
  });
});
