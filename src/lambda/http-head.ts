// Parses the head of an HTTP/1.1 message. Strict: a head that two parsers could read differently is an error, and so is
// anything that only resembles HTTP. Uses no regular expressions, because it also reads the answers received before the
// first next event: each expression costs about 0.1 ms on first use.
// https://www.rfc-editor.org/rfc/rfc9112

export interface HttpHead {
  /** A request line or a status line. */
  readonly startLine: string;
  /** Of a response; undefined for a request. */
  readonly status: number | undefined;
  /** Names in lower case; of a repeated header the last value. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What comes: a side that takes the one for the other reads what nobody has sent. */
export type Side = 'requests' | 'responses';

/** In bytes; infinite for a response that ends with the connection. */
export type BodyLength = number | 'chunked';

const SPACE = 0x20;

/** Whether the connection can be used again after this message. */
export function keepsConnection({ startLine, headers }: HttpHead): boolean {
  const connection = headers.get('connection')?.toLowerCase();
  return startLine.includes('HTTP/1.1') ? connection !== 'close' : connection === 'keep-alive';
}

/** @throws Error */
export function parseHead(text: string, reads: Side): HttpHead {
  const lines = text.split('\r\n');
  const startLine = lines[0] as string;
  const status = reads === 'responses' ? statusOf(startLine) : undefined;
  if (reads === 'requests' && !isRequestLine(startLine)) throw new Error('not the first line of a request of HTTP/1.1');
  // Every end of a line is a whole one.
  const content = lines.join('');
  if (content.includes('\r') || content.includes('\n') || content.includes('\0'))
    throw new Error('not the lines of a head');
  const headers = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] as string;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!isWord(name)) throw new Error('not a header');
    if (name === 'content-length' || name === 'transfer-encoding') {
      const isSame = name === 'content-length' && headers.get(name) === value;
      if (headers.has(name) && !isSame) throw new Error('two lengths of a body');
      // JavaScript knows more blanks than HTTP does.
      const isUsual = line.length === colon + 2 + value.length && line.charCodeAt(colon + 1) === SPACE;
      if (!isUsual && !isBlankBut(line.slice(colon + 1), value)) throw new Error('not the length of a body');
    }
    headers.set(name, value);
  }
  return { startLine, status, headers };
}

/** Whether nothing but blanks is around the value. */
function isBlankBut(text: string, value: string): boolean {
  return text.replace(value, '').replaceAll(' ', '').replaceAll('\t', '') === '';
}

function isRequestLine(line: string): boolean {
  const target = line.indexOf(' ') + 1;
  const version = line.lastIndexOf(' ');
  return (
    (line.endsWith(' HTTP/1.1') || line.endsWith(' HTTP/1.0')) &&
    isWord(line.slice(0, Math.max(0, target - 1))) &&
    isWord(line.slice(target, version))
  );
}

/** @throws Error */
function statusOf(line: string): number {
  const version = line.slice(0, 9);
  const status = line.slice(9, 12);
  const isEnd = line.length === 12 || line.charCodeAt(12) === SPACE;
  if (
    (version !== 'HTTP/1.1 ' && version !== 'HTTP/1.0 ') ||
    !(Number(status) >= 100) ||
    String(Number(status)) !== status ||
    !isEnd
  )
    throw new Error('not the first line of a response of HTTP/1.1');
  return Number(status);
}

/**
 * One character at least, and no blank: all of this is native code, where a loop of ours would cost more than the rest
 * of a head.
 */
function isWord(text: string): boolean {
  return text !== '' && text.trim() === text && !text.includes(' ') && !text.includes('\t');
}

/** @throws Error */
export function bodyLength({ startLine, status, headers }: HttpHead): BodyLength {
  const encoding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked') throw new Error('an encoding of a body that is not known');
    if (length !== undefined || !startLine.includes('HTTP/1.1')) throw new Error('a length and chunks');
    return status === 204 || status === 304 ? 0 : 'chunked';
  }
  const bytes = length === undefined ? undefined : Number(length);
  if (bytes !== undefined && (!(bytes >= 0) || String(bytes) !== length)) throw new Error('not the length of a body');
  if (status === 204 || status === 304) return 0;
  return bytes ?? (status === undefined ? 0 : Number.POSITIVE_INFINITY);
}

/** 100 Continue, for example: what was asked for is still to come. */
export function isInterim({ status }: HttpHead): boolean {
  return status !== undefined && status < 200;
}
