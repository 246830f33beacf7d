// The settings as they are in force, and where each comes from, fit to be shown: of a secret no more than that it is
// there.
import type { Config, ConfigProblem } from '../config/config.ts';
import type { Environment } from '../config/reader.ts';
import type { Setting } from '../config/settings.ts';

export interface Shown {
  readonly name: string;
  /** Undefined: not set, and without a default. */
  readonly value: string | undefined;
  /** `default` also where what is set is of no use. */
  readonly source: 'environment' | 'reference' | 'default' | 'not set';
}

const MASKED = '[masked]';
const MAX_CHARACTERS = 200;

export function showSettings(
  table: readonly Setting[],
  env: Environment,
  config: Config,
  problems: readonly ConfigProblem[],
): readonly Shown[] {
  const unused = new Set(
    problems.filter(({ message }) => / using |not used|not sent/.test(message)).map(({ variable }) => variable),
  );
  return table.map(({ name, ...setting }): Shown => {
    const typed = env[name]?.trim() ?? '';
    const value = inForce(name, config);
    if (typed === '')
      return {
        name,
        value: value ?? (setting.default || undefined),
        source: (value ?? setting.default) ? 'default' : 'not set',
      };
    if (/^arn:/.test(typed)) return { name, value: typed, source: 'reference' };
    if (value !== undefined)
      return { name, value: shortened(value), source: (unused as Set<string>).has(name) ? 'default' : 'environment' };
    return { name, value: typedOf(name, typed, setting.secret === true, config), source: 'environment' };
  });
}

/** What is made of the text, where that is not the text itself. */
function inForce(name: string, config: Config): string | undefined {
  if (name === 'LOKI_LOG_LABELS') return pairs(config.labels);
  const field = name
    .replace(/^LOKI_(?:EXTENSION_)?/, '')
    .toLowerCase()
    .replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const value = (config as unknown as Readonly<Record<string, unknown>>)[field];
  if (Array.isArray(value)) return value.join(',');
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

function typedOf(name: string, typed: string, isSecret: boolean, { endpoint }: Config): string {
  switch (name) {
    case 'LOKI_PUSH_ENDPOINT':
      return endpoint === undefined ? MASKED : urlOf(endpoint.url);
    case 'LOKI_USERNAME':
      return /^["']?\d+["']?$/.test(typed) ? typed : MASKED;
    case 'LOKI_HEADERS': {
      const { length } = Object.keys(endpoint?.headers ?? {});
      return `${length} header${length === 1 ? '' : 's'}, ${MASKED}`;
    }
    case 'LOKI_PROXY_URL':
      return proxyOf(typed);
    case 'LOKI_TLS_KEY':
    case 'LOKI_TLS_CERT':
    case 'LOKI_TLS_CA':
      return /^\.{0,2}\//.test(typed) ? shortened(typed) : 'PEM text';
    default:
      return isSecret ? MASKED : shortened(typed);
  }
}

/** A query may hold a key, and what follows an `@` a password. */
function urlOf(text: string): string {
  const { origin, pathname, search } = new URL(text);
  if ((pathname + search).includes('@')) return MASKED;
  return `${origin}${pathname}${search === '' ? '' : `?${MASKED}`}`;
}

function proxyOf(text: string): string {
  if (text.toLowerCase() === 'none') return text;
  const { protocol, host, username } = URL.parse(text) ?? {};
  return host ? `${protocol}//${username ? `${MASKED}@` : ''}${host}` : MASKED;
}

function pairs(values: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? undefined : all.join(', ');
}

function shortened(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}...`;
}
