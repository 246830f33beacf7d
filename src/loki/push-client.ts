// Sends one body to Loki's push endpoint and says what came of it. Never throws, never retries an answer, knows nothing of batches.
// It owns the connections, and so the one retry that belongs to them: a connection that was open during a freeze may be dead without
// our knowing, and a failure on such a one says nothing about Loki.
import type { Pool } from 'undici';
import UndiciPool from 'undici/lib/dispatcher/pool.js';
import type { Clock, EpochMs } from '../time.ts';
import { type PushOutcome, toOutcome } from './answer.ts';
import type { Endpoint } from './endpoint.ts';

export interface PushClient {
  push(body: Buffer): Promise<PushOutcome>;
  /** Call after a freeze: connections that are open now may be dead. */
  distrustConnections(): void;
}

/** Pushes at once. Also the number of connections, as HTTP/1.1 answers one request at a time on each. */
export const MAX_CONNECTIONS = 4;
/** Load balancers close a connection that was idle for 60 s, Loki after 120 s. */
const IDLE_MS = 50_000;
/**
 * An attempt on a distrusted connection is given up after this, or after twice what the last answer took if that is longer: a connection
 * that swallows everything must not cost a whole flush.
 */
const DISTRUSTED_TIMEOUT_MS = 1_000;
/** What is kept of the text of an answer: Loki lists up to ten refused entries. */
const MAX_ANSWER_BYTES = 4_096;

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
  let connections = open();
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

  return {
    async push(body) {
      if (!connections.trusted && clock.now() - lastUsedMs > IDLE_MS) reopen(connections);
      const used = connections;
      const startMs = clock.now();
      lastUsedMs = startMs;
      const limitMs = used.trusted ? timeoutMs : Math.min(timeoutMs, Math.max(DISTRUSTED_TIMEOUT_MS, 2 * lastAnswerMs));
      let outcome = await post(used.pool, pathname + search, headers, body, limitMs, clock);
      const unanswered = outcome.kind === 'unreachable' || (outcome.kind === 'failed' && outcome.unanswered === true);
      if (unanswered && (!used.trusted || used !== connections)) {
        reopen(used);
        const fresh = connections;
        outcome = await post(fresh.pool, pathname + search, headers, body, timeoutMs, clock);
      } else if (!unanswered) {
        used.trusted = true;
        lastAnswerMs = clock.now() - startMs;
      }
      lastUsedMs = clock.now();
      return outcome;
    },
    distrustConnections() {
      connections.trusted = false;
    },
  };
}

interface Connections {
  readonly pool: Pool;
  trusted: boolean;
}

function post(
  pool: Pool,
  path: string,
  headers: Record<string, string>,
  body: Buffer,
  timeoutMs: number,
  clock: Clock,
): Promise<PushOutcome> {
  return new Promise((resolve) => {
    let status = 0;
    let retryAfter: string | undefined;
    let text = '';
    let abort: ((reason: Error) => void) | undefined;
    let over = false;
    const finish = (outcome: PushOutcome) => {
      over = true;
      timer.cancel();
      resolve(outcome);
    };
    const answer = () => toOutcome({ status, text, retryAfter }, clock.now());
    const timer = clock.after(timeoutMs, () => {
      finish(status > 0 ? answer() : { kind: 'failed', unanswered: true, detail: `no answer within ${timeoutMs} ms` });
      abort?.(new Error('timeout'));
    });
    pool.dispatch(
      { path, method: 'POST', headers, body },
      {
        onRequestStart(controller) {
          abort = (reason) => controller.abort(reason);
          if (over) controller.abort(new Error('timeout'));
        },
        onResponseStart(_controller, statusCode, responseHeaders) {
          status = statusCode;
          retryAfter = String(responseHeaders['retry-after'] ?? '') || undefined;
        },
        onResponseData(_controller, chunk) {
          if (text.length < MAX_ANSWER_BYTES) text += chunk.toString('utf8', 0, MAX_ANSWER_BYTES);
        },
        onResponseEnd: () => finish(answer()),
        onResponseError(_controller, error) {
          if (!over) finish(status > 0 ? answer() : { kind: 'unreachable', detail: describe(error) });
        },
      },
    );
  });
}

/** Names the failure as an operator knows it: `ECONNREFUSED`, `ENOTFOUND`, `UND_ERR_SOCKET other side closed`. */
function describe(error: Error & { code?: string }): string {
  return [error.code, error.message].filter(Boolean).join(' ').slice(0, 300);
}
