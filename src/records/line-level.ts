// Levels: the words that loggers use, mapped to six levels, and the positions in a line at which each word counts as
// one. Most are everyday words too (`alert: sent to user 5`, `Trace: 1-5759e988`), so the position decides what a word
// means.

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What a log line says about itself. */
export interface Inspection {
  readonly level: Level | undefined;
  /** The request's id, where Lambda and its runtimes put it. */
  readonly requestId: string | undefined;
  /** What looks like one in another place. */
  readonly mentionedId: string | undefined;
}

export const NOTHING: Inspection = { level: undefined, requestId: undefined, mentionedId: undefined };

/** A field behind a time: `<time> INFO text` */
export const TIMED = 1;
/** A field with something behind it that is no space: `<time> info: text`, `<time> | info | text` */
export const SET_OFF = 2;
/** Between two tabs, behind a time: `<time>\t<id>\tfail\ttext` */
export const TABBED = 4;
/** In brackets, behind a time: `<time> [info] text` */
export const BRACKETED = 8;
/** In brackets, at the beginning: `[info] text` */
export const OPENING = 16;
/** The first word, with a colon: `info: text` */
export const COLON = 32;
/** The first word, alone: `INFO text` */
export const BARE = 64;
/** The first word, before the name of a .NET category: `fail: Orders.Worker[0]` */
export const CATEGORY = 128;

const ALL = TIMED | SET_OFF | TABBED | BRACKETED | OPENING | COLON | BARE;
const MARKED = SET_OFF | TABBED | BRACKETED | OPENING;
const ABBREVIATED = ALL & ~COLON;
const BEHIND_TIME = TIMED | SET_OFF | TABBED | BRACKETED;

/** In which places the words count in upper case, in lower case, and with a capital. */
const WORDS: readonly (readonly [Level, words: string, upper: number, lower: number, capital: number])[] = [
  ['error', 'error', ALL, MARKED | COLON, MARKED | COLON],
  ['warn', 'warning', ALL, MARKED | COLON, MARKED | COLON],
  ['warn', 'warn', ALL, MARKED | COLON, MARKED],
  ['info', 'info', ALL, MARKED | COLON, MARKED],
  ['debug', 'debug', ALL, MARKED | COLON, MARKED],
  ['fatal', 'fatal critical', ALL, MARKED, MARKED],
  ['trace', 'trace', ALL & ~BARE, MARKED, MARKED],
  ['debug', 'verbose', ALL & ~BARE, MARKED | COLON, MARKED],
  ['trace', 'silly', MARKED, MARKED | COLON, MARKED],
  ['info', 'information', TIMED | MARKED, MARKED, MARKED],
  ['info', 'notice', BEHIND_TIME, BEHIND_TIME & ~TIMED, BEHIND_TIME & ~TIMED],
  ['info', 'success', BEHIND_TIME | OPENING, BRACKETED | OPENING, BRACKETED | OPENING],
  ['info', 'log', TIMED, 0, 0],
  ['error', 'severe', ALL, BRACKETED, BRACKETED],
  ['debug', 'fine finer config', BEHIND_TIME, 0, 0],
  ['trace', 'finest', BEHIND_TIME, 0, 0],
  ['fatal', 'alert emerg emergency panic', BEHIND_TIME, BRACKETED, BRACKETED],
  ['fatal', 'crit', BEHIND_TIME, TABBED | BRACKETED | CATEGORY, BRACKETED],
  ['error', 'fail', TABBED, TABBED | CATEGORY, 0],
  ['warn', 'lambda_warning', COLON, 0, 0],
  // Abbreviations, which are no words.
  ['trace', 'trce', ABBREVIATED, MARKED | COLON, MARKED],
  ['debug', 'dbug', ABBREVIATED, MARKED | COLON, MARKED],
  ['trace', 'trc trac', ABBREVIATED, MARKED, MARKED],
  ['debug', 'dbg debu debg vrb', ABBREVIATED, MARKED, MARKED],
  ['info', 'inf', ABBREVIATED, MARKED, MARKED],
  ['warn', 'wrn warni', ABBREVIATED, MARKED, MARKED],
  ['error', 'err erro eror', ABBREVIATED, MARKED, MARKED],
  ['fatal', 'ftl fata criti pnc pani dpanic', ABBREVIATED, MARKED, MARKED],
];

export interface LevelWord {
  readonly level: Level;
  /** A sum of places. */
  readonly places: number;
  readonly isUpperCase: boolean;
}

const LEVEL_WORDS: ReadonlyMap<string, LevelWord> = new Map(
  WORDS.flatMap(([level, words, upper, lower, capital]) =>
    words.split(' ').flatMap((word): [string, LevelWord][] => [
      [word.toUpperCase(), { level, places: upper, isUpperCase: true }],
      [word, { level, places: lower, isUpperCase: false }],
      [word.charAt(0).toUpperCase() + word.slice(1), { level, places: capital, isUpperCase: false }],
    ]),
  ),
);

/** Levels of one letter, in formats that have no more of them. */
export const LETTERS: Readonly<Record<string, Level>> = {
  T: 'trace',
  D: 'debug',
  I: 'info',
  W: 'warn',
  E: 'error',
  F: 'fatal',
};

/** What the values of fields may be called: what is a level in text, and two more of npm's. */
const FIELD_LEVELS: ReadonlyMap<string, Level> = new Map([
  ...[...LEVEL_WORDS].map(([word, { level }]): [string, Level] => [word, level]),
  ['http', 'info'],
]);

export const SHORTEST_WORD = 3;
export const LONGEST_WORD = 'lambda_warning'.length;
const LONGEST_VALUE = 40;
/** The colours of a terminal, as they are and as JSON writes them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with the escape character
const COLOURS = /(?:\u001b|\\u001[bB])\[[\d;]*m/g;
/**
 * Go's slog: `WARN+2` lies between WARN and ERROR. OpenTelemetry has four of each: `WARN`, `WARN2`, `WARN3`, `WARN4`.
 */
const OFFSET = /(?:[+-]\d{1,3}|[2-4])$/;

/** The word as a level, wherever that may be; undefined for any other word. */
export function levelWord(word: string): LevelWord | undefined {
  return LEVEL_WORDS.get(word);
}

/** The level that a word means in a place. */
export function levelIn(place: number, word: string): Level | undefined {
  const found = LEVEL_WORDS.get(word);
  return found !== undefined && (found.places & place) !== 0 ? found.level : undefined;
}

/** The level that the value of a field means, in any case. */
export function toLevel(value: unknown): Level | undefined {
  if (typeof value !== 'string' || value.length > LONGEST_VALUE) return undefined;
  const level = FIELD_LEVELS.get(value);
  if (level !== undefined) return level;
  const word = value.replace(COLOURS, '').trim().toLowerCase();
  return FIELD_LEVELS.get(word) ?? FIELD_LEVELS.get(word.replace(OFFSET, ''));
}

/** pino's and bunyan's: a whole ten from 10 to 60, as it stands in the text. */
export function levelOfNumber(number: string): Level | undefined {
  return number.charAt(1) === '0' ? BY_TENS[number.charCodeAt(0) - DIGIT_ONE] : undefined;
}

const DIGIT_ONE = 0x31;
const BY_TENS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
