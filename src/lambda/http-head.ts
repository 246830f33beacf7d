// The head of an HTTP/1.1 message. Strict: what two sides may read differently is an error, and so is what only looks like HTTP.
// Without regular expressions, as the answers up to the first next event are read by this: each costs some 0.1 ms when it is first used.
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

const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Whether the connection can be used again after this message. */
export function keepsConnection({ startLine, headers }: HttpHead): boolean {
  const connection = headers.get('connection')?.toLowerCase();
  return startLine.includes('HTTP/1.1') ? connection !== 'close' : connection === 'keep-alive';
}

/** @throws Error */
export function parseHead(text: string, reads: Side): HttpHead {
  const [startLine = '', ...lines] = text.split('\r\n');
  const status = reads === 'responses' ? statusOf(startLine) : undefined;
  if (reads === 'requests' && !isRequestLine(startLine)) throw new Error('not the first line of a request of HTTP/1.1');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = trim(line.slice(colon + 1));
    if (!isVisible(name) || !isText(value)) throw new Error('not a header');
    if (name === 'content-length' && (headers.get(name) ?? value) !== value) throw new Error('two lengths of a body');
    if (name === 'transfer-encoding' && headers.has(name)) throw new Error('two encodings of a body');
    headers.set(name, value);
  }
  return { startLine, status, headers };
}

function isRequestLine(line: string): boolean {
  const [method = '', target = '', version, ...more] = line.split(' ');
  return (
    isVisible(method) && isVisible(target) && (version === 'HTTP/1.1' || version === 'HTTP/1.0') && more.length === 0
  );
}

/** @throws Error */
function statusOf(line: string): number {
  const version = line.slice(0, 9);
  const status = line.slice(9, 12);
  const isEnd = line.length === 12 || line.charCodeAt(12) === SPACE;
  if ((version !== 'HTTP/1.1 ' && version !== 'HTTP/1.0 ') || !(Number(status) >= 100) || !isVisible(status) || !isEnd)
    throw new Error('not the first line of a response of HTTP/1.1');
  return Number(status);
}

/** Visible characters, one at least. */
function isVisible(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code >= DELETE) return false;
  }
  return text !== '';
}

/** No end of a line, and no end of a C string. */
function isText(text: string): boolean {
  return !text.includes('\n') && !text.includes('\r') && !text.includes('\0');
}

/** Less the blanks around it: `String.trim` takes off more than HTTP knows. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
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
