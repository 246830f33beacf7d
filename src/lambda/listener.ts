// Receives the platform's log bodies. Answers 200 at once and always: anything else makes the platform send the same body again and
// again, and a late answer makes it drop the next one. What a body means is decided later, by whoever gets it.
// The port is bound with node:net, so that the subscription can name it; node:http is loaded when the platform connects (7 ms that
// the start does not wait for) and is handed the connection, which http.Server provides for through its `connection` event.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';

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
  let http: Promise<HttpServer> | undefined;
  const server: Server = createServer({ noDelay: true }, (socket: Socket) => {
    socket.on('error', () => {});
    http ??= createHttpServer(consume);
    http.then(
      (ready) => ready.emit('connection', socket),
      () => socket.destroy(),
    );
  });
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

async function createHttpServer(consume: BodyConsumer): Promise<HttpServer> {
  const { createServer: createHttp } = await import('node:http');
  const server = createHttp((request, response) => receive(request, response, consume));
  // No timeouts: they would count the time of a freeze, and close a connection on which the platform is about to send.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.timeout = 0;
  return server;
}

function receive(request: IncomingMessage, response: ServerResponse, consume: BodyConsumer): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.on('end', () => {
    response.writeHead(200, { 'Content-Length': '0' });
    response.end();
    consume(length > MAX_BODY_BYTES ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length));
  });
  request.on('error', () => {});
}
