// The fault matrix: a fixed budget of seeds, or as many as FAULT_MINUTES allow, from FAULT_FROM on. A failure names its seed, and the
// smallest scenario that still fails: it belongs into cases.json, which is played first.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { FAULTS } from './support/faults.ts';
import { play } from './support/play.ts';
import { CELLS, type Scenario, scenarioOf, smaller } from './support/scenario.ts';

const { FAULT_SEEDS = '120', FAULT_FROM = '1', FAULT_MINUTES = '', FAULT_AT_ONCE = '4' } = process.env;
const atOnce = Number(FAULT_AT_ONCE);
const SMALLER_TRIES = 8;

const cases: readonly Scenario[] = JSON.parse(readFileSync(path.join(import.meta.dirname, 'cases.json'), 'utf8'));

suite('kept cases', { concurrency: atOnce }, () => {
  for (const scenario of cases) {
    test(describe(scenario), { skip: skipOf(scenario) }, async () => assert.deepEqual(await play(scenario), []));
  }
});

suite('seeds', { concurrency: atOnce }, () => {
  const from = Number(FAULT_FROM);
  if (FAULT_MINUTES === '') {
    for (let seed = from; seed < from + Number(FAULT_SEEDS); seed++) {
      const scenario = scenarioOf(seed);
      test(`seed ${seed}: ${describe(scenario)}`, { skip: skipOf(scenario) }, () => hold(scenario));
    }
    return;
  }
  const endMs = Date.now() + 60_000 * Number(FAULT_MINUTES);
  let next = from;
  for (let lane = 1; lane <= atOnce; lane++) {
    test(`lane ${lane}`, async (t) => {
      for (let seed = next++; Date.now() < endMs; seed = next++) {
        const scenario = scenarioOf(seed);
        await t.test(`seed ${seed} of ${CELLS}: ${describe(scenario)}`, { skip: skipOf(scenario) }, () =>
          hold(scenario),
        );
      }
    });
  }
});

function skipOf({ fault }: Scenario): string | undefined {
  return FAULTS.find(({ name }) => name === fault)?.skip;
}

function describe({ fault, moment, strategy, api }: Scenario): string {
  return `${fault} (${moment}, ${strategy}, ${api})`;
}

async function hold(scenario: Scenario): Promise<void> {
  const wrong = await play(scenario);
  if (wrong.length === 0) return;
  const smallest = await shrink(scenario);
  assert.fail(`${wrong.join('\n')}\nthe smallest that fails: ${JSON.stringify(smallest)}`);
}

async function shrink(scenario: Scenario): Promise<Scenario> {
  let smallest = scenario;
  for (let tries = 0; tries < SMALLER_TRIES; ) {
    let found: Scenario | undefined;
    for (const candidate of smaller(smallest)) {
      if (++tries > SMALLER_TRIES) break;
      if ((await play(candidate)).length > 0) {
        found = candidate;
        break;
      }
    }
    if (found === undefined) break;
    smallest = found;
  }
  return smallest;
}
