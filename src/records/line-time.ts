// The time at the beginning of a text line, in the notations of the usual loggers. Its value is not used: it only tells
// a log line from a sentence, and shows where to look for the level.

export const PLAIN_TIME_CHARACTERS = '2026-01-05T10:00:00.123Z'.length;

const COLON = 0x3a;
const CAPITAL_T = 0x54;
const CAPITAL_Z = 0x5a;

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const WEEKDAY = '(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )';
const DATE = [
  String.raw`\d{4}[-/.]\d\d[-/.]\d\d`, // 2026-01-05
  String.raw`\d\d?[-/.]\d\d?[-/.]\d{2,4}`, // 1/5/2026, 05.01.26
  String.raw`${WEEKDAY}?\d\d?[-/ ]${MONTH}[-/ ]\d{4}`, // 05/Jan/2026
  String.raw`${WEEKDAY}?${MONTH}\.? {1,2}\d\d?(?:,? \d{4})?`, // Jan 05, 2026
].join('|');
const CLOCK = String.raw`\d\d?:\d\d(?::\d\d(?:[.,:]\d{1,9}){0,2}(?: [AP]M)?|[AP]M)`;
const ZONE = String.raw`(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z]{1,3}T)(?![A-Za-z\d]))`;
const YEAR = String.raw`(?: \d{4}(?!\d))`; // date(1) has it last
/** Of Unix, or since the start. */
const SECONDS = String.raw`\d{10}(?:\.\d{1,9}|\d{3})?(?![\d.:-])|\d\.\d{1,20}e\+\d\d|\d{1,9}\.\d{1,9}s`;
const TIME = new RegExp(`(?:(?:${DATE})(?:T| |, ?| - |_|:{1,2}))?${CLOCK}${ZONE}?${YEAR}?|${SECONDS}`, 'y');

/**
 * Behind the time that begins at `at`, or `at` if none does. A date alone is none, and neither is a time of day without
 * seconds.
 */
export function skipTime(line: string, at: number): number {
  if (isPlainTime(line, at)) return at + PLAIN_TIME_CHARACTERS;
  TIME.lastIndex = at;
  return TIME.test(line) ? TIME.lastIndex : at;
}

/** The form of nearly all: four places are enough to know it. */
export function isPlainTime(line: string, at: number): boolean {
  return (
    line.charCodeAt(at + 10) === CAPITAL_T &&
    line.charCodeAt(at + 13) === COLON &&
    line.charCodeAt(at + 16) === COLON &&
    line.charCodeAt(at + 23) === CAPITAL_Z
  );
}
