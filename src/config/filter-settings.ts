// The settings that decide which lines are sent, and which parts of a line. They are rows of the one table
// (settings.ts). Their values are parsed only if one is set, by code that is loaded for it (filters/rules.ts).

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
    default: '', // what has no level is sent all the same, so none of them is its like
    meaning: "The function's lines below this level are not sent. Lines that state no level are.",
  },
  {
    name: 'LOKI_INCLUDE_REGEX',
    kind: 'text',
    default: '',
    meaning: "Of the function's lines only those are sent that match this regular expression.",
  },
  {
    name: 'LOKI_EXCLUDE_REGEX',
    kind: 'text',
    default: '',
    meaning: "The function's lines that match are not sent.",
  },
  {
    name: 'LOKI_REDACT',
    kind: 'text',
    default: '',
    meaning:
      'What becomes `[redacted]` in every line, platform events and our own log included: any of `email`, `card`, `aws-key`, `bearer`, `basic-auth`, `url-password`, `jwt`, `private-key`, `api-key`, or `all`. A word that is none of them counts as `all`, so that nothing leaks.',
  },
  {
    name: 'LOKI_REDACT_REGEX',
    kind: 'text',
    default: '',
    meaning:
      'The same for what matches this regular expression, or, if it has named groups, for those. One that cannot be read: no text is sent at all.',
  },
  {
    name: 'LOKI_METADATA_FIELDS',
    kind: 'text',
    default: '',
    meaning:
      "Fields of the function's JSON lines that become structured metadata: `orderId,customer.id=customer_id`. At most 32, values cut at 256 bytes.",
  },
] as const;

export type FilterSettingName = (typeof FILTER_SETTINGS)[number]['name'];

/** The text of each filter setting that is set. */
export type FilterSettings = Readonly<Partial<Record<FilterSettingName, string>>>;

/** Undefined if none of them is set. */
export function readFilterSettings(text: (name: FilterSettingName) => string | undefined): FilterSettings | undefined {
  const set = FILTER_SETTINGS.map(({ name }) => [name, text(name)] as const).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}
