// The secrets that settings refer to. They are fetched together, kept, and fetched again when they are 15 minutes old
// or when Loki has refused them. Only one fetch is under way at a time, and after a failure the next one waits for its
// backoff: a slow or throttling service is not flooded.
import type { SecretTrouble } from '../diagnosis/symptoms.ts';
import { type EpochMs, isAged, type SteadyClock } from '../time.ts';
import { type FetchedSecret, fetchSecret, type SendHttp, wayOf } from './fetch-secret.ts';
import type { Reference } from './reference.ts';
import { type AwsEnvironment, type Credentials, findCredentials, parseCredentials } from './service.ts';

/** Values by the text of their reference, or the first trouble. */
export type Secrets =
  | { readonly values: ReadonlyMap<string, string> }
  | { readonly trouble: SecretTrouble; readonly reference: Reference };

export interface SecretStore {
  /**
   * The values. Resolves at once as long as there are values that Loki has not refused; old ones are refreshed in the
   * background. Never rejects.
   */
  get(): Promise<Secrets>;
  /** Loki has refused these values: they are fetched again before the next use. */
  distrust(): void;
  /** These values may be why Loki refused: they are refreshed in the background, and stay in use meanwhile. */
  doubt(): void;
}

/** A rotated secret is noticed after this time, or when Loki refuses the old one. */
const KEPT_MS = 15 * 60_000;
/**
 * The pause after the first failure. It doubles up to the maximum. Values that Loki has not refused stay in use
 * meanwhile.
 */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** Refused values are not fetched more often than this: a wrong password stays wrong. */
const DISTRUST_AGAIN_MS = 60_000;
/** Credentials are used up to this long before they expire. */
const EXPIRY_MARGIN_MS = 60_000;

/** @param random uniformly distributed between 0 and 1 */
export function createSecretStore(
  references: readonly Reference[],
  env: AwsEnvironment,
  send: SendHttp,
  clock: SteadyClock,
  random: () => number,
): SecretStore {
  const distinct = [...new Map(references.map((reference) => [reference.text, reference])).values()];
  let kept: Secrets | undefined;
  let fetchedAtMs: EpochMs = Number.NEGATIVE_INFINITY;
  let nextFetchMs: EpochMs = Number.NEGATIVE_INFINITY;
  let pauseMs = MIN_PAUSE_MS;
  let distrusted = false;
  let doubted = false;
  let fetching: Promise<Secrets> | undefined;
  let credentials: Credentials | undefined;

  const isGood = (secrets: Secrets): boolean => 'values' in secrets;

  async function fetchAll(): Promise<Secrets> {
    const signer = await getCredentials();
    if (!('accessKeyId' in signer)) return failure(signer, distinct[0]);
    const fetched = await Promise.all(distinct.map((reference) => fetchSecret(reference, signer, env, send, clock)));
    const values = new Map<string, string>();
    for (const [index, reference] of distinct.entries()) {
      const secret: FetchedSecret | undefined = fetched[index];
      if (secret === undefined) continue;
      if ('trouble' in secret) return failure(secret.trouble, reference);
      values.set(reference.text, secret.value);
    }
    return { values };
  }

  async function getCredentials(): Promise<Credentials | SecretTrouble> {
    if (credentials && (credentials.expiresAtMs ?? Number.POSITIVE_INFINITY) - EXPIRY_MARGIN_MS > clock.now()) {
      return credentials;
    }
    const found = findCredentials(env);
    if (found === undefined) return { kind: 'no_credentials' };
    if ('accessKeyId' in found) return found;
    const headers = found.authorization === undefined ? {} : { authorization: found.authorization };
    try {
      const { text } = await send(() => ({ method: 'GET', url: found.url, headers, body: undefined }));
      credentials = parseCredentials(text);
    } catch (error) {
      return { kind: 'unreachable', url: found.url, way: wayOf(error), isForCredentials: true };
    }
    return credentials ?? { kind: 'no_credentials' };
  }

  async function refresh(): Promise<Secrets> {
    const fetched = await fetchAll();
    const nowMs = clock.now();
    fetching = undefined;
    if (isGood(fetched)) {
      pauseMs = MIN_PAUSE_MS;
      fetchedAtMs = nowMs;
      nextFetchMs = distrusted || doubted ? nowMs + DISTRUST_AGAIN_MS : nowMs;
      distrusted = false;
      doubted = false;
      kept = fetched;
      return fetched;
    }
    // The credentials may be at fault: expired early, or of another role by now.
    credentials = undefined;
    // Sandboxes that were throttled together must not return together.
    nextFetchMs = nowMs + pauseMs * (1 + random()) * 0.5;
    pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    // The old values are better than none, unless Loki has refused them.
    if (kept === undefined || !isGood(kept) || distrusted) kept = fetched;
    return kept;
  }

  return {
    async get() {
      const nowMs = clock.now();
      const isOld = kept === undefined || !isGood(kept) || isAged(fetchedAtMs, KEPT_MS, nowMs);
      // A clock that was set back must not lengthen the pause.
      const isPaused = nowMs < nextFetchMs && nextFetchMs - nowMs <= MAX_PAUSE_MS;
      if ((isOld || distrusted || doubted) && !(kept && isPaused)) fetching ??= refresh();
      const isUsable = kept !== undefined && isGood(kept) && !distrusted;
      return kept && (isUsable || !fetching) ? kept : await (fetching ?? refresh());
    },
    distrust() {
      distrusted = true;
    },
    doubt() {
      doubted = true;
    },
  };
}

function failure(trouble: SecretTrouble, reference: Reference | undefined): Secrets {
  if (reference === undefined) return { values: new Map() };
  return { trouble, reference };
}
