// Asks the platform to send the function's logs to our listener, through the Logs API or its successor, the Telemetry
// API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
import type { Registration } from './extensions-api.ts';
import type { RuntimeApi } from './runtime-api.ts';

export type LogType = 'platform' | 'function' | 'extension';
export type SubscriptionApi = 'auto' | 'logs' | 'telemetry';

/**
 * - `subscribed`: the platform delivers from now on
 * - `unsupported`: 202, a local emulator that accepts the call and never delivers
 * - `refused`: no API and no schema version was accepted; `answers` says what each of them said
 */
export type Subscription =
  | { readonly kind: 'subscribed'; readonly api: 'logs' | 'telemetry'; readonly schemaVersion: string }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'refused'; readonly answers: string };

interface Attempt {
  readonly api: 'logs' | 'telemetry';
  readonly path: string;
  readonly schemaVersion: string;
}

const LOGS: readonly Attempt[] = [{ api: 'logs', path: '/2020-08-15/logs', schemaVersion: '2021-03-18' }];
/** Newest first: Managed Instances take only the first, environments that were not upgraded yet only the last. */
const TELEMETRY: readonly Attempt[] = ['2025-01-29', '2022-12-13', '2022-07-01'].map((schemaVersion) => ({
  api: 'telemetry',
  path: '/2022-07-01/telemetry',
  schemaVersion,
}));

/**
 * The platform buffers at most this long, this much and this many before it sends. 25 ms is the least it allows: an
 * invocation that waits for its own end is held that much longer. 1 MiB is the most: a long record is cut in fewer
 * places.
 */
const BUFFERING = { maxItems: 10_000, maxBytes: 1_048_576, timeoutMs: 25 } as const;

/**
 * On Managed Instances nobody waits for a record, and the platform drops what it would send while the body before is
 * not answered yet (AWS's emulator, which has the platform's core, sends nothing more from then on): bodies further
 * apart. Not further than what is waited for late records when SHUTDOWN is near.
 */
const MANAGED_TIMEOUT_MS = 250;

/**
 * Subscribes once. A second subscription is not attempted after a success: the documentation calls it idempotent, but
 * the platform of Managed Instances answers 500.
 * @throws when the connection fails
 */
export async function subscribe(
  runtimeApi: RuntimeApi,
  { extensionId, events }: Pick<Registration, 'extensionId' | 'events'>,
  api: SubscriptionApi,
  types: readonly LogType[],
  { port, path }: { readonly port: number; readonly path: string },
): Promise<Subscription> {
  const attempts = api === 'logs' ? LOGS : api === 'telemetry' ? TELEMETRY : [...LOGS, ...TELEMETRY];
  const buffering = events.includes('INVOKE') ? BUFFERING : { ...BUFFERING, timeoutMs: MANAGED_TIMEOUT_MS };
  const answers: string[] = [];
  for (const attempt of attempts) {
    const { status, body } = await runtimeApi.request({
      method: 'PUT',
      path: attempt.path,
      headers: { 'Lambda-Extension-Identifier': extensionId },
      body: JSON.stringify({
        schemaVersion: attempt.schemaVersion,
        types,
        buffering,
        // The bare name `sandbox` can be caught by the DNS search domain of a VPC.
        destination: { protocol: 'HTTP', URI: `http://sandbox.localdomain:${port}${path}` },
      }),
    });
    if (status === 200) return { kind: 'subscribed', api: attempt.api, schemaVersion: attempt.schemaVersion };
    if (status === 202) return { kind: 'unsupported' };
    // The body of a refusal is not always valid JSON: keep it as text.
    answers.push(`${attempt.api} ${attempt.schemaVersion}: ${status} ${body.trim().slice(0, 200)}`);
  }
  return { kind: 'refused', answers: answers.join('; ') };
}
