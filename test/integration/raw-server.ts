// A TCP server that speaks HTTP by hand: it reads whole requests and lets a test write any bytes for an answer.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Conditions } from '../fakes/conditions.ts';

export interface RawRequest {
  /** Request line and headers, without the empty line. */
  readonly head: string;
  readonly body: string;
  readonly socket: Socket;
  /** The number of the connection, counted from 0. */
  readonly connection: number;
}

export interface RawServer {
  readonly port: number;
  readonly address: string;
  readonly requests: readonly RawRequest[];
  connections: number;
  /** Resolves when that many requests have come in all. */
  came(count: number): Promise<boolean>;
  close(): void;
}

/** Starts a server that is closed with the test. The handler is called once for each complete request. */
export async function startRawServer(
  t: TestContext,
  handle: (request: RawRequest, index: number) => void,
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const conditions = new Conditions();
  const server = createServer((socket) => {
    const connection = raw.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        const headEnd = received.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const head = received.toString('latin1', 0, headEnd);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (received.length < headEnd + 4 + length) return;
        const body = received.toString('utf8', headEnd + 4, headEnd + 4 + length);
        received = received.subarray(headEnd + 4 + length);
        const request = { head, body, socket, connection };
        requests.push(request);
        handle(request, requests.length - 1);
        conditions.changed();
      }
    });
  });
  const raw: RawServer = {
    port: 0,
    address: '',
    requests,
    connections: 0,
    came: (count) => conditions.until(() => requests.length >= count, 10_000),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  t.after(() => raw.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(raw, { port, address: `127.0.0.1:${port}` });
}

/** A complete answer with a length. */
export function answerOf(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ ...headers, 'Content-Length': String(Buffer.byteLength(body)) });
  return `HTTP/1.1 ${status} X\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
