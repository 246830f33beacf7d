// Receives the platform's log bodies over HTTP. Always answers 200, at once: any other status makes the platform resend
// the body again and again, and a late answer makes it drop the next one. Bodies are interpreted later, by the
// pipeline. The port is bound before the subscription names it. Any process in the sandbox may connect, so the memory
// held for connections is bounded.
import { createServer, type Server, type Socket } from 'node:net';
import { keepsConnection } from './http-head.ts';
import { createHttpReader } from './http-reader.ts';

/**
 * Twice the largest batch that can be subscribed to, plus envelopes, is a little over 2 MiB; pieces of 4 MiB were seen.
 */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;
/**
 * All bodies that are not complete: the largest one fits. Above it the connection that has been silent longest is
 * closed.
 */
const MAX_HALF_READ_BYTES = MAX_BODY_BYTES;
/** With those that wait for being read. Above it nothing is read from any connection until there is room again. */
const MAX_HELD_BYTES = MAX_BODY_BYTES + 4 * 1024 * 1024;
/** Each body that waits takes about so much more than its bytes. */
const BODY_OVERHEAD_BYTES = 1024;
/** The platform has one or two. Above it the one that has been silent longest is closed. */
const MAX_CONNECTIONS = 32;

export interface Listener {
  readonly port: number;
  /**
   * What the subscription is to name. Once a request for it has come the platform is known to heed it, and no other is
   * taken from then on.
   */
  readonly path: string;
  close(): void;
}

/**
 * Takes one body; undefined for one that was too large to be kept. It is called after the body was answered.
 * @param release is to be called once, when the body takes no memory any more
 */
export type BodyConsumer = (body: Buffer | undefined, release: () => void) => void;

/**
 * Binds all interfaces: the platform connects to an address of the sandbox that is not the loopback address everywhere.
 * @throws the error of `listen`, EADDRINUSE for example
 */
