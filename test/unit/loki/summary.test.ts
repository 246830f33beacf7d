// The extension's own lines on their way past the backlog.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSummarySender } from '../../../src/loki/summary.ts';
import { ACCEPTED, FAILED, FakePushClient } from '../../fakes/doubles.ts';
import { FakeClock, START_MS } from '../../fakes/fake-clock.ts';
import { at, entryOf } from '../../fakes/records.ts';

const LABELS = '{type="extension"}';

function setUp() {
  const clock = new FakeClock();
  const client = new FakePushClient(clock, () => undefined);
  return { clock, client, summaries: createSummarySender(client, LABELS, clock) };
}

test('a summary goes to the stream of extensions at the last nanosecond of its millisecond', () => {
  const { client, summaries } = setUp();
  void summaries.send(entryOf('lost'));
  const { labels, entries } = at(client.pushes, 0);
  assert.equal(labels, LABELS);
  assert.deepEqual(
    entries.map(({ line, seconds, nanos }) => [line, seconds, nanos]),
    [['lost', BigInt(START_MS / 1_000), 999_999]],
  );
});

test('the sender says whether Loki took it; a push that breaks was not taken', async () => {
  const { client, clock, summaries } = setUp();
  const taken: boolean[] = [];
  for (const outcome of [ACCEPTED, FAILED]) {
    client.script = () => outcome;
    taken.push(await summaries.send(entryOf('lost')));
  }
  const broken = createSummarySender({ push: () => Promise.reject(new Error('a bug')) }, LABELS, clock);
  taken.push(await broken.send(entryOf('lost')));
  assert.deepEqual(taken, [true, false, false]);
});

test('the last summary is waited for until it was answered, or until the time is over', async () => {
  const { clock, client, summaries } = setUp();
  await clock.until(summaries.sentBy(START_MS + 100), 0);
  for (const line of ['one', 'two']) void summaries.send(entryOf(line));
  at(client.pushes, 0).answer(ACCEPTED);
  await clock.until(summaries.sentBy(START_MS + 100), 100);
  assert.equal(clock.now(), START_MS + 100, 'the second is still under way');
  const sent = summaries.sentBy(START_MS + 500);
  at(client.pushes, 1).answer(ACCEPTED);
  await clock.until(sent, 0);
  await clock.until(summaries.sentBy(START_MS + 500), 0);
  assert.equal(clock.pendingTimers, 0);
});
