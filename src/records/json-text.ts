// JSON as text, for the readers of bodies and lines. It is read as written, one character per byte, so that a value can
// be cut out with its digits, its key order and its white space intact. Nothing here recurses, and all of it takes
// linear time.

import { type ByteString, NOT_ASCII, toByteString } from '../byte-string.ts';

type Mode =
  | 'broken'
  | 'value'
  | 'value or end'
  | 'key'
  | 'key or end'
  | 'colon'
  | 'after value'
  | 'scalar'
  | 'string'
  | 'string escape'
  | 'key string'
  | 'key escape';

interface Frame {
  readonly array: boolean;
  readonly depth: number;
  readonly outer: Frame | undefined;
}

/** Where a scan stands. A value: a scan can be taken up again, or taken back, at no cost. */
export interface ScanState {
  readonly mode: Mode;
  /** The innermost open bracket; undefined between the elements. */
  readonly frame: Frame | undefined;
  /** Offset at which the current element begins: behind the last comma between elements. */
  readonly elementAt: number;
}

/**
 * The platform's own decoder (Go's encoding/json) refuses a line that is nested deeper than 10,000, so no record of it
 * can be.
 */
const MAX_DEPTH = 16_384;
/** `JSON.parse` makes up to 20 bytes of memory out of one byte of text: what is longer is only scanned. */
const MAX_PARSED_CHARACTERS = 64 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export function scanStart(at: number): ScanState {
  return { mode: 'value', frame: undefined, elementAt: at };
}

export function isBroken(state: ScanState): boolean {
  return state.mode === 'broken';
}

/** True if the text so far is a list of whole elements. */
export function isComplete(state: ScanState): boolean {
  return state.frame === undefined && (state.mode === 'after value' || state.mode === 'scalar');
}

/** True where the value of one of the element's own fields is still to begin. */
export function atRecordValue(state: ScanState): boolean {
  return state.mode === 'value' && state.frame?.depth === 1;
}

export function inEscape(state: ScanState): boolean {
  return state.mode === 'string escape' || state.mode === 'key escape';
}

/**
 * The state after text[from, end), read on from the state before it: where it stands in the grammar, and where it stops
 * being JSON. The text is the inside of an array: elements with commas between them. Structure is held to the rules;
 * what stands in strings and what makes up a number is not.
 */
export function scanJson(text: string, from: number, end: number, before: ScanState): ScanState {
  let { mode, frame, elementAt } = before;
  let at = from;
  while (at < end && mode !== 'broken') {
    if (mode === 'string' || mode === 'key string') {
      at = plainEnd(text, at);
      if (at >= end) break;
    }
    const code = text.charCodeAt(at);
    at += 1;
    if (mode === 'string' || mode === 'key string') {
      if (code === QUOTE) mode = mode === 'string' ? 'after value' : 'colon';
      else if (code === BACKSLASH) mode = mode === 'string' ? 'string escape' : 'key escape';
      continue;
    }
    if (mode === 'string escape' || mode === 'key escape') {
      if (!isEscapable(code)) mode = 'broken';
      else mode = mode === 'string escape' ? 'string' : 'key string';
      continue;
    }
    if (mode === 'scalar') {
      if (isScalar(code)) continue;
      mode = 'after value';
    }
    if (isSpace(code)) continue;
    if (mode === 'value' || mode === 'value or end') {
      if (code === QUOTE) mode = 'string';
      else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
        const depth: number = (frame?.depth ?? 0) + 1;
        frame = { array: code === OPEN_ARRAY, depth, outer: frame };
        mode = depth > MAX_DEPTH ? 'broken' : frame.array ? 'value or end' : 'key or end';
      } else if (beginsScalar(code)) mode = 'scalar';
      else if (code === CLOSE_ARRAY && mode === 'value or end') {
        frame = frame?.outer;
        mode = 'after value';
      } else mode = 'broken';
    } else if (mode === 'after value') {
      if (code === COMMA) {
        if (frame === undefined) elementAt = at;
        mode = frame === undefined || frame.array ? 'value' : 'key';
      } else if (frame !== undefined && code === (frame.array ? CLOSE_ARRAY : CLOSE_OBJECT)) frame = frame.outer;
      else mode = 'broken';
    } else if (mode === 'colon') mode = code === COLON ? 'value' : 'broken';
    else if (code === QUOTE) mode = 'key string';
    else if (code === CLOSE_OBJECT && mode === 'key or end') {
      frame = frame?.outer;
      mode = 'after value';
    } else mode = 'broken';
  }
  return { mode, frame, elementAt };
}

/** So much is looked at in one go: a millisecond where nothing is warm yet. */
const STRETCH_CHARACTERS = 64 * 1024;

/** The same in stretches: between two of them others have their turn. */
export function* scanInStretches(
  text: string,
  from: number,
  end: number,
  before: ScanState,
): Generator<undefined, ScanState> {
  let state = before;
  for (let at = from; at < end && !isBroken(state); at += STRETCH_CHARACTERS) {
    if (at > from) yield undefined;
    state = scanJson(text, at, Math.min(at + STRETCH_CHARACTERS, end), state);
  }
  return state;
}