export function openListener(port: number, consume: BodyConsumer): Promise<Listener> {
  // It keeps strangers in the sandbox out, for whom it is enough: nobody has seen any other number of this generator.
  const path = `/${Math.random().toString(36).slice(2)}`;
  const reception = createReception(path, consume);
  const server: Server = createServer({ noDelay: true }, reception.connected);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      server.on('error', () => {});
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        path,
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
 * `listen` itself would load node:cluster, node:child_process and node:dgram first, and for a host name node:dns: 5 ms
 * between register and next. It would also take us for the worker of a cluster, whose parent is not there, if the
 * function has set NODE_UNIQUE_ID.
 */
function bind(server: Server, port: number): void {
  (server as unknown as BindableServer)._listen2('0.0.0.0', port, 4, BACKLOG, NO_FD, 0);
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** What the bytes that have come on a connection come to. */
interface Reply {
  /** What they are answered with, in Latin-1. */
  readonly answers: string;
  /** In order. */
  readonly bodies: readonly (Buffer | undefined)[];
  /** No request follows on this connection. */
  readonly isLast: boolean;
  /** What came is no HTTP. */
  readonly isBroken: boolean;
}

interface Conversation {
  read(piece: Buffer): Reply;
  /** Bytes of the body that is not complete. */
  heldBytes(): number;
  /** Nothing more will come. */
  giveUp(): void;
}

/** What is said on one connection. @param takes whether a request for this path is taken */
function createConversation(takes: (path: string | undefined) => boolean): Conversation {
  let answers = '';
  let bodies: (Buffer | undefined)[] = [];
  let isTaken = false;
  let isLast = false;
  let isBroken = false;
  const reader = createHttpReader({
    reads: 'requests',
    maxBodyBytes: MAX_BODY_BYTES,
    onHead({ startLine, headers }) {
      isTaken = takes(startLine.split(' ')[1]);
      if (headers.get('expect')?.toLowerCase() === '100-continue') answers += CONTINUE;
      return isTaken;
    },
    onMessage(request) {
      if (isLast) return;
      isLast = !keepsConnection(request);
      answers += isTaken ? OK : NOT_FOUND;
      if (isTaken) bodies.push(request.body);
    },
  });
  return {
    read(piece) {
      try {
        reader.read(piece);
      } catch {
        if (!isLast) answers += BAD_REQUEST;
        isLast = true;
        isBroken = true;
      }
      const reply = { answers, bodies, isLast, isBroken };
      answers = '';
      bodies = [];
      return reply;
    },
    heldBytes: reader.heldBytes,
    giveUp: reader.giveUp,
  };
}

interface Connection {
  readonly socket: Socket;
  /** A request for the path that only the platform knows has come on it. */
  isOfPlatform: boolean;
  /** Whether its answers wait for being taken. */
  choked: boolean;
  /** Bytes of the body that is not complete. */
  heldBytes: number;
  /** The number of its last piece, of all that came. */
  lastPiece: number;
}

/**
 * No timeouts: they would count the time of a freeze, and close a connection on which the platform is about to send.
 */
function createReception(path: string, consume: BodyConsumer): { connected(socket: Socket): void } {
  const connections = new Set<Connection>();
  let pieces = 0;
  let halfReadBytes = 0;
  let waitingBytes = 0;
  let isFull = false;
  let isPathHeeded = false;

  function connected(socket: Socket): void {
    const connection: Connection = { socket, isOfPlatform: false, choked: false, heldBytes: 0, lastPiece: pieces++ };
    connections.add(connection);
    if (connections.size > MAX_CONNECTIONS) closeMostSilent(() => true);
    const conversation = createConversation((requested) => {
      const isOwn = requested === path;
      isPathHeeded ||= isOwn;
      connection.isOfPlatform ||= isOwn;
      return isOwn || !isPathHeeded;
    });
    let isOver = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      conversation.giveUp();
      hold(connection, 0);
      connections.delete(connection);
    });
    socket.on('drain', () => {
      connection.choked = false;
      if (!isFull) socket.resume();
    });
    socket.on('data', (piece) => {
      if (isOver) return;
      connection.lastPiece = pieces++;
      const reply = conversation.read(piece);
      isOver = reply.isLast;
      hold(connection, conversation.heldBytes());
      answer(connection, reply);
      for (const body of reply.bodies) handOn(body);
      keepBounds();
    });
    if (isFull) socket.pause();
  }

  function answer(connection: Connection, { answers, isLast, isBroken }: Reply): void {
    const { socket } = connection;
    if (answers !== '' && !socket.write(answers, 'latin1')) connection.choked = true;
    if (isLast) {
      socket.end();
      if (isBroken) socket.destroySoon();
    } else if (connection.choked) socket.pause();
  }

  function hold(connection: Connection, bytes: number): void {
    halfReadBytes += bytes - connection.heldBytes;
    connection.heldBytes = bytes;
  }

  function handOn(body: Buffer | undefined): void {
    const bytes = (body?.buffer.byteLength ?? 0) + BODY_OVERHEAD_BYTES;
    waitingBytes += bytes;
    consume(body, () => {
      waitingBytes -= bytes;
      keepBounds();
    });
  }

  function keepBounds(): void {
    while (halfReadBytes > MAX_HALF_READ_BYTES) {
      // A stranger's first: who sends without a pause is not to have the platform's closed.
      if (!closeMostSilent(({ heldBytes, isOfPlatform }) => heldBytes > 0 && !isOfPlatform)) {
        closeMostSilent(({ heldBytes }) => heldBytes > 0);
      }
    }
    const isNowFull = halfReadBytes + waitingBytes > MAX_HELD_BYTES;
    if (isNowFull === isFull) return;
    isFull = isNowFull;
    for (const { socket, choked } of connections) {
      if (isFull) socket.pause();
      else if (!choked) socket.resume();
    }
  }

  /** What has been sent on it and was not answered is sent again on another one. @returns whether there was one */
  function closeMostSilent(isMeant: (connection: Connection) => boolean): boolean {
    let connection: Connection | undefined;
    for (const each of connections) {
      if (isMeant(each) && each.lastPiece < (connection?.lastPiece ?? pieces)) connection = each;
    }
    if (connection === undefined) return false;
    connections.delete(connection);
    hold(connection, 0);
    connection.socket.destroy();
    return true;
  }

  return { connected };
}
