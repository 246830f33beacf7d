// What `check` shares with the running extension: the connection to Loki and its parts, and the wording of diagnoses.
// Loaded for `check` only.
import { createSender } from '../aws/http.ts';
import { createSecretStore } from '../aws/secrets.ts';
import { toByteString } from '../byte-string.ts';
import type { ByReference, Config, ConfigResult } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { diagnosePush, diagnoseSandbox } from '../diagnosis/diagnosis.ts';
import { createMask, secretsOf } from '../diagnosis/mask.ts';
import { findNearMisses } from '../diagnosis/near-misses.ts';
import type { SecretSymptom } from '../diagnosis/symptoms.ts';
import { targetOf, whoOf } from '../diagnosis/target.ts';
import { readRules } from '../filters/rules.ts';
import { type FunctionIdentity, streamLabels } from '../identity.ts';
import { createBatchBuilder } from '../loki/batch.ts';
import { encodeMetadata } from '../loki/encode.ts';
import { createPushClient } from '../loki/push-client.ts';
import { createConnector, type Way } from '../net/connect.ts';
import { createRandom } from '../random.ts';
import { systemClock } from '../time.ts';
import { type Note, routeOf, variablesOf } from './client.ts';

const MAX_BYTES = 65_536;

/** A push request with one line in the stream of extensions. */
function lineToPush(config: Config, identity: FunctionIdentity, text: string, level: 'info'): Buffer | undefined {
  const { extension } = streamLabels(config, identity);
  const builder = createBatchBuilder('extension', extension, MAX_BYTES);
  const metadata = config.structuredMetadata ? encodeMetadata({ level }) : Buffer.alloc(0);
  const nowMs = systemClock.now();
  builder.add({ ms: nowMs, nanos: 0 }, { line: toByteString(text), metadata, isError: false }, nowMs);
  return builder.seal()?.body;
}

/** Fetches the referenced secrets and reads the settings with them. */
async function resolveReferences(
  { references, variables, route, env, resolve }: ByReference,
  note: Note,
): Promise<(ConfigResult & { readonly values: readonly string[] }) | SecretSymptom> {
  const sender = createSender(routeOf(route, note).toAws, systemClock);
  const secrets = await createSecretStore(references, env, sender.send, systemClock, createRandom()).get();
  if ('values' in secrets) return { ...resolve(secrets.values), values: [...secrets.values.values()] };
  const { text } = secrets.reference;
  return { trouble: secrets.trouble, reference: text, variables: variablesOf(variables, text) };
}

export const tools = {
  clock: systemClock,
  createConnector,
  createMask,
  diagnosePush,
  diagnoseSandbox,
  findNearMisses,
  lineToPush,
  readRules,
  openClient: (endpoint: Endpoint, timeoutMs: number, userAgent: string, way: Way) =>
    createPushClient(endpoint, timeoutMs, userAgent, systemClock, way),
  resolveReferences,
  secretsOf,
  /** One request on a connection of its own. */
  send: (way: Way) => createSender(() => way, systemClock).send,
  targetOf,
  wayTo: (config: Config, endpoint: Endpoint, note: Note): Way =>
    routeOf(config.route, note).toLoki(new URL(endpoint.url)),
  whoOf,
};

export type Tools = typeof tools;
