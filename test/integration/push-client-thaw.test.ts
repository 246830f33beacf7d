// Connections that died during a freeze: the first failure after a thaw says nothing about Loki, and costs little time.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { IDLE_MS } from '../../src/loki/connection.ts';
import { createPushClient } from '../../src/loki/push-client.ts';
import { FakeClock, START_MS } from '../fakes/fake-clock.ts';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { at } from '../fakes/records.ts';
import { pushBody } from './push-body.ts';
import { startRawServer } from './raw-server.ts';

function clientOf(address: string) {
  const clock = new FakeClock();
  const target = {
    url: `http://${address}/loki/api/v1/push`,
    authorization: undefined,
    tenantId: undefined,
    headers: {},
  };
  return { client: createPushClient(target, 5_000, 'test', clock), clock };
}

async function setUp(t: TestContext) {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const { client, clock } = clientOf(new URL(loki.url).host);
  /** Resolves when that many requests have come in all. */
  const came = (count: number) => loki.waitFor(({ requests }) => requests.length >= count);
  return {
    loki,
    clock,
    client,
    /** Opens as many connections, all of them kept. */
    async warmUp(connections = 1) {
      // The first one alone: the others would wait for it, and one of them would use its connection.
      await client.push(pushBody('first'));
      await Promise.all(Array.from({ length: connections }, (_, index) => client.push(pushBody(`warm ${index}`))));
      assert.equal(loki.connectionCount, connections);
      loki.requests.length = 0;
    },
    /** A push that has come and is not answered. */
    async stalled() {
      const before = loki.requests.length;
      loki.script([{ stall: true }]);
      const pushed = client.push(pushBody('x'));
      await came(before + 1);
      return { pushed };
    },
    came,
  };
}

test('a connection that is reset after a thaw: sent again at once on a fresh one, the same byte for byte', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  client.distrustConnections();
  loki.script([{ reset: true }]);
  assert.deepEqual(await client.push(pushBody('x')), { kind: 'accepted', status: 204 });
  assert.equal(loki.requests.length, 2);
  assert.notEqual(at(loki.requests, 0).connection, at(loki.requests, 1).connection);
  assert.deepEqual(at(loki.requests, 0).wire, at(loki.requests, 1).wire);
});

test('a connection that swallows everything after a thaw is given up after a second', async (t) => {
  const { clock, client, warmUp, stalled } = await setUp(t);
  await warmUp();
  client.distrustConnections();
  const { pushed } = await stalled();
  await clock.advance(1_000);
  assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
});

test('a second failure, on the fresh connection, counts', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  client.distrustConnections();
  loki.script([{ reset: true }, { reset: true }]);
  assert.equal((await client.push(pushBody('x'))).kind, 'unanswered');
  assert.equal(loki.requests.length, 2);
});

test('an answer of Loki is an answer, also after a thaw: 503 is not tried again here', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  client.distrustConnections();
  loki.script([{ status: 503 }]);
  assert.equal((await client.push(pushBody('x'))).kind, 'failed');
  assert.equal(loki.requests.length, 1);
});

test('after a pause longer than a load balancer keeps connections, a fresh one is used from the start', async (t) => {
  const { loki, clock, client, warmUp } = await setUp(t);
  await warmUp();
  await clock.freeze(600_000);
  client.distrustConnections();
  assert.equal((await client.push(pushBody('x'))).kind, 'accepted');
  assert.equal(at(loki.requests, 0).connection, 1);
});

test('several pushes after a thaw, all connections dead: each is sent again once', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp(3);
  client.distrustConnections();
  loki.script(({ connection }) => (connection < 3 ? { reset: true } : undefined));
  const outcomes = await Promise.all([
    client.push(pushBody('a')),
    client.push(pushBody('b')),
    client.push(pushBody('c')),
  ]);
  assert.deepEqual(outcomes, Array(3).fill({ kind: 'accepted', status: 204 }));
});

test('one connection that survived does not vouch for the others', async (t) => {
  const { loki, client, clock, warmUp, came } = await setUp(t);
  await warmUp(2);
  client.distrustConnections();
  loki.script(({ index }) => (index === 0 ? undefined : index === 1 ? { stall: true } : undefined));
  const first = client.push(pushBody('a'));
  const second = client.push(pushBody('b'));
  await came(2);
  assert.deepEqual(await first, { kind: 'accepted', status: 204 });
  await clock.advance(1_000);
  assert.deepEqual(await second, { kind: 'accepted', status: 204 });
});

