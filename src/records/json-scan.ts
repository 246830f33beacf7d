// Follows JSON that may break off or break: where a text stands in the grammar, at each end of it, and where it stops
// being JSON. Nothing here recurses, and all of it takes linear time.

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

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

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
export const STRETCH_CHARACTERS = 64 * 1024;

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

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
