// The platform's side of one extension process: registered, subscribed, waiting for an event. A new process after a
// timeout or a crash gets a new session. Answers and refusals follow the Extensions API 2020-01-01 and its emulator.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Conditions } from '../conditions.ts';
import { type ApiAnswer, errorAnswer, type Headers, jsonAnswer } from './api.ts';
import { RecordDelivery } from './delivery.ts';
import type { FunctionFacts } from './environment.ts';
import type { Exit } from './process.ts';
import type { LambdaRecord } from './records.ts';
import { readSubscription, type Subscription, type SubscriptionApi, schemaVersions } from './subscription.ts';

/** `on-demand`: everything. `unsupported`: subscriptions answer 202. `managed-instances`: no INVOKE, no Logs API. */
export type Mode = 'on-demand' | 'unsupported' | 'managed-instances';

export interface SessionRules {
  readonly mode: Mode;
  readonly extensionName: string;
  readonly function: FunctionFacts;
  /** Telemetry schema versions that are taken. */
  readonly telemetryVersions: readonly string[];
  /** Told of every refusal: what a correct extension never hears. */
  readonly onViolation: (what: string) => void;
  /** Told of every record that the extension has taken. */
  readonly onTaken: (records: readonly LambdaRecord[]) => void;
}

const identifierHeader = 'lambda-extension-identifier';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Invariant: an event is answered to exactly one request for next, and subscribing ends with the first such request. */
export class ExtensionSession {
  readonly startedMs = performance.now();
  registeredMs: number | undefined;
  firstNextMs: number | undefined;
  /** When next was last asked for, on the monotonic clock. */
  nextAskedMs = 0;
  events: readonly string[] = [];
  subscription: Subscription | undefined;
  delivery: RecordDelivery | undefined;
  exit: Exit | undefined;
  readonly #rules: SessionRules;
  readonly #conditions: Conditions;
  #identifier: string | undefined;
  #failed = false;
  #waiting: ((answer: ApiAnswer) => void) | undefined;

  constructor(rules: SessionRules, conditions: Conditions) {
    this.#rules = rules;
    this.#conditions = conditions;
  }

