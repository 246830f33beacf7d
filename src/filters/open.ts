// Assembles the filters from their real parts. Loaded only if a setting asks for one.
import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';
import { systemClock } from '../time.ts';
import { createBoundedRun } from './bounded.ts';
import { createFilters, type Filters } from './filters.ts';
import { readRules } from './rules.ts';

export type FilterConfig = Pick<Config, 'filters' | 'labels' | 'logTypes'>;

/** @param log receives problems with the settings, and expressions that are too slow */
export function openFilters(config: FilterConfig, log: Pick<Log, 'tellSymptom'>): Filters {
  const rules = readRules(config.filters ?? {}, {
    labels: config.labels,
    tell: (level, variable, message) => log.tellSymptom({ kind: 'setting', level, message: `${variable} ${message}` }),
    tooSlow: (variable, characters) => log.tellSymptom({ kind: 'expression_slow', variable, characters }),
  });
  return createFilters(rules, {
    logTypes: config.logTypes,
    runBounded: createBoundedRun(),
    now: systemClock.now,
    cpuMs() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
  });
}
