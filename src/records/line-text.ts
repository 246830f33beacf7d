// What a log line says about itself: its level and its request. Knows the formats in which Lambda, its runtimes and the usual loggers
// write. A level counts only where such a format puts it, never as a word in a sentence.
// Runs for every line, so it looks at character codes before anything else, and at the beginning of the line only.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html, and the documentation of the loggers.

import { inspectFields, inspectJsonText } from './line-json.ts';
import { type Level, levelOfWord, toLevel } from './line-level.ts';
import { requestIdAt } from './request-id.ts';

export interface Inspection {
  readonly level: Level | undefined;
  readonly requestId: string | undefined;
  readonly mentionedId: string | undefined;
}

export const NOTHING: Inspection = { level: undefined, requestId: undefined, mentionedId: undefined };
/** Where a format has its level, it has it within these characters. */
const HEAD_CHARACTERS = 200;
/** Time, thread, request id and logger name may stand before the level. */
const MAX_FIELDS = 6;
const PLAIN_TIME = '2026-01-05T10:00:00.123Z'.length;
const LONGEST_TIME = '2026-01-05T10:00:00.123456789+00:00'.length;
/** Words that are levels at the beginning of a line even without a colon. */
const BARE_LEVELS = new Set([
  'TRACE',
  'DEBUG',
  'INFO',
  'NOTICE',
  'WARN',
  'WARNING',
  'ERROR',
  'FATAL',
  'CRITICAL',
  'SEVERE',
]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with the escape character
const COLOURS = /\u001b\[[\d;]*m/g;

const TAB = 0x09;
const NEWLINE = 0x0a;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const COMMA = 0x2c;
const HYPHEN = 0x2d;
const COLON = 0x3a;
const EQUALS = 0x3d;
const CAPITAL_T = 0x54;
const CAPITAL_Z = 0x5a;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BAR = 0x7c;

/** For a record that arrives as an object. */
export function inspectObject(fields: Readonly<Record<string, unknown>>): Inspection {
  return inspectFields(fields);
}

/** For a record that arrives as text. */
export function inspectText(line: string): Inspection {
  const first = line.charCodeAt(0);
  if (first === 0x7b) return inspectJsonText(line);
  if (isDigit(first)) {
    const timeEnd = skipTime(line, 0);
    return timeEnd === 0 ? NOTHING : inspectHeader(line, timeEnd);
  }
  if (first === OPEN) return inspectHeader(line, 0);
  if (isLetter(first)) return inspectFirstWord(line, 0);
  if (first === SPACE) return isLetter(line.charCodeAt(1)) ? inspectFirstWord(line, 1) : NOTHING; // ` INFO`, right-aligned
  return first === ESCAPE ? inspectColoured(line) : NOTHING;
}

/** The fields before the message, such as `[thread] <request id> - logger name - LEVEL`. */
function inspectHeader(line: string, from: number): Inspection {
  let requestId: string | undefined;
  let at = from;
  for (let field = 0; field < MAX_FIELDS && at < HEAD_CHARACTERS; field += 1) {
    at = skipSeparators(line, at);
    const first = line.charCodeAt(at);
    if (first === OPEN) {
      const timeEnd = skipTime(line, at + 1);
      const close = timeEnd > at + 1 ? timeEnd : line.slice(0, HEAD_CHARACTERS).indexOf(']', at);
      if (close === -1) break;
      const level = timeEnd > at + 1 ? undefined : levelOfWord(line.slice(at + 1, close).trim());
      if (level !== undefined)
        return { level, requestId: requestId ?? requestIdAfterTime(line, close + 1), mentionedId: undefined };
      at = close;
      if (line.charCodeAt(close) === CLOSE) at += 1;
      continue;
    }
    if (first === ESCAPE) return inspectColoured(line);
    const id = requestIdAt(line, at);
    if (id !== undefined) {
      requestId = id;
      at += id.length;
      if (line.startsWith(' Task timed out after ', at)) return { level: 'error', requestId, mentionedId: undefined };
      continue;
    }
    const end = fieldEnd(line, at);
    const level = fieldLevel(line, at, end);
    if (level !== undefined)
      return { level, requestId: requestId ?? requestIdAt(line, end + 1), mentionedId: undefined };
    if (!isFieldBeforeLevel(line, at, end)) break;
    at = end;
  }
  return requestId === undefined ? NOTHING : { level: undefined, requestId, mentionedId: undefined };
}

/** The line begins with a letter: a level, a logfmt key, or one of Lambda's own lines. */
function inspectFirstWord(line: string, at: number): Inspection {
  let end = at;
  while (end < at + 16 && isLetter(line.charCodeAt(end))) end += 1;
  const next = line.charCodeAt(end);
  if (next === EQUALS) return inspectLogfmt(line);
  if (next === COLON && line.startsWith('RequestId: ', at)) {
    const requestId = requestIdAt(line, at + 11);
    return requestId === undefined
      ? NOTHING
      : { level: faultLevel(line, at + 11 + requestId.length), requestId, mentionedId: undefined };
  }
  if (next === SPACE && line.startsWith('RequestId: ', end + 1)) {
    return { level: undefined, requestId: requestIdAt(line, end + 12), mentionedId: undefined }; // START, END, REPORT
  }
  if (next === COMMA && end === at + 1 && line.charCodeAt(at + 3) === OPEN) {
    const close = line.slice(0, HEAD_CHARACTERS).indexOf(']', at + 3); // Ruby: `I, [<time> #8]  INFO <request id> -- : `
    return close === -1 ? NOTHING : inspectHeader(line, close + 1);
  }
  if (end - at >= 3) {
    const word = line.slice(at, end);
    const level = levelOfWord(word);
    if (level !== undefined && (next === COLON || (!isWordPart(next) && BARE_LEVELS.has(word)))) {
      return { level, requestId: requestIdAt(line, end + 1), mentionedId: undefined };
    }
    if (next === ESCAPE) return inspectColoured(line);
    // java.util.logging writes two lines: `Jan 05, 2026 10:00:00 AM a.b.C method`, `INFO: message`
    if (end - at === 3 && line.charCodeAt(at + 6) === COMMA) return inspectSecondLine(line);
  }
  return NOTHING;
}

function inspectSecondLine(line: string): Inspection {
  const start = line.slice(0, HEAD_CHARACTERS).indexOf('\n') + 1;
  const colon = start === 0 ? -1 : line.slice(0, start + 12).indexOf(':', start);
  return colon === -1
    ? NOTHING
    : { level: levelOfWord(line.slice(start, colon)), requestId: undefined, mentionedId: undefined };
}

/** `time=... level=info msg="..."` */
function inspectLogfmt(line: string): Inspection {
  const head = line.slice(0, HEAD_CHARACTERS);
  const word = /(?:^|[ \t])(?:level|lvl|severity)="?(\w+)/.exec(head)?.[1];
  return word === undefined ? NOTHING : { level: toLevel(word), requestId: undefined, mentionedId: undefined };
}

/** The same without the colours of a terminal. */
function inspectColoured(line: string): Inspection {
  const head = line.slice(0, 2 * HEAD_CHARACTERS);
  const plain = head.replace(COLOURS, '');
  return plain.includes('\u001b') ? NOTHING : inspectText(plain);
}

/** How a runtime died: `RequestId: <id> Error: ...`, or `RequestId: <id>\tStatus: error`. */
function faultLevel(line: string, at: number): Level | undefined {
  const isFault =
    line.startsWith(' Error: ', at) ||
    line.startsWith(' Process exited ', at) ||
    /^\tStatus: (?:error|failure|timeout)\b/.test(line.slice(at, at + 24));
  return isFault ? 'error' : undefined;
}

/** In upper case a level is one wherever a field may stand; otherwise something must set it apart from a sentence. */
function fieldLevel(line: string, at: number, end: number): Level | undefined {
  if (end - at < 3 || end - at > 13) {
    if (line.charCodeAt(end) !== COLON || end - at > 40) return undefined;
    return upperCaseLevel(line.slice(line.lastIndexOf('.', end) + 1, end)); // PHP: `channel.INFO: `
  }
  const word = line.slice(at, end);
  const level = levelOfWord(word);
  const next = line.charCodeAt(end);
  if (level === undefined) return next === COLON ? upperCaseLevel(word.slice(word.lastIndexOf('.') + 1)) : undefined;
  if (isUpperCase(word.charCodeAt(1)) || next === TAB || next === COLON || next === CLOSE || next === BAR) return level;
  return next === SPACE && (line.charCodeAt(end + 1) === HYPHEN || line.charCodeAt(end + 1) === BAR)
    ? level
    : undefined;
}

function upperCaseLevel(word: string): Level | undefined {
  return isUpperCase(word.charCodeAt(1)) ? levelOfWord(word) : undefined;
}

/** A field between two tabs (a tenant, the `undefined` of an init), or between two hyphens (the name of a Python logger). */
function isFieldBeforeLevel(line: string, at: number, end: number): boolean {
  if (end === at) return false;
  if (line.charCodeAt(end) === TAB) return line.charCodeAt(at - 1) === TAB;
  return line.charCodeAt(at - 2) === HYPHEN && line.startsWith(' - ', end);
}

/** Python on Lambda: `[LEVEL]\t<time>\t<request id>\t` */
function requestIdAfterTime(line: string, at: number): string | undefined {
  if (line.charCodeAt(at) !== TAB) return undefined;
  const timeEnd = skipTime(line, at + 1);
  return timeEnd > at + 1 && line.charCodeAt(timeEnd) === TAB ? requestIdAt(line, timeEnd + 1) : undefined;
}

/** Behind the time that begins at `at`, or `at` if none does: a date with a time, or a time alone, in any usual notation. */
function skipTime(line: string, at: number): number {
  const end = skipClock(line, at);
  if (end > at || !isDigit(line.charCodeAt(at)) || line.charCodeAt(at + 10) !== SPACE) return end;
  for (let index = at + 1; index < at + 10; index += 1) if (!isTimePart(line.charCodeAt(index))) return at;
  const timeEnd = skipClock(line, at + 11); // behind a date
  return timeEnd > at + 11 ? timeEnd : at;
}

/** The same for what has no space in it, and a colon. */
function skipClock(line: string, at: number): number {
  if (!isDigit(line.charCodeAt(at))) return at;
  if (isPlainTime(line, at)) return at + PLAIN_TIME;
  let end = at;
  let colons = 0;
  for (let code = line.charCodeAt(end); isTimePart(code) && end < at + LONGEST_TIME; code = line.charCodeAt(end)) {
    if (code === COLON) colons += 1;
    end += 1;
  }
  return colons > 0 && end - at >= '10:00:00'.length ? end : at;
}

/** The form of nearly all: three places and what follows are enough to know it. */
function isPlainTime(line: string, at: number): boolean {
  return (
    line.charCodeAt(at + 10) === CAPITAL_T &&
    line.charCodeAt(at + 16) === COLON &&
    line.charCodeAt(at + 23) === CAPITAL_Z &&
    !isTimePart(line.charCodeAt(at + PLAIN_TIME))
  );
}

function skipSeparators(line: string, at: number): number {
  let index = at;
  for (let code = line.charCodeAt(index); index < HEAD_CHARACTERS; code = line.charCodeAt(index)) {
    if (code !== SPACE && code !== TAB && code !== HYPHEN && code !== BAR && code !== CLOSE) break;
    index += 1;
  }
  return index;
}

function fieldEnd(line: string, at: number): number {
  let index = at;
  for (
    let code = line.charCodeAt(index);
    index < line.length && index < HEAD_CHARACTERS;
    code = line.charCodeAt(index)
  ) {
    if (code === SPACE || code === TAB || code === COLON || code === CLOSE || code === BAR) break;
    if (code === NEWLINE || code === ESCAPE) break;
    index += 1;
  }
  return index;
}

function isTimePart(code: number): boolean {
  // digits, and : . , - / + T Z
  return (code >= 0x2b && code <= COLON) || code === CAPITAL_T || code === CAPITAL_Z;
}

function isWordPart(code: number): boolean {
  return isLetter(code) || isDigit(code);
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || isUpperCase(code) || code === 0x5f;
}

function isUpperCase(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
