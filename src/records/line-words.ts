// Tables that tell a logger's words from those of a sentence: line beginnings with only one meaning, word pairs in
// which a level word is not a level, and words that cannot name a logger, a thread or a host.

import type { Level } from './line-level.ts';

/** Beginnings of lines that are not of the usual forms. */
const FIXED: readonly (readonly [string, Level])[] = [
  ['PHP Fatal error: ', 'fatal'],
  ['PHP Parse error: ', 'error'],
  ['PHP Warning: ', 'warn'],
  ['PHP Notice: ', 'info'],
  ['PHP Deprecated: ', 'warn'],
  ['Fatal error: ', 'fatal'],
  ['fatal error: ', 'fatal'],
  ['panic: runtime error: ', 'fatal'],
  ['npm ERR!', 'error'],
  ['npm error ', 'error'],
  ['npm WARN ', 'warn'],
  ['npm warn ', 'warn'],
  ['ERR! ', 'error'],
  ['prisma:error ', 'error'],
  ['prisma:warn ', 'warn'],
  ['log4j:ERROR ', 'error'],
  ['log4j:WARN ', 'warn'],
  ['Sentry Logger [error]: ', 'error'],
  ['Sentry Logger [warn]: ', 'warn'],
  ['=CRASH REPORT==', 'error'],
  ['=ERROR REPORT==', 'error'],
  ['=WARNING REPORT==', 'warn'],
  ['=NOTICE REPORT==', 'info'],
  ['=INFO REPORT==', 'info'],
];
const FIXED_STARTS: ReadonlySet<number> = new Set(FIXED.map(([start]) => twoLettersOf(start, 0)));

/** Words that make a name or a phrase of the word before them: in a line without a time that is a sentence. */
const COMPOUNDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [
    'error: correction rate rates count counts budget budgets bar bars handling margin code codes free',
    'critical: path mass care role thinking acclaim infrastructure section patients parts',
    'fatal: accident accidents attraction dose injury injuries fury frame crash',
    'severe: weather storm storms thunderstorm thunderstorms injuries',
    'warning: sign signs label labels light lights',
    'info: desk booth point session sheet',
    'debug: kit build builds mode symbols',
  ].map((row): [string, ReadonlySet<string>] => {
    const [word = '', others = ''] = row.split(': ');
    return [word, new Set(others.split(' '))];
  }),
);

/**
 * What can be the name of a logger before a level in a line without a time. Any other word would be one of a sentence.
 */
const LOGGER_NAMES: ReadonlySet<string> = new Set(['app', 'main', 'root', '__main__', 'lambda', 'handler', 'worker']);

/**
 * Words of every sentence. Behind a time any other word in lower case can be the name of a host, a thread or a logger.
 */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  [
    'a an the this that these those my your his her its our their no not any some all each every',
    'i you he she it we they and or but if then than so',
    'as at by for from in into of off on out over to up with without',
    'is are was were be been has have had do does did can could will would may might must should',
    'got get set new old last first next one two more most sent send found see only very just now still',
  ].flatMap((row) => row.split(' ')),
);

/** The level that the beginning of a line stands for; a time may go before it. */
export function fixedLevel(line: string, at: number): Level | undefined {
  if (!FIXED_STARTS.has(twoLettersOf(line, at))) return undefined;
  return FIXED.find(([start]) => line.startsWith(start, at))?.[1];
}

/** Nearly no line begins with the same two letters: the others need no further look. */
function twoLettersOf(line: string, at: number): number {
  return (line.charCodeAt(at) << 8) | line.charCodeAt(at + 1);
}

export function isCompound(word: string, next: string): boolean {
  return next !== '' && COMPOUNDS.get(word.toLowerCase())?.has(next.toLowerCase()) === true;
}

export function isLoggerName(word: string): boolean {
  return LOGGER_NAMES.has(word);
}

export function isFunctionWord(word: string): boolean {
  return FUNCTION_WORDS.has(word);
}
