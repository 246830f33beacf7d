import { type AddressInfo, connect } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** TLS before what listens on a port of this machine. @returns its own port */
export async function startTls(t: TestContext, targetPort: number, options: TlsOptions): Promise<number> {
  const server = createTlsServer(options, (client) => {
    const target = connect(targetPort, '127.0.0.1');
    client.pipe(target).pipe(client);
    client.on('error', () => target.destroy());
    target.on('error', () => client.destroy());
    t.after(() => {
      client.destroy();
      target.destroy();
    });
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
