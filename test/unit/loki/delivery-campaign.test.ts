// Random troubles, all of them at once: lines that something dislikes, sizes that something dislikes, outages, a Loki that
// fails now and then, freezes, a clock that is set back. After every step the ledger adds up; when the outages are over all
// that can pass has passed, and nothing else is lost. `CAMPAIGN_SEED=n` runs one scenario, `CAMPAIGN_RUNS=n` so many from there on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import {
  ACCEPTED,
  CUT,
  FAILED,
  type FakePush,
  REFUSED,
  TOO_LARGE,
  throttled,
  UNANSWERED,
  UNREACHABLE,
  UNREADABLE,
} from '../../fakes/doubles.ts';
import { seededRandom } from '../../fakes/records.ts';
import { setUp } from './delivery-setup.ts';

const FIRST_SEED = process.env['CAMPAIGN_SEED'];
const RUNS = Number(process.env['CAMPAIGN_RUNS'] ?? (FIRST_SEED === undefined ? 40 : 1));
const HOUR_MS = 3_600_000;
const PUSH_TIMEOUT_MS = 5_000;
const DISLIKES: readonly PushOutcome[] = [REFUSED, FAILED, CUT, UNANSWERED, UNREADABLE];
const REJECTED: PushOutcome = { kind: 'rejected', reason: 'rejected', entries: 'all', status: 400, detail: '400 no' };
const OUTAGES: readonly PushOutcome[] = [...DISLIKES, UNREACHABLE, throttled(), throttled(20_000), REJECTED, TOO_LARGE];

interface World {
  /** What a request with a poisonous line comes to. */
  readonly poison: PushOutcome;
  readonly poisonShare: number;
  /** What a request with more lines than this comes to. */
  readonly maxLines: number;
  readonly tooMany: PushOutcome;
  /** How often Loki fails for no reason. */
  readonly flaky: number;
  readonly latencyMs: number;
  /** What is not answered keeps a push waiting for as long as it waits. */
  readonly stalls: boolean;
}

function worldOf(random: () => number): World {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return {
    poison: any(DISLIKES),
    poisonShare: any([0, 0.01, 0.05]),
    maxLines: any([1, 7, 40, Number.POSITIVE_INFINITY]),
    tooMany: any([...DISLIKES, TOO_LARGE]),
    flaky: any([0, 0, 0.1, 0.4]),
    latencyMs: any([0, 5, 50]),
    stalls: random() < 0.5,
  };
}

async function campaign(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const world = worldOf(random);
  let outage: PushOutcome | undefined;
  let isFlaky = true;
  let lines = 0;
  const poisonous = new Set<string>();
  const stored = new Set<string>();
  const refusedForGood = new Set<string>();

  const judged = (push: FakePush): PushOutcome => {
    if (outage) {
      const isFinal = outage === REJECTED || (outage === TOO_LARGE && push.lines.length === 1);
      if (isFinal) for (const line of push.lines) refusedForGood.add(line);
      return outage;
    }
    if (isFlaky && random() < world.flaky) return FAILED;
    if (push.lines.length > world.maxLines) return world.tooMany;
    if (push.lines.some((line) => poisonous.has(line))) return world.poison;
    for (const line of push.lines) stored.add(line);
    return ACCEPTED;
  };
  const bench = setUp(
    (push) => {
      const outcome = judged(push);
      const stalls = world.stalls && outcome === UNANSWERED;
      const answerMs = stalls ? Math.min(PUSH_TIMEOUT_MS, push.answerMs ?? PUSH_TIMEOUT_MS) : world.latencyMs;
      if (answerMs === 0) return outcome;
      clock.after(answerMs, () => push.answer(outcome));
      return undefined;
    },
    { batchMaxBytes: 4_096 },
    random,
  );
  const { clock, client, ledger, backlog, delivery, droppedEntries } = bench;

  const newLine = () => {
    const line = `line ${lines++}`;
    if (random() < world.poisonShare) poisonous.add(line);
    return line;
  };
  const burst = () => Array.from({ length: 1 + Math.floor(random() * (random() < 0.2 ? 120 : 8)) }, newLine);
  const addsUp = (step: string) => {
    const { received, accepted } = ledger.totals();
    assert.equal(received, accepted + droppedEntries() + backlog.heldEntries(), `${step} of ${describe()}`);
  };
  const describe = () => `seed ${seed}, ${JSON.stringify(world)}`;

  async function invocation(): Promise<void> {
    for (const line of burst()) bench.hold(line, random() < 0.2 ? 'platform' : 'function', random() < 0.1);
    delivery.wake();
    await clock.advance(300 * random());
    if (delivery.isHealthy()) {
      const heldMs = await bench.flush();
      assert.ok(heldMs <= 2_000, `held for ${heldMs} ms, ${describe()}`);
    }
    await clock.freeze(5_000 * random());
    delivery.wake();
  }

  for (let step = 0; step < 40; step++) {
    if (random() < 0.08) outage = OUTAGES[Math.floor(random() * OUTAGES.length)];
    else if (random() < 0.3) outage = undefined;
    if (random() < 0.03) clock.set((random() < 0.5 ? -1 : 1) * (random() < 0.5 ? 20_000 : HOUR_MS));
    await invocation();
    addsUp(`step ${step}`);
  }
  outage = undefined;
  isFlaky = false;
  for (let count = 0; count < 60 && backlog.heldEntries() > 0; count++) {
    await invocation();
    await clock.advance(60_000);
    addsUp('the end');
  }
  for (let count = 0; count < 600 && backlog.heldEntries() > 0; count++) {
    bench.receive(`line ${lines++}`);
    await clock.advance(60_000);
  }
  assert.equal(backlog.heldEntries(), 0, `all is out or given up: ${describe()}`);
  const lost = Array.from({ length: lines }, (_, index) => `line ${index}`).filter((line) => !stored.has(line));
  const innocent = lost.filter((line) => !poisonous.has(line) && !refusedForGood.has(line));
  assert.deepEqual(innocent, [], `only what cannot pass is lost: ${describe()}`);
  const { accepted, received } = ledger.totals();
  assert.equal(received - accepted, lost.length, describe());
  assert.ok(client.mostOpen <= 4);
  assert.equal(clock.pendingTimers, 0, `no timer is left: ${describe()}`);
}

const seeds = Array.from({ length: RUNS }, (_, index) => Number(FIRST_SEED ?? 1) + index);
for (const seed of seeds) test(`whatever goes wrong, every line is accounted for (seed ${seed})`, () => campaign(seed));