/** Bounded, as a caller may look at a stretch of a long string only. */
const PLAIN = /[^"\\]{0,4096}/y;

/** Behind what may stand in a string as it is. By the character, a body of 8 MiB took 80 ms of CPU instead of 2. */
function plainEnd(text: string, at: number): number {
  PLAIN.lastIndex = at;
  PLAIN.test(text);
  return PLAIN.lastIndex;
}

/** The characters that may follow a backslash: `"` `\` `/` b f n r t u. */
function isEscapable(code: number): boolean {
  return '"\\/bfnrtu'.includes(String.fromCharCode(code));
}

/** What true, false, null and numbers are made of. */
function isScalar(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x2b ||
    code === 0x45
  );
}

/** A digit, a minus sign, or the first letter of true, false and null. */
function beginsScalar(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x74 || code === 0x66 || code === 0x6e;
}

/** The value of a JSON text; undefined if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a text is one JSON value. Of a long one the structure counts. */
export function isJson(text: string): boolean {
  if (isShort(text)) return parseJson(text) !== undefined;
  return isOneValue(scanJson(text, 0, text.length, scanStart(0)));
}

/** The same in stretches. */
export function* isJsonInStretches(text: string): Generator<undefined, boolean> {
  if (isShort(text)) return isJson(text);
  return isOneValue(yield* scanInStretches(text, 0, text.length, scanStart(0)));
}

function isShort(text: string): boolean {
  return text.length <= MAX_PARSED_CHARACTERS;
}

function isOneValue(state: ScanState): boolean {
  return isComplete(state) && state.elementAt === 0;
}

/** The value of a short JSON text; undefined if it is long or none. */
export function parseShort(json: ByteString): unknown {
  if (!isShort(json)) return undefined;
  return parseJson(NOT_ASCII.test(json) ? Buffer.from(json, 'latin1').toString('utf8') : json);
}

/** The text that a JSON string stands for; undefined if it is none. */
export function readString(literal: ByteString): ByteString | undefined {
  // Behind an escape of that kind are characters, and not the bytes of them.
  const wide = literal.includes('\\u');
  const text = parseJson(wide ? Buffer.from(literal, 'latin1').toString('utf8') : literal);
  if (typeof text !== 'string') return undefined;
  return wide ? toByteString(text) : (text as ByteString);
}

/** Cuts the elements of a list apart: text[from, end), without its brackets. Undefined is a pause after a stretch. */
export function* elementsOf(text: ByteString, from: number, end: number): Generator<ByteString | undefined, void> {
  let pauseAt = from + STRETCH_CHARACTERS;
  for (let at = skipSpace(text, from); at < end; at = skipSpace(text, at)) {
    let value = valueStart(text, at, end);
    while (!value.isWhole && value.at < end) {
      if (value.at >= pauseAt) {
        yield undefined;
        pauseAt = value.at + STRETCH_CHARACTERS;
      }
      value = goOn(text, value, Math.min(pauseAt, end));
    }
    yield text.slice(at, value.at) as ByteString;
    at = skipSpace(text, value.at) + 1;
  }
}

/** Behind the value that begins at `at`, in text that is JSON up to `end`. */
export function valueEnd(text: string, at: number, end = text.length): number {
  const value = valueStart(text, at, end);
  return value.isWhole ? value.at : goOn(text, value, end).at;
}

/** A value that is gone through: how far, and how many brackets are open there. */
interface Passed {
  readonly at: number;
  readonly depth: number;
  readonly isWhole: boolean;
}

/** Of an object or a list nothing, of anything else all. */
function valueStart(text: string, at: number, end: number): Passed {
  const first = text.charCodeAt(at);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return { at, depth: 0, isWhole: false };
  return { at: first === QUOTE ? stringEnd(text, at) : scalarEnd(text, at, end), depth: 0, isWhole: true };
}

function goOn(text: string, { at, depth }: Passed, end: number): Passed {
  let index = at;
  let open = depth;
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = stringEnd(text, index);
      continue;
    }
    index += 1;
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) open += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      open -= 1;
      if (open === 0) return { at: index, depth: 0, isWhole: true };
    }
  }
  return { at: index, depth: open, isWhole: false };
}

function scalarEnd(text: string, at: number, end: number): number {
  let index = at;
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || isSpace(code)) break;
    index += 1;
  }
  return index;
}

/** Behind the closing quote of the string that opens at `at`; the end of the text if it does not close. */
export function stringEnd(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  while (quote !== -1) {
    if (!isEscaped(text, quote)) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

/** Whether the character at this place of a JSON string is part of an escape: behind an odd number of backslashes. */
export function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}

/** The place of the first character from `at` on that is no white space. */
export function skipSpace(text: string, at: number): number {
  let index = at;
  let code = text.charCodeAt(index);
  while (isSpace(code)) {
    index += 1;
    code = text.charCodeAt(index);
  }
  return index;
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
