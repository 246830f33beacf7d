// A fake Loki for tests: a real HTTP server on a free loopback port that decodes pushes with its own readers,
// enforces Loki's default limits, stores typed entries and answers as it is told to.
// It promises: what Loki would refuse is refused with Loki's status and wording, what it would keep is kept.
// Contract: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Conditions } from './conditions.ts';
import { type LokiAnswer, type LokiRequest, type LokiScript, textOf } from './loki/answers.ts';
import { decodeBody } from './loki/body.ts';
import { defaultLimits, type LokiLimits } from './loki/limits.ts';
import { LokiStore, type StoredEntry, type Verdict } from './loki/store.ts';
import { LoopbackServer } from './loopback-server.ts';

export interface FakeLokiOptions {
  /** Paths that take pushes; every other path is 404. Default: `/loki/api/v1/push`. */
  readonly paths?: readonly string[];
  /** Overrides of Loki's limits; a time check is switched off by giving it as `undefined`. */
  readonly limits?: Partial<LokiLimits>;
  /** The server's clock, epoch milliseconds. */
  readonly now?: () => number;
  /** Refuses other credentials with 401, as a gateway does. */
  readonly auth?: { readonly username: string; readonly password: string } | { readonly bearerToken: string };
  /** A server of several tenants: 401 without `X-Scope-OrgID`, 401 for another tenant. */
  readonly tenant?: string;
  /** Answers queries too, with all lines that hold the text of `|= "text"`; `forbidden` for credentials that may only write. */
  readonly queries?: 'answered' | 'forbidden';
  /** Wait before every answer. */
  readonly latencyMs?: number;
}

const QUERY_PATH = '/loki/api/v1/query_range';

export interface EntryFilter {
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Starts a fake Loki on a free port of 127.0.0.1; close it when done. */
export async function startFakeLoki(options: FakeLokiOptions = {}): Promise<FakeLoki> {
  const loki = new FakeLoki(options);
  await loki.listen();
  return loki;
}

/** Invariant: a request is in `requests` before it is judged, and entries are stored before their answer is sent. */
export class FakeLoki {
  readonly requests: LokiRequest[] = [];
  latencyMs: number;
  limits: LokiLimits;
  readonly #options: FakeLokiOptions;
  readonly #store = new LokiStore();
  readonly #server = new LoopbackServer((request, response) => this.#serve(request, response));
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #conditions = new Conditions();
  #script: (request: LokiRequest) => LokiAnswer | undefined = () => undefined;

  constructor(options: FakeLokiOptions) {
    this.#options = options;
    this.latencyMs = options.latencyMs ?? 0;
    this.limits = { ...defaultLimits, ...options.limits };
  }

  /** Base URL, without a path. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get port(): number {
    return this.#server.port;
  }

  /** TCP connections seen so far, closed ones too. */
  get connectionCount(): number {
    return this.#server.connectionCount;
  }

  /** Entries that came again with the identity of a stored one. */
  get duplicates(): number {
    return this.#store.duplicates;
  }

  /** Lets go of what it has seen: for a test that runs for hours. */
  forget(): void {
    this.#store.forget();
    this.requests.length = 0;
  }

  /** Stored entries in the order of arrival. */
  entries(filter: EntryFilter = {}): readonly StoredEntry[] {
    const { labels, metadata } = filter;
    if (labels === undefined && metadata === undefined) return this.#store.entries;
    return this.#store.entries.filter((entry) => holds(entry.labels, labels) && holds(entry.metadata, metadata));
  }

  /** The lines of one record type (`function`, `platform`, `extension`), in the order of arrival. */
  lines(type: string): readonly string[] {
    return this.entries({ labels: { type } }).map((entry) => entry.line);
  }

  /** Replaces the script: answers used in turn, or a function asked at every push. An empty list ends all scripting. */
  script(script: LokiScript): void {
    if (typeof script === 'function') {
      this.#script = script;
      return;
    }
    const answers = [...script];
    this.#script = () => answers.shift();
  }

