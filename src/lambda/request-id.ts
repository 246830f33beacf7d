// What a request id looks like: a UUID, or the same without hyphens.

const HYPHEN = 0x2d;
const HYPHENS = [8, 13, 18, 23];

/** The length of the request id that begins at this place, 36 or 32; 0 if none does. */
export function requestIdLength(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (!isHex(first)) return 0;
  const hyphens = isHyphen(text, at + 8);
  if (hyphens && !(isHyphen(text, at + 13) && isHyphen(text, at + 18) && isHyphen(text, at + 23))) return 0;
  const end = at + (hyphens ? 36 : 32);
  for (let index = at; index < end; index += 1) {
    const code = text.charCodeAt(index); // NaN behind the end
    if (!isHex(code) && !(hyphens && code === HYPHEN && HYPHENS.includes(index - at))) return 0;
  }
  return isHex(text.charCodeAt(end)) || isHyphen(text, end) ? 0 : end - at;
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && requestIdLength(value, 0) === value.length ? value : undefined;
}

function isHyphen(text: string, at: number): boolean {
  return text.charCodeAt(at) === HYPHEN;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
