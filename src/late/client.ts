// Builds the push client when the settings need more than the plain one: a proxy, TLS settings, secrets by reference.
// Loaded only for these.
import { createSender } from '../aws/http.ts';
import { createSecretStore } from '../aws/secrets.ts';
import type { ByReference, Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { RouteSettings } from '../config/route.ts';
import { type Mask, secretsOf } from '../diagnosis/mask.ts';
import { whoOf } from '../diagnosis/target.ts';
import type { Log } from '../log.ts';
import { createDeferredClient, type SecretSource } from '../loki/deferred-client.ts';
import { createPushClient, type PushClient } from '../loki/push-client.ts';
import { openRoute, type Route } from '../net/route.ts';
import { createRandom } from '../random.ts';
import type { SteadyClock } from '../time.ts';

export interface ClientParts {
  readonly config: Config;
  readonly userAgent: string;
  readonly mask: Mask;
  readonly log: Log;
  readonly clock: SteadyClock;
  /** Called when the push target becomes known or changes. */
  readonly aimed: (endpoint: Endpoint) => void;
}

/** Undefined when there is no endpoint and none can still come. */
export function openClient(parts: ClientParts): PushClient | undefined {
  const { config, aimed } = parts;
  const note = createNote(parts.log);
  if (config.byReference) return openDeferred(parts, config.byReference, note);
  if (!config.endpoint) return undefined;
  aimed(config.endpoint);
  return openPlain(parts, config.endpoint, routeOf(config.route, note));
}

function openPlain({ config, userAgent, clock }: ClientParts, endpoint: Endpoint, route: Route): PushClient {
  return createPushClient(endpoint, config.pushTimeoutMs, userAgent, clock, route.toLoki(new URL(endpoint.url)));
}

function openDeferred(parts: ClientParts, byReference: ByReference, note: Note): PushClient {
  const { mask, log, clock, aimed } = parts;
  const { references, variables, env, resolve } = byReference;
  const route = routeOf(byReference.route, note);
  const sender = createSender(route.toAws, clock);
  const store = createSecretStore(references, env, sender.send, clock, createRandom());

  function open(values: ReadonlyMap<string, string>): PushClient | undefined {
    mask.add([...values.values()]);
    const { config, problems } = resolve(values);
    const { endpoint } = config;
    mask.add(secretsOf(config));
    for (const { level, variable, message } of problems) note(variable, message.slice(variable.length + 1), level);
    if (!endpoint) return undefined;
    aimed(endpoint);
    const { authorization, tenantId } = endpoint;
    if (log.isOn('info'))
      log.write('info', 'secrets fetched', { count: values.size, as: whoOf(authorization, tenantId) });
    return openPlain(parts, endpoint, routeOf(config.route, note));
  }

  const source: SecretSource = {
    async get() {
      const secrets = await store.get();
      if ('values' in secrets) return secrets;
      return {
        trouble: secrets.trouble,
        reference: secrets.reference.text,
        variables: variablesOf(variables, secrets.reference.text),
      };
    },
    distrust: store.distrust,
    doubt: store.doubt,
    thawed: sender.thawed,
  };
  const slow = {
    trouble: { kind: 'slow' as const },
    reference: references[0]?.text ?? '',
    variables: variablesOf(variables, references[0]?.text ?? ''),
  };
  return createDeferredClient({ source, open, slow, clock });
}

export function variablesOf(variables: ByReference['variables'], text: string): string[] {
  return variables.filter(([, reference]) => reference === text).map(([name]) => name);
}

export function routeOf(settings: RouteSettings | undefined, note: Note): Route {
  return settings ? openRoute(settings, note) : { toLoki: () => ({}), toAws: () => ({}) };
}

export type Note = (variable: string, message: string, level?: 'error' | 'warn') => void;

/** Reports problems with the settings, each once: settings are read again when the secrets arrive. */
function createNote(log: Log): Note {
  const told = new Set<string>();
  return (variable, text, level = 'warn') => {
    const message = `${variable} ${text}`;
    if (told.has(message)) return;
    told.add(message);
    log.tellSymptom({ kind: 'setting', level, message });
  };
}
