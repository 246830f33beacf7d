// The way between the extension and the fake Loki, byte by byte: it can refuse, swallow, cut, or put words of its own in Loki's mouth.
// A mode holds for what connects or speaks from now on; open connections are cut when it changes.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { cutOff } from '../../fakes/loopback-server.ts';

export type WayMode =
  /** Every byte is passed on. */
  | { readonly kind: 'through' }
  /** Connections are reset as soon as they are there. */
  | { readonly kind: 'reset' }
  /** Connections are taken, and nothing ever comes back. */
  | { readonly kind: 'swallow' }
  /** Cut after so many bytes of the request. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Answers each request with these words, again and again if `everyMs` is given, and closes in the end unless it is. */
  | { readonly kind: 'say'; readonly words: string | Buffer; readonly everyMs?: number };

export interface Way {
  readonly url: string;
  set(mode: WayMode): void;
  close(): Promise<void>;
}

export async function openWay(targetPort: () => number): Promise<Way> {
  const sockets = new Set<Socket>();
  let mode: WayMode = { kind: 'through' };
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.on('close', () => sockets.delete(client));
    serve(client, mode, targetPort());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) cutOff(socket);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next) {
      mode = next;
      cut();
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function serve(client: Socket, mode: WayMode, port: number): void {
  switch (mode.kind) {
    case 'through':
      pass(client, port, Number.POSITIVE_INFINITY);
      break;
    case 'cut':
      pass(client, port, mode.afterBytes);
      break;
    case 'reset':
      client.resetAndDestroy();
      break;
    case 'swallow':
      client.resume();
      break;
    case 'say':
      say(client, mode.words, mode.everyMs);
      break;
  }
}

function pass(client: Socket, port: number, maxBytes: number): void {
  const target = connect(port, '127.0.0.1');
  target.on('error', () => client.destroy());
  client.on('close', () => target.destroy());
  target.on('close', () => client.destroy());
  let left = maxBytes;
  client.on('data', (chunk) => {
    target.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) cutOff(client);
  });
  target.pipe(client);
}

function say(client: Socket, words: string | Buffer, everyMs: number | undefined): void {
  client.once('data', () => {
    if (everyMs === undefined) {
      client.end(words);
      return;
    }
    const timer = setInterval(() => client.write(words), everyMs);
    client.on('close', () => clearInterval(timer));
    client.write(words);
  });
  client.resume();
}
