// One connection to Loki, with one request at a time. Reports the outcome of each request as soon as it is certain. A
// connection ends with its socket and never reconnects: what its end means is judged by its owner (push-client.ts).
import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import UndiciClient from 'undici/lib/dispatcher/client.js';
import { ConnectError, type Connecting, type Connector, type ConnectStep } from '../net/connect.ts';
import { createLimit, type EpochMs, type SteadyClock } from '../time.ts';
import { type Answer, isClear, type PushOutcome, textLimitMs, toOutcome } from './answer.ts';

export interface Connection {
  /** @param answerMs the longest that an answer is waited for once the request is on its way */
  post(request: Dispatcher.DispatchOptions, answerMs: number): Post;
  /** Whether it is there and waits for a request. */
  isIdle(): boolean;
  isOpen(): boolean;
  isClosed(): boolean;
  lastUsedMs(): EpochMs;
  close(): void;
}

/** One request on its way. */
export interface Post {
  readonly result: Promise<PostResult>;
  /** What it waits for. */
  step(): ConnectStep | 'answer';
  /** Limits the rest of it, from now on; a limit that ends earlier stays in force. */
  giveUpAfter(limitMs: number): void;
}

export interface PostResult {
  readonly outcome: PushOutcome;
  /**
   * The connection had answered before, and ended before a byte of this answer, or the answer is 408: the server gave
   * up on it while it was idle, most likely. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9
   */
  readonly stale: boolean;
  /** The connection was ended from outside. Where a freeze came between, that is the freeze's work most likely. */
  readonly isCut: boolean;
}

/** Load balancers close a connection that was idle for 60 s, Loki after 120 s. */
export const IDLE_MS = 50_000;
/** What is kept of the text of an answer: Loki lists up to ten refused entries. */
const MAX_ANSWER_BYTES = 16_384;
/** Gateways and single sign-on send heads that are longer than the 16 KiB that Node allows. */
const MAX_HEAD_BYTES = 65_536;

export function createConnection(origin: string, connector: Connector, clock: SteadyClock): Connection {
  let socketError: Error | undefined;
  let socket: Socket | undefined;
  let connecting: Connecting | undefined;
  let answers = 0;
  let busy = false;
  let closed = false;
  let lastUsedMs: EpochMs = clock.now();
  const client: Client = new UndiciClient(origin, {
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
    // undici's own timeouts tick coarsely and would tick on through a freeze; each request has one of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(_options, callback) {
      // Asked for again: the first one has ended in this very moment.
      if (connecting) {
        callback(new ConnectError('closed', 'ECONNRESET', 'closed while idle'), null);
        return;
      }
      connecting = connector();
      connecting.socket.then(
        (opened) => {
          socket = opened;
          opened.once('close', close);
          opened.once('error', (error) => {
            socketError = error;
          });
          callback(null, opened);
        },
        (error: Error) => callback(error, null),
      );
    },
  });

  function close(): void {
    if (closed) return;
    closed = true;
    connecting?.cancel();
    client.destroy().catch(() => {});
  }

  return {
    post(request, answerMs) {
      busy = true;
      return startPost({
        send: (handler) => client.dispatch(request, handler),
        clock,
        answerMs,
        kept: answers > 0,
        connecting: () => connecting,
        bytesRead: () => socket?.bytesRead ?? 0,
        socketError: () => socketError,
        ended(answered) {
          busy = false;
          lastUsedMs = clock.now();
          if (answered) answers++;
          else close();
        },
        close,
      });
    },
    isIdle: () => !busy && !closed,
    isOpen: () => socket !== undefined && !closed,
    isClosed: () => closed,
    lastUsedMs: () => lastUsedMs,
    close,
  };
}

interface PostParts {
  readonly send: (handler: Dispatcher.DispatchHandler) => void;
  readonly clock: SteadyClock;
  readonly answerMs: number;
  /** The connection has answered before. */
  readonly kept: boolean;
  /** How far the connection is, once it is asked for. */
  readonly connecting: () => Connecting | undefined;
  readonly bytesRead: () => number;
  /**
   * What the socket said first: an alert of TLS comes before the end of the connection, of which alone undici tells.
   */
  readonly socketError: () => Error | undefined;
  /** The exchange is over. */
  readonly ended: (answered: boolean) => void;
  readonly close: () => void;
}

