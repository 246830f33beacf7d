// The page about fleets, from what was played.

import type { Run } from '../machine.ts';
import { type Played, peakRate, requestRate } from './scenario.ts';
import { DEFAULT_LIMITS } from './tenant.ts';

export interface Fleet {
  readonly sandboxes: number;
  readonly outage: { readonly fromMs: number; readonly untilMs: number };
  readonly storm: Played;
  readonly refused: Played;
  readonly unavailable: Played;
  readonly deployment: Played;
  readonly growth: readonly { readonly sandboxes: number; readonly played: Played }[];
  readonly buffers: readonly { readonly kbPerS: number; readonly minutes: number; readonly lostShare: number }[];
}

/** Seconds: everything has begun by then, and nothing ends yet. */
const STEADY = [20, 58] as const;
/** So many seconds after an outage all is as before. */
const AFTER_S = 120;
const MIB = 1024 * 1024;
const EXTRAPOLATED = [10_000, 100_000];

const whole = (value: number) => Math.round(value).toLocaleString('en');
const short = (value: number) => (value >= 10 ? whole(value) : value.toFixed(2));
const percent = (share: number) => `${(100 * share).toFixed(share > 0.9999 || share === 0 ? 0 : 2)} %`;
const delivered = ({ accepted, received }: Played) => percent(accepted / received);
const steadyOf = ({ seconds }: Played) => requestRate(seconds, ...STEADY);