test('a push that was under way through a freeze is sent again when its connection turns out dead', async (t) => {
  const { client, clock, warmUp, stalled } = await setUp(t);
  await warmUp();
  const { pushed } = await stalled();
  client.distrustConnections();
  await clock.freeze(600_000);
  assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
});

test('a Loki that has become slow is not sent everything twice for ever', async (t) => {
  const server = await startRawServer(t, () => {});
  const { client, clock } = clientOf(server.address);
  /** One invocation; each request is answered so long after it came. Gives how many requests the push took. */
  const invoke = async (line: string, answerMs: number) => {
    const before = server.requests.length;
    client.distrustConnections();
    const pushed = client.push(pushBody(line));
    await server.came(before + 1);
    const limitMs = (clock.nextDueMs ?? 0) - clock.now();
    if (limitMs < answerMs) {
      await clock.advance(limitMs);
      await server.came(before + 2);
    }
    await clock.advance(answerMs);
    at(server.requests, -1).socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
    return server.requests.length - before;
  };
  assert.equal(await invoke('fast', 20), 1);
  await invoke('the first slow one may be sent twice', 1_500);
  assert.deepEqual([await invoke('second', 1_500), await invoke('third', 1_500)], [1, 1]);
});

for (const gapMs of [100, 400, 2_000]) {
  test(`a push to a Loki that never answers comes to an end although an event comes every ${gapMs} ms`, async (t) => {
    const server = await startRawServer(t, () => {});
    const { client, clock } = clientOf(server.address);
    client.distrustConnections();
    let outcome: string | undefined;
    void client.push(pushBody('x')).then(({ kind }) => {
      outcome = kind;
    });
    await server.came(1);
    for (let passedMs = 0; passedMs < 30_000 && outcome === undefined; passedMs += gapMs) {
      client.expectFreeze();
      client.distrustConnections();
      await clock.advance(gapMs);
    }
    assert.match(
      outcome ?? '',
      /^(unanswered|interrupted)$/,
      `after ${clock.now() - START_MS} ms and ${server.requests.length} requests`,
    );
  });
}

test('after a thaw one dead connection leaves its neighbours alone: what is healthy goes out once', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp(4);
  client.distrustConnections();
  loki.script(({ index }) => (index === 0 ? { reset: true } : { latencyMs: 20 }));
  const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((line) => client.push(pushBody(line))));
  assert.deepEqual(outcomes, Array(4).fill({ kind: 'accepted', status: 204 }));
  assert.equal(loki.requests.length, 5);
  assert.equal(loki.duplicates, 0);
});

test('a kept connection that dies before a byte of an answer: once more at once on a fresh one, also on an awake sandbox', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  loki.script(({ connection }) => (connection === 0 ? { reset: true } : undefined));
  assert.deepEqual(await client.push(pushBody('x')), { kind: 'accepted', status: 204 });
  assert.deepEqual(
    loki.requests.map(({ connection }) => connection),
    [0, 1],
  );
});

test('408 on a kept connection, which was idle for too long: once more at once on a fresh one, where it is an answer', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  loki.script(({ connection }) => (connection === 0 ? { status: 408 } : undefined));
  assert.deepEqual(await client.push(pushBody('x')), { kind: 'accepted', status: 204 });
  assert.deepEqual(await client.push(pushBody('y')), { kind: 'accepted', status: 204 });
  assert.deepEqual(
    loki.requests.map(({ connection }) => connection),
    [0, 1, 1],
  );
  loki.script(() => ({ status: 408 }));
  assert.equal((await client.push(pushBody('z'))).kind, 'failed');
  assert.deepEqual(
    loki.requests.slice(3).map(({ connection }) => connection),
    [1, 2],
  );
});

test('a reset of a fresh connection, and a second one after that of a kept one, are told', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp();
  loki.script(() => ({ reset: true }));
  assert.equal((await client.push(pushBody('x'))).kind, 'unanswered');
  assert.equal(loki.requests.length, 2);
  assert.equal((await client.push(pushBody('x'))).kind, 'unanswered');
  assert.equal(loki.requests.length, 3);
});

