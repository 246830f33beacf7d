// Lines that begin with a letter: a level, a logger name followed by a level, a time that begins with a month, Lambda's
// own lines.

import { hasMark, inspectHeader, isPhrase } from './line-header.ts';
import { withIds } from './line-ids.ts';
import {
  BARE,
  CATEGORY,
  COLON as COLON_PLACE,
  type Inspection,
  LETTERS,
  type Level,
  type LevelWord,
  LONGEST_WORD,
  levelIn,
  levelWord,
  NOTHING,
  OPENING,
  SET_OFF,
  SHORTEST_WORD,
  TIMED,
} from './line-level.ts';
import {
  BAR,
  COLON,
  COMMA,
  GREATER,
  HEAD_CHARACTERS,
  HYPHEN,
  indexInHead,
  isBlank,
  isCategory,
  isDigit,
  isUpperCase,
  isValue,
  OPEN,
  OPEN_ROUND,
  SPACE,
  skipSpaces,
  TAB,
  wordEnd,
} from './line-scan.ts';
import { skipTime } from './line-time.ts';
import { fixedLevel, isLoggerName } from './line-words.ts';
import { requestIdAt } from './request-id.ts';

const LONGEST_NAME = 60;
/** klog, glog, absl and CockroachDB: `E1125 22:49:07.330746   23385 main.go:56] text` */
const GLOG = /^[IWEF](?:\d{4}|\d{6}|\d{8}) \d\d:\d\d:\d\d/;

/** @param end behind the letters with which the line begins at `at` */
export function inspectFirstWord(line: string, at: number, end: number): Inspection {
  const next = line.charCodeAt(end);
  if (end === at + 1) return inspectFirstLetter(line, at, next);
  if (next === COLON && line.startsWith('RequestId: ', at)) return inspectFault(line, at + 11);
  if (next === SPACE && line.startsWith('RequestId: ', end + 1) && isEnvelope(line.slice(at, end))) {
    return { level: undefined, requestId: requestIdAt(line, end + 12), mentionedId: undefined };
  }
  const fixed = fixedLevel(line, at);
  if (fixed !== undefined) return withIds(line, fixed, end);
  const found = end - at <= LONGEST_WORD && end - at >= SHORTEST_WORD ? levelWord(line.slice(at, end)) : undefined;
  if (found !== undefined && isLeadingLevel(line, at, end, found)) return withIds(line, found.level, end);
  if (end - at === SHORTEST_WORD && isUpperCase(line.charCodeAt(at))) {
    const timeEnd = skipTime(line, at);
    // `Jan 05, 2026 10:00:00 AM`, `Mon Jan 05 10:00:00 2026`
    if (timeEnd > at) return inspectHeader(line, timeEnd, true);
  }
  if (next === COLON && line.startsWith('panic: ', at) && indexInHead(line, '\ngoroutine ', end) !== -1) {
    return { level: 'fatal', requestId: undefined, mentionedId: undefined };
  }
  return inspectNamed(line, at, end);
}

/** Ruby's `I, [<time> #8]  INFO <request id> -- : text`, or glog's `E1125 22:49:07`. */
function inspectFirstLetter(line: string, at: number, next: number): Inspection {
  if (next === COMMA && line.charCodeAt(at + 3) === OPEN) return inspectHeader(line, at + 3, false);
  if (!isDigit(next) || !GLOG.test(line.slice(at, at + 20))) return NOTHING;
  return { level: LETTERS[line.charAt(at)], requestId: undefined, mentionedId: undefined };
}

function isEnvelope(word: string): boolean {
  return word === 'START' || word === 'END' || word === 'REPORT';
}

/**
 * How a runtime died: `RequestId: <id> Error: ...`, or `RequestId: <id>\tStatus: error`. Any other line only speaks of
 * a request.
 */
function inspectFault(line: string, at: number): Inspection {
  const id = requestIdAt(line, at);
  if (id === undefined) return NOTHING;
  const behind = at + id.length;
  const isFault =
    line.startsWith(' Error: ', behind) ||
    line.startsWith(' Process exited ', behind) ||
    /^\tStatus: (?:error|failure|timeout)\b/.test(line.slice(behind, behind + 24));
  return isFault
    ? { level: 'error', requestId: id, mentionedId: undefined }
    : { level: undefined, requestId: undefined, mentionedId: id };
}

