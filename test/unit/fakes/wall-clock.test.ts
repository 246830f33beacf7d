// The clock of one process is set while it runs; what counts up goes on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { NO_WALL_CLOCK, takeWallClock } from '../../fakes/wall-clock.ts';

/** Says its times whenever it reads a line. */
const PROGRAM =
  "process.stdin.on('data', () => console.log(JSON.stringify([Date.now(), new Date().getTime(), performance.now()])))";
const HOUR_S = 3_600;
/** A machine that stands still for longer would fail much else. */
const TOLERANCE_MS = 60_000;

test('a process has its clock set forward and back, and no other', { skip: NO_WALL_CLOCK }, async (t) => {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const lines = createInterface({ input: child.stdout });
  const times = async (): Promise<readonly [number, number, number]> => {
    child.stdin.write('\n');
    const [line] = await once(lines, 'line');
    return JSON.parse(line);
  };
  const isNear = (ms: number, expectedMs: number) => assert.ok(Math.abs(ms - expectedMs) < TOLERANCE_MS, `${ms}`);
  await times();
  const clock = takeWallClock(child.pid ?? 0);
  let lastMs = 0;
  for (const aheadSeconds of [HOUR_S, -24 * HOUR_S, 0]) {
    clock.setAhead(aheadSeconds);
    const [nowMs, dateMs, countedMs] = await times();
    isNear(nowMs, Date.now() + aheadSeconds * 1_000);
    isNear(dateMs, Date.now() + aheadSeconds * 1_000);
    assert.ok(countedMs > lastMs && countedMs < lastMs + TOLERANCE_MS);
    lastMs = countedMs;
  }
});
