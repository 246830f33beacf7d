// One cell of the matrix (fault) x (moment) x (strategy) x (API), with what is drawn for it: all of it follows from the seed, and as a
// plain value it can be printed, made smaller and kept as a case. Seeds in a row walk through all cells, each once.

import { seededRandom } from '../../fakes/generate.ts';
import { FAULTS } from './faults.ts';

export const MOMENTS = ['start', 'between', 'during', 'shutdown'] as const;
export const STRATEGIES = ['end', 'continuous', 'adaptive'] as const;
export const APIS = ['logs', 'telemetry', 'managed'] as const;

export interface Scenario {
  readonly seed: number;
  /** Name of a row of `FAULTS`. */
  readonly fault: string;
  /** When it begins: before init, between two invocations, while the function runs, or with SHUTDOWN. */
  readonly moment: (typeof MOMENTS)[number];
  readonly strategy: (typeof STRATEGIES)[number];
  readonly api: (typeof APIS)[number];
  /** Lines of each invocation; the fault begins in the third, at the latest, and is over before the last four. */
  readonly lines: readonly number[];
  /** The fault lasts for so many invocations. */
  readonly lasts: number;
  readonly durationMs: number;
  readonly freeze: boolean;
  readonly shutdownMs: number;
  readonly batchMaxBytes: number;
}

const BEFORE = 2;
const AFTER = 4;
/** Has no factor in common with the number of cells. */
const STRIDE = 1_000_003;

/** How many cells there are. */
export const CELLS = FAULTS.length * MOMENTS.length * STRATEGIES.length * APIS.length;

export function scenarioOf(seed: number): Scenario {
  let cell = (seed * STRIDE) % CELLS;
  const take = <T>(list: readonly T[]): T => {
    const index = cell % list.length;
    cell = Math.floor(cell / list.length);
    return list[index] as T;
  };
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const [fault, moment] = [take(FAULTS), take(MOMENTS)];
  const [strategy, api] = [take(STRATEGIES), take(APIS)];
  const lasts = pick([1, 2, 3]);
  return {
    seed,
    fault: fault.name,
    moment,
    strategy,
    api,
    lines: Array.from({ length: BEFORE + lasts + AFTER }, () => pick([0, 1, 3, 20, 100])),
    lasts,
    durationMs: pick([0, 20, 150]),
    freeze: api !== 'managed' && random() < 0.5,
    shutdownMs: pick([2_000, 2_000, 500, 300]),
    batchMaxBytes: pick([2_000, 20_000, 1_048_576]),
  };
}

/** The same with less in it, the most promising first: whoever fails still is the smaller one. */
export function smaller(scenario: Scenario): readonly Scenario[] {
  const { lines } = scenario;
  return [
    { ...scenario, freeze: false },
    { ...scenario, shutdownMs: 2_000 },
    { ...scenario, durationMs: 0 },
    { ...scenario, lines: lines.map((count) => Math.min(count, 1)) },
    ...lines.map((_, at) => ({ ...scenario, lines: lines.map((count, index) => (index === at ? 0 : count)) })),
  ].filter((candidate) => JSON.stringify(candidate) !== JSON.stringify(scenario));
}
