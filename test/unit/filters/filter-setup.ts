// A pipeline with the user's filters, as the executable puts it together.
import type { FilterSettings } from '../../../src/config/filter-settings.ts';
import { createFilters } from '../../../src/filters/filters.ts';
import { readRules } from '../../../src/filters/rules.ts';
import { setUp } from '../pipeline-setup.ts';

type Changes = Parameters<typeof setUp>[0];

export function setUpFiltered(settings: FilterSettings, changes: Changes = {}) {
  const warnings: string[] = [];
  const rules = readRules(settings, (variable, message) => warnings.push(`${variable} ${message}`));
  const core = setUp(changes, undefined, false, { filters: createFilters(rules) });
  core.pipeline.begin();
  return {
    ...core,
    warnings,
    /** What was filtered, by rule. */
    filtered: () => Object.fromEntries(Object.entries(core.ledger.totals().filtered).filter(([, count]) => count > 0)),
    lines: async () => (await core.arrived()).map(({ line }) => line),
  };
}
