// A small HTTP/1.1 client for the Lambda Runtime API: one request at a time over one kept-alive loopback connection.
// Built on node:net because the runtime cannot start until we have registered: with node:http the first request leaves
// 6 to 8 ms later (34 against 26 ms from exec to register), with undici 30 ms later. It has no timeout: the next event
// may be hours away, and the process may be frozen meanwhile.
import { connect } from 'node:net';
import { keepsConnection } from './http-head.ts';
import { createHttpReader, type HttpMessage, type HttpReader } from './http-reader.ts';

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

/** Whether it has the form of `AWS_LAMBDA_RUNTIME_API`: host and port. */
export function isAddress(text: string): boolean {
  const [, port] = /^[^\s/@]+:(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) > 0 && Number(port) < 65_536;
}

/** @param address host and port as in `AWS_LAMBDA_RUNTIME_API` */
export function createRuntimeApi(address: string): RuntimeApi {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  let idle: Connection | undefined;

  async function send(connection: Connection, text: string, onSent?: () => void): Promise<RuntimeApiResponse> {
    const message = await connection.exchange(text, onSent);
    if (connection.isOpen()) idle = connection;
    return toResponse(message);
  }

  return {
    async request(request, onSent) {
      const text = formatRequest(address, request);
      const reused = idle;
      idle = undefined;
      if (reused?.isOpen()) {
        try {
          return await send(reused, text, onSent);
        } catch (error) {
          // The server may close a connection in the very moment in which we use it again (RFC 9112, 9.3.1).
          if (!(error instanceof UnansweredError)) throw error;
        }
      }
      try {
        return await send(openConnection(host, port), text, onSent);
      } catch (error) {
        throw error instanceof UnansweredError ? error.cause : error;
      }
    },
  };
}

interface Connection {
  /** Sends a request, and resolves with its answer. One at a time. @throws UnansweredError */
  exchange(text: string, onSent?: () => void): Promise<HttpMessage>;
  /** Whether it can be used again. */
  isOpen(): boolean;
}

/**
 * What listens to the socket does so for all requests: setting it up anew for each takes a thirtieth of the CPU of an
 * invocation.
 */
function openConnection(host: string, port: number): Connection {
  const socket = connect({ host, port, noDelay: true });
  /** The request that is not answered yet: between two of them nobody cares for what comes, or for how it ends. */
  let exchange: Exchange | undefined;
  let isOpen = true;

  function close(): void {
    isOpen = false;
    socket.destroy();
  }

  function fail(error: Error): void {
    close();
    exchange?.reject(exchange.answered ? error : new UnansweredError(error));
    exchange = undefined;
  }

  const closed = () => fail(new Error('the Runtime API closed the connection before it had answered'));
  socket.on('data', (piece) => {
    if (!exchange) return;
    exchange.answered = true;
    try {
      exchange.reader.read(piece);
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.on('end', () => {
    exchange?.reader.end();
    closed();
  });
  socket.on('error', fail);
  socket.on('close', closed);

  return {
    exchange: (text, onSent) =>
      new Promise((resolve, reject) => {
        const reader = createHttpReader({
          reads: 'responses',
          maxBodyBytes: Number.POSITIVE_INFINITY,
          onMessage(message) {
            if (!keepsConnection(message) || socket.readableEnded) close();
            exchange = undefined;
            resolve(message);
          },
        });
        exchange = { reader, reject, answered: false };
        socket.write(text, onSent && ((error) => !error && onSent()));
      }),
    isOpen: () => isOpen,
  };
}

interface Exchange {
  readonly reader: HttpReader;
  readonly reject: (error: Error) => void;
  /** Whether the first byte of the answer has come. */
  answered: boolean;
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

function toResponse({ status = 0, headers, body }: HttpMessage): RuntimeApiResponse {
  return { status, headers, body: body?.toString() ?? '' };
}
