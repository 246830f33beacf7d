// Parses and checks the filter settings. An invalid value is not used, and one warning names the variable. Redaction is
// the exception, because without it secrets would be sent: an unknown word there stands for all patterns, and if an
// expression is invalid no text is sent at all.
import type { FilterSettingName, FilterSettings } from '../config/filter-settings.ts';
import { quoted } from '../config/reader.ts';
import { isLabelName, METADATA_NAMES, OWN_LABELS } from '../loki/labels.ts';
import type { Level } from '../records/line-level.ts';
import { type Expression, readExpression } from './expression.ts';
import type { Field } from './fields.ts';
import { PATTERNS } from './patterns.ts';
import type { Tried } from './trials.ts';

export interface Rules {
  /** In lower case: full types, the parts after their dots, or `all`. */
  readonly dropEvents: ReadonlySet<string>;
  readonly minLevel: Level;
  readonly include: Tried | undefined;
  readonly exclude: Tried | undefined;
  /** Names of patterns. */
  readonly redact: readonly string[];
  readonly redactExpression: Tried | undefined;
  /** Whether the redaction expression is invalid: then no text may be sent. */
  readonly isUnreadable: boolean;
  readonly fields: readonly Field[];
}

export interface RuleParts {
  /** The user's own labels. No field may have the name of a label. */
  readonly labels: Readonly<Record<string, string>>;
  /** `message` continues after the variable's name. */
  readonly tell: (level: 'warn' | 'error', variable: FilterSettingName, message: string) => void;
  /** An expression has run out of time on a text of this many characters. */
  readonly tooSlow: (variable: FilterSettingName, characters: number) => void;
}

/** From the least to the worst. */
const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** Other names that people use. */
const OTHER_LEVELS: Readonly<Record<string, Level>> = {
  all: 'trace',
  information: 'info',
  warning: 'warn',
  err: 'error',
  critical: 'fatal',
};

/** https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, and the Logs API's additional ones */
const EVENTS = [
  ...['start', 'end', 'report', 'runtimedone', 'fault', 'extension', 'logsdropped', 'logssubscription'],
  ...['telemetrysubscription', 'initstart', 'initruntimedone', 'initreport'],
  ...['restorestart', 'restoreruntimedone', 'restorereport'],
];

/** Loki accepts 128 pairs per entry, ours included. Each costs time on every line. */
const MAX_FIELDS = 32;

export function readRules(settings: FilterSettings, parts: RuleParts): Rules {
  const redactExpression = readRegex(settings, 'LOKI_REDACT_REGEX', parts);
  return {
    dropEvents: readDropEvents(settings, parts),
    minLevel: readMinLevel(settings, parts),
    include: readRegex(settings, 'LOKI_INCLUDE_REGEX', parts) || undefined,
    exclude: readRegex(settings, 'LOKI_EXCLUDE_REGEX', parts) || undefined,
    redact: readRedact(settings, parts),
    redactExpression: redactExpression || undefined,
    isUnreadable: redactExpression === false,
    fields: readFields(settings, parts),
  };
}

function readDropEvents({ LOKI_DROP_EVENTS: text }: FilterSettings, { tell }: RuleParts): ReadonlySet<string> {
  const names = listOf(text);
  for (const name of names) {
    const isKnown = name === 'all' || EVENTS.includes(name.replace(/^platform\./, ''));
    if (!isKnown) tell('warn', 'LOKI_DROP_EVENTS', `holds ${quoted(name)}, which is no event of Lambda's that we know`);
  }
  return new Set(names);
}

function readMinLevel({ LOKI_MIN_LEVEL: text }: FilterSettings, { tell }: RuleParts): Level {
  if (text === undefined) return 'trace';
  const word = text.toLowerCase();
  const level = OTHER_LEVELS[word] ?? LEVELS.find((known) => known === word);
  if (level !== undefined) return level;
  tell('warn', 'LOKI_MIN_LEVEL', `is not one of ${LEVELS.join(', ')}: ${quoted(text)}; lines of all levels are sent`);
  return 'trace';
}

type RegexName = 'LOKI_INCLUDE_REGEX' | 'LOKI_EXCLUDE_REGEX' | 'LOKI_REDACT_REGEX';

/** @returns false if it is invalid. No message shows any part of it, because what is to be redacted may be secret */
function readRegex(settings: FilterSettings, name: RegexName, parts: RuleParts): Tried | undefined | false {
  const text = settings[name];
  if (text === undefined) return undefined;
  const isRedaction = name === 'LOKI_REDACT_REGEX';
  // With its slashes a redaction would find next to nothing, and what it is to hide would be sent.
  const { written, shift } = isRedaction ? withoutSlashes(text) : { written: text, shift: 0 };
  const expression = readExpression(written);
  if ('reason' in expression) {
    const place = isRedaction ? '' : `, ${quoted(text.slice(expression.at - 1))}`;
    const instead = isRedaction ? NO_TEXT : 'it is not used';
    const reason = `${expression.reason} at character ${expression.at + shift}`;
    parts.tell(isRedaction ? 'error' : 'warn', name, `is not a regular expression: ${reason}${place}; ${instead}`);
    return false;
  }
  if (BETWEEN_SLASHES.test(text)) {
    const taken = isRedaction ? 'left out' : 'taken as part of it';
    parts.tell('warn', name, `stands between slashes, which are ${taken}; (?i) in front ignores case`);
  }
  return triedOf(expression, name, parts);
}

