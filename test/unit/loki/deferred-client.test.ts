// Pushes to an endpoint that depends on secrets: what waits, for how long, and what a 401 does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretSymptom } from '../../../src/diagnosis/symptoms.ts';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { createDeferredClient } from '../../../src/loki/deferred-client.ts';
import type { PushClient } from '../../../src/loki/push-client.ts';
import { ACCEPTED, REFUSED } from '../../fakes/doubles.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

const about = { reference: 'arn:x', variables: ['LOKI_PASSWORD'] };
const slow: SecretSymptom = { ...about, trouble: { kind: 'slow' } };
const missing: SecretSymptom = { ...about, trouble: { kind: 'missing' } };
const BODY = Buffer.from('x');

type Answer = { readonly values: ReadonlyMap<string, string> } | SecretSymptom;

/** @param outcomeOf what Loki says to a push with this secret */
function setUp(outcomeOf: (secret: string) => PushOutcome | undefined = () => ACCEPTED) {
  const clock = new FakeClock();
  const asked: ((answer: Answer) => void)[] = [];
  const calls: string[] = [];
  const client = createDeferredClient({
    source: {
      get: () => new Promise((resolve) => asked.push(resolve)),
      distrust: () => calls.push('distrust'),
      doubt: () => calls.push('doubt'),
      thawed: () => calls.push('thawed'),
    },
    open(values) {
      const secret = values.get('arn:x') ?? '';
      calls.push(`open ${secret}`);
      if (secret === 'no use') return undefined;
      return {
        async push(_body, answerMs) {
          if (answerMs !== undefined) calls.push(`answer within ${answerMs}`);
          return outcomeOf(secret) ?? ACCEPTED;
        },
        expectFreeze: () => calls.push('expect'),
        distrustConnections: () => calls.push('thaw'),
        waitsFor: () => 'answer',
      } satisfies PushClient;
    },
    slow,
    clock,
  });
  const answer = (secret: string) => asked.shift()?.({ values: new Map([['arn:x', secret]]) });
  return { clock, client, asked, calls, answer };
}

test('pushes wait for the secrets, which are asked for once', async () => {
  const { client, asked, answer, calls } = setUp();
  client.begin?.();
  const pushes = [client.push(BODY), client.push(BODY)];
  assert.equal(asked.length, 1);
  answer('s');
  assert.deepEqual(await Promise.all(pushes), [ACCEPTED, ACCEPTED]);
  assert.deepEqual(calls, ['open s']);
});

test('a push does not wait for long, and one that comes later not at all', async () => {
  const { client, clock, answer, asked } = setUp();
  const first = client.push(BODY);
  await clock.advance(500);
  assert.deepEqual(await first, { kind: 'unready', secret: slow });
  assert.deepEqual(await client.push(BODY), { kind: 'unready', secret: slow });
  assert.equal(asked.length, 1);
  assert.equal(clock.pendingTimers, 0);
  answer('s');
  await clock.advance(0);
  const later = client.push(BODY);
  answer('s');
  assert.deepEqual(await later, ACCEPTED);
});

test('what is wrong with the secrets is what a push comes to', async () => {
  const { client, asked, answer } = setUp();
  const first = client.push(BODY);
  asked.shift()?.(missing);
  assert.deepEqual(await first, { kind: 'unready', secret: missing });
  const second = client.push(BODY);
  answer('no use');
  assert.deepEqual(await second, { kind: 'unready' });
});

test('a 401 makes them be fetched again, and the next push goes with what is new', async () => {
  const { client, calls, answer } = setUp((secret) => (secret === 'old' ? REFUSED : ACCEPTED));
  const first = client.push(BODY);
  answer('old');
  assert.deepEqual(await first, REFUSED);
  const second = client.push(BODY);
  answer('new');
  assert.deepEqual(await second, ACCEPTED);
  assert.deepEqual(calls, ['open old', 'distrust', 'open new']);
});

test('secrets that are the same keep the connections', async () => {
  const { client, calls, answer } = setUp();
  for (let count = 0; count < 3; count++) {
    const push = client.push(BODY);
    answer('s');
    await push;
  }
  assert.deepEqual(calls, ['open s']);
});

test('after a freeze what is under way gets its time afresh', async () => {
  const { client, clock, calls, answer } = setUp();
  client.begin?.();
  client.expectFreeze();
  await clock.freeze(60_000);
  client.distrustConnections();
  const push = client.push(BODY);
  await clock.advance(100);
  answer('s');
  assert.deepEqual(await push, ACCEPTED);
  assert.deepEqual(calls, ['thawed', 'open s']);
});

test('a client that is made while a freeze is expected is told so', async () => {
  const { client, calls, answer } = setUp();
  const push = client.push(BODY);
  client.expectFreeze();
  answer('s');
  await push;
  assert.deepEqual(calls, ['open s', 'expect']);
  client.distrustConnections();
  client.expectFreeze();
  assert.deepEqual(calls.slice(2), ['thawed', 'thaw', 'expect']);
});

test('a 403 may be about the secrets: they are doubted, and those of a firewall serve on', async () => {
  const { client, answer, calls } = setUp(() => ({ ...REFUSED, status: 403 }));
  const push = client.push(BODY);
  answer('s');
  await push;
  assert.deepEqual(calls, ['open s', 'doubt']);
});

test('how long an answer may take is handed on: a line at fault is found as soon as without secrets', async () => {
  const { client, answer, calls } = setUp();
  const push = client.push(BODY, 300);
  answer('s');
  assert.deepEqual(await push, ACCEPTED);
  assert.deepEqual(calls, ['open s', 'answer within 300']);
});
