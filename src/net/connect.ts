// Opens one connection: name, route, proxy, TLS. The current phase is always known, so whoever gives up can say where
// it stopped. Opening can be cancelled at any moment.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Phase } from '../diagnosis/symptoms.ts';
import type { Clock, Timer } from '../time.ts';
import { type Addresses, createAddresses, isUnknownName } from './addresses.ts';
import type { HttpProxy } from './proxy.ts';
import type { Trust } from './trust.ts';
import { openTunnel, TunnelError } from './tunnel.ts';

/** How far the connection got. `proxy`: a proxy was reached, and it opens no tunnel. */
export type UnreachablePhase = Exclude<Phase, 'answer'>;

/** Why there is no connection. Nothing was sent. */
export class ConnectError extends Error {
  readonly phase: UnreachablePhase;
  readonly code: string;
  /** The address that was being connected to. */
  readonly address: string | undefined;
  /** Host and port of the proxy, if the failed part is the connection to the proxy. */
  readonly proxy: string | undefined;

  constructor(phase: UnreachablePhase, code: string, message: string, address?: string, proxy?: string) {
    super(message);
    this.phase = phase;
    this.code = code;
    this.address = address;
    this.proxy = proxy;
  }
}

/** The phase that is under way. */
export type ConnectStep = 'name' | 'connection' | 'proxy' | 'tls';

export interface Connecting {
  /** Rejects with a ConnectError. */
  readonly socket: Promise<Socket>;
  step(): ConnectStep;
  /** The error to report if it is given up now. */
  trouble(afterMs: number): ConnectError;
  /** Cancels it. The promise rejects, or stays pending if nobody listens any more. */
  cancel(): void;
}

export type Connector = () => Connecting;

/** After this time a host's next address is tried in parallel: a dead address must not use up the whole attempt. */
const HEAD_START_MS = 300;

/** What differs from a plain, direct connection. */
export interface Way {
  readonly proxy?: HttpProxy | undefined;
  readonly trust?: Trust | undefined;
  readonly proxyTrust?: Trust | undefined;
  /** Resolves a name; replaced in tests. */
  readonly ask?: Parameters<typeof createAddresses>[2];
  /** Opens connections in a network other than the system's; for simulations. */
  readonly connector?: Connector | undefined;
}

/** How a request must look if a proxy handles it. Over https the proxy only tunnels, and sees no request. */
export function throughProxy(url: URL, { proxy }: Way): { path: string; headers: Record<string, string> } {
  const path = url.pathname + url.search;
  if (!proxy || url.protocol === 'https:') return { path, headers: {} };
  const { authorization } = proxy;
  return {
    path: url.origin + path,
    headers: authorization === undefined ? {} : { 'proxy-authorization': authorization },
  };
}

export function createConnector(origin: string, clock: Clock, way: Way = {}): Connector {
  const { proxy } = way;
  const { protocol, hostname, port: namedPort } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'https:';
  const port = Number(namedPort) || (secure ? 443 : 80);
  const addresses = createAddresses(proxy?.host ?? host, clock, way.ask);
  const openTls = secure ? createTlsOpener(host, way.trust) : undefined;
  const openProxyTls = proxy?.secure ? createTlsOpener(proxy.host, way.proxyTrust) : undefined;
  const proxyName = proxy && `${proxy.host}:${proxy.port}`;

  return () => {
    let step: ConnectStep = 'name';
    let address: string | undefined;
    /** Set while the connection to the proxy is being opened. */
    let hop = proxyName;
    const attempt = createAttempt();

    async function open(): Promise<Socket> {
      const found = await findAddresses(addresses);
      attempt.check();
      step = 'connection';
      let socket = await openTcp(found, proxy?.port ?? port, clock, attempt, (tried) => {
        address = tried;
      });
      if (address !== undefined) addresses.reached(address);
      if (openProxyTls) {
        step = 'tls';
        socket = await openProxyTls(socket, attempt, address);
      }
      // Over plain HTTP the proxy handles the requests themselves.
      if (proxy && openTls) {
        step = 'proxy';
        await openTunnel(socket, host, port, proxy);
      }
      hop = undefined;
      if (!openTls) return socket;
      step = 'tls';
      return openTls(socket, attempt, proxy ? undefined : address);
    }

    const socket = open().catch((error: unknown) => {
      throw hop === undefined ? error : atProxy(error, hop, address);
    });
    // Whoever gave up no longer listens.
    socket.catch(() => {});
    return {
      socket,
      step: () => step,
      trouble: (afterMs) =>
        new ConnectError(
          SILENCE[step],
          'ETIMEDOUT',
          `no ${step} within ${afterMs} ms`,
          hop || !proxy ? address : undefined,
          hop,
        ),
      cancel: attempt.cancel,
    };
  };
}

