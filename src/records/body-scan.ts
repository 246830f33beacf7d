// The fast path: reads a body record by record as long as it is formatted the way the platform does it,
// `[{"time":"...","type":"...","record":...},...]` without spaces. A text line is cut out as it stands: no object is
// made of its record, and its bytes are not decoded. At the first deviation the scan stops, and body-json.ts, which
// reads any JSON and repairs what is broken, takes the rest of the body.
import { isUtf8 } from 'node:buffer';
import type { ByteString } from '../byte-string.ts';
import { CLOSE_ARRAY, CLOSE_OBJECT, isSpace, OPEN_ARRAY, OPEN_OBJECT } from './json-scan.ts';
import { isEscaped, isJson, readString } from './json-text.ts';
import { type LogRecord, textRecord, toLogRecord, withoutNewline } from './record.ts';
import type { TimeReader } from './record-time.ts';

export interface BodyScan {
  /** The next record; undefined when there is none that can be read like this. */
  next(): LogRecord | undefined;
  /**
   * For when `next` has found none: the records that are left, as a body of their own. It may be the same memory,
   * changed.
   */
  rest(): Buffer | undefined;
}

const BEFORE_TIME = '{"time":"';
const TIME_CHARACTERS = '2026-01-05T10:00:00.118Z'.length;
const BEFORE_LINE = '","type":"function","record":"';
/** From the beginning of an element to its time, behind it, and to its line. */
const TIME_START = BEFORE_TIME.length;
const TIME_END = TIME_START + TIME_CHARACTERS;
const LINE_START = TIME_END + BEFORE_LINE.length;
const TO_NEXT_ELEMENT = `},${BEFORE_TIME}`;
const END = '}]';
/**
 * So much of a body is text at a time, cut between two elements: a string of a megabyte is fresh memory each time.
 * Without and with this a flood makes 10,700 and 5,600 page faults, and takes 29.6 and 28.6 ms of CPU per MB of log
 * text.
 */
const WINDOW_BYTES = 64 * 1024;

/**
 * A longer element is left to the reader that looks at it in stretches: in one turn, a JSON record of 256 KB takes
 * 300 ms at the CPU share of 128 MB.
 */
const MAX_CHARACTERS = 160 * 1024;

const NOT_BLANK = /[^ \n\r\t]/;

export function scanBody(body: Buffer, readTime: TimeReader): BodyScan {
  const last = body.lastIndexOf(CLOSE_ARRAY);
  let state: 'reading' | 'stopped' | 'finished' = 'reading';
  /**
   * The elements from `windowStart` on, one character per byte, up to the beginning of another one or to the end of the
   * body.
   */
  let text = '';
  let windowStart = 1;
  /** Where the next element begins in the text. */
  let at = 0;
  /** The first backslash behind what was read. */
  let backslash = -1;

  openWindow(1);
  const isList = body[0] === OPEN_ARRAY && !NOT_BLANK.test(body.toString('latin1', last + 1));
  if (!isList || !text.startsWith(BEFORE_TIME) || !isUtf8(body)) stop();

  function openWindow(start: number): void {
    let end = start + WINDOW_BYTES;
    if (end < last) {
      const boundary = body.lastIndexOf(TO_NEXT_ELEMENT, end);
      end = boundary > start ? boundary : body.indexOf(TO_NEXT_ELEMENT, end);
    }
    text = body.toString('latin1', start, end === -1 || end >= last ? last + 1 : end + TO_NEXT_ELEMENT.length);
    windowStart = start;
    at = 0;
    backslash = -1;
  }

  function nextLine(): LogRecord | undefined {
    const start = at + LINE_START;
    const time = text.slice(at + TIME_START, at + TIME_END);
    let quote = text.indexOf('"', start);
    if (backslash < start) backslash = indexOf('\\', start);
    let line: ByteString | undefined;
    if (backslash > quote) line = text.slice(start, quote) as ByteString;
    else if (backslash === quote - 2 && text[backslash + 1] === 'n') line = text.slice(start, backslash) as ByteString;
    else {
      // Where this is not the end of the text, there is a quote too many in it for JSON.
      while (isEscaped(text, quote)) quote = indexOf('"}', quote + 1);
      const string = readString(text.slice(start - 1, quote + 1) as ByteString);
      line = string && withoutNewline(string);
    }
    return line !== undefined && goOn(quote + 1) ? textRecord('function', line, readTime(time)) : stop();
  }

  /** Any other element, a platform event for example. */
  function nextElement(): LogRecord | undefined {
    const close = Math.min(indexOf(TO_NEXT_ELEMENT, at), text.length - END.length);
    const json = text.slice(at, close + 1) as ByteString;
    return json.length <= MAX_CHARACTERS && isJson(json) && goOn(close) ? toLogRecord(json, readTime) : stop();
  }

  /**
   * Goes on behind the element whose last brace should be at `close`. @returns false if what is there is nothing that
   * ends one
   */
  function goOn(close: number): boolean {
    if (text.startsWith(TO_NEXT_ELEMENT, close)) {
      at = close + 2;
      if (close + TO_NEXT_ELEMENT.length === text.length) openWindow(windowStart + at);
      return true;
    }
    if (close + END.length !== text.length || !text.endsWith(END)) return false;
    state = 'finished';
    return true;
  }

  function stop(): undefined {
    state = 'stopped';
  }

  function indexOf(searched: string, from: number): number {
    const index = text.indexOf(searched, from);
    return index === -1 ? text.length : index;
  }

  return {
    next() {
      if (state !== 'reading') return undefined;
      return text.startsWith(BEFORE_LINE, at + TIME_END) ? nextLine() : nextElement();
    },
    rest() {
      if (state === 'finished') return undefined;
      const start = windowStart + at;
      if (start === 1) return body;
      body[start - 1] = OPEN_ARRAY;
      return body.subarray(start - 1);
    },
  };
}

/** Counting more beginnings of records takes milliseconds where there may be none. */
const MAX_COUNTED = 2_000;

/**
 * How many records a body has, without reading them: by their beginnings, as the platform writes them. Of a body with
 * very many the rest is estimated from the length of those. One at least: who sends a body sends something.
 */
export function countRecords(body: Buffer): number {
  let records = 0;
  let end = 0;
  for (let at = body.indexOf(BEFORE_TIME); at !== -1; at = body.indexOf(BEFORE_TIME, end)) {
    if (records === MAX_COUNTED) return Math.round((records * body.length) / at);
    records++;
    end = at + BEFORE_TIME.length;
  }
  return Math.max(1, records);
}

const RUNTIME_DONE = '"type":"platform.runtimeDone"';
/** So many characters behind its type a record has its request id. */
const ID_WITHIN = 200;

/**
 * Whether the record that tells the end of an invocation may be among what is lost of a body: it was not kept, it
 * breaks off, or it has such a record.
 */
export function mayHideEnd(body: Buffer | undefined): boolean {
  if (body === undefined || body.includes(RUNTIME_DONE)) return true;
  let last = body.length - 1;
  while (isSpace(body[last] ?? 0)) last -= 1;
  return body[last] !== (body[0] === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY);
}

/** The last request whose end a body tells of, found without reading what is in front of it. */
export function doneRequestIn(body: Buffer): string | undefined {
  const at = body.lastIndexOf(RUNTIME_DONE);
  if (at === -1) return undefined;
  return /"requestId":"([^"\\]+)"/.exec(body.toString('latin1', at, at + RUNTIME_DONE.length + ID_WITHIN))?.[1];
}
