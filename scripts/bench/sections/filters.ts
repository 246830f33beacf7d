// What settings that look at each line add to the CPU of a flood. None of them takes a line away: all have to arrive.

import { type Bench, byTurns, settings } from '../bench.ts';
import { format, type Measurement, median } from '../figures.ts';
import { flood } from '../records.ts';
import type { Settings } from '../sandbox.ts';
import { cpuPerMb } from './cpu.ts';

const EVENTS_AND_LEVELS = { LOKI_DROP_EVENTS: 'platform.extension', LOKI_MIN_LEVEL: 'trace' };
const EXPRESSION = { LOKI_EXCLUDE_REGEX: 'ELB-HealthChecker/\\d+' };
const FIELDS = { LOKI_METADATA_FIELDS: 'order_id,customer' };

const VARIANTS: readonly (readonly [name: string, more: Settings])[] = [
  ['none', {}],
  ['`LOKI_DROP_EVENTS`, `LOKI_MIN_LEVEL`', EVENTS_AND_LEVELS],
  ['an expression with a plain end, `ELB-HealthChecker/\\d+`', EXPRESSION],
  ['one pattern, `LOKI_REDACT=email`', { LOKI_REDACT: 'email' }],
  ['all patterns, `LOKI_REDACT=all`', { LOKI_REDACT: 'all' }],
  ['`LOKI_METADATA_FIELDS`, two fields', FIELDS],
  ['all of this together', { ...EVENTS_AND_LEVELS, ...EXPRESSION, ...FIELDS, LOKI_REDACT: 'all' }],
];

export async function measureFilters(bench: Bench): Promise<Measurement> {
  const text = flood(bench.quick ? 2 : 20, 5_000);
  const samples = await byTurns(VARIANTS, bench.longRuns, ([, more]) =>
    cpuPerMb(bench, bench.extensions[0], text, settings(bench, { LOKI_FLUSH_STRATEGY: 'end', ...more })),
  );
  const rows = samples.map(([[name], values]) => ({ name, ms: median(values) }));
  const noneMs = rows[0]?.ms ?? Number.NaN;
  const table = rows.map(({ name, ms }) => [name, `${format(ms)} ms`, format(ms / noneMs)]);
  return { figures: [], table: [['setting', 'CPU per MB of log text', 'times without'], ...table] };
}
