// Sends one body to Loki's push endpoint and says what came of it. Never throws, never retries an answer, knows nothing of batches.
// It owns the connections, and so the one retry that belongs to them: a connection that was open during a freeze may be dead without
// our knowing, and a failure on such a one says nothing about Loki.
import type { Dispatcher, Pool } from 'undici';
import UndiciPool from 'undici/lib/dispatcher/pool.js';
import type { Endpoint } from '../config/endpoint.ts';
import { type Clock, type EpochMs, settledBy, type Timer } from '../time.ts';
import { type PushOutcome, toOutcome, type UnreachablePhase } from './answer.ts';

export interface PushClient {
  push(body: Buffer): Promise<PushOutcome>;
  /** Call before the process may be frozen: what fails from then on may be the work of a freeze that we have not heard of yet. */
  expectFreeze(): void;
  /** Call after a freeze: connections that are open now may be dead. */
  distrustConnections(): void;
}

/** Pushes at once. Also the number of connections, as HTTP/1.1 answers one request at a time on each. */
export const MAX_CONNECTIONS = 4;
/** Load balancers close a connection that was idle for 60 s, Loki after 120 s. */
const IDLE_MS = 50_000;
/**
 * An attempt on a distrusted connection is given up after this, or after four times what the last answer took if that is longer: a
 * connection that swallows everything must not cost a whole flush. If Loki was only slow it gets the same bytes twice, and drops one.
 */
const DISTRUSTED_TIMEOUT_MS = 1_000;
/** After a thaw the failure of a connection may be read before the event that tells of the thaw; that comes this soon. */
const THAW_NOTICE_MS = 50;
/** With short invocations an attempt, and the next one, can each meet a freeze. */
const MAX_ATTEMPTS = 4;
/** What is kept of the text of an answer: Loki lists up to ten refused entries. */
const MAX_ANSWER_BYTES = 16_384;

/** @param userAgent product and version, which Loki records */
export function createPushClient(
  { url, authorization, tenantId, headers: userHeaders }: Endpoint,
  timeoutMs: number,
  userAgent: string,
  clock: Clock,
): PushClient {
  const { origin, pathname, search } = new URL(url);
  const headers: Record<string, string> = {
    ...userHeaders,
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    ...(authorization !== undefined && { authorization }),
    ...(tenantId !== undefined && { 'x-scope-orgid': tenantId }),
  };
  const inFlight = new Set<Attempt>();
  let connections = open();
  /** undici frees a connection one turn after the answer: a push that came earlier would open another one. */
  let connectionsFreed = Promise.resolve();
  let freezeExpected = false;
  let thaws = 0;
  let thaw = Promise.withResolvers<void>();
  let lastUsedMs: EpochMs = 0;
  let lastAnswerMs = 0;

  function open(): Connections {
    return {
      trusted: true,
      pool: new UndiciPool(origin, {
        connections: MAX_CONNECTIONS,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: IDLE_MS,
        // undici's own timeouts tick coarsely and would tick on through a freeze; each attempt has one of its own.
        headersTimeout: 0,
        bodyTimeout: 0,
        // Explicit, as the function's NODE_TLS_REJECT_UNAUTHORIZED=0 would switch verification off for us too.
        connect: { timeout: 0, rejectUnauthorized: true },
      }),
    };
  }

  function reopen(old: Connections): void {
    if (connections !== old) return;
    connections = open();
    old.pool.destroy().catch(() => {});
  }

  const distrustedLimitMs = () => Math.min(timeoutMs, Math.max(DISTRUSTED_TIMEOUT_MS, 4 * lastAnswerMs));

  async function attempt(body: Buffer, { pool, trusted }: Connections): Promise<PushOutcome> {
    await connectionsFreed;
    const post = startPost(pool, { path: pathname + search, method: 'POST', headers, body }, clock);
    inFlight.add(post);
    post.giveUpAfter(trusted ? timeoutMs : distrustedLimitMs());
    const outcome = await post.outcome;
    inFlight.delete(post);
    lastUsedMs = clock.now();
    connectionsFreed = new Promise((resolve) => {
      setImmediate(resolve);
    });
    return outcome;
  }

  return {
    async push(body) {
      if (!connections.trusted && clock.now() - lastUsedMs > IDLE_MS) reopen(connections);
      for (let attempts = 1; ; attempts++) {
        const used = connections;
        const wasTrusted = used.trusted;
        const thawsBefore = thaws;
        const startMs = clock.now();
        const outcome = await attempt(body, used);
        if (isAnswer(outcome)) {
          used.trusted = true;
          lastAnswerMs = clock.now() - startMs;
          return outcome;
        }
        // What fails across a freeze, or on a connection that was open during one, says nothing about Loki.
        if (freezeExpected && thaws === thawsBefore) await settledBy(clock, thaw.promise, clock.now() + THAW_NOTICE_MS);
        const frozen = thaws !== thawsBefore || used !== connections;
        if (!frozen && (wasTrusted || attempts > 1)) return outcome;
        reopen(used);
        if (attempts >= MAX_ATTEMPTS) return { kind: 'interrupted', last: outcome };
      }
    },
    expectFreeze() {
      freezeExpected = true;
    },
    distrustConnections() {
      freezeExpected = false;
      thaws++;
      thaw.resolve();
      thaw = Promise.withResolvers();
      connections.trusted &&= connections.pool.stats.connected === 0;
      for (const post of inFlight) post.giveUpAfter(distrustedLimitMs());
    },
  };
}