function atProxy(error: unknown, proxy: string, address: string | undefined): unknown {
  if (error instanceof TunnelError) return new ConnectError('proxy', error.code, error.message, address, proxy);
  if (!(error instanceof ConnectError)) return error;
  return new ConnectError(error.phase, error.code, error.message, error.address, proxy);
}

/** What silence in each phase means. */
const SILENCE: Readonly<Record<ConnectStep, UnreachablePhase>> = {
  name: 'name_server_silent',
  connection: 'no_route',
  proxy: 'proxy',
  tls: 'tls',
};

/** Everything that is under way, so that it can be cancelled. */
interface Attempt {
  /** @throws if it was cancelled */
  check(): void;
  isOver(): boolean;
  /** Destroys the socket on cancellation. */
  add(socket: Socket): void;
  cancel(): void;
}

function createAttempt(): Attempt {
  const sockets = new Set<Socket>();
  let over = false;
  return {
    check() {
      if (over) throw calledOff();
    },
    isOver: () => over,
    add(socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    },
    cancel() {
      over = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function findAddresses(addresses: Addresses): Promise<readonly string[]> {
  try {
    return await addresses.find();
  } catch (error) {
    throw toConnectError(error, isUnknownName(error) ? 'name_not_found' : 'name_server_silent');
  }
}

/** Connects to the first address that accepts. */
function openTcp(
  addresses: readonly string[],
  port: number,
  clock: Clock,
  attempt: Attempt,
  trying: (address: string) => void,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const racing = new Set<Socket>();
  let started = 0;
  let timer: Timer | undefined;

  function tryNext(): void {
    timer?.cancel();
    const address = addresses[started++];
    if (address === undefined) return;
    trying(address);
    const socket = connectTcp({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    racing.add(socket);
    attempt.add(socket);
    socket.once('connect', () => {
      timer?.cancel();
      racing.delete(socket);
      for (const loser of racing) loser.destroy();
      trying(address);
      resolve(socket);
    });
    // Errors of a connection in use belong to its user, who listens too.
    socket.on('error', (error) => failed(socket, toConnectError(error, undefined, address)));
    socket.once('close', () => failed(socket, calledOff()));
    if (started < addresses.length) timer = clock.after(HEAD_START_MS, tryNext);
  }

  function failed(socket: Socket, error: ConnectError): void {
    if (!racing.delete(socket)) return;
    if (started < addresses.length && !attempt.isOver()) tryNext();
    if (racing.size > 0) return;
    timer?.cancel();
    reject(error);
  }

  if (addresses.length === 0) reject(new ConnectError('name_not_found', 'ENODATA', 'the name has no address'));
  tryNext();
  return promise;
}

/** @returns a function that starts TLS on a socket. It reuses the last session, so later handshakes are cheaper. */
function createTlsOpener(
  host: string,
  { context, serverName, skipVerify }: Trust = { context: undefined },
): (socket: Socket, attempt: Attempt, address: string | undefined) => Promise<Socket> {
  // Not imported at the top: over plain HTTP it would be loaded for nothing.
  const tls = process.getBuiltinModule('node:tls');
  const name = serverName ?? host;
  let session: Buffer | undefined;

  return (below, attempt, address) =>
    new Promise((resolve, reject) => {
      const bytesBefore = below.bytesRead;
      const socket = tls.connect({
        socket: below,
        host: name,
        ...(isIP(name) === 0 && { servername: name }),
        ...(session && { session }),
        ...(context && { secureContext: context }),
        ALPNProtocols: ['http/1.1'],
        // Explicit: otherwise the function's NODE_TLS_REJECT_UNAUTHORIZED=0 would disable verification for us too.
        rejectUnauthorized: skipVerify !== true,
      });
      attempt.add(socket);
      socket.on('session', (ticket) => {
        session = ticket;
      });
      socket.once('secureConnect', () => resolve(socket));
      socket.on('error', (error) =>
        reject(toConnectError(error, 'tls', address, wantsCertificate(error, below.bytesRead - bytesBefore))),
      );
      socket.once('close', () => reject(calledOff()));
    });
}

/** The length of a TLS alert that comes alone. */
const ALERT_BYTES = 7;

/**
 * In TLS 1.2 a server that wants a client certificate says only `handshake failure`. If versions or ciphers did not
 * match, it would have said so in its very first message.
 */
function wantsCertificate(error: NodeJS.ErrnoException, bytesRead: number): string | undefined {
  return /HANDSHAKE_FAILURE/.test(error.code ?? '') && bytesRead > ALERT_BYTES ? 'CERTIFICATE_REQUIRED' : undefined;
}

function calledOff(): ConnectError {
  return new ConnectError('closed', 'ECANCELED', 'called off');
}

function toConnectError(
  error: unknown,
  phase: UnreachablePhase | undefined,
  address?: string | undefined,
  knownAs?: string | undefined,
): ConnectError {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  return new ConnectError(phase ?? phaseOf(code), knownAs ?? code, message, address);
}

function phaseOf(code: string): UnreachablePhase {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed';
  return 'no_route';
}
