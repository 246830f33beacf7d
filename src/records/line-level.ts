// Levels: the words and numbers that loggers use for them, brought to six.

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Written in lower case, upper case or with a capital. */
const SPELLINGS: readonly (readonly [Level, string])[] = [
  ['trace', 'trace trce silly'],
  ['debug', 'debug dbug dbg verbose'],
  ['info', 'info inf information informational notice'],
  ['warn', 'warn warning wrn'],
  ['error', 'error err fail'],
  ['fatal', 'fatal critical crit ftl panic dpanic emerg emergency alert'],
];

/** Written in upper case only: in lower case they are words of every day. */
const UPPER_CASE_SPELLINGS: readonly (readonly [Level, string])[] = [
  ['trace', 'FINEST'],
  ['debug', 'FINE FINER CONFIG'],
  ['info', 'SUCCESS'],
  ['warn', 'LAMBDA_WARNING'],
  ['error', 'SEVERE'],
];

const LEVELS: ReadonlyMap<string, Level> = new Map([
  ...SPELLINGS.flatMap(([level, words]) =>
    words.split(' ').flatMap((word): [string, Level][] => [
      [word, level],
      [word.toUpperCase(), level],
      [word.charAt(0).toUpperCase() + word.slice(1), level],
    ]),
  ),
  ...UPPER_CASE_SPELLINGS.flatMap(([level, words]) => words.split(' ').map((word): [string, Level] => [word, level])),
]);

/** pino's and bunyan's: 10, 20, ... 60; what lies between counts as the lower one. */
const BY_TENS: readonly (Level | undefined)[] = [undefined, 'trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The level that a word in a line of text means. */
export function levelOfWord(word: string): Level | undefined {
  return LEVELS.get(word);
}

/** The level that the value of a field means: text in any case, a number, or a number as text. */
export function toLevel(value: unknown): Level | undefined {
  if (typeof value === 'number') return BY_TENS[Math.floor(value / 10)];
  if (typeof value !== 'string' || value.length > 32) return undefined;
  const level = LEVELS.get(value);
  if (level !== undefined) return level;
  const word = value.trim().toUpperCase();
  return LEVELS.get(word) ?? (/^\d\d$/.test(word) ? BY_TENS[Math.floor(Number(word) / 10)] : undefined);
}
