// What the settings of filters say, checked. A value that makes no sense is not used, with one warning that names the variable.
import type { FilterSettingName, FilterSettings } from '../config/filter-settings.ts';
import { quoted } from '../config/reader.ts';
import type { Level } from '../records/line-level.ts';

export interface Rules {
  /** In lower case: full types, the parts behind their dots, or `all`. */
  readonly dropEvents: ReadonlySet<string>;
  readonly minLevel: Level;
}

/** `message` goes on where the variable's name ends. */
export type Warn = (variable: FilterSettingName, message: string) => void;

/** From the least to the worst. */
export const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** What else people call them. */
const OTHER_LEVELS: Readonly<Record<string, Level>> = {
  all: 'trace',
  information: 'info',
  warning: 'warn',
  err: 'error',
  critical: 'fatal',
};

/** https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, and what the Logs API has beside */
const EVENTS = [
  ...['start', 'end', 'report', 'runtimedone', 'fault', 'extension', 'logsdropped', 'logssubscription'],
  ...['telemetrysubscription', 'initstart', 'initruntimedone', 'initreport'],
  ...['restorestart', 'restoreruntimedone', 'restorereport'],
];

export function readRules(settings: FilterSettings, warn: Warn): Rules {
  return { dropEvents: readDropEvents(settings, warn), minLevel: readMinLevel(settings, warn) };
}

function readDropEvents({ LOKI_DROP_EVENTS: text }: FilterSettings, warn: Warn): ReadonlySet<string> {
  const names = listOf(text);
  for (const name of names) {
    const isKnown = name === 'all' || EVENTS.includes(name.replace(/^platform\./, ''));
    if (!isKnown) warn('LOKI_DROP_EVENTS', `holds ${quoted(name)}, which is no event of Lambda's that we know`);
  }
  return new Set(names);
}

function readMinLevel({ LOKI_MIN_LEVEL: text }: FilterSettings, warn: Warn): Level {
  if (text === undefined) return 'trace';
  const word = text.toLowerCase();
  const level = OTHER_LEVELS[word] ?? LEVELS.find((known) => known === word);
  if (level === undefined) {
    warn('LOKI_MIN_LEVEL', `is not one of ${LEVELS.join(', ')}: ${quoted(text)}; lines of all levels are sent`);
  }
  return level ?? 'trace';
}

/** Words between commas or spaces, in lower case. */
function listOf(text = ''): string[] {
  return text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
}

/** Whether a platform event is one of those that are dropped. */
export function dropsEvent({ dropEvents }: Rules, event: string | undefined): boolean {
  if (dropEvents.size === 0) return false;
  if (dropEvents.has('all')) return true;
  const type = event?.toLowerCase() ?? '';
  return dropEvents.has(type) || dropEvents.has(type.slice(type.indexOf('.') + 1));
}

/** Lines that state no level are not below any. */
export function isBelow({ minLevel }: Rules, level: Level | undefined): boolean {
  return level !== undefined && LEVELS.indexOf(level) < LEVELS.indexOf(minLevel);
}
