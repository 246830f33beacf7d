// A server that accepts connections and reads, but never says a word: Loki behind a broken load balancer.
// It does nothing with what it reads, so it disturbs no time that is measured beside it.

import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface SilentServer {
  readonly url: string;
  /** Bytes read so far. */
  readonly bytes: number;
  close(): Promise<void>;
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startSilentServer(): Promise<SilentServer> {
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get bytes() {
      return bytes;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
