// Receives the platform's log bodies. Answers 200 at once and always: anything else makes the platform send the same body again and
// again, and a late answer makes it drop the next one. What a body means is decided later, by whoever gets it.
// The port is bound before the subscription names it.
import { createServer, type Server, type Socket } from 'node:net';
import { createHttpReader, keepsConnection } from './http-reader.ts';

/** Twice the largest batch that can be subscribed to, plus envelopes, is a little over 2 MiB; pieces of 4 MiB were seen. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

export interface Listener {
  readonly port: number;
  close(): void;
}

/** Takes one body; undefined for one that was too large to be kept. It is called after the body was answered. */
export type BodyConsumer = (body: Buffer | undefined) => void;

/**
 * Binds all interfaces: the platform connects to an address of the sandbox that is not the loopback address everywhere.
 * @throws the error of `listen`, EADDRINUSE for example
 */
export function openListener(port: number, consume: BodyConsumer): Promise<Listener> {
  const server: Server = createServer({ noDelay: true }, (socket: Socket) => serve(socket, consume));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      server.on('error', () => {});
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () => server.close(),
      });
    });
    bind(server, port);
  });
}

/** What `listen` comes to in the end; Node's types leave it out. */
interface BindableServer {
  _listen2(address: string | null, port: number, addressType: 4 | 6, backlog: number, fd: number, flags: number): void;
}

const BACKLOG = 511;
const NO_FD = -1;

/**
 * `listen` itself would load node:cluster, node:child_process and node:dgram first, and for a host name node:dns: 5 ms between register
 * and next. It would also take us for the worker of a cluster, whose parent is not there, if the function has set NODE_UNIQUE_ID.
 */
function bind(server: Server, port: number): void {
  (server as unknown as BindableServer)._listen2('0.0.0.0', port, 4, BACKLOG, NO_FD, 0);
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** No timeouts: they would count the time of a freeze, and close a connection on which the platform is about to send. */
function serve(socket: Socket, consume: BodyConsumer): void {
  const reader = createHttpReader({
    maxBodyBytes: MAX_BODY_BYTES,
    onHead({ headers }) {
      if (headers.get('expect')?.toLowerCase() === '100-continue') socket.write(CONTINUE);
    },
    onMessage(request) {
      socket.write(OK);
      if (!keepsConnection(request)) socket.end();
      consume(request.body);
    },
  });
  socket.on('error', () => {});
  socket.on('data', (piece) => {
    if (socket.writableEnded) return;
    try {
      reader.read(piece);
    } catch {
      socket.end(BAD_REQUEST);
      socket.destroySoon();
    }
  });
}
