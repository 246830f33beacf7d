// Delivery of records to an extension's listener, as Lambda does it: buffered by time, count and size, one request at
// a time, in order, repeated with backoff while the listener cannot be reached or does not answer 2xx.

import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Conditions } from '../conditions.ts';
import type { LambdaRecord } from './records.ts';
import type { Subscription } from './subscription.ts';

const firstBackoffMs = 10;
const maxBackoffMs = 500;
const answerTimeoutMs = 10_000;

/** One body that was delivered, with every attempt. */
export interface Delivery {
  readonly bytes: number;
  readonly attempts: readonly {
    /** Status answered, or the code of the transport error. */
    readonly outcome: number | string;
    /** From the start of the request to its answer or failure. */
    readonly tookMs: number;
  }[];
}

export interface BodyOptions {
  /** Sends the body in pieces, without a length. */
  readonly chunked?: boolean;
  readonly method?: 'POST' | 'PUT';
}

interface QueuedBody extends BodyOptions {
  readonly body: Buffer;
  /** None for a body that is sent as it stands. */
  readonly records: readonly LambdaRecord[];
  readonly done: (delivery: Delivery) => void;
}

/** Invariant: at most one request is under way, and bodies leave in the order in which their records came. */
export class RecordDelivery {
  readonly deliveries: Delivery[] = [];
  readonly #onTaken: (records: readonly LambdaRecord[]) => void;
  readonly #subscription: Subscription;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #conditions = new Conditions();
  readonly #queue: QueuedBody[] = [];
  #buffer: LambdaRecord[] = [];
  #texts: string[] = [];
  #bufferedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #stopped = false;

  /** @param onTaken told of the records of each body that was answered with 2xx */
  constructor(subscription: Subscription, onTaken: (records: readonly LambdaRecord[]) => void = () => {}) {
    this.#subscription = subscription;
    this.#onTaken = onTaken;
  }

  /** Takes records; they leave when the first of them is `timeoutMs` old, or by count or size before that. */
  add(records: readonly LambdaRecord[]): void {
    if (this.#stopped) return;
    const { maxItems, maxBytes, timeoutMs } = this.#subscription;
    for (const record of records) {
      const text = JSON.stringify(record);
      this.#buffer.push(record);
      this.#texts.push(text);
      this.#bufferedBytes += text.length;
      if (this.#buffer.length >= maxItems || this.#bufferedBytes >= maxBytes) this.#seal();
    }
    if (this.#buffer.length > 0) this.#timer ??= setTimeout(() => this.#seal(), timeoutMs);
  }

  /** Sends a body as it stands, after all that was added before it; resolves when it has been answered with 2xx. */
  raw(body: string | Buffer, options: BodyOptions = {}): Promise<Delivery> {
    this.#seal();
    return new Promise((done) => this.#enqueue({ body: Buffer.from(body), records: [], done, ...options }));
  }

  /** Resolves when nothing is buffered, queued or under way; false after `timeoutMs`. */
  idle(timeoutMs?: number): Promise<boolean> {
    const nothing = () => this.#buffer.length === 0 && this.#queue.length === 0 && !this.#busy;
    return this.#conditions.until(() => nothing() || this.#stopped, timeoutMs);
  }

  /** Ends delivery; what is left is lost. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#agent.destroy();
    this.#conditions.changed();
  }

  #seal(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#buffer.length === 0) return;
    const body = Buffer.from(`[${this.#texts.join(',')}]`);
    const records = this.#buffer;
    this.#buffer = [];
    this.#texts = [];
    this.#bufferedBytes = 0;
    this.#enqueue({ body, records, done: () => {} });
  }

  #enqueue(body: QueuedBody): void {
    this.#queue.push(body);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined && !this.#stopped; next = this.#queue.shift()) {
      await this.#deliver(next);
    }
    this.#busy = false;
    this.#conditions.changed();
  }

  async #deliver(body: QueuedBody): Promise<void> {
    const attempts: Delivery['attempts'][number][] = [];
    for (let backoffMs = firstBackoffMs; !this.#stopped; backoffMs = Math.min(2 * backoffMs, maxBackoffMs)) {
      const startedMs = performance.now();
      const outcome = await this.#send(body);
      attempts.push({ outcome, tookMs: performance.now() - startedMs });
      if (typeof outcome === 'number' && outcome >= 200 && outcome < 300) {
        this.#onTaken(body.records);
        break;
      }
      await this.#conditions.until(() => this.#stopped, backoffMs);
    }
    const delivery = { bytes: body.body.length, attempts };
    this.deliveries.push(delivery);
    body.done(delivery);
  }

  #send({ body, chunked, method }: QueuedBody): Promise<number | string> {
    const { port, path, method: subscribed } = this.#subscription;
    const length = chunked === true ? {} : { 'content-length': body.length };
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Go-http-client/1.1',
      'accept-encoding': 'gzip',
    };
    return new Promise((resolve) => {
      const call = request({
        host: '127.0.0.1',
        port,
        path,
        method: method ?? subscribed,
        agent: this.#agent,
        headers: { host: `sandbox.localdomain:${port}`, ...headers, ...length },
        timeout: answerTimeoutMs,
      });
      call.on('response', (response) => {
        response.resume();
        response.on('close', () => resolve(response.statusCode ?? 0));
      });
      call.on('timeout', () => call.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })));
      call.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      if (chunked === true) for (let at = 0; at < body.length; at += 16_384) call.write(body.subarray(at, at + 16_384));
      call.end(chunked === true ? undefined : body);
    });
  }
}
