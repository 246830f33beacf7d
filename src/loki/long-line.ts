// Splits a line that is longer than Loki accepts. Nothing is cut off: the parts put together are the line.
import type { ByteString } from '../byte-string.ts';

/**
 * @param maxBytes in one part, at least 4
 * @returns undefined when the line is short enough as it is; parts never split a character
 */
export function splitLine(line: ByteString, maxBytes: number): ByteString[] | undefined {
  if (line.length <= maxBytes) return undefined;
  const parts: ByteString[] = [];
  for (let start = 0; start < line.length; ) {
    let end = Math.min(start + maxBytes, line.length);
    // 10xxxxxx continues a character: step back to where it begins.
    while (end < line.length && (line.charCodeAt(end) & 0xc0) === 0x80) end--;
    parts.push(line.slice(start, end) as ByteString);
    start = end;
  }
  return parts;
}
