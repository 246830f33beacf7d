// The fields in front of a message, after a time or in brackets: `<time> [thread] <request id> - logger name - LEVEL -
// text`. The level is one of the first few fields. Anything that is not a field, such as the words of a sentence, ends
// the search.

import { ownLevel, withIds } from './line-ids.ts';
import {
  BARE,
  BRACKETED,
  CATEGORY,
  COLON as COLON_PLACE,
  type Inspection,
  LETTERS,
  type Level,
  LONGEST_WORD,
  levelIn,
  levelWord,
  NOTHING,
  OPENING,
  SET_OFF,
  SHORTEST_WORD,
  TABBED,
  TIMED,
} from './line-level.ts';
import {
  BAR,
  CLOSE,
  COLON,
  COMMA,
  endsField,
  fieldEnd,
  GREATER,
  HEAD_CHARACTERS,
  HYPHEN,
  indexInHead,
  isBlank,
  isCategory,
  isDigit,
  isLowerCase,
  isUpperCase,
  isValue,
  OPEN,
  OPEN_CURLY,
  OPEN_ROUND,
  SPACE,
  skipSeparators,
  skipSpaces,
  TAB,
  wordEnd,
} from './line-scan.ts';
import { skipTime } from './line-time.ts';
import { fixedLevel, isCompound, isFunctionWord } from './line-words.ts';
import { requestIdAt } from './request-id.ts';