/** As JavaScript, sed and Perl write an expression. */
const BETWEEN_SLASHES = /^\/(.*)\/([dgimsuvy]{0,4})$/s;

/** @returns the expression with its flags in front, and how far each character of it stood behind its place there */
function withoutSlashes(text: string): { written: string; shift: number } {
  const [, between, flags = ''] = BETWEEN_SLASHES.exec(text) ?? [];
  if (between === undefined) return { written: text, shift: 0 };
  const known = flags.replaceAll(/[^ims]/g, '');
  const front = known === '' ? '' : `(?${known})`;
  return { written: front + between, shift: 1 - front.length };
}

const NO_TEXT = 'no text is sent until that is corrected, as something secret may be in it';

function triedOf(expression: Expression, name: RegexName, { tooSlow }: RuleParts): Tried {
  return { ...expression, tooSlow: (characters) => tooSlow(name, characters) };
}

/** An unknown word was probably meant as the name of a pattern, so all patterns are used. */
function readRedact({ LOKI_REDACT: text }: FilterSettings, { tell }: RuleParts): readonly string[] {
  const words = listOf(text);
  const unknown = words.filter((word) => word !== 'all' && !Object.hasOwn(PATTERNS, patternName(word)));
  if (unknown.length > 0) {
    const known = [...Object.keys(PATTERNS), 'all'].join(', ');
    tell('warn', 'LOKI_REDACT', `may hold ${known}, not ${quoted(unknown.join(','))}; all of them are redacted`);
  }
  const isAll = unknown.length > 0 || words.includes('all');
  return isAll ? Object.keys(PATTERNS) : [...new Set(words.map(patternName))];
}

/** `Credit_Cards` is `card`. */
function patternName(word: string): string {
  const name = word.replaceAll('_', '-').replace(/s$/, '');
  return /^credit-?card$/.test(name) ? 'card' : name;
}

function readFields({ LOKI_METADATA_FIELDS: text }: FilterSettings, { tell, labels }: RuleParts): readonly Field[] {
  const fields: Field[] = [];
  const taken = new Set([...OWN_LABELS, ...METADATA_NAMES, 'service_name', ...Object.keys(labels)]);
  for (const item of (text ?? '').split(/[,;\r\n]/).map((part) => part.trim())) {
    if (item === '') continue;
    const [path = '', given] = item.split('=').map((part) => part.trim());
    const name = given ?? nameFor(path);
    const problem = problemOfField(path, name, fields, taken);
    if (problem === undefined) fields.push({ path, name });
    else tell('warn', 'LOKI_METADATA_FIELDS', `field ${quoted(item)} ${problem}; it is left out`);
  }
  return fields;
}

function problemOfField(path: string, name: string, fields: readonly Field[], taken: Set<string>): string | undefined {
  if (path === '') return 'has no name of a field in front of =';
  if (!isLabelName(name)) return 'must have a name of a-z, A-Z, 0-9 and _ that begins with a letter or one _';
  if (taken.has(name)) return `would be ${name}, which is the name of a label or of metadata that is there already`;
  if (fields.some((field) => field.name === name)) return 'has the name of another one';
  return fields.length === MAX_FIELDS ? `is one too many: ${MAX_FIELDS} are taken` : undefined;
}

/** The name as Loki would convert it: `customer.id` becomes `customer_id`, and it does not begin with a digit. */
function nameFor(path: string): string {
  const name = path.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^_{2,}/, '_');
  return /^\d/.test(name) ? `_${name}` : name;
}

/** Words separated by commas or spaces, in lower case. A single word may mean that there are none. */
function listOf(text = ''): string[] {
  const words = text
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter((word) => word !== '');
  return words.length === 1 && /^(?:none|off|false|no)$/.test(String(words[0])) ? [] : words;
}

/** Whether a platform event is dropped. */
export function dropsEvent({ dropEvents }: Rules, event: string | undefined): boolean {
  if (dropEvents.size === 0) return false;
  if (dropEvents.has('all')) return true;
  const type = event?.toLowerCase() ?? '';
  return dropEvents.has(type) || dropEvents.has(type.slice(type.indexOf('.') + 1));
}

/** A line without a level is never below the minimum. */
export function isBelow({ minLevel }: Rules, level: Level | undefined): boolean {
  return level !== undefined && LEVELS.indexOf(level) < LEVELS.indexOf(minLevel);
}
