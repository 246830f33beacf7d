// Set-ups that are wrong, each in its own way: the function notices nothing, and one message says what failed, where, and what to do.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type Bench, createBench } from '../fakes/extension.ts';
import { type OwnMessage, ownMessages, runUnharmed } from './support/expect.ts';
import { type Arrange, answering, type SetUp, setUps } from './support/wrong-set-ups.ts';

suite('diagnosis', { concurrency: 2 }, () => {
  for (const [what, arrange, id, sentence] of setUps) {
    test(`says that there is ${what}`, async (t) => {
      const { first, output } = await runWrongly(t, arrange);
      assert.equal(first.fields['id'], id, output);
      assert.match(first.message, sentence);
      assert.ok(String(first.fields['remedy']).length > 10);
      assert.doesNotMatch(output, /--use-system-ca|canary|wrong-one/);
    });
  }

  test('names the cause beside what was lost', async (t) => {
    const { messages } = await runWrongly(t, answering({ status: 403 }));
    const lost = messages.at(-1);
    assert.equal(lost?.fields['id'], 'lines_lost');
    assert.ok(Number(lost.fields['shutdown_deadline']) > 0);
    assert.match(String(lost.fields['cause']), /forbids our pushes: 403/);
  });
});

/** Three short invocations and SHUTDOWN, of which the function must notice nothing. */
async function runWrongly(
  t: TestContext,
  arrange: Arrange,
): Promise<{ first: OwnMessage; messages: readonly OwnMessage[]; output: string }> {
  let environment: SetUp['environment'] = {};
  const bench: Bench = await createBench(t, {
    endpoint: async (loki) => {
      const setUp = await arrange(t, loki);
      environment = setUp.environment ?? {};
      return setUp.endpoint;
    },
    get environment() {
      return { LOKI_RETRY_MIN_BACKOFF_MS: '10', LOKI_RETRY_MAX_BACKOFF_MS: '50', ...environment };
    },
  });
  const { emulator } = bench;
  await runUnharmed(emulator);
  const messages = ownMessages(emulator);
  const [first] = messages;
  assert.ok(first !== undefined, 'something is said');
  return { first, messages, output: emulator.output };
}
