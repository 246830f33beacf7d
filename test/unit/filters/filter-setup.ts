// A pipeline with the user's filters, as the executable puts it together; only that no expression is stopped before it is done, however slow the
// machine is.
import type { FilterSettings } from '../../../src/config/filter-settings.ts';
import { createFilters, type FilterParts } from '../../../src/filters/filters.ts';
import { type Rules, readRules } from '../../../src/filters/rules.ts';
import type { LogType } from '../../../src/lambda/subscription.ts';
import { setUp } from '../pipeline-setup.ts';

const ALL_TYPES: readonly LogType[] = ['platform', 'function', 'extension'];

export interface ReadRules {
  readonly rules: Rules;
  /** What was said of the settings. */
  readonly told: readonly string[];
  /** Variable and characters. */
  readonly slow: readonly string[];
}

export function rulesOf(settings: FilterSettings, labels: Readonly<Record<string, string>> = {}): ReadRules {
  const told: string[] = [];
  const slow: string[] = [];
  const rules = readRules(settings, {
    labels,
    tell: (level, variable, message) => told.push(`${level} ${variable} ${message}`),
    tooSlow: (variable, characters) => slow.push(`${variable} ${characters}`),
  });
  return { rules, told, slow };
}

export function filtersOf(settings: FilterSettings, parts: Partial<FilterParts> = {}) {
  const read = rulesOf(settings);
  const runBounded = (run: () => void) => {
    run();
    return true;
  };
  const real = { logTypes: ALL_TYPES, runBounded, now: () => 0, cpuMs: () => 0 };
  return { ...read, filters: createFilters(read.rules, { ...real, ...parts }) };
}

export function setUpFiltered(
  settings: FilterSettings,
  changes: Parameters<typeof setUp>[0] = {},
  parts: Partial<FilterParts> = {},
) {
  const { filters, told, slow } = filtersOf(settings, {
    logTypes: changes.logTypes ?? ['platform', 'function'],
    ...parts,
  });
  const core = setUp(changes, undefined, false, { filters });
  core.pipeline.begin();
  return {
    ...core,
    told,
    slow,
    /** What was filtered, by rule. */
    filtered: () => Object.fromEntries(Object.entries(core.ledger.totals().filtered).filter(([, count]) => count > 0)),
    lines: async () => (await core.arrived()).map(({ line }) => line),
  };
}
