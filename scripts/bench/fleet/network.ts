// The way from one simulated sandbox to the tenant: connections on which undici speaks HTTP as on any other, and which
// cost a round trip each way. What arrives while the sandbox is frozen is read at its thaw.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ConnectError, type Connector } from '../../../src/net/connect.ts';
import type { SimulatedSandbox, SimulatedTime } from '../simulated-time.ts';
import type { Tenant } from './tenant.ts';

const ONE_WAY_MS = 5;

export function connectorTo(tenant: Tenant, time: SimulatedTime, sandbox: SimulatedSandbox): Connector {
  const refused = () => new ConnectError('refused', 'ECONNREFUSED', 'connect ECONNREFUSED', 'loki.example');
  return () => ({
    socket: new Promise<Socket>((resolve, reject) => {
      time.at(time.now() + ONE_WAY_MS, () => {
        const isReachable = tenant.isReachable();
        if (!isReachable) tenant.refuse();
        sandbox.clock.after(ONE_WAY_MS, () => {
          if (isReachable) resolve(new VirtualSocket(tenant, time, sandbox) as unknown as Socket);
          else reject(refused());
        });
      });
    }),
    step: () => 'connection',
    trouble: refused,
    cancel() {},
  });
}

const HEAD_END = '\r\n\r\n';

/** The sandbox's end of a connection. */
class VirtualSocket extends Duplex {
  bytesRead = 0;
  #received = Buffer.alloc(0);
  readonly #tenant: Tenant;
  readonly #time: SimulatedTime;
  readonly #sandbox: SimulatedSandbox;

  constructor(tenant: Tenant, time: SimulatedTime, sandbox: SimulatedSandbox) {
    super();
    this.#tenant = tenant;
    this.#time = time;
    this.#sandbox = sandbox;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    const head = this.#received.toString('latin1', 0, Math.max(0, headEnd));
    const bodyBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const body = this.#received.subarray(headEnd + HEAD_END.length);
    if (headEnd !== -1 && body.length >= bodyBytes) {
      this.#received = Buffer.alloc(0);
      this.#time.at(this.#time.now() + ONE_WAY_MS, () => this.#arrived(body));
    }
    done();
  }

  #arrived(body: Buffer): void {
    // Loki is away: the kernel of its machine says that nobody listens there any more.
    if (!this.#tenant.isReachable()) {
      this.#tenant.refuse();
      this.#sandbox.clock.after(ONE_WAY_MS, () =>
        this.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
      );
      return;
    }
    const { status, text, afterMs } = this.#tenant.take(body);
    this.#sandbox.clock.after(afterMs + ONE_WAY_MS, () => {
      const answer = Buffer.from(`HTTP/1.1 ${status} -\r\nContent-Length: ${text.length}${HEAD_END}${text}`, 'latin1');
      this.bytesRead += answer.length;
      if (!this.destroyed) this.push(answer);
    });
  }

  setNoDelay = () => this;
  setKeepAlive = () => this;
  setTimeout = () => this;
  ref = () => this;
  unref = () => this;
}
