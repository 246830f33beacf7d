// Recognizes a request id: a UUID, with or without hyphens. Keeps nothing: whoever keeps an id copies it.

const HYPHEN = 0x2d;
const HEX_CHARACTERS = 32;
export const UUID_CHARACTERS = 36;
const REQUEST_ID = /[\da-fA-F]{8}(?:(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|[\da-fA-F]{24})(?![\da-fA-F-])/y;

/** The request id that begins at this place. */
export function requestIdAt(text: string, at: number): string | undefined {
  if (!isHex(text.charCodeAt(at))) return undefined;
  REQUEST_ID.lastIndex = at;
  if (!REQUEST_ID.test(text)) return undefined;
  return text.slice(at, at + (text.charCodeAt(at + 8) === HYPHEN ? UUID_CHARACTERS : HEX_CHARACTERS));
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  const id = typeof value === 'string' ? requestIdAt(value, 0) : undefined;
  return id === value ? id : undefined;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
