// A TCP relay between the extension and the fake Loki that can forget its connections: what a NAT gateway does to idle
// ones during a freeze. A forgotten connection stays open and silent, no end and no reset is ever seen; new ones work.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Starts a relay on a free port of 127.0.0.1 to `targetPort`; what a client sends takes `latencyMs` longer. */
export async function startRelay(targetPort: number, latencyMs = 0): Promise<Relay> {
  const relay = new Relay(targetPort, latencyMs);
  await relay.listen();
  return relay;
}

/** Invariant: a pair is either alive, both ways, or forgotten, both ways. */
export class Relay {
  readonly #targetPort: number;
  readonly #latencyMs: number;
  readonly #server: Server;
  readonly #alive = new Map<Socket, Socket>();
  readonly #forgotten = new Set<Socket>();

  constructor(targetPort: number, latencyMs: number) {
    this.#targetPort = targetPort;
    this.#latencyMs = latencyMs;
    this.#server = createServer((client) => this.#join(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that were forgotten and that the client has not closed. */
  get forgotten(): number {
    return this.#forgotten.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Forgets all connections: what the client sends on them vanishes, and nothing ever comes back. */
  blackhole(): void {
    for (const [client, target] of this.#alive) {
      client.unpipe(target);
      target.unpipe(client);
      target.destroy();
      this.#forgotten.add(client);
      client.on('close', () => this.#forgotten.delete(client));
      // Read and thrown away, so that the client's writes succeed.
      client.resume();
    }
    this.#alive.clear();
  }

  /** Resets all connections. */
  cut(): void {
    for (const [client, target] of this.#alive) {
      client.resetAndDestroy();
      target.destroy();
    }
    this.#alive.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#forgotten) client.destroy();
    this.cut();
    await closed;
  }

  #join(client: Socket): void {
    const target = connect(this.#targetPort, '127.0.0.1');
    this.#alive.set(client, target);
    client.setNoDelay(true);
    target.setNoDelay(true);
    client.on('error', () => {});
    target.on('error', () => {});
    client.on('close', () => {
      this.#alive.delete(client);
      target.destroy();
    });
    target.on('close', () => {
      if (this.#alive.delete(client)) client.destroy();
    });
    if (this.#latencyMs === 0) client.pipe(target);
    else client.on('data', (chunk) => this.#later(client, () => target.write(chunk)));
    target.pipe(client);
  }

  /** What is under way when the connection is cut or forgotten never arrives. */
  #later(client: Socket, deliver: () => void): void {
    setTimeout(() => {
      if (this.#alive.has(client)) deliver();
    }, this.#latencyMs);
  }
}
