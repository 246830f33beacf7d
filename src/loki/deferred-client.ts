// Pushes to an endpoint that is not known yet, because settings refer to secrets. Pushes wait briefly for the secrets;
// if these do not arrive, each push ends at once with the reason, so that no invocation is held for them. When Loki
// refuses the credentials, the secrets are fetched again.
import type { SecretSymptom } from '../diagnosis/symptoms.ts';
import { type Clock, type EpochMs, settledBy } from '../time.ts';
import type { PushOutcome } from './answer.ts';
import type { PushClient } from './push-client.ts';

/** Where the secrets come from. */
export interface SecretSource {
  get(): Promise<{ readonly values: ReadonlyMap<string, string> } | SecretSymptom>;
  /** Loki has refused what was made of them. */
  distrust(): void;
  /** It has refused something, and they may be the reason. */
  doubt(): void;
  thawed(): void;
}

export interface DeferredParts {
  readonly source: SecretSource;
  /** Makes the client with the secrets; undefined if the settings are of no use with them. */
  readonly open: (values: ReadonlyMap<string, string>) => PushClient | undefined;
  /** What it is while nothing is heard of the secrets. */
  readonly slow: SecretSymptom;
  readonly clock: Clock;
}

/** A push waits for the secrets no longer than this after they were asked for. */
const PATIENCE_MS = 500;

export function createDeferredClient({ source, open, slow, clock }: DeferredParts): PushClient {
  let client: PushClient | undefined;
  let values: ReadonlyMap<string, string> | undefined;
  let asking: Promise<SecretSymptom | undefined> | undefined;
  let askedMs: EpochMs = 0;
  let freezeExpected = false;

  /** @returns what is wrong, if there is no client of which the secrets are in force */
  async function learn(): Promise<SecretSymptom | undefined> {
    const secrets = await source.get();
    asking = undefined;
    if ('trouble' in secrets) return secrets;
    if (values === undefined || !isSame(values, secrets.values)) {
      values = secrets.values;
      client = open(values);
      if (freezeExpected) client?.expectFreeze();
    }
    return undefined;
  }

  async function ready(): Promise<PushClient | PushOutcome> {
    if (!asking) {
      askedMs = clock.now();
      asking = learn();
    }
    const asked = asking;
    // Where it is known already it comes without a wait.
    const isThere = await settledBy(clock, asked, askedMs + PATIENCE_MS);
    const secret = isThere ? await asked : slow;
    if (secret) return { kind: 'unready', secret };
    return client ?? { kind: 'unready' };
  }

  return {
    begin() {
      void ready();
    },
    async push(body, answerMs) {
      const found = await ready();
      if ('kind' in found) return found;
      const outcome = await found.push(body, answerMs);
      // A later client may be in use by now, and this one the one that was refused before.
      if (outcome.kind === 'refused' && found === client) {
        if (outcome.status === 401) source.distrust();
        // Some gateways say so of a key that is no longer theirs, and firewalls of a single body.
        else if (outcome.status === 403) source.doubt();
      }
      return outcome;
    },
    expectFreeze() {
      freezeExpected = true;
      client?.expectFreeze();
    },
    distrustConnections() {
      freezeExpected = false;
      // What a freeze came between gets its time afresh.
      askedMs = clock.now();
      source.thawed();
      client?.distrustConnections();
    },
    waitsFor: () => client?.waitsFor(),
  };
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}
