// The wall clock is set while the extension works, as the system of a sandbox does that was frozen for long: deadlines that were told
// before keep their distance. https://github.com/aws/aws-sdk-js-v3/issues/7605

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import { NO_WALL_CLOCK, takeWallClock } from '../fakes/wall-clock.ts';
import { assertDelivered, assertHealthy, ownMessages } from './support/expect.ts';

const HOUR_S = 3_600;
/** What an invocation prints is sent when the sandbox ends: that push is the sign that the deadline is known. */
const UNTIL_SHUTDOWN = { LOKI_FLUSH_STRATEGY: 'continuous', LOKI_BATCH_MAX_WAIT_MS: '60000' };

suite('a clock that is set', { concurrency: 2, skip: NO_WALL_CLOCK }, () => {
  for (const seconds of [HOUR_S, -HOUR_S]) {
    const way = seconds > 0 ? 'forward' : 'back';

    test(`${way} in an invocation: its lines are stored when it ends`, async (t) => {
      const bench = await createBench(t, { environment: { LOKI_FLUSH_STRATEGY: 'end' } });
      const { emulator, loki } = bench;
      await emulator.start();
      await emulator.invoke({ lines: ['before'] });
      const clock = takeWallClock(emulator.pid ?? 0);
      const { heldMs } = await emulator.invoke({
        lines: ['meanwhile'],
        async during() {
          // By then the event is known, and with it the deadline.
          await emulator.delivered();
          clock.setAhead(seconds);
        },
      });
      assert.deepEqual(loki.lines('function'), ['before', 'meanwhile']);
      assert.ok(heldMs !== undefined, 'it is held while they are sent, and asks for the next event');
      clock.setAhead(0);
      await emulator.invoke({ lines: ['after'] });
      await emulator.shutdown();
      assertDelivered(bench);
      assertHealthy(bench);
    });

    test(`${way} at SHUTDOWN: what comes after that is stored`, async (t) => {
      const { emulator, loki } = await createBench(t, { environment: UNTIL_SHUTDOWN });
      await emulator.start();
      await emulator.invoke({ lines: ['before'] });
      const clock = takeWallClock(emulator.pid ?? 0);
      loki.script(() => {
        clock.setAhead(seconds);
        return { store: true, delayMs: 200 };
      });
      const { exitCode } = await emulator.shutdown({ lateLines: ['late'], lateAfterMs: 150 });
      assert.equal(exitCode, 0);
      assert.deepEqual(loki.lines('function'), ['before', 'late']);
    });

    test(`${way} at SHUTDOWN, and Loki does not answer: what is lost is told before the deadline`, async (t) => {
      const { emulator, loki } = await createBench(t, { environment: UNTIL_SHUTDOWN });
      await emulator.start();
      await emulator.invoke({ lines: ['one', 'two'] });
      const clock = takeWallClock(emulator.pid ?? 0);
      loki.script(() => {
        clock.setAhead(seconds);
        return { stall: true };
      });
      const { exitCode } = await emulator.shutdown();
      assert.equal(exitCode, 0, 'it is not killed');
      const told = ownMessages(emulator).find(({ fields }) => fields['shutdown_deadline'] !== undefined);
      assert.ok(Number(told?.fields['shutdown_deadline']) >= 2, emulator.output);
    });
  }
});