function startPost(parts: PostParts): Post {
  const { send, clock, answerMs, kept, connecting, bytesRead, socketError, ended, close } = parts;
  const { promise, resolve } = Promise.withResolvers<PostResult>();
  const bytesBefore = bytesRead();
  let sent = false;
  let answer: Answer = { status: 0, text: '' };
  const limit = createLimit(clock, (limitMs) => {
    const way = sent ? undefined : connecting();
    tell(way ? unreachable(way.trouble(limitMs)) : noAnswer(`no answer within ${limitMs} ms`));
    close();
  });

  /** Only the first word counts: once an outcome is certain, what may still come of the answer changes nothing. */
  function tell(outcome: PushOutcome, stale = false, isCut = false): void {
    if (answer.status === 0) resolve({ outcome, stale, isCut });
    else resolve({ outcome: toOutcome(answer, clock.now()), stale: kept && answer.status === 408, isCut });
  }

  function end(answered: boolean): void {
    limit.lift();
    ended(answered);
  }

  function look(): void {
    if (isClear(answer)) tell(noAnswer(''));
  }

  send({
    onRequestStart() {
      sent = true;
      limit.set(answerMs);
    },
    onResponseStart(_controller, status, headers) {
      answer = answerOf(status, headers);
      if (status < 200) return;
      look();
      // A timer less for each push that goes well.
      const textMs = textLimitMs(answer);
      if (textMs > 0) limit.set(textMs);
    },
    onResponseData(_controller, chunk) {
      if (answer.text.length >= MAX_ANSWER_BYTES) return;
      answer = { ...answer, text: answer.text + chunk.toString('utf8', 0, MAX_ANSWER_BYTES) };
      look();
    },
    onResponseEnd() {
      end(true);
      tell(noAnswer('an answer without a status'));
    },
    onResponseError(_controller, error) {
      const silent = bytesRead() === bytesBefore;
      end(false);
      const outcome = outcomeOf(socketError() ?? error, sent);
      const isCut = outcome.kind === 'unanswered' || (outcome.kind === 'unreachable' && outcome.phase === 'closed');
      tell(outcome, kept && silent, isCut);
    },
  });

  return {
    result: promise,
    step: () => (sent ? 'answer' : (connecting()?.step() ?? 'answer')),
    giveUpAfter: limit.set,
  };
}

/** An answer of which the head has come. */
function answerOf(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): Answer {
  const header = (name: string) => String(headers[name] ?? '') || undefined;
  return {
    status,
    text: '',
    contentType: header('content-type'),
    contentEncoding: header('content-encoding'),
    retryAfter: header('retry-after'),
    location: header('location'),
    date: header('date'),
  };
}

type NodeError = Error & { readonly code?: string; readonly data?: string };

function outcomeOf(error: NodeError, sent: boolean): PushOutcome {
  if (error instanceof ConnectError) return unreachable(error);
  const { code, data } = error;
  const detail = [code, error.message].filter(Boolean).join(' ').slice(0, 300);
  if (!sent) return { kind: 'unreachable', phase: 'closed', code, detail };
  // What came tells best who speaks there.
  return isUnreadable(error) ? { kind: 'unreadable', code, detail: data?.slice(0, 300) || detail } : noAnswer(detail);
}

/**
 * Of undici's own errors: what its parser refuses, a head over the limit, lengths that differ, an interim answer that
 * nobody asked for.
 */
function isUnreadable({ name, code = '', message }: NodeError): boolean {
  if (name === 'HTTPParserError' || /^UND_ERR_(?:HEADERS_OVERFLOW|RES_)/.test(code)) return true;
  return /^bad (?:response|upgrade)$/.test(message);
}

function unreachable({ phase, code, message, address, proxy }: ConnectError): PushOutcome {
  const where = { ...(address !== undefined && { address }), ...(proxy !== undefined && { proxy }) };
  return { kind: 'unreachable', phase, code, detail: message, ...where };
}

function noAnswer(detail: string): PushOutcome {
  return { kind: 'unanswered', phase: 'answer', detail };
}
