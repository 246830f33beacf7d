// JSON that the function printed through the console or logger of its runtime, where Lambda's log format is JSON:
// `{"timestamp":"...","level":"INFO","requestId":"...","message":"{\"level\":\"error\",...}"}`, or an object as the
// message. It is the line that the program wrote, as behind the tabs of the text format.

import type { ByteString } from '../byte-string.ts';
import { COLON, COMMA, OPEN_OBJECT, QUOTE } from './json-scan.ts';
import { readString, skipSpace, stringEnd, valueEnd } from './json-text.ts';

/** A text, and the place in it of the brace with which the JSON begins. */
export interface OwnJson {
  readonly text: string;
  readonly open: number;
}

/** The runtimes begin with it; few loggers do. */
const FIRST_FIELD = '"timestamp"';
const MESSAGE = '"message"';
/** Time, level, request, trace and tenant may stand before the message. */
const MOST_FIELDS = 8;
/** Of the text of a message so much is read, as it is written. */
const MOST_CHARACTERS = 8 * 1024;
/** .NET writes a quote as `\u0022`. */
const ESCAPE = /\\(?:u([\da-fA-F]{4})|.)/gs;

/** @param open where the JSON of the line begins. What is found may break off, and other text may follow it. */
export function ownJson(line: string, open: number): OwnJson | undefined {
  let at = skipSpace(line, open + 1);
  if (!line.startsWith(FIRST_FIELD, at)) return undefined;
  for (let field = 0; field < MOST_FIELDS && line.charCodeAt(at) === QUOTE; field += 1) {
    const keyEnd = stringEnd(line, at);
    const isMessage = keyEnd - at === MESSAGE.length && line.startsWith(MESSAGE, at);
    at = skipSpace(line, keyEnd);
    if (line.charCodeAt(at) !== COLON) return undefined;
    at = skipSpace(line, at + 1);
    if (isMessage) return jsonOf(line, at);
    at = skipSpace(line, valueEnd(line, at));
    if (line.charCodeAt(at) !== COMMA) return undefined;
    at = skipSpace(line, at + 1);
  }
  return undefined;
}

function jsonOf(line: string, at: number): OwnJson | undefined {
  const first = line.charCodeAt(at);
  if (first === OPEN_OBJECT) return { text: line, open: at };
  if (first !== QUOTE || line.charCodeAt(at + 1) !== OPEN_OBJECT) return undefined;
  const end = stringEnd(line, at);
  const text = end - at - 2 > MOST_CHARACTERS ? undefined : readString(line.slice(at, end) as ByteString);
  return { text: text ?? line.slice(at + 1, at + 1 + MOST_CHARACTERS).replace(ESCAPE, unescaped), open: 0 };
}

/**
 * Of a text that breaks off. Characters beyond ASCII may stay as they are: they are escapes of the JSON inside as well.
 */
function unescaped(written: string, hex: string | undefined): string {
  const mark = written.charAt(1);
  if (hex === undefined) return mark === '"' || mark === '\\' || mark === '/' ? mark : ' ';
  const code = Number.parseInt(hex, 16);
  return code < 0x80 ? String.fromCharCode(code) : written;
}
