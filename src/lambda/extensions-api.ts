// The Lambda Extensions API, version 2020-01-01: register and next event.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
import type { EpochMs } from '../time.ts';
import type { RuntimeApi } from './runtime-api.ts';

const BASE_PATH = '/2020-01-01/extension';

export type LifecycleEvent = 'INVOKE' | 'SHUTDOWN';

export interface Registration {
  readonly extensionId: string;
  readonly functionName: string | undefined;
  readonly functionVersion: string | undefined;
  readonly accountId: string | undefined;
  /** What was registered for: Lambda Managed Instances refuse INVOKE. */
  readonly events: readonly LifecycleEvent[];
}

/** Why the platform did not let us register. */
export interface RegistrationRefusal {
  readonly status: number;
  readonly message: string;
}

export interface InvokeEvent {
  readonly kind: 'invoke';
  readonly requestId: string;
  /** When the function's timeout strikes. */
  readonly deadlineMs: EpochMs;
  /** The X-Ray trace header of the invocation, as in `Root=1-...;Parent=...;Sampled=1`. */
  readonly traceHeader: string | undefined;
  /** As it was invoked: it may end in an alias or a version. */
  readonly invokedArn: string | undefined;
}

export interface ShutdownEvent {
  readonly kind: 'shutdown';
  /** In lower case. An open set: `spindown`, `timeout` and `failure` are documented, emulators send others. */
  readonly reason: string;
  readonly deadlineMs: EpochMs;
}

export type NextEvent = InvokeEvent | ShutdownEvent;

export interface ExtensionsApi {
  /**
   * Registers for INVOKE and SHUTDOWN, or for SHUTDOWN alone where the platform refuses INVOKE (Lambda Managed
   * Instances).
   * @param managed whether that is known already
   * @throws when the connection fails
   */
  register(managed: boolean, onSent?: () => void): Promise<Registration | RegistrationRefusal>;
  /**
   * Says that we are done with the last event, and waits for the next one, for hours if need be.
   * @throws when the connection fails or the answer is no event
   */
  next(extensionId: string, onSent?: () => void): Promise<NextEvent>;
}

/** @param extensionNames the names by which the platform may know the extension, the likeliest first */
export function createExtensionsApi(api: RuntimeApi, extensionNames: readonly string[]): ExtensionsApi {
  async function register(
    extensionName: string,
    events: readonly LifecycleEvent[],
    onSent?: () => void,
  ): Promise<Registration | RegistrationRefusal> {
    const { status, headers, body } = await api.request(
      {
        method: 'POST',
        path: `${BASE_PATH}/register`,
        headers: { 'Lambda-Extension-Name': extensionName, 'Lambda-Extension-Accept-Feature': 'accountId' },
        body: JSON.stringify({ events }),
      },
      onSent,
    );
    const extensionId = headers.get('lambda-extension-identifier');
    if (status !== 200 || extensionId === undefined) return { status, message: body.trim() };
    const answer = parseObject(body);
    return {
      extensionId,
      functionName: textOf(answer['functionName']),
      functionVersion: textOf(answer['functionVersion']),
      accountId: textOf(answer['accountId']),
      events,
    };
  }

  return {
    async register(managed, onSent) {
      let answer: Registration | RegistrationRefusal = { status: 0, message: 'no name to register by' };
      for (const name of extensionNames) {
        answer = await register(name, managed ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN'], onSent);
        if (refusesInvoke(answer)) answer = await register(name, ['SHUTDOWN']);
        if ('extensionId' in answer) break;
      }
      return answer;
    },
    async next(extensionId, onSent) {
      const { status, body } = await api.request(
        {
          method: 'GET',
          path: `${BASE_PATH}/event/next`,
          headers: { 'Lambda-Extension-Identifier': extensionId },
        },
        onSent,
      );
      // SHUTDOWN comes as text/plain, so the status decides and the body is JSON whatever its type says.
      if (status !== 200) throw new Error(`next event was answered with ${status}: ${body.trim().slice(0, 300)}`);
      return toEvent(parseObject(body));
    },
  };
}

function refusesInvoke(answer: Registration | RegistrationRefusal): boolean {
  return 'status' in answer && answer.status === 403 && answer.message.includes('INVOKE');
}

function toEvent(body: Record<string, unknown>): NextEvent {
  // Without a deadline that can be read there is no time to take.
  const deadlineMs = Number(body['deadlineMs']) || 0;
  switch (body['eventType']) {
    case 'INVOKE':
      return {
        kind: 'invoke',
        requestId: String(body['requestId']),
        deadlineMs,
        traceHeader: textOf((body['tracing'] as { value?: unknown } | undefined)?.value),
        invokedArn: textOf(body['invokedFunctionArn']),
      };
    case 'SHUTDOWN':
      return { kind: 'shutdown', reason: String(body['shutdownReason'] ?? '').toLowerCase(), deadlineMs };
    default:
      throw new Error(`next event has the unknown type ${JSON.stringify(body['eventType'])}`);
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
