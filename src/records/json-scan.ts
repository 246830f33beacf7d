// Follows JSON text piece by piece: where it stands in the grammar, and where it stops being JSON.
// For text that JSON.parse has refused (body-repair.ts), so it is strict about structure and leaves the contents of
// strings and numbers to JSON.parse. States are values: a scan can be taken up again, or taken back, at no cost.
// The text is the inside of an array: elements with commas between them. It does not recurse.

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

export interface ScanState {
  readonly mode: Mode;
  /** The innermost open bracket; undefined between the elements. */
  readonly frame: Frame | undefined;
  /** Offset at which the current element begins: behind the last comma between elements. */
  readonly elementAt: number;
}

/** The platform's own decoder (Go's encoding/json) refuses deeper JSON, so no record of it can be deeper. */
const MAX_DEPTH = 10_000;

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

/** The state after text[from, end), read on from the state before it. Time grows with the length only. */
export function scanJson(text: string, from: number, end: number, before: ScanState): ScanState {
  let { mode, frame, elementAt } = before;
  let at = from;
  while (at < end && mode !== 'broken') {
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
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) continue;
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
