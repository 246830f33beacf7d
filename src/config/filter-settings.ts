// The settings that say what of the logs is sent, and what of a line. Rows of the one table (settings.ts); what they say is read only
// where one is set, by code that is loaded for it (filters/rules.ts).

export const FILTER_SETTINGS = [
  {
    name: 'LOKI_DROP_EVENTS',
    kind: 'text',
    default: '',
    meaning:
      'Platform events that are not sent: full types or the part behind the dot (`start,end,report`), or `all`. Dashboards of durations and cold starts need `report` and `initReport`.',
  },
  {
    name: 'LOKI_MIN_LEVEL',
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    default: 'trace',
    meaning: "The function's lines below this level are not sent. Lines that state no level are.",
  },
] as const;

export type FilterSettingName = (typeof FILTER_SETTINGS)[number]['name'];

/** The text of each that is set. */
export type FilterSettings = Readonly<Partial<Record<FilterSettingName, string>>>;

/** Undefined if none of them is set. */
export function readFilterSettings(text: (name: FilterSettingName) => string | undefined): FilterSettings | undefined {
  const set = FILTER_SETTINGS.map(({ name }) => [name, text(name)] as const).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}
