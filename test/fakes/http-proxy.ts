// An HTTP proxy as companies run it: lets connections through that ask for it (CONNECT), takes requests for others, wants credentials if it is
// told to. What it answers instead can be set, silence included. It shares no code with `src/`.
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface HttpProxyOptions {
  /** `user:password`; without it everybody may pass. */
  readonly credentials?: string;
  /** What is written for an answer to every request, whole; `silent`: nothing ever, `close`: the connection is closed. */
  readonly answer?: string | 'silent' | 'close';
  /** Names that only the proxy knows, and the port of this machine on which they are served. */
  readonly hosts?: Readonly<Record<string, number>>;
  /** Makes it a proxy that is itself spoken to over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface HttpProxy {
  readonly port: number;
  /** Request lines, in order. */
  readonly asked: readonly string[];
  /** Connections that were let through. */
  readonly passed: number;
  /** Cuts every connection, or swallows what comes on those that are open. */
  cut(): void;
  close(): Promise<void>;
}

export async function startHttpProxy(options: HttpProxyOptions = {}): Promise<HttpProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let passed = 0;

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  }

  function serve(client: Socket): void {
    keep(client);
    let received = '';
    client.on('data', function read(chunk: Buffer) {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', read);
      client.pause();
      const head = received.slice(0, end);
      asked.push(head.slice(0, head.indexOf('\r\n')));
      answer(client, head, received.slice(end + 4));
    });
  }

  function answer(client: Socket, head: string, rest: string): void {
    if (options.answer === 'silent') return;
    if (options.answer === 'close') client.destroy();
    else if (options.answer !== undefined) client.end(options.answer);
    else if (!isAllowed(head, options.credentials)) {
      client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
      );
    } else pass(client, head, rest);
  }

  function pass(client: Socket, head: string, rest: string): void {
    const [, method = '', target = ''] = /^(\S+) (\S+) /.exec(head) ?? [];
    const url = new URL(method === 'CONNECT' ? `tcp://${target}` : target);
    const known = options.hosts?.[url.hostname];
    const server = keep(
      known === undefined
        ? connect(Number(url.port) || 80, url.hostname.replace(/^\[|\]$/g, ''))
        : connect(known, '127.0.0.1'),
    );
    server.on('connect', () => {
      passed++;
      if (method === 'CONNECT') client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      else {
        const lines = head.split('\r\n').slice(1);
        const kept = lines.filter((line) => !/^(?:proxy-authorization|connection):/i.test(line));
        server.write(
          [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...kept, 'Connection: close', '', ''].join('\r\n'),
        );
      }
      server.write(rest, 'latin1');
      client.pipe(server);
      server.pipe(client);
    });
    server.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
    client.on('close', () => server.destroy());
    server.on('close', () => client.end());
  }

  const server: Server = options.tls ? createTlsServer(options.tls, serve) : createTcpServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    get passed() {
      return passed;
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

function isAllowed(head: string, credentials: string | undefined): boolean {
  if (credentials === undefined) return true;
  const [, given = ''] = /^proxy-authorization: basic (\S+)$/im.exec(head) ?? [];
  return Buffer.from(given, 'base64').toString() === credentials;
}
