// Routes of the Runtime API that extensions use, and the plumbing between node:http and a session.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExtensionSession } from './session.ts';

export type Headers = Readonly<Record<string, string | undefined>>;

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One call of the extension, with the answer it got; the answer to a blocked request for next is left out. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  answer?: ApiAnswer;
}

/** Overrides the answer to a call; `reset` destroys its connection. */
export type Intercept = (call: ApiCall) => ApiAnswer | 'reset' | undefined;

export function jsonAnswer(status: number, value: unknown): ApiAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

export function errorAnswer(status: number, errorType: string, errorMessage: string): ApiAnswer {
  const answer = jsonAnswer(status, { errorMessage, errorType });
  return { ...answer, body: `${answer.body}\n` };
}

const routes: Readonly<Record<string, { readonly method: string; readonly kind: Kind }>> = {
  '/2020-01-01/extension/register': { method: 'POST', kind: 'register' },
  '/2020-01-01/extension/event/next': { method: 'GET', kind: 'next' },
  '/2020-01-01/extension/init/error': { method: 'POST', kind: 'init' },
  '/2020-01-01/extension/exit/error': { method: 'POST', kind: 'exit' },
  '/2020-08-15/logs': { method: 'PUT', kind: 'logs' },
  '/2022-07-01/telemetry': { method: 'PUT', kind: 'telemetry' },
};

type Kind = 'register' | 'next' | 'init' | 'exit' | 'logs' | 'telemetry';

export interface ApiContext {
  /** The session of the process that lives now. */
  readonly session: () => ExtensionSession | undefined;
  readonly intercept: Intercept | undefined;
  readonly onCall: (call: ApiCall) => void;
  readonly onViolation: (what: string) => void;
}

/** Reads one HTTP request and answers it from the session. */
export function serveApi(request: IncomingMessage, response: ServerResponse, context: ApiContext): void {
  const chunks: Buffer[] = [];
  request.on('error', () => {});
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]),
    );
    const body = Buffer.concat(chunks).toString('utf8');
    const call: ApiCall = { method: request.method ?? '', path: request.url ?? '', headers, body };
    context.onCall(call);
    const override = context.intercept?.(call);
    if (override === 'reset') request.socket.resetAndDestroy();
    else if (override !== undefined) answer(response, call, override);
    else route(call, response, context);
  });
}

function route(call: ApiCall, response: ServerResponse, context: ApiContext): void {
  const session = context.session();
  const found = routes[call.path];
  if (found === undefined || session === undefined) {
    context.onViolation(`no such path: ${call.method} ${call.path}`);
    answer(response, call, { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' });
  } else if (found.method !== call.method) {
    context.onViolation(`wrong method: ${call.method} ${call.path}`);
    answer(response, call, { status: 405, body: '' });
  } else if (found.kind === 'next') {
    const respond = (event: ApiAnswer) => answer(response, call, event);
    response.on('close', () => session.nextAborted(respond));
    session.next(call.headers, respond);
  } else {
    answer(response, call, answerOf(found.kind, call, session));
  }
}

function answerOf(kind: Exclude<Kind, 'next'>, call: ApiCall, session: ExtensionSession): ApiAnswer {
  if (kind === 'register') return session.register(call.headers, call.body);
  if (kind === 'init' || kind === 'exit') return session.fail(kind, call.headers, call.body);
  return session.subscribe(kind, call.headers, call.body);
}

function answer(response: ServerResponse, call: ApiCall, { status, headers, body }: ApiAnswer): void {
  call.answer = { status, body, ...(headers === undefined ? {} : { headers }) };
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
