// What a log line says about itself: its level and its request id. Knows the formats of Lambda, its runtimes and the
// usual loggers. A level counts only where such a format puts it, never as a word in a sentence: line-level.ts says
// which word counts where. Runs for every line, so it checks character codes first, and only the beginning of the line.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html, and the documentation of the loggers.

import { inspectFirstWord } from './line-first-word.ts';
import { inspectHeader, inspectTabbed } from './line-header.ts';
import { withIds } from './line-ids.ts';
import { inspectJson } from './line-json.ts';
import { type Inspection, levelIn, NOTHING, OPENING } from './line-level.ts';
import { inspectPairs } from './line-logfmt.ts';
import { inspectBehindId, workerTextAt } from './line-php.ts';
import {
  COLON,
  DOT,
  EQUALS,
  HEAD_CHARACTERS,
  HYPHEN,
  isBlank,
  isDigit,
  isLetter,
  isUpperCase,
  NEWLINE,
  OPEN,
  OPEN_CURLY,
  SLASH,
  SPACE,
  skipSpaces,
  TAB,
  wordEnd,
} from './line-scan.ts';
import { isPlainTime, PLAIN_TIME_CHARACTERS, skipTime } from './line-time.ts';
import { fixedLevel } from './line-words.ts';

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with the escape character
const COLOURS = /\u001b\[[\d;]*(?:m|$)/g;
/** Bytes of UTF-8. */
const LONGEST_SYMBOL = 8;
const LAST_ASCII = 0x7f;
/** Spaces and line ends before the text: frameworks print some. */
const MAX_INDENT = 64;
/** Seconds and milliseconds of Unix. */
const SECONDS_DIGITS = 10;
const LONGEST_SECONDS = 13;
const LONGEST_ELAPSED = 40;
/** `2848 [main] ERROR text`, `12 MainThread ERROR text`: the milliseconds since the start. */
const ELAPSED = /^\d{1,10} (?=\[|[A-Z]\w*[a-z][A-Z])/;
/** Behind a symbol: `error     text` */
const SIGNALE = /^(\w+) {2,}/;
const LONGEST_SIGNAL = 16;
/** The lines of tables, U+2500 to U+257F: what is between them is a cell. */
const TABLE = /\u00e2[\u0094\u0095]/;
/** Node.js: `(node:8) [DEP0040] DeprecationWarning: text` */
const PROCESS_WARNING = /^\(node:\d+\) (?:\[\w+\] )?\w*Warning: /;
const LONGEST_WARNING = 80;
const IN_BRACKETS = /^[(<]([A-Z]{4,8})[)>] /;

/** @param line text as the bytes of its UTF-8 */
export function inspectText(line: string): Inspection {
  const found = inspectPlain(line);
  if (found.level !== undefined) return found;
  const colour = line.indexOf('\u001b');
  if (colour === -1 || colour >= HEAD_CHARACTERS) return found;
  return inspectPlain(line.slice(0, 3 * HEAD_CHARACTERS).replace(COLOURS, ''));
}

function inspectPlain(line: string): Inspection {
  const worker = workerTextAt(line, 0);
  if (worker === undefined) return inspectBegin(line);
  const found = inspectBegin(line.slice(worker.at));
  return found.level === undefined && worker.isNotice ? { ...found, level: 'info' } : found;
}

function inspectBegin(line: string): Inspection {
  let at = 0;
  let first = line.charCodeAt(0);
  if (first === 0xef && line.startsWith(BYTE_ORDER_MARK)) {
    at = BYTE_ORDER_MARK.length;
    first = line.charCodeAt(at);
  }
  if (isBlank(first)) {
    while (at < MAX_INDENT && at < line.length && isIndent(line.charCodeAt(at))) at += 1;
    first = line.charCodeAt(at);
  }
  if (first > LAST_ASCII) {
    const isTable = TABLE.test(line.slice(at, at + 2));
    at = skipSymbol(line, at);
    const signalled = isTable ? undefined : SIGNALE.exec(line.slice(at, at + LONGEST_SIGNAL))?.[1];
    if (signalled !== undefined) return { ...NOTHING, level: levelIn(OPENING, signalled) };
    first = line.charCodeAt(at);
  }
  if (first === OPEN_CURLY) return inspectJson(line, at);
  const behindId = inspectBehindId(line, at);
  if (behindId !== undefined) return behindId;
  if (isDigit(first)) return inspectDigits(line, at);
  if (first === OPEN) return inspectHeader(line, at, false);
  if (isLetter(first)) return inspectLetters(line, at);
  if (first === EQUALS) {
    const level = fixedLevel(line, at);
    return level === undefined ? NOTHING : { level, requestId: undefined, mentionedId: undefined };
  }
  if (PROCESS_WARNING.test(line.slice(at, at + LONGEST_WARNING))) return { ...NOTHING, level: 'warn' };
  const word = IN_BRACKETS.exec(line.slice(at, at + 40))?.[1];
  const level = word === undefined ? undefined : levelIn(OPENING, word);
  return level === undefined ? NOTHING : withIds(line, level, at + 2 + (word?.length ?? 0));
}

/**
 * Behind a symbol such as a cross or a warning sign, and its spaces; it stays where letters follow, which are those of
 * a word.
 */
function skipSymbol(line: string, from: number): number {
  let at = from;
  while (at < from + LONGEST_SYMBOL && line.charCodeAt(at) > LAST_ASCII) at += 1;
  return line.charCodeAt(at) === SPACE ? skipSpaces(line, at) : from;
}

function isIndent(code: number): boolean {
  return code === SPACE || code === TAB || code === NEWLINE;
}

function inspectDigits(line: string, at: number): Inspection {
  const tabbed = isPlainTime(line, at) ? inspectTabbed(line, at + PLAIN_TIME_CHARACTERS) : undefined;
  if (tabbed !== undefined) return tabbed;
  const digits = digitsEnd(line, at);
  if (!mayGoOn(line, digits, digits - at)) return NOTHING;
  const timeEnd = skipTime(line, at);
  if (timeEnd > at) return inspectHeader(line, timeEnd, true);
  const elapsed = ELAPSED.exec(line.slice(at, at + LONGEST_ELAPSED))?.[0].length;
  return elapsed === undefined ? NOTHING : inspectHeader(line, at + elapsed, false);
}

function digitsEnd(line: string, at: number): number {
  let end = at;
  while (end < at + LONGEST_SECONDS && isDigit(line.charCodeAt(end))) end += 1;
  return end;
}

/**
 * Spares a line that begins with a number the look for a time: behind its digits are a mark, a bracket, a month or the
 * name of a thread.
 */
function mayGoOn(line: string, at: number, digits: number): boolean {
  const code = line.charCodeAt(at);
  if (code !== SPACE)
    return code === HYPHEN || code === SLASH || code === DOT || code === COLON || digits >= SECONDS_DIGITS;
  const next = line.charCodeAt(at + 1);
  return next === OPEN || isUpperCase(next) || digits >= SECONDS_DIGITS;
}

function inspectLetters(line: string, at: number): Inspection {
  const end = wordEnd(line, at);
  const next = line.charCodeAt(end);
  if (next === EQUALS) return inspectPairs(line);
  // What is indented belongs to the line before it as a rule: a stack trace, an object that was printed.
  if (at > 1 && isIndent(line.charCodeAt(0)) && !isUpperCase(line.charCodeAt(at + 1))) return NOTHING;
  return inspectFirstWord(line, at, end);
}
