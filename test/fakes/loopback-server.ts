// An HTTP server on a free port of 127.0.0.1 whose port can be closed and opened again and whose connections can be cut.
// The fake Loki and the Lambda emulator stand on it.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Invariant: `port` never changes once the server has listened for the first time. */
export class LoopbackServer {
  readonly #handler: RequestListener;
  readonly #sockets = new Map<Socket, number>();
  #server: Server | undefined;
  #connections = 0;
  #port = 0;

  constructor(handler: RequestListener) {
    this.#handler = handler;
  }

  get port(): number {
    return this.#port;
  }

  /** TCP connections seen so far, closed ones too. */
  get connectionCount(): number {
    return this.#connections;
  }

  /** The number of an open connection, counted from 0 in the order of their arrival; -1 for a stranger. */
  connectionOf(socket: Socket): number {
    return this.#sockets.get(socket) ?? -1;
  }

  /** Opens the port, the same as before after `refuse()`. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 120_000 }, this.#handler);
    server.on('connection', (socket) => {
      this.#sockets.set(socket, this.#connections++);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Closes the port and cuts every connection: clients are refused until `listen()`. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.destroyConnections();
    await closed;
  }

  /** Cuts every connection with a reset; new ones are welcome. */
  destroyConnections(): void {
    for (const socket of this.#sockets.keys()) cutOff(socket);
  }
}

/** With a reset, but where our end is over already: the kernel's trick does not work there, and Node would keep the handle for ever. */
export function cutOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
