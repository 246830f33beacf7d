// Where the demo's logs go: to a Loki embedded in this program, or to a real one through a relay that reads along.
// The relay counts an entry as arrived when the real Loki has said yes to the push that carried it. What Loki does with
// it afterwards, the relay cannot know: only a query can tell.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startFakeLoki } from '../../test/fakes/fake-loki.ts';
import { decodeBody } from '../../test/fakes/loki/body.ts';
import { defaultLimits } from '../../test/fakes/loki/limits.ts';
import { LokiStore, type StoredEntry } from '../../test/fakes/loki/store.ts';
import { LoopbackServer } from '../../test/fakes/loopback-server.ts';

export interface Destination {
  /** What the extension gets as LOKI_PUSH_ENDPOINT. */
  readonly pushUrl: string;
  /** For people; never with credentials. */
  readonly description: string;
  readonly isReal: boolean;
  /** In the order of arrival. A push that was repeated counts once, as in Loki. */
  entries(): readonly StoredEntry[];
  /** Answers other than yes, each text once. */
  refusals(): readonly string[];
  cutConnections(): void;
  close(): Promise<void>;
}

export async function embeddedLoki(): Promise<Destination> {
  const loki = await startFakeLoki();
  return {
    pushUrl: loki.url,
    description: 'a Loki embedded in this program',
    isReal: false,
    entries: () => loki.entries(),
    refusals: () => [],
    cutConnections: () => loki.destroyConnections(),
    close: () => loki.close(),
  };
}

/** Takes what LOKI_PUSH_ENDPOINT says: an http or https URL, with user info or without. */
export async function realLoki({ host, origin, username, password, pathname, search }: URL): Promise<Destination> {
  const store = new LokiStore();
  const refusals = new Set<string>();
  const server = new LoopbackServer((request, response) => void relay(request, response));
  await server.listen();

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await buffer(request);
      const answer = await fetch(`${origin}${request.url}`, {
        method: 'POST',
        headers: forwarded(request),
        body,
        redirect: 'manual',
      });
      const text = await answer.text();
      if (answer.status === 200 || answer.status === 204) remember(request, body);
      else refusals.add(`Loki answered ${answer.status} ${text.trim().slice(0, 300)}`);
      response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.status === 204 ? undefined : text);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      refusals.add(`${host} cannot be reached: ${String(cause)}`);
      request.socket.destroy();
    }
  }

  function remember({ headers }: IncomingMessage, body: Buffer): void {
    const decoded = decodeBody(headers['content-type'], headers['content-encoding'], body);
    if ('problem' in decoded) {
      refusals.add(`the relay cannot read a push that Loki took: ${decoded.problem}`);
      return;
    }
    store.push(decoded.streams, {
      rawBytes: decoded.raw.length,
      requestIndex: 0,
      // Whether an entry is too old or too long has been decided: Loki has taken it.
      limits: { ...defaultLimits, maxLineBytes: Number.MAX_SAFE_INTEGER, maxBehindMs: undefined },
      nowMs: Date.now(),
    });
  }

  const userInfo = username === '' ? '' : `${username}:${password}@`;
  return {
    pushUrl: `http://${userInfo}127.0.0.1:${server.port}${pathname}${search}`,
    description: `${host}, through a relay that counts what is accepted`,
    isReal: true,
    entries: () => store.entries,
    refusals: () => [...refusals],
    cutConnections: () => server.destroyConnections(),
    close: () => server.refuse(),
  };
}

/** What the extension said, without what belongs to its connection to the relay. */
function forwarded({ headers }: IncomingMessage): Headers {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)) {
      kept.set(name, value);
    }
  }
  return kept;
}