  /** Whether the extension waits for an event at this moment. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  register(headers: Headers, body: string): ApiAnswer {
    const name = headers['lambda-extension-name'] ?? '';
    const request = parse(body);
    const events: unknown[] = Array.isArray(request?.['events']) ? request['events'] : [];
    const keys = request?.['configurationKeys'];
    if (name === '') return this.#refuse('Extension.InvalidExtensionName', 'Empty extension name');
    if (request === undefined) return this.#refuse('InvalidRequestFormat', 'unexpected end of JSON input');
    if (Array.isArray(keys) && keys.length > 0)
      return this.#refuse('InvalidRequestFormat', 'configurationKeys are deprecated');
    const unknown = events.find((event) => event !== 'INVOKE' && event !== 'SHUTDOWN');
    const managed = this.#rules.mode === 'managed-instances';
    const refused = unknown ?? (managed ? events.find((event) => event === 'INVOKE') : undefined);
    if (refused !== undefined)
      return this.#refuse('Extension.InvalidEventType', `${String(refused)}: ErrorInvalidEventType`);
    if (name !== this.#rules.extensionName) {
      const why = 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension';
      return this.#refuse('Extension.InvalidEventType', managed ? 'No events allowed for internal extensions' : why);
    }
    if (this.#identifier !== undefined) {
      const why = `State transition from Registered to Registered failed for extension ${name}. Error: State transition is not allowed`;
      return this.#refuse('Extension.InvalidExtensionState', why);
    }
    this.#identifier = randomUUID();
    this.events = events.map(String);
    this.registeredMs = performance.now();
    this.#conditions.changed();
    const { name: functionName, version: functionVersion, handler, accountId } = this.#rules.function;
    const features = (headers['lambda-extension-accept-feature'] ?? '').split(',').map((feature) => feature.trim());
    const account = features.includes('accountId') ? { accountId } : {};
    const answer = jsonAnswer(200, { functionName, functionVersion, handler, ...account });
    return { ...answer, headers: { ...answer.headers, 'lambda-extension-identifier': this.#identifier } };
  }

  subscribe(api: SubscriptionApi, headers: Headers, body: string): ApiAnswer {
    const title = api === 'logs' ? 'Logs' : 'Telemetry';
    if (this.#rules.mode === 'unsupported') {
      return errorAnswer(202, `${title}.NotSupported`, `${title} API is not supported`);
    }
    if (this.#rules.mode === 'managed-instances' && api === 'logs')
      return { status: 404, body: '404 page not found\n' };
    const refusal = this.#identify(headers);
    if (refusal !== undefined) return refusal;
    if (this.firstNextMs !== undefined) {
      return this.#refuse(`${title}.SubscriptionClosed`, `${title} API subscription is closed`);
    }
    if (this.subscription !== undefined) {
      this.#rules.onViolation(`second subscription, to the ${title} API`);
      return errorAnswer(500, 'InternalServerError', 'Internal Server Error');
    }
    const versions = api === 'telemetry' ? this.#rules.telemetryVersions : schemaVersions.logs;
    const subscription = readSubscription(api, body, versions);
    if ('problem' in subscription) {
      // Older schema versions are found by trying: being refused one is no fault of the extension.
      if (!/^schemaVersion [^;]*$/.test(subscription.problem)) this.#rules.onViolation(subscription.problem);
      return errorAnswer(400, api === 'logs' ? 'Logs.ValidationError' : 'ValidationError', subscription.problem);
    }
    this.subscription = subscription;
    this.delivery = new RecordDelivery(subscription, this.#rules.onTaken);
    this.#conditions.changed();
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '"OK"' };
  }

  /** A request for the next event: answered at once with a refusal, or later through `send`. */
  next(headers: Headers, respond: (answer: ApiAnswer) => void): void {
    const refusal = this.#identify(headers) ?? this.#checkState();
    if (refusal !== undefined) {
      respond(refusal);
      return;
    }
    if (this.#waiting !== undefined) this.#rules.onViolation('next event asked for twice at a time');
    this.#waiting = respond;
    this.nextAskedMs = performance.now();
    this.firstNextMs ??= this.nextAskedMs;
    this.#conditions.changed();
  }

  /** The connection of a waiting request was closed by the extension. */
  nextAborted(respond: (answer: ApiAnswer) => void): void {
    if (this.#waiting !== respond) return;
    this.#waiting = undefined;
    if (this.exit === undefined) this.#rules.onViolation('request for the next event given up by the extension');
  }

  /** Answers the waiting request; false when the extension does not wait. */
  send(event: Readonly<Record<string, unknown>>): boolean {
    const respond = this.#waiting;
    if (respond === undefined) return false;
    this.#waiting = undefined;
    const invoke = event['eventType'] === 'INVOKE';
    const answer = jsonAnswer(200, event);
    respond({
      ...answer,
      headers: invoke
        ? { ...answer.headers, 'lambda-extension-event-identifier': randomUUID() }
        : { 'content-type': 'text/plain; charset=utf-8' },
    });
    return true;
  }

  /** `init/error` or `exit/error`. */
  fail(kind: 'init' | 'exit', headers: Headers, body: string): ApiAnswer {
    const refusal = this.#identify(headers) ?? this.#checkState();
    if (refusal !== undefined) return refusal;
    const type = headers['lambda-extension-function-error-type'];
    if (type === undefined)
      return this.#refuse('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type header not set');
    this.#failed = true;
    this.#rules.onViolation(`${kind}/error ${type} ${body}`);
    return jsonAnswer(202, { status: 'OK' });
  }

  #identify(headers: Headers): ApiAnswer | undefined {
    const given = headers[identifierHeader];
    if (given === undefined) {
      return this.#refuse('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header');
    }
    if (!uuid.test(given))
      return this.#refuse('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier');
    if (given !== this.#identifier)
      return this.#refuse('Extension.UnknownExtensionIdentifier', `Unknown extension ${given}`);
    return undefined;
  }

  #checkState(): ApiAnswer | undefined {
    return this.#failed
      ? this.#refuse('Extension.InvalidExtensionState', 'State transition is not allowed')
      : undefined;
  }

  #refuse(errorType: string, errorMessage: string): ApiAnswer {
    const guess = this.#rules.mode === 'managed-instances' && errorMessage.startsWith('INVOKE');
    if (!guess) this.#rules.onViolation(`${errorType}: ${errorMessage}`);
    return errorAnswer(403, errorType, errorMessage);
  }
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
