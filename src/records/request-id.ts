// What a request id looks like: a UUID, or the same without hyphens. Nothing is remembered here: where an id is kept, it is copied.

const HYPHEN = 0x2d;
const UUID_CHARACTERS = 36;
const REQUEST_ID = /[\da-f]{8}(?:(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{24})(?![\da-f-])/iy;

/** The request id that begins at this place. */
export function requestIdAt(text: string, at: number): string | undefined {
  if (!isHex(text.charCodeAt(at))) return undefined;
  REQUEST_ID.lastIndex = at;
  if (!REQUEST_ID.test(text)) return undefined;
  return text.slice(at, at + (text.charCodeAt(at + 8) === HYPHEN ? UUID_CHARACTERS : UUID_CHARACTERS - 4));
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  const id = typeof value === 'string' ? requestIdAt(value, 0) : undefined;
  return id === value ? id : undefined;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