/** Whether the word with which the line begins stands there as a level. */
function isLeadingLevel(line: string, at: number, end: number, found: LevelWord): boolean {
  const { level, places, isUpperCase: isUpper } = found;
  const next = line.charCodeAt(end);
  if (next === COLON) {
    if ((places & CATEGORY) !== 0) return isCategory(line, end + 1);
    if ((places & COLON_PLACE) !== 0) return !isValue(line, end + 1, isUpper) && !isCount(line, end + 1, level);
    return isUpper && (places & TIMED) !== 0 && skipTime(line, end + 2) > end + 2; // Dart: `FINE: <time>: text`
  }
  if (next === OPEN || next === OPEN_ROUND) return isLevelBeforeBracket(line, end, next, isUpper, places);
  if (next === TAB) return (places & SET_OFF) !== 0 && !isValue(line, end + 1, isUpper);
  if (!isUpper || (places & (TIMED | BARE)) === 0) return false;
  if (next === BAR || next === GREATER) return true;
  if (!isBlank(next)) return false;
  if ((places & BARE) !== 0) return !isPhrase(line, at, end) && !isCounted(line, end);
  return isFieldBehind(line, skipSpaces(line, end));
}

/** `ERR 0` */
function isCounted(line: string, at: number): boolean {
  return isDigit(line.charCodeAt(at + 1)) && isValue(line, at, true);
}

/** `CRITICAL: 3 beds`: with what is fatal there is nothing to count, but there may be a time. */
function isCount(line: string, at: number, level: Level): boolean {
  const first = skipSpaces(line, at);
  return level === 'fatal' && isDigit(line.charCodeAt(first)) && skipTime(line, first) === first;
}

/** logrus' `ERRO[0005] text`; `error[E0425]: text`, `warning(orders): text` of a compiler. */
function isLevelBeforeBracket(line: string, at: number, open: number, isUpper: boolean, places: number): boolean {
  const close = indexInHead(line, open === OPEN ? ']' : ')', at);
  if (close === -1 || close < at + 3) return false; // `error(s): 0`
  if (isUpper) return open === OPEN && isDigit(line.charCodeAt(at + 1));
  return (places & COLON_PLACE) !== 0 && line.charCodeAt(close + 1) === COLON;
}

/** Whether a field of a header stands here, and no word: a time, a bracket, a bar, the module of a Rust program. */
function isFieldBehind(line: string, at: number): boolean {
  const first = line.charCodeAt(at);
  if (first === BAR || (first === HYPHEN && line.charCodeAt(at + 1) === SPACE)) return true;
  if (first === OPEN) return true;
  if (isDigit(first)) return skipTime(line, at) > at;
  return line.startsWith('Lambda runtime invoke{', at) || line.startsWith('::', wordEnd(line, at));
}

/**
 * A line without a time that begins with the name of a logger: `app ERROR text`, `app.py:23 - WARNING - text`, `app:
 * [ERROR] text`.
 */
function inspectNamed(line: string, at: number, wordEndAt: number): Inspection {
  let end = wordEndAt;
  while (end < at + LONGEST_NAME && !isBlank(line.charCodeAt(end))) end += 1;
  if (line.charCodeAt(end) !== SPACE) return NOTHING;
  let levelAt = skipSpaces(line, end);
  const mark = line.charCodeAt(levelAt);
  const isMarked = (mark === HYPHEN || mark === BAR) && line.charCodeAt(levelAt + 1) === SPACE;
  if (isMarked) levelAt = skipSpaces(line, levelAt + 1);
  const isBracketed = mark === OPEN && line.charCodeAt(end - 1) === COLON;
  if (isBracketed) levelAt += 1;
  const levelEnd = wordEnd(line, levelAt);
  if (levelEnd - levelAt < SHORTEST_WORD || !isUpperCase(line.charCodeAt(levelAt + 1))) return NOTHING;
  const level = levelIn(isBracketed ? OPENING : BARE | COLON_PLACE, line.slice(levelAt, levelEnd));
  if (level === undefined) return NOTHING;
  const isLevel =
    isBracketed || isMarked
      ? isMarkedOff(line, levelEnd, isBracketed)
      : isLevelBehindName(line, at, end, levelAt, levelEnd);
  return isLevel ? withIds(line, level, levelEnd) : NOTHING;
}

function isMarkedOff(line: string, end: number, isBracketed: boolean): boolean {
  if (isBracketed) return line.charCodeAt(end) === 0x5d;
  const mark = line.charCodeAt(skipSpaces(line, end));
  return mark === HYPHEN || mark === BAR || mark === COLON;
}

/** `app ERROR text`, or `MainThread: ERROR: text`. */
function isLevelBehindName(line: string, at: number, end: number, levelAt: number, levelEnd: number): boolean {
  if (line.charCodeAt(end - 1) === COLON && line.charCodeAt(levelEnd) === COLON) return hasMark(line, at, end - 1);
  return isBlank(line.charCodeAt(levelEnd)) && isNameBefore(line, at, end) && !isPhrase(line, levelAt, levelEnd);
}

function isNameBefore(line: string, at: number, end: number): boolean {
  const name = line.slice(at, end);
  return isLoggerName(name) || (name.length < HEAD_CHARACTERS && /^\w+(?:[./:]+\w+)+:?$/.test(name));
}
