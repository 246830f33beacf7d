// JSON as text, for the readers of bodies and lines. It is read as written, one character per byte, so that a value can
// be cut out with its digits, its key order and its white space intact. Nothing here recurses, and all of it takes
// linear time.

import { type ByteString, NOT_ASCII, toByteString } from '../byte-string.ts';
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  isComplete,
  isSpace,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  type ScanState,
  STRETCH_CHARACTERS,
  scanInStretches,
  scanJson,
  scanStart,
} from './json-scan.ts';

/** `JSON.parse` makes up to 20 bytes of memory out of one byte of text: what is longer is only scanned. */
const MAX_PARSED_CHARACTERS = 64 * 1024;

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