  /** Resolves as soon as the predicate holds, looked at after every change; rejects after `timeoutMs`. */
  async waitFor(predicate: (loki: FakeLoki) => boolean, timeoutMs = 10_000): Promise<void> {
    if (await this.#conditions.until(() => predicate(this), timeoutMs)) return;
    const counts = `${this.requests.length} requests, ${this.#store.entries.length} entries`;
    throw new Error(`the fake Loki waited ${timeoutMs} ms in vain (${counts})`);
  }

  /** Opens the port, the same as before after `refuse()`. */
  listen(): Promise<void> {
    return this.#server.listen();
  }

  /** Closes the port and cuts every connection: clients are refused until `listen()`. */
  refuse(): Promise<void> {
    return this.#server.refuse();
  }

  /** Cuts every connection with a reset; new ones are welcome. */
  destroyConnections(): void {
    this.#server.destroyConnections();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.refuse();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (path === '/ready') send(response, 200, 'ready\n');
      else if (path === QUERY_PATH && this.#options.queries) this.#query(request, response);
      else if (!(this.#options.paths ?? ['/loki/api/v1/push']).includes(path)) send(response, 404, textOf(404));
      else if (request.method !== 'POST') response.writeHead(405).end();
      else this.#push(request, response, path, Buffer.concat(chunks));
    });
  }

  #query({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const [, text = ''] = /\|= "([^"]*)"/.exec(new URL(url, this.url).searchParams.get('query') ?? '') ?? [];
    const { auth, tenant, queries } = this.#options;
    const isOther = tenant !== undefined && headers['x-scope-orgid'] !== tenant;
    if (isOther || (auth !== undefined && headers['authorization'] !== authorization(auth)))
      send(response, 401, textOf(401));
    else if (queries === 'forbidden') send(response, 403, textOf(403));
    else {
      const found = this.#store.entries.filter(({ line }) => line.includes(text));
      const result = found.map(({ labels, timestampNs, line }) => ({
        stream: labels,
        values: [[String(timestampNs), line]],
      }));
      send(response, 200, JSON.stringify({ status: 'success', data: { resultType: 'streams', result } }));
    }
  }

  #push(incoming: IncomingMessage, response: ServerResponse, path: string, wire: Buffer): void {
    const { headers } = incoming;
    const decoded = decodeBody(headers['content-type'], headers['content-encoding'], wire);
    const request: LokiRequest = {
      index: this.requests.length,
      method: incoming.method ?? '',
      path,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()])),
      wire,
      raw: 'problem' in decoded ? undefined : decoded.raw,
      streams: 'problem' in decoded ? [] : decoded.streams,
      connection: this.#server.connectionOf(incoming.socket),
      arrivedAtEpochMs: Date.now(),
      status: undefined,
    };
    this.requests.push(request);
    const answer = this.#script(request) ?? {};
    const reaches = answer.stall !== true && answer.reset !== true;
    const stored = reaches && (answer.status === undefined || answer.store === true);
    const judged = stored ? this.#judge(request, 'problem' in decoded ? decoded.problem : undefined) : undefined;
    const verdict = answer.status === undefined ? judged : { status: answer.status, body: textOf(answer.status) };
    if (answer.interim !== undefined) incoming.socket.write(`HTTP/1.1 ${answer.interim} Wait\r\nLink: </x>\r\n\r\n`);
    if (answer.reset === true || answer.resetAfterStore === true) {
      this.#after(answer.delayMs ?? 0, () => incoming.socket.resetAndDestroy());
    } else if (verdict !== undefined && reaches) {
      this.#after(this.latencyMs + (answer.delayMs ?? 0), () => this.#answer(request, response, answer, verdict));
    }
    this.#conditions.changed();
  }

  /** Checks and stores as Loki would. */
  #judge(request: LokiRequest, problem: string | undefined): Verdict {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return refusal;
    if (problem !== undefined) return { status: 400, body: problem };
    const context = {
      rawBytes: request.raw?.length ?? 0,
      requestIndex: request.index,
      limits: this.limits,
      nowMs: (this.#options.now ?? Date.now)(),
    };
    return this.#store.push(request.streams, context);
  }

  #refusal(request: LokiRequest): Verdict | undefined {
    const { auth, tenant } = this.#options;
    if (auth !== undefined && request.headers['authorization'] !== authorization(auth)) {
      return { status: 401, body: textOf(401) };
    }
    const given = request.headers['x-scope-orgid'] ?? '';
    return tenant === undefined || given === tenant ? undefined : { status: 401, body: 'no org id' };
  }

  #answer(request: LokiRequest, response: ServerResponse, answer: LokiAnswer, verdict: Verdict): void {
    request.status = verdict.status;
    const body = answer.body ?? verdict.body;
    if (answer.bodyDelayMs === undefined) send(response, verdict.status, body, answer.headers);
    else {
      response.writeHead(verdict.status, answer.headers).flushHeaders();
      this.#after(answer.bodyDelayMs, () => response.end(body));
    }
    this.#conditions.changed();
  }

  #after(delayMs: number, action: () => void): void {
    if (delayMs <= 0) {
      action();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }
}

function send(response: ServerResponse, status: number, body: string, headers: LokiAnswer['headers'] = {}): void {
  if (status === 204) {
    response.writeHead(204, headers).end();
    return;
  }
  const type = body.startsWith('<') ? 'text/html' : 'text/plain; charset=utf-8';
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers });
  response.end(body.endsWith('\n') ? body : `${body}\n`);
}

function authorization(auth: NonNullable<FakeLokiOptions['auth']>): string {
  if ('bearerToken' in auth) return `Bearer ${auth.bearerToken}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

function holds(values: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => values[name] === value);
}