export function fleetPage(fleet: Fleet, { date, revision }: Pick<Run, 'date' | 'revision'>): string {
  const { sandboxes, outage, storm, refused, unavailable, deployment } = fleet;
  const from = outage.fromMs / 1_000;
  const until = outage.untilMs / 1_000;
  const row = (what: string, played: Played, from: number, until: number) => {
    const steady = steadyOf(played);
    const rates = [1, 10].map((span) => peakRate(played.seconds, from, until, span));
    const cells = rates.map((rate) => `${whole(rate)}, ${short(rate / steady)} times that`);
    const heldMs = played.heldMs / played.invocations;
    return `| ${what} | ${whole(steady)} | ${cells.join(' | ')} | ${delivered(played)} | ${whole(heldMs)} ms |`;
  };
  const largest = fleet.growth.at(-1);
  const perSandbox = largest ? steadyOf(largest.played) / largest.sandboxes : Number.NaN;
  const sizes = fleet.growth.map(
    ({ sandboxes: count, played }) =>
      `| ${whole(count)} | played | ${whole(steadyOf(played))} | ${whole(played.streams)} | ${whole(Math.ceil(count / 50))} |`,
  );
  const beyond = EXTRAPOLATED.map(
    (count) =>
      `| ${whole(count)} | reckoned | ${whole(perSandbox * count)} | ${whole((2 * count) / 50)} | ${whole(count / 50)} |`,
  );
  const minutes = [...new Set(fleet.buffers.map((buffer) => buffer.minutes))];
  const buffers = [...new Set(fleet.buffers.map(({ kbPerS }) => kbPerS))].map((kbPerS) => {
    const cells = fleet.buffers.filter((buffer) => buffer.kbPerS === kbPerS).map(({ lostShare }) => percent(lostShare));
    return `| ${kbPerS} KB a second | ${cells.join(' | ')} |`;
  });
  return `# A fleet of sandboxes, and one Loki

For those who run Loki for many functions, or many sandboxes of a few.

Each sandbox has an extension of its own, and none knows of the others. So what matters to Loki is what they do together:
when all start, when Loki comes back, when a deployment ends them all. This page plays these moments with
${whole(sandboxes)} sandboxes: the extension's own pipeline, flush policy and push client, with a simulated clock and network,
against a model of one tenant. \`make bench-fleet\` plays them again and writes this page (${date}, ${revision}).

The model has Loki's default limits: ${DEFAULT_LIMITS.ingestion.bytesPerS / MIB} MB a second for the tenant with a burst of
${DEFAULT_LIMITS.ingestion.burstBytes / MIB} MB, ${DEFAULT_LIMITS.stream.bytesPerS / MIB} MB a second for a stream with a burst of ${DEFAULT_LIMITS.stream.burstBytes / MIB} MB, and ${whole(DEFAULT_LIMITS.maxStreams)} streams
([limits_config](https://grafana.com/docs/loki/latest/configure/#limits_config)). Before it stands a gateway that takes four times
as many requests as the fleet sends when all is well; what would queue there for more than 2 s is answered with 503. Every
sandbox is called each 5 s or so and prints ten lines of 200 bytes; fifty sandboxes belong to one function. All settings are the
defaults.

## What Loki sees

| | requests a second, all well | most in one second | most in ten seconds, a second | lines delivered | function waits, mean |
|---|---|---|---|---|---|
${row('all start within 2 s', storm, 0, 20)}
${row('Loki away for 5 minutes, connections refused', refused, until, until + AFTER_S)}
${row('Loki away for 5 minutes, answers 503', unavailable, until, until + AFTER_S)}
${row('all end within 2 s', deployment, 50, 64)}

For the outages the two minutes after them are looked at. While Loki is away the fleet sends
${whole(requestRate(refused.seconds, from + 60, until - 1))} requests a second (${whole(requestRate(unavailable.seconds, from + 60, until - 1))} where it answers 503): each sandbox tries one, and waits
longer each time. What comes meanwhile is gathered in few and large requests. When Loki is back each sandbox finds that out at
a moment of its own, sends one request at a time, and is as fast as before when as many have passed as had failed.

![Lines: requests in each second before, during and after an outage](images/fleet-outage.svg)

At a deployment every sandbox sends what it holds, at once: there is no later. So the requests of a whole batch time come within
the two seconds. What Loki refuses then is tried again until the sandbox ends.

![Lines: requests in each second when all sandboxes start, and when all end](images/fleet-life.svg)

## As the fleet grows

Requests grow with the sandboxes, streams only with the functions: a sandbox has no label of its own. The last rows are reckoned
from the largest fleet that was played.

| sandboxes | | requests a second | streams | functions |
|---|---|---|---|---|
${[...sizes, ...beyond].join('\n')}

## How long an outage may be

What is lost of all lines when Loki is away for so long, with the default buffer of a function of 128 MB (16 MiB, which holds
compressed lines):

| lines of one sandbox | ${minutes.map((count) => `${count} minutes`).join(' | ')} |
|---|${minutes.map(() => '---').join('|')}|
${buffers.join('\n')}

The oldest lines go first, errors last, and each is counted. \`LOKI_BUFFER_MAX_BYTES\` makes it larger; a sandbox that ends while
Loki is away loses what it holds.

## What to do about it

- **A gateway in front** pays from some thousand requests a second on, or where outages are to cost nothing: Grafana Alloy with
  \`loki.source.api\` and \`loki.write\` and its write-ahead log, or the agent of VictoriaLogs. Sandboxes push to it inside the
  network in a millisecond, and it sends large batches and keeps what Loki cannot take.
- **Tenants.** The limits are the tenant's. Give teams that log a lot a tenant of their own with \`LOKI_TENANT_ID\`, and raise
  \`ingestion_rate_mb\` to what you see here: this fleet sends ${(requestBytes(refused) / 1e6).toFixed(1)} MB a second when all is well, and several times that
  after an outage.
- **Streams.** Fifty sandboxes share the streams of their function. A function with thousands of busy sandboxes can meet
  \`per_stream_rate_limit\`: raise it before you add labels. Never add a label with the name of a sandbox or a request: both are
  structured metadata already.
- **Fewer requests.** \`LOKI_BATCH_MAX_WAIT_MS=5000\` and \`LOKI_FLUSH_STRATEGY=continuous\` send fewer and larger requests, and lines
  come some seconds later. \`LOKI_LOG_TYPES=function\` saves the stream of platform events.
`;
}

/** Uncompressed, in a second when all is well. */
function requestBytes({ seconds }: Played): number {
  const taken = seconds.slice(...STEADY);
  return taken.reduce((sum, { acceptedBytes }) => sum + acceptedBytes, 0) / taken.length;
}
