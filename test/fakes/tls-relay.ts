// TLS in front of the fake Loki, with a certificate that nobody trusts unless told to: `test/fixtures/tls`.
// It ends TLS and passes the bytes on; what it says of a client is whether the handshake succeeded.

import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';

const folder = resolve(import.meta.dirname, '../fixtures/tls');

/** The certificate, which is its own authority: for `NODE_EXTRA_CA_CERTS`. */
export const certificatePath = resolve(folder, 'certificate.pem');
export const keyPath = resolve(folder, 'key.pem');

export interface TlsRelay {
  readonly url: string;
  /** Connections whose handshake succeeded, and those whose client gave it up. */
  readonly trusted: number;
  readonly refused: number;
  close(): Promise<void>;
}

/** Starts the relay on a free port of 127.0.0.1. @param own certificate and key, if not those of the folder */
export async function startTlsRelay(
  targetPort: number,
  own: TlsOptions = { cert: readFileSync(certificatePath), key: readFileSync(keyPath) },
): Promise<TlsRelay> {
  const counts = { trusted: 0, refused: 0 };
  const sockets = new Set<Socket>();
  const server = createServer(own, (client) => {
    counts.trusted++;
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
    client.pipe(target);
    target.pipe(client);
  });
  server.on('tlsClientError', () => counts.refused++);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    get trusted() {
      return counts.trusted;
    },
    get refused() {
      return counts.refused;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