interface Connections {
  readonly pool: Pool;
  trusted: boolean;
}

/** One request on its way. */
interface Attempt {
  readonly outcome: Promise<PushOutcome>;
  /** Limits the rest of the attempt, from now on; a limit that ends earlier stays in force. */
  giveUpAfter(limitMs: number): void;
}

/** Whether Loki, or whoever stands before it, has said something. */
function isAnswer(outcome: PushOutcome): boolean {
  return outcome.kind !== 'unreachable' && outcome.kind !== 'unanswered' && outcome.kind !== 'unreadable';
}

function startPost(pool: Pool, request: Dispatcher.DispatchOptions, clock: Clock): Attempt {
  const { promise, resolve } = Promise.withResolvers<PushOutcome>();
  let status = 0;
  let retryAfter: string | undefined;
  let contentType: string | undefined;
  let location: string | undefined;
  let text = '';
  let abort: ((reason: Error) => void) | undefined;
  let over = false;
  let endMs: EpochMs = Number.POSITIVE_INFINITY;
  let timer: Timer | undefined;

  /** @param otherwise the outcome if no status has come */
  function finish(otherwise: PushOutcome): void {
    if (over) return;
    over = true;
    timer?.cancel();
    resolve(status > 0 ? toOutcome({ status, text, contentType, retryAfter, location }, clock.now()) : otherwise);
  }

  pool.dispatch(request, {
    onRequestStart(controller) {
      abort = (reason) => controller.abort(reason);
      if (over) abort(new Error('given up before it was sent'));
    },
    onResponseStart(_controller, statusCode, responseHeaders) {
      status = statusCode;
      retryAfter = String(responseHeaders['retry-after'] ?? '') || undefined;
      contentType = String(responseHeaders['content-type'] ?? '') || undefined;
      location = String(responseHeaders['location'] ?? '') || undefined;
    },
    onResponseData(_controller, chunk) {
      if (text.length < MAX_ANSWER_BYTES) text += chunk.toString('utf8', 0, MAX_ANSWER_BYTES);
    },
    onResponseEnd: () => finish({ kind: 'unanswered', phase: 'answer', detail: 'an answer without a status' }),
    onResponseError: (_controller, error) => finish(outcomeOf(error)),
  });

  return {
    outcome: promise,
    giveUpAfter(limitMs) {
      const newLimitMs = clock.now() + limitMs;
      if (over || newLimitMs >= endMs) return;
      endMs = newLimitMs;
      timer?.cancel();
      timer = clock.after(limitMs, () => {
        finish({ kind: 'unanswered', phase: 'answer', detail: `no answer within ${limitMs} ms` });
        abort?.(new Error('given up'));
      });
    },
  };
}

const PHASES: Readonly<Record<string, UnreachablePhase>> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_server_silent',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'no_route',
  ENETUNREACH: 'no_route',
  ETIMEDOUT: 'no_route',
};

function outcomeOf(error: Error & { code?: string }): PushOutcome {
  const { code } = error;
  const detail = describe(error);
  if (code?.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return { kind: 'unreadable', code, detail };
  const isTls = /^ERR_(?:SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO/.test(code ?? '');
  return { kind: 'unreachable', phase: isTls ? 'tls' : (PHASES[code ?? ''] ?? 'closed'), code, detail };
}

/** Names the failure as an operator knows it: `ECONNREFUSED`, `ENOTFOUND`, `UND_ERR_SOCKET other side closed`. */
function describe(error: Error & { code?: string }): string {
  return [error.code, error.message].filter(Boolean).join(' ').slice(0, 300);
}
