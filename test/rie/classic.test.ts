// Our executable under AWS's own Extensions API: the emulator's classic mode, which answers 202 "not supported" to both
// subscriptions. So nothing can be delivered here; what is proven is that the function never suffers from us.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FakeLoki, startFakeLoki } from '../fakes/fake-loki.ts';
import { type Rie, type RieOptions, startRie } from './support/rie.ts';

async function start(t: TestContext, options: Partial<RieOptions> = {}): Promise<{ rie: Rie; loki: FakeLoki }> {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const rie = await startRie(t, { ...options, env: { LOKI_PUSH_ENDPOINT: loki.url, ...options.env } });
  return { rie, loki };
}

async function works(rie: Rie): Promise<number> {
  const { status, text, tookMs } = await rie.invoke({ lines: ['hello'] });
  assert.equal(status, 200, rie.output());
  assert.deepEqual(JSON.parse(text), { printed: 1 });
  return tookMs;
}

test('registers, takes one invocation after the other, and exits with 0 at SHUTDOWN', async (t) => {
  const { rie } = await start(t);
  for (let i = 0; i < 5; i++) await works(rie);
  assert.deepEqual(rie.extensionExits(), []);
  await rie.stop();
  assert.deepEqual(rie.extensionExits(), [0]);
});

for (const api of ['auto', 'logs', 'telemetry']) {
  test(`holds no invocation up where nothing is delivered (LOKI_EXTENSION_API=${api})`, async (t) => {
    const holdMs = 10_000;
    const env = { LOKI_EXTENSION_API: api, LOKI_FLUSH_STRATEGY: 'end', LOKI_FLUSH_TIMEOUT_MS: String(holdMs) };
    const { rie, loki } = await start(t, { env });
    await works(rie);
    // An invocation that waits for records waits all of its 10 s: no machine is as slow as that by itself.
    for (let i = 0; i < 3; i++) assert.ok((await works(rie)) < holdMs / 2);
    await rie.stop();
    assert.equal(loki.lines('function').length, 0);
    assert.equal(loki.lines('platform').length, 0);
  });
}

test('leaves a failing handler to its own error', async (t) => {
  const { rie } = await start(t);
  const { text } = await rie.invoke({ lines: ['before'], fail: 'no such order' });
  assert.match(text, /no such order/);
  await works(rie);
  assert.deepEqual(rie.extensionExits(), []);
});

test('a function timeout ends the sandbox in order, and the next invocation has a new one', async (t) => {
  const { rie } = await start(t, { timeoutSeconds: 2 });
  await works(rie);
  const { text } = await rie.invoke({ sleepMs: 60_000 });
  assert.match(text, /Task timed out after 2\.00 seconds/);
  assert.deepEqual(rie.extensionExits(), [0]);
  await works(rie);
  await rie.stop();
  assert.deepEqual(rie.extensionExits(), [0, 0]);
});

test('a crash of the runtime ends the sandbox in order, and the next invocation has a new one', async (t) => {
  const { rie } = await start(t);
  await works(rie);
  const { status } = await rie.invoke({ exit: 1 });
  assert.equal(status, 502);
  await works(rie);
  await rie.stop();
  assert.deepEqual(rie.extensionExits(), [0, 0]);
});

test('the function goes on when our settings are wrong', async (t) => {
  const { rie } = await start(t, { env: { LOKI_PUSH_ENDPOINT: 'not a url', LOKI_BATCH_MAX_BYTES: '-1' } });
  for (let i = 0; i < 3; i++) await works(rie);
  assert.match(rie.output(), /LOKI_PUSH_ENDPOINT/);
  await rie.stop();
  assert.deepEqual(rie.extensionExits(), [0]);
});

test('stays out of the way when it is switched off', async (t) => {
  const { rie, loki } = await start(t, { env: { LOKI_EXTENSION_ENABLED: 'false' } });
  for (let i = 0; i < 3; i++) await works(rie);
  await rie.stop();
  assert.deepEqual(rie.extensionExits(), [0]);
  assert.equal(loki.requests.length, 0);
});
