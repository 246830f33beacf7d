// The settings in force and where each comes from, safe to show: of a secret only that it is set.
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/reader.ts';
import type { Setting } from '../config/settings.ts';
import type { Rules } from '../filters/rules.ts';

export interface Shown {
  readonly name: string;
  /** Undefined if the setting has no value. */
  readonly value: string | undefined;
  /** `default` also if the set value is invalid; `not used` if it is invalid and there is no default. */
  readonly source: 'environment' | 'reference' | 'default' | 'not used' | 'not set';
}

/** A problem with a setting. The typed value may be unusable. */
export interface Noted {
  readonly variable: string;
  readonly message: string;
}

const MASKED = '[masked]';
const MAX_CHARACTERS = 200;
/** How a problem says that the typed value is not used. */
const OF_NO_USE =
  / using |not (?:used|sent)|no (?:proxy|client certificate|credentials|logs) (?:is|are) |alone are trusted|instead$|of all levels/;

/** @param rules the parsed filter settings; undefined if none is set */
export function showSettings(
  table: readonly Setting[],
  env: Environment,
  config: Config,
  rules: Rules | undefined,
  noted: readonly Noted[],
): readonly Shown[] {
  const unused = new Set(noted.filter(({ message }) => OF_NO_USE.test(message)).map(({ variable }) => variable));
  const rows = table.map(({ name, ...setting }): Shown => {
    const typed = withoutQuotes(env[name]?.trim() ?? '');
    const value = inForce(name, config);
    const fallback = value ?? (setting.default || undefined);
    const withoutIt = fallback === undefined ? 'not used' : 'default';
    if (typed === '') return { name, value: fallback, source: fallback === undefined ? 'not set' : 'default' };
    if (unused.has(name)) return { name, value: fallback, source: withoutIt };
    if ('byReference' in setting && typed.startsWith('arn:')) return { name, value: typed, source: 'reference' };
    const shown = rules && name in FILTERS ? FILTERS[name]?.(rules, typed) : (value ?? typedOf(name, typed, config));
    if (shown === undefined) return { name, value: fallback, source: withoutIt };
    return { name, value: shortened(shown), source: 'environment' };
  });
  return [...rows, ...othersOf(config)];
}

/** The value in force, if it is not simply the typed text. */
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

/** The value in force of a filter setting; undefined if none. A redaction pattern may be secret itself. */
const FILTERS: Readonly<Record<string, (rules: Rules, typed: string) => string | undefined>> = {
  LOKI_DROP_EVENTS: ({ dropEvents }) => [...dropEvents].join(',') || undefined,
  LOKI_MIN_LEVEL: ({ minLevel }) => minLevel,
  LOKI_INCLUDE_REGEX: ({ include }, typed) => include && typed,
  LOKI_EXCLUDE_REGEX: ({ exclude }, typed) => exclude && typed,
  LOKI_REDACT: ({ redact }) => redact.join(',') || undefined,
  LOKI_REDACT_REGEX: ({ redactExpression }) => (redactExpression ? MASKED : 'cannot be read: no text is sent'),
  LOKI_METADATA_FIELDS: ({ fields }) =>
    fields.map(({ path, name }) => (path === name ? name : `${path}=${name}`)).join(',') || undefined,
};

function typedOf(name: string, typed: string, { endpoint, labels }: Config): string | undefined {
  switch (name) {
    case 'LOKI_PUSH_ENDPOINT':
      return endpoint === undefined ? MASKED : urlOf(endpoint.url);
    case 'LOKI_USERNAME':
      return /^\d+$/.test(typed) ? typed : MASKED;
    case 'LOKI_PASSWORD':
    case 'LOKI_BEARER_TOKEN':
      return MASKED;
    case 'LOKI_LOG_LABELS':
      return pairs(labels);
    case 'LOKI_HEADERS': {
      const own = /\bauthorization["' ]*[=:]/i.test(typed) && endpoint?.authorization !== undefined ? 1 : 0;
      const count = Object.keys(endpoint?.headers ?? {}).length + own;
      return `${count} header${count === 1 ? '' : 's'}, ${MASKED}`;
    }
    case 'LOKI_PROXY_URL':
      return proxyOf(typed);
    case 'LOKI_TLS_KEY':
    case 'LOKI_TLS_CERT':
    case 'LOKI_TLS_CA':
      return /^\.{0,2}\//.test(typed) ? typed : 'PEM text';
    default:
      return typed;
  }
}

/** The standard proxy variables, if they are in force. */
function othersOf({ route }: Config): Shown[] {
  const { https, http, except } = route?.proxy ?? {};
  const rows = [
    ['HTTPS_PROXY', https && proxyOf(https)],
    ['HTTP_PROXY', http && proxyOf(http)],
    ['NO_PROXY', except && shortened(except)],
  ] as const;
  return rows.flatMap(([name, value]) => (value ? [{ name, value, source: 'environment' }] : []));
}

/** A query may contain a key, and text around an `@` a password. */
function urlOf(text: string): string {
  const { origin, pathname, search } = new URL(text);
  if ((pathname + search).includes('@')) return MASKED;
  return `${origin}${pathname}${search === '' ? '' : `?${MASKED}`}`;
}

function proxyOf(text: string): string {
  if (text.toLowerCase() === 'none') return text;
  const { protocol, host, username, password } = URL.parse(text.includes('://') ? text : `http://${text}`) ?? {};
  return host ? `${protocol}//${username || password ? `${MASKED}@` : ''}${host}` : MASKED;
}

function pairs(values: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? undefined : all.join(', ');
}

function withoutQuotes(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, '$2').trim();
}

/** The text on one line, without control characters that a terminal would obey. */
function shortened(text: string): string {
  const visible = text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`,
  );
  return visible.length <= MAX_CHARACTERS ? visible : `${visible.slice(0, MAX_CHARACTERS)}...`;
}
