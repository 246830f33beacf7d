// Sends one request to an AWS service. Each gets a connection of its own, as a sandbox makes only a few. Nothing waits
// without a limit, and a freeze in between is not blamed on the service.
import type { Dispatcher } from 'undici';
import UndiciClient from 'undici/lib/dispatcher/client.js';
import type { OnTheWay } from '../diagnosis/symptoms.ts';
import { ConnectError, type Connecting, createConnector, throughProxy, type Way } from '../net/connect.ts';
import { createLimit, type SteadyClock } from '../time.ts';
import { type HttpAnswer, type HttpRequest, type SendHttp, UnreachableError } from './fetch-secret.ts';

export interface Sender {
  readonly send: SendHttp;
  /** The sandbox was thawed: connections may be dead. */
  thawed(): void;
}

const LIMIT_MS = 3_000;
/** The time left to a request that was under way during a freeze. */
const AFTER_THAW_MS = 1_000;
const MAX_ATTEMPTS = 3;
/** A secret has at most 64 KB, and JSON may write each byte in six characters. */
const MAX_ANSWER_CHARACTERS = 512 * 1024;

export function createSender(wayTo: (url: URL) => Way, clock: SteadyClock): Sender {
  const underWay = new Set<(limitMs: number) => void>();
  let thaws = 0;

  async function send(make: () => HttpRequest): Promise<HttpAnswer> {
    for (let attempts = 1; ; attempts++) {
      const thawsBefore = thaws;
      const isFinal = () => thaws === thawsBefore || attempts === MAX_ATTEMPTS;
      const request = make();
      try {
        const answer = await sendOnce(request, wayTo(new URL(request.url)), clock, underWay);
        if (answer.status < 400 || isFinal()) return answer;
      } catch (error) {
        if (isFinal()) throw error;
      }
    }
  }

  return {
    send,
    thawed() {
      thaws++;
      for (const limit of underWay) limit(AFTER_THAW_MS);
    },
  };
}

function sendOnce(
  { method, url, headers, body }: HttpRequest,
  way: Way,
  clock: SteadyClock,
  underWay: Set<(limitMs: number) => void>,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const target = new URL(url);
  const connecting = createConnector(target.origin, clock, way)();
  const client = clientOn(connecting, target.origin);
  const limit = createLimit(clock, (limitMs) => {
    fail(sent ? unanswered(`no answer within ${limitMs} ms`) : toWay(connecting.trouble(limitMs)));
  });
  let sent = false;
  let status = 0;
  let text = '';
  let dateMs: number | undefined;

  function end(): void {
    limit.lift();
    underWay.delete(limit.set);
    connecting.cancel();
    client.destroy().catch(() => {});
  }

  function fail(trouble: OnTheWay): void {
    reject(new UnreachableError(trouble));
    end();
  }

  limit.set(LIMIT_MS);
  underWay.add(limit.set);
  const { path, headers: proxyHeaders } = throughProxy(target, way);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {
      sent = true;
    },
    onResponseStart(_controller, answered, answerHeaders) {
      status = answered;
      dateMs = Date.parse(String(answerHeaders['date'])) || undefined;
    },
    onResponseData(_controller, chunk) {
      if (text.length < MAX_ANSWER_CHARACTERS) text += chunk.toString('utf8');
    },
    onResponseEnd() {
      resolve({ status, text, dateMs });
      end();
    },
    onResponseError(_controller, error) {
      fail(
        error instanceof ConnectError
          ? toWay(error)
          : unanswered(`${(error as NodeJS.ErrnoException).code ?? error.name}`),
      );
    },
  };
  client.dispatch({ path, method, headers: { ...headers, ...proxyHeaders }, body: body ?? null }, handler);
  return promise;
}

/** A client that lives as long as this one connection. */
function clientOn(connecting: Connecting, origin: string): UndiciClient {
  return new UndiciClient(origin, {
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(_options, callback) {
      connecting.socket.then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
  });
}

function toWay({ phase, code, message, address, proxy }: ConnectError): OnTheWay {
  return { kind: 'unreachable', phase, code, detail: message, address, proxy };
}

function unanswered(detail: string): OnTheWay {
  return { kind: 'unanswered', phase: 'answer', detail };
}
