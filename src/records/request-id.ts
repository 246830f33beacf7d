// What a request id looks like: a UUID, or the same without hyphens.
import { copyOf } from '../byte-string.ts';

const HYPHEN = 0x2d;
const REQUEST_ID = /[\da-f]{8}(?:(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{24})(?![\da-f-])/iy;

/** The one that was found last: nearly every line names the same request as the one before, and comparing costs least. */
let latest = '-';

/** The request id that begins at this place. */
export function requestIdAt(text: string, at: number): string | undefined {
  if (text.startsWith(latest, at) && !mayGoOn(text.charCodeAt(at + latest.length))) return latest;
  if (!isHex(text.charCodeAt(at))) return undefined;
  REQUEST_ID.lastIndex = at;
  const id = REQUEST_ID.exec(text)?.[0];
  if (id === undefined) return undefined;
  latest = copyOf(id);
  return latest;
}

/** The value of a field, if it is a request id and nothing else. */
export function toRequestId(value: unknown): string | undefined {
  const id = typeof value === 'string' ? requestIdAt(value, 0) : undefined;
  return id === value ? id : undefined;
}

function mayGoOn(code: number): boolean {
  return isHex(code) || code === HYPHEN;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