test('a connection that is refused is no work of a freeze, and not tried again here', async (t) => {
  const { loki, client } = await setUp(t);
  await loki.refuse();
  client.expectFreeze();
  const outcome = await client.push(pushBody('x'));
  assert.ok(outcome.kind === 'unreachable');
  assert.equal(outcome.phase, 'refused');
});

test('connections that end across freezes, again and again, are the freezes work', async (t) => {
  const server = await startRawServer(t, ({ socket }) => socket.resetAndDestroy());
  const { client } = clientOf(server.address);
  const pushed = client.push(pushBody('x'));
  for (let count = 1; count <= 4; count++) {
    client.expectFreeze();
    await server.came(count);
    client.distrustConnections();
  }
  assert.deepEqual(await pushed, { kind: 'interrupted' });
});

test('silence across freezes, again and again, is told: no freeze explains it', async (t) => {
  const server = await startRawServer(t, () => {});
  const { client, clock } = clientOf(server.address);
  const pushed = client.push(pushBody('x'));
  for (let count = 1; count <= 4; count++) {
    client.expectFreeze();
    await server.came(count);
    client.distrustConnections();
    await clock.advance(1_000);
  }
  const outcome = await pushed;
  assert.ok(outcome.kind === 'interrupted');
  assert.equal(outcome.last?.kind, 'unanswered');
});

test('a push that was under way when a long freeze began is not waited for, and sent again', async (t) => {
  const { clock, client, warmUp, stalled } = await setUp(t);
  await warmUp();
  client.expectFreeze();
  const { pushed } = await stalled();
  await clock.freeze(3_600_000);
  client.distrustConnections();
  await clock.advance(100);
  assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
});

for (const [frozenMs, limitMs] of [
  [IDLE_MS, 1_000],
  [IDLE_MS + 1, 100],
] as const) {
  test(`what was under way in a freeze of ${frozenMs} ms is given up ${limitMs} ms after it, and sent again`, async (t) => {
    const { loki, clock, client, warmUp, stalled } = await setUp(t);
    await warmUp();
    client.expectFreeze();
    const { pushed } = await stalled();
    clock.set(frozenMs);
    client.distrustConnections();
    await clock.advance(limitMs - 1);
    assert.equal(await Promise.race([pushed, 'waiting']), 'waiting');
    await clock.advance(1);
    assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
    assert.equal(loki.requests.length, 2);
  });
}

test('what fails on one kept connection is not tried on another, which the same freeze may have ended', async (t) => {
  const { loki, client, warmUp } = await setUp(t);
  await warmUp(2);
  client.distrustConnections();
  loki.script(({ connection }) => (connection < 2 ? { reset: true } : undefined));
  assert.deepEqual(await client.push(pushBody('x')), { kind: 'accepted', status: 204 });
  assert.equal(loki.requests.length, 2);
});

test('a connection that has answered after a thaw is trusted again: it is given its whole time', async (t) => {
  const { clock, client, warmUp, stalled } = await setUp(t);
  await warmUp();
  client.distrustConnections();
  await client.push(pushBody('x'));
  const { pushed } = await stalled();
  await clock.advance(4_999);
  assert.equal(await Promise.race([pushed, 'waiting']), 'waiting');
  await clock.advance(1);
  assert.equal((await pushed).kind, 'unanswered');
});

test('what fails before a freeze that is expected waits for the word of it, and after that word for no other', async (t) => {
  const server = await startRawServer(t, ({ socket }, index) => {
    if (index === 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    else socket.resetAndDestroy();
  });
  const { client, clock } = clientOf(server.address);
  client.expectFreeze();
  client.distrustConnections();
  client.expectFreeze();
  const pushed = client.push(pushBody('x'));
  await server.came(1);
  await clock.advance(100);
  assert.equal(await Promise.race([pushed, 'waiting']), 'waiting');
  client.distrustConnections();
  assert.deepEqual(await pushed, { kind: 'accepted', status: 204 });
  client.distrustConnections();
  assert.equal((await client.push(pushBody('y'))).kind, 'unanswered');
  assert.equal(clock.pendingTimers, 0);
});
