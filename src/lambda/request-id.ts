// What a request id looks like: a UUID, or the same without hyphens.

/** The length of the request id that begins at this place, 36 or 32; 0 if none does. */
export function requestIdLength(text: string, at: number): number {
  const hyphens = text.charCodeAt(at + 8) === 0x2d;
  const end = at + (hyphens ? 36 : 32);
  if (end > text.length) return 0;
  for (let index = at; index < end; index += 1) {
    const offset = index - at;
    const code = text.charCodeAt(index);
    if (hyphens && (offset === 8 || offset === 13 || offset === 18 || offset === 23)) {
      if (code !== 0x2d) return 0;
    } else if (!isHex(code)) return 0;
  }
  const next = text.charCodeAt(end);
  return isHex(next) || next === 0x2d ? 0 : end - at;
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && requestIdLength(value, 0) === value.length ? value : undefined;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}
