// Characters and fields of a text line, for the readers that look for its level. Each function inspects only a few
// characters.

/** Where a format has its level, it has it within these characters. */
export const HEAD_CHARACTERS = 200;

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const ESCAPE = 0x1b;
export const SPACE = 0x20;
export const DOUBLE_QUOTE = 0x22;
export const OPEN_ROUND = 0x28;
export const COMMA = 0x2c;
export const HYPHEN = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
export const OPEN = 0x5b;
export const CLOSE = 0x5d;
export const OPEN_CURLY = 0x7b;
export const BAR = 0x7c;

const LONGEST_VALUE = 40;
/** What stands behind a word that is a heading and no level: nothing, a number, a word that is a value. */
const WORD_VALUE =
  /^\s*(?:null|nil|<nil>|none|no|yes|true|false|undefined|nan|on|off|ok|n\/a|unknown|["'{}[\]-]+)[.!]?\s*(?:$|\n)/i;
const SWITCH_VALUE = /^\s*(?:true|false|on|off|yes|no)\s*(?:$|\n)/i;
const NUMBER_VALUE = /^\s*[-+]?\d[\d.,]*(?:\s*(?:%|$|[\n,;|])|\s+\w+\s*[:=])/;
/** What a value may begin with, which most messages do not; letters in lower case. */
const LOWER_CASE = 0x20;
const VALUE_STARTS: ReadonlySet<number> = new Set(
  [...'nytfuo<"\'{}[]-+0123456789\t\n\r'].map((mark) => mark.charCodeAt(0) | LOWER_CASE),
);
const CATEGORY = /^ [\w.+`<>]+\[\d+\]/;

/** Whether a field can end before this character. */
export function endsField(code: number): boolean {
  return isBlank(code) || isSeparator(code) || code === COLON || code === OPEN || code === GREATER;
}

/** Behind the spaces, tabs, hyphens, bars, commas and closing brackets that stand between two fields. */
export function skipSeparators(line: string, at: number): number {
  let index = at;
  for (let code = line.charCodeAt(index); index < HEAD_CHARACTERS; code = line.charCodeAt(index)) {
    const isColon = code === COLON && isBlank(line.charCodeAt(index + 1));
    if (code !== SPACE && code !== TAB && code !== HYPHEN && !isSeparator(code) && !isColon) break;
    index += 1;
  }
  return index;
}

/** Behind the field that begins at `at`: a word, a number, a name. */
export function fieldEnd(line: string, at: number): number {
  const limit = Math.min(line.length, HEAD_CHARACTERS);
  let index = at;
  while (index < limit) {
    const code = line.charCodeAt(index);
    if (isBlank(code) || isSeparator(code) || code === ESCAPE || code === GREATER) break;
    if (code === COLON && !(index + 1 < limit && !isBlank(line.charCodeAt(index + 1)))) break;
    index += 1;
  }
  return index;
}

/** Behind the letters that begin at `at`. */
export function wordEnd(line: string, at: number): number {
  const limit = at + HEAD_CHARACTERS;
  let index = at;
  while (index < limit && isLetter(line.charCodeAt(index))) index += 1;
  return index;
}

/** The next character of this kind in the head of the line; -1 for none. */
export function indexInHead(line: string, searched: string, from: number): number {
  return line.slice(0, HEAD_CHARACTERS).indexOf(searched, from);
}

export function skipSpaces(line: string, at: number): number {
  let index = at;
  while (index < at + HEAD_CHARACTERS && line.charCodeAt(index) === SPACE) index += 1;
  return index;
}

/**
 * Whether what follows is a value and no message: `error: 0`, `debug: false`. In upper case fewer words are: not in
 * `WARN: none`.
 */
export function isValue(line: string, at: number, isUpperCase: boolean): boolean {
  if (!VALUE_STARTS.has(line.charCodeAt(skipSpaces(line, at)) | LOWER_CASE)) return false;
  const rest = line.slice(at, at + LONGEST_VALUE);
  return NUMBER_VALUE.test(rest) || (isUpperCase ? SWITCH_VALUE : WORD_VALUE).test(rest);
}

/** The name of a .NET category and the number of an event: ` Orders.Worker[0]`. */
export function isCategory(line: string, at: number): boolean {
  return CATEGORY.test(line.slice(at, at + HEAD_CHARACTERS));
}

/** A space, a tab, a line end or any other control character, and the end of the text. */
export function isBlank(code: number): boolean {
  return !(code > SPACE);
}

export function isLetter(code: number): boolean {
  return isLowerCase(code) || isUpperCase(code) || code === 0x5f;
}

export function isUpperCase(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

export function isLowerCase(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isSeparator(code: number): boolean {
  return code === BAR || code === CLOSE || code === COMMA || code === SEMICOLON;
}