/** Time, host, process, thread, request id and logger name may stand before the level. */
const MAX_FIELDS = 9;
const LONGEST_NAME = 60;
/** `[INFO  orders]`, `[ERROR 22:53:43]` */
const LEVEL_AND_NAME = /^([A-Z]{4,8}) +([\w.:/-]+)$/;
/** Chromium's `[8:8:1125/225343.701123:WARNING:sandbox_linux.cc(430)]` */
const BETWEEN_COLONS = /^[\d:]+\/[\d.]+:([A-Z]+):/;
/** Apache's `[core:error]`, Twisted's `[app#error]` */
const BEHIND_COLON = /^[\w.-]+[:#]([a-z]+)$/;
/**
 * Swift: `<time> error orders : text` of old, `<time> error orders: key=value [Source] text` today; from the colon on.
 */
const SWIFT = /^: (?:[\w.-]+=.* )?\[\w+\] /;
/** Tornado's `[E 260105 10:00:00 web:7]`, Jupyter's `[E 2026-01-05 10:00:00.123 ServerApp]` */
const LETTER_AND_TIME = /^([DIWEF]) [\d-]{6,10} \d\d:\d\d:\d\d/;

/**
 * `<time>\t<id>\tLEVEL\ttext`, as Node.js and .NET on Lambda write it: the most usual of all, read without any other
 * look.
 * @param from behind the time
 */
export function inspectTabbed(line: string, from: number): Inspection | undefined {
  if (line.charCodeAt(from) !== TAB) return undefined;
  const id = requestIdAt(line, from + 1);
  if (id === undefined) return undefined;
  const at = from + id.length + 2;
  const end = line.indexOf('\t', at);
  if (line.charCodeAt(at - 1) !== TAB || end === -1 || end > at + LONGEST_WORD) return undefined;
  const level = levelIn(TIMED | TABBED, line.slice(at, end));
  if (level === undefined) return undefined;
  return { level: ownLevel(line, end) ?? level, requestId: id, mentionedId: undefined };
}

/** @param isTimed whether a time stands before `from` */
export function inspectHeader(line: string, from: number, isTimed: boolean): Inspection {
  let timed = isTimed;
  let id: string | undefined;
  let isIdTabbed = false;
  let plainWords = 0;
  let at = from;
  for (let field = 0; field < MAX_FIELDS; field += 1) {
    at = skipSeparators(line, at);
    if (at >= HEAD_CHARACTERS) break;
    const first = line.charCodeAt(at);
    const timeEnd = skipTimeIn(line, at, first, timed);
    if (timeEnd > at) {
      // Its bracket may hold more: `[<time> INFO logger] text`.
      timed = true;
      at = timeEnd;
      continue;
    }
    const closing = closingOf(first);
    if (closing !== undefined) {
      const close = indexInHead(line, closing, at);
      if (close === -1) break;
      const level = first === OPEN ? levelInBrackets(line, at + 1, close, timed) : undefined;
      if (level !== undefined) return withIds(line, level, close + 1, id);
      at = close + 1;
      continue;
    }
    const idHere = requestIdAt(line, at);
    if (idHere !== undefined && isBlank(line.charCodeAt(at + idHere.length))) {
      id = idHere;
      isIdTabbed = line.charCodeAt(at - 1) === TAB;
      at += id.length;
      if (line.startsWith(' Task timed out after ', at)) return withIds(line, 'error', at, id, true);
      continue;
    }
    const end = fieldEnd(line, at);
    const level = levelOfField(line, at, end, timed);
    if (level !== undefined) return withIds(line, level, end, id, isIdTabbed && line.charCodeAt(at - 1) === TAB);
    if (!timed ? !hasMark(line, at, end) : !isName(line, at, end, plainWords)) break;
    if (isLowerCase(first)) plainWords += 1;
    at = end;
  }
  const level = timed ? levelOfSecondLine(line, at) : undefined;
  return level === undefined && id === undefined ? NOTHING : { level, requestId: undefined, mentionedId: id };
}

/** In upper case a level is one wherever a field may stand; otherwise something must set it apart from a sentence. */
function levelOfField(line: string, at: number, end: number, timed: boolean): Level | undefined {
  if (end === at + 1 && timed && isBehindLetter(line, end)) return LETTERS[line.charAt(at)];
  if (end - at < SHORTEST_WORD || end - at > LONGEST_NAME) return undefined;
  const first = line.charCodeAt(at);
  if (timed && (first === 0x50 || first === 0x46)) {
    const level = fixedLevel(line, at); // PHP
    if (level !== undefined) return level;
  }
  const found = end - at <= LONGEST_WORD ? levelWord(line.slice(at, end)) : undefined;
  if (found === undefined) return timed ? levelOfPart(line, at, end) : undefined;
  const { level, places, isUpperCase: isUpper } = found;
  const next = line.charCodeAt(end);
  if (next === COLON && isValue(line, end + 1, isUpper)) return undefined;
  // Behind a bracket `TRACE` is none of the words of a sentence either: those that count with a colon count there.
  const place = timed ? TIMED : isUpper ? BARE | COLON_PLACE : BARE;
  if ((places & place) !== 0 && endsField(next)) {
    return timed || !isPhrase(line, at, end) ? level : undefined;
  }
  if ((places & TABBED) !== 0 && next === TAB && line.charCodeAt(at - 1) === TAB) return level;
  if ((places & CATEGORY) !== 0 && next === COLON && isCategory(line, end + 1)) return level;
  const isMarked = timed
    ? (places & SET_OFF) !== 0 && isSetOff(line, end)
    : (places & COLON_PLACE) !== 0 && next === COLON;
  return isMarked ? level : undefined;
}

/** Ruby's semantic_logger: `I [8:main] text`; TensorFlow: `W tensorflow/core/x.cc:17] text`. */
function isBehindLetter(line: string, at: number): boolean {
  if (line.charCodeAt(at) !== SPACE) return false;
  return line.charCodeAt(at + 1) === OPEN || line.charCodeAt(fieldEnd(line, at + 1)) === CLOSE;
}

/** Whether the word and the one behind it are a phrase: `ERROR RATE`, `CRITICAL path`. */
export function isPhrase(line: string, at: number, end: number): boolean {
  const nextAt = skipSpaces(line, end);
  return isCompound(line.slice(at, end), line.slice(nextAt, wordEnd(line, nextAt)));
}

/** PHP's `channel.INFO: `, Celery's `INFO/MainProcess`, `LEVEL:name:text`. */
function levelOfPart(line: string, at: number, end: number): Level | undefined {
  const word = line.slice(at, end);
  if (line.charCodeAt(end) === COLON && word.includes('.'))
    return upperCaseIn(TIMED, word.slice(word.lastIndexOf('.') + 1));
  const letters = wordEnd(line, at);
  const mark = line.charCodeAt(letters);
  return letters < end && (mark === 0x2f || mark === COLON) ? upperCaseIn(TIMED, line.slice(at, letters)) : undefined;
}

function upperCaseIn(place: number, word: string): Level | undefined {
  return isUpperCase(word.charCodeAt(1)) ? levelIn(place, word) : undefined;
}

function isSetOff(line: string, end: number): boolean {
  const next = line.charCodeAt(end);
  if (next === TAB || next === BAR || next === COLON || next === CLOSE || next === COMMA || next === GREATER)
    return true;
  if (next !== SPACE) return false;
  const at = skipSpaces(line, end);
  const mark = line.charCodeAt(at);
  if (mark === BAR || ((mark === HYPHEN || mark === COLON) && line.charCodeAt(at + 1) === SPACE)) return true;
  const labelEnd = fieldEnd(line, at);
  return line.startsWith(' : ', labelEnd) || SWIFT.test(line.slice(labelEnd, labelEnd + 2 * HEAD_CHARACTERS));
}

function levelInBrackets(line: string, start: number, close: number, timed: boolean): Level | undefined {
  const isPadded = line.charCodeAt(start) === SPACE || line.charCodeAt(close - 1) === SPACE;
  const content = isPadded ? line.slice(start, close).trim() : line.slice(start, close);
  const level = levelIn(timed ? BRACKETED : OPENING, content);
  if (level !== undefined) {
    const isSure = timed || isUpperCase(content.charCodeAt(1));
    return isSure || !isValue(line, close + 1, false) ? level : undefined;
  }
  if (content.length === 1 && timed) return LETTERS[content]; // Beego's `<time> [E] [main.go:17] text`
  if (content.length < SHORTEST_WORD || content.length > LONGEST_NAME) return undefined;
  if (isDigit(content.charCodeAt(0))) return upperCaseIn(BRACKETED, BETWEEN_COLONS.exec(content)?.[1] ?? '');
  if (timed) return levelIn(BRACKETED, BEHIND_COLON.exec(content)?.[1] ?? '');
  if (!content.includes(' ')) return undefined;
  const letter = LETTER_AND_TIME.exec(content)?.[1];
  if (letter !== undefined) return LETTERS[letter];
  const [, word = '', name = ''] = LEVEL_AND_NAME.exec(content) ?? [];
  return isUpperCase(name.charCodeAt(1)) || isCompound(word, name) ? undefined : upperCaseIn(OPENING, word);
}

/** `/var/task/app.py`, `__main__`, `@scope/name`, `#7` */
const NAME_STARTS: ReadonlySet<number> = new Set([...'/_@#'].map((mark) => mark.charCodeAt(0)));

/** Behind the time that stands here, in a bracket or, where there was none yet, without one; `at` if none does. */
function skipTimeIn(line: string, at: number, first: number, timed: boolean): number {
  if (first !== OPEN) return !timed && isDigit(first) ? skipTime(line, at) : at;
  const timeEnd = mayBeTime(line.charCodeAt(at + 1)) ? skipTime(line, at + 1) : at;
  return timeEnd > at + 1 ? timeEnd : at;
}

function closingOf(code: number): string | undefined {
  if (code === OPEN) return ']';
  if (code === OPEN_ROUND) return ')';
  return code === OPEN_CURLY ? '}' : undefined;
}

/** The first character of a time: a digit, or that of a weekday or a month. */
function mayBeTime(code: number): boolean {
  return isDigit(code) || isUpperCase(code);
}

/** A field that may stand between the time and the level: between marks, or something that is no word of a sentence. */
function isName(line: string, at: number, end: number, plainWords: number): boolean {
  if (end === at || end - at > LONGEST_NAME) return false;
  const next = line.charCodeAt(end);
  const before = line.charCodeAt(at - 1);
  if (next === COMMA || next === CLOSE || next === BAR || (next === TAB && before === TAB)) return true;
  const isMarkBefore = before === SPACE && (line.charCodeAt(at - 2) === HYPHEN || line.charCodeAt(at - 2) === BAR);
  if (isMarkBefore && (line.startsWith(' - ', end) || line.startsWith(' | ', end))) return true;
  if (hasMark(line, at, end)) return true;
  return plainWords === 0 && isLowerCase(line.charCodeAt(at)) && !isFunctionWord(line.slice(at, end));
}

/** Whether there is something in it that is in no word: a digit, a dot, a capital behind a small letter. */
export function hasMark(line: string, at: number, end: number): boolean {
  let previous = 0;
  for (let index = at; index < end; index += 1) {
    const code = line.charCodeAt(index);
    if (!isLowerCase(code) && (!isUpperCase(code) || isLowerCase(previous)))
      return index > at || isDigit(code) || NAME_STARTS.has(code);
    previous = code;
  }
  return false;
}

/** java.util.logging and tinylog write two lines: `<time> com.acme.Handler handle`, `INFO: text`. */
function levelOfSecondLine(line: string, at: number): Level | undefined {
  const lineEnd = indexInHead(line, '\n', at);
  if (lineEnd === -1) return undefined;
  const start = lineEnd + 1;
  const end = wordEnd(line, start);
  return end > start && line.charCodeAt(end) === COLON ? upperCaseIn(TIMED, line.slice(start, end)) : undefined;
}
