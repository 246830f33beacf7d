// What a request id looks like: a UUID, or the same without hyphens. Nothing is remembered here: where an id is kept, it is copied.

const HYPHEN = 0x2d;
const HEX_DIGITS = 32;
const UUID_CHARACTERS = 36;
/** Which characters are hexadecimal digits. Looking is faster than comparing: this runs over the id of nearly every line. */
const IS_HEX = Uint8Array.from({ length: 256 }, (_, code) => (/[\da-f]/i.test(String.fromCharCode(code)) ? 1 : 0));

/** The request id that begins at this place. */
export function requestIdAt(text: string, at: number): string | undefined {
  if (IS_HEX[text.charCodeAt(at)] !== 1) return undefined;
  const end = text.charCodeAt(at + 8) === HYPHEN ? endOfUuid(text, at) : endOfHex(text, at, HEX_DIGITS);
  if (end === -1) return undefined;
  const next = text.charCodeAt(end);
  return IS_HEX[next] === 1 || next === HYPHEN ? undefined : text.slice(at, end);
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  const id = typeof value === 'string' ? requestIdAt(value, 0) : undefined;
  return id === value ? id : undefined;
}

function endOfUuid(text: string, at: number): number {
  const isUuid =
    text.charCodeAt(at + 13) === HYPHEN &&
    text.charCodeAt(at + 18) === HYPHEN &&
    text.charCodeAt(at + 23) === HYPHEN &&
    endOfHex(text, at, 8) !== -1 &&
    endOfHex(text, at + 9, 4) !== -1 &&
    endOfHex(text, at + 14, 4) !== -1 &&
    endOfHex(text, at + 19, 4) !== -1 &&
    endOfHex(text, at + 24, 12) !== -1;
  return isUuid ? at + UUID_CHARACTERS : -1;
}

/** Behind so many hexadecimal digits, or -1. */
function endOfHex(text: string, at: number, digits: number): number {
  const end = at + digits;
  for (let index = at; index < end; index += 1) if (IS_HEX[text.charCodeAt(index)] !== 1) return -1;
  return end;
}
