// Splits a line that is longer than Loki takes. Nothing is cut off: the parts, put together, are the line.

/**
 * @param maxBytes of UTF-8 in one part, at least 4
 * @returns undefined when the line is short enough as it is; parts never split a character
 */
export function splitLine(line: string, maxBytes: number): string[] | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8, so most lines need no counting.
  if (line.length * 3 <= maxBytes || Buffer.byteLength(line) <= maxBytes) return undefined;
  const bytes = Buffer.from(line);
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + maxBytes, bytes.length);
    // 10xxxxxx continues a character: step back to where it begins.
    while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    parts.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return parts;
}
