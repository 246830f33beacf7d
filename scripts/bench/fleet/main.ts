// A fleet of sandboxes in one process: pipeline, flush policy and push client as they are, with a simulated clock and
// network, against a model of Loki's limits. Writes docs/fleet.md and its charts. The same seed of everything: two runs
// write the same page. usage: node scripts/bench/fleet/main.ts, with these in the environment:
//   SANDBOXES=1000   how many; with another number nothing is written

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../build/toolchain.ts';
import { lineChart } from '../../charts/line-chart.ts';
import { describeRun } from '../machine.ts';
import { type Fleet, fleetPage } from './page.ts';
import { play, type Scenario } from './scenario.ts';

const PAGE_SANDBOXES = 1_000;
const sandboxes = Number(process.env['SANDBOXES'] ?? PAGE_SANDBOXES);
const startedMs = performance.now();

const MINUTE_MS = 60_000;
const OUTAGE = { fromMs: MINUTE_MS, untilMs: 6 * MINUTE_MS };
const KB_PER_S = [1, 10, 100];
const OUTAGE_MINUTES = [5, 15, 60];

/** A busy API: each sandbox is called every five seconds and prints ten lines. */
const busy: Scenario = {
  sandboxes,
  functions: Math.ceil(sandboxes / 50),
  intervalMs: 5_000,
  linesPerInvocation: 10,
  lineBytes: 200,
  startWithinMs: 5_000,
  durationMs: MINUTE_MS,
  endWithinMs: 5_000,
};

const fleet: Fleet = {
  sandboxes,
  outage: OUTAGE,
  storm: await told('all start within 2 s', { ...busy, startWithinMs: 2_000 }),
  refused: await told('5 minutes away, connections refused', {
    ...busy,
    durationMs: OUTAGE.untilMs + 3 * MINUTE_MS,
    outage: { ...OUTAGE, how: 'refused' },
  }),
  unavailable: await told('5 minutes away, answers 503', {
    ...busy,
    durationMs: OUTAGE.untilMs + 3 * MINUTE_MS,
    outage: { ...OUTAGE, how: '503' },
  }),
  deployment: await told('all end within 2 s', { ...busy, endWithinMs: 2_000 }),
  growth: await Promise.all([sandboxes / 10, sandboxes / 3, sandboxes].map(grown)),
  buffers: await Promise.all(KB_PER_S.flatMap((kbPerS) => OUTAGE_MINUTES.map((minutes) => buffered(kbPerS, minutes)))),
};
console.log(`all entries are accounted for, after ${Math.round((performance.now() - startedMs) / 1_000)} s`);
if (sandboxes === PAGE_SANDBOXES) write();
else console.log(`nothing is written: docs/fleet.md is of ${PAGE_SANDBOXES} sandboxes`);

async function told(what: string, scenario: Scenario) {
  const played = await play(scenario);
  const { received, accepted, dropped, held } = played;
  console.log(`${what}: received ${received}, accepted ${accepted}, dropped ${dropped}, held ${held}`);
  return played;
}

async function grown(count: number) {
  const size = Math.round(count);
  return { sandboxes: size, played: await play({ ...busy, sandboxes: size, functions: Math.ceil(size / 50) }) };
}

/** Few sandboxes, as each is for itself here: how much of an outage the buffer of 16 MiB outlasts. */
async function buffered(kbPerS: number, minutes: number) {
  const untilMs = (1 + minutes) * MINUTE_MS;
  const lineBytes = 1_000;
  const played = await play({
    ...busy,
    sandboxes: 2,
    functions: 2,
    lineBytes,
    linesPerInvocation: (kbPerS * 1_000 * (busy.intervalMs / 1_000)) / lineBytes,
    durationMs: untilMs + 5 * MINUTE_MS,
    outage: { fromMs: MINUTE_MS, untilMs, how: '503' },
  });
  return { kbPerS, minutes, lostShare: played.dropped / played.received };
}

function write(): void {
  const docs = path.join(root, 'docs');
  const run = describeRun(new Date(), { runs: 1, base: undefined });
  mkdirSync(path.join(docs, 'images'), { recursive: true });
  const perSecond = ({ seconds }: Fleet['storm'], what: 'requests' | 'accepted') =>
    seconds.map((second) => second[what]);
  const outageChart = lineChart({
    title: 'Requests to Loki in an outage of five minutes, and after it',
    about: `${sandboxes.toLocaleString('en')} sandboxes, called every 5 s; requests in each second`,
    series: [
      { name: 'connections refused', values: perSecond(fleet.refused, 'requests') },
      { name: 'answers 503', values: perSecond(fleet.unavailable, 'requests') },
    ],
    zone: { from: OUTAGE.fromMs / 1_000, until: OUTAGE.untilMs / 1_000, name: 'Loki is away' },
    unit: 'requests a second',
  });
  const lifeChart = lineChart({
    title: 'Requests to Loki when all sandboxes start, and when all end',
    about: `${sandboxes.toLocaleString('en')} sandboxes; all start, or all end, within 2 s`,
    series: [
      { name: 'all start at 0 s', values: perSecond(fleet.storm, 'requests') },
      { name: 'all end at 60 s', values: perSecond(fleet.deployment, 'requests') },
    ],
    unit: 'requests a second',
  });
  writeFileSync(path.join(docs, 'images/fleet-outage.svg'), outageChart);
  writeFileSync(path.join(docs, 'images/fleet-life.svg'), lifeChart);
  writeFileSync(path.join(docs, 'fleet.md'), fleetPage(fleet, run));
  console.log('written: docs/fleet.md');
}
