// A small HTTP/1.1 client for the Lambda Runtime API: one request at a time over one kept-alive loopback connection.
// Written on node:net because the runtime cannot start before we have registered: node:http costs 6 to 8 ms more before the first
// request is on the wire (34 against 26 ms from exec to register), undici 30.
// It knows no timeout: a next event may be hours away, and the process may be frozen meanwhile.
import { connect, type Socket } from 'node:net';

export interface RuntimeApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RuntimeApiResponse {
  readonly status: number;
  /** Names in lower case; of a repeated header the last value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RuntimeApi {
  /**
   * Sends a request on the connection that is open, or on a new one.
   * @param onSent runs when the request has been handed to the kernel
   * @throws the socket's error, or an Error when the connection ends before the response does
   */
  request(request: RuntimeApiRequest, onSent?: () => void): Promise<RuntimeApiResponse>;
}

/** @param address host and port as in `AWS_LAMBDA_RUNTIME_API` */
export function createRuntimeApi(address: string): RuntimeApi {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  let idle: Socket | undefined;

  function open(): Socket {
    const socket = connect({ host, port, noDelay: true });
    // Between requests nobody else listens: a connection that the server closes while idle is just forgotten.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (idle === socket) idle = undefined;
    });
    return socket;
  }

  function send(socket: Socket, text: string, onSent?: () => void): Promise<RuntimeApiResponse> {
    return new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0);
      const finish = (settle: () => void) => {
        socket.off('data', onData);
        socket.off('end', onEnd);
        socket.off('error', onError);
        socket.off('close', onEnd);
        settle();
      };
      const fail = (error: Error) => {
        socket.destroy();
        finish(() => reject(received.length === 0 ? new UnansweredError(error) : error));
      };
      const accept = (parsed: ParsedResponse | undefined): boolean => {
        if (!parsed) return false;
        if (parsed.reusable) idle = socket;
        else socket.destroy();
        finish(() => resolve(parsed.response));
        return true;
      };
      const onData = (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        accept(parseResponse(received, false));
      };
      const onEnd = () => {
        if (accept(parseResponse(received, true))) return;
        fail(new Error('the Runtime API closed the connection before it had answered'));
      };
      const onError = (error: Error) => fail(error);
      socket.on('data', onData);
      socket.on('end', onEnd);
      socket.on('error', onError);
      socket.on('close', onEnd);
      socket.write(text, onSent && ((error) => !error && onSent()));
    });
  }

  return {
    async request(request, onSent) {
      const text = formatRequest(address, request);
      const reused = idle;
      idle = undefined;
      if (reused) {
        try {
          return await send(reused, text, onSent);
        } catch (error) {
          // The server may close a connection in the very moment in which we use it again (RFC 9112, 9.3.1).
          if (!(error instanceof UnansweredError)) throw error;
        }
      }
      try {
        return await send(open(), text, onSent);
      } catch (error) {
        throw error instanceof UnansweredError ? error.cause : error;
      }
    },
  };
}

/** The connection ended before the first byte of an answer. */
class UnansweredError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

function formatRequest(address: string, { method, path, headers = {}, body }: RuntimeApiRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${address}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

interface ParsedResponse {
  readonly response: RuntimeApiResponse;
  readonly reusable: boolean;
}

/**
 * RFC 9112, as far as an answer to our requests can go: interim responses, Content-Length, chunked, or until the connection ends.
 * @returns undefined while the response is not complete
 */
function parseResponse(bytes: Buffer, ended: boolean): ParsedResponse | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...headerLines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const bodyStart = headEnd + 4;
  if (status >= 100 && status < 200) return parseResponse(bytes.subarray(bodyStart), ended);
  const headers = new Map<string, string>();
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const keepAlive = !ended && headers.get('connection')?.toLowerCase() !== 'close';
  const done = (body: string, reusable = keepAlive) => ({ response: { status, headers, body }, reusable });

  if (status === 204 || status === 304) return done('');
  if (headers.get('transfer-encoding')?.toLowerCase().includes('chunked')) {
    const body = joinChunks(bytes, bodyStart);
    return body === undefined ? undefined : done(body);
  }
  const length = headers.get('content-length');
  if (length === undefined) return ended ? done(bytes.toString('utf8', bodyStart), false) : undefined;
  const bodyEnd = bodyStart + Number(length);
  return bytes.length < bodyEnd ? undefined : done(bytes.toString('utf8', bodyStart, bodyEnd));
}

/** @returns undefined while the last chunk has not come */
function joinChunks(bytes: Buffer, start: number): string | undefined {
  const chunks: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const chunkStart = lineEnd + 2;
    if (size === 0) return bytes.indexOf('\r\n', chunkStart) < 0 ? undefined : Buffer.concat(chunks).toString();
    if (!(size > 0) || bytes.length < chunkStart + size + 2) return undefined;
    chunks.push(bytes.subarray(chunkStart, chunkStart + size));
    at = chunkStart + size + 2;
  }
}
