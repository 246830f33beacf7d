// Variables that were probably meant for this extension but are none of its settings: misspelt, in lower case, or named
// as a similar tool names them. Late code, because nobody waits for it. Looks at names only, never at values.
import { SETTINGS, type SettingName } from '../config/settings.ts';
import type { SandboxSymptom } from './symptoms.ts';

export interface NearMiss {
  readonly variable: string;
  /** Undefined if no setting is similar. */
  readonly meant: SettingName | undefined;
}

/**
 * Names that others use, each after `LOKI_` or `GRAFANA_LOKI_`: LambdaWatch, Go and Node.js extensions, logging
 * libraries.
 */
const COUSINS: Readonly<Record<string, SettingName>> = {
  URL: 'LOKI_PUSH_ENDPOINT',
  URI: 'LOKI_PUSH_ENDPOINT',
  ENDPOINT: 'LOKI_PUSH_ENDPOINT',
  PUSH_URL: 'LOKI_PUSH_ENDPOINT',
  PUSH_API: 'LOKI_PUSH_ENDPOINT',
  HOST: 'LOKI_PUSH_ENDPOINT',
  HOSTNAME: 'LOKI_PUSH_ENDPOINT',
  ADDRESS: 'LOKI_PUSH_ENDPOINT',
  ADDR: 'LOKI_PUSH_ENDPOINT',
  SERVER: 'LOKI_PUSH_ENDPOINT',
  IP: 'LOKI_PUSH_ENDPOINT',
  WRITE_ADDRESS: 'LOKI_PUSH_ENDPOINT',
  USER: 'LOKI_USERNAME',
  USER_ID: 'LOKI_USERNAME',
  PASS: 'LOKI_PASSWORD',
  API_KEY: 'LOKI_BEARER_TOKEN',
  TOKEN: 'LOKI_BEARER_TOKEN',
  API_TOKEN: 'LOKI_BEARER_TOKEN',
  AUTH_TOKEN: 'LOKI_BEARER_TOKEN',
  BEARER: 'LOKI_BEARER_TOKEN',
  TENANT: 'LOKI_TENANT_ID',
  ORG_ID: 'LOKI_TENANT_ID',
  ORGID: 'LOKI_TENANT_ID',
  LABELS: 'LOKI_LOG_LABELS',
  EXTRA_LABELS: 'LOKI_LOG_LABELS',
  STATIC_LABELS: 'LOKI_LOG_LABELS',
  EXTRA_HEADERS: 'LOKI_HEADERS',
  SERVICE: 'LOKI_SERVICE_NAME',
  ENABLED: 'LOKI_EXTENSION_ENABLED',
  LOG_LEVEL: 'LOKI_EXTENSION_LOG_LEVEL',
  DEBUG: 'LOKI_EXTENSION_LOG_LEVEL',
  PORT: 'LOKI_EXTENSION_PORT',
  BATCH_SIZE: 'LOKI_BATCH_MAX_BYTES',
  BATCH_BYTES: 'LOKI_BATCH_MAX_BYTES',
  MAX_BATCH_SIZE_BYTES: 'LOKI_BATCH_MAX_BYTES',
  BATCH_WAIT: 'LOKI_BATCH_MAX_WAIT_MS',
  BATCH_INTERVAL: 'LOKI_BATCH_MAX_WAIT_MS',
  BATCH_INTERVAL_MS: 'LOKI_BATCH_MAX_WAIT_MS',
  FLUSH_INTERVAL: 'LOKI_BATCH_MAX_WAIT_MS',
  FLUSH_INTERVAL_MS: 'LOKI_BATCH_MAX_WAIT_MS',
  BUFFER_SIZE: 'LOKI_BUFFER_MAX_BYTES',
  MAX_LINE_SIZE: 'LOKI_MAX_LINE_BYTES',
  PROXY: 'LOKI_PROXY_URL',
  HTTP_PROXY: 'LOKI_PROXY_URL',
  HTTPS_PROXY: 'LOKI_PROXY_URL',
  CA: 'LOKI_TLS_CA',
  CA_CERT: 'LOKI_TLS_CA',
  CA_FILE: 'LOKI_TLS_CA',
  TLS_CA_CERT: 'LOKI_TLS_CA',
  TLS_CA_FILE: 'LOKI_TLS_CA',
  CLIENT_CERT: 'LOKI_TLS_CERT',
  CLIENT_KEY: 'LOKI_TLS_KEY',
  SKIP_TLS_VERIFY: 'LOKI_TLS_INSECURE_SKIP_VERIFY',
  INSECURE_SKIP_VERIFY: 'LOKI_TLS_INSECURE_SKIP_VERIFY',
  INCLUDE: 'LOKI_INCLUDE_REGEX',
  EXCLUDE: 'LOKI_EXCLUDE_REGEX',
  TIMEOUT: 'LOKI_PUSH_TIMEOUT_MS',
  TIMEOUT_MS: 'LOKI_PUSH_TIMEOUT_MS',
};

/** Names of lambda-promtail and LambdaWatch without `LOKI_`. Reported only if another variable shows whose they are. */
const BARE_COUSINS: readonly (readonly [besides: string, Readonly<Record<string, SettingName>>])[] = [
  [
    'WRITE_ADDRESS',
    {
      WRITE_ADDRESS: 'LOKI_PUSH_ENDPOINT',
      USERNAME: 'LOKI_USERNAME',
      PASSWORD: 'LOKI_PASSWORD',
      BEARER_TOKEN: 'LOKI_BEARER_TOKEN',
      TENANT_ID: 'LOKI_TENANT_ID',
      BATCH_SIZE: 'LOKI_BATCH_MAX_BYTES',
      SKIP_TLS_VERIFY: 'LOKI_TLS_INSECURE_SKIP_VERIFY',
    },
  ],
  ['EXTRA_LABELS', { EXTRA_LABELS: 'LOKI_LOG_LABELS' }],
  ['LOKI_URL', { SERVICE_NAME: 'LOKI_SERVICE_NAME', BUFFER_SIZE: 'LOKI_BUFFER_MAX_BYTES' }],
];

const KNOWN: ReadonlySet<string> = new Set(SETTINGS.map(({ name }) => name));
const MOST_TOLD = 10;
/** The most letters that may be wrong in a misspelt name. */
const MAX_DISTANCE = 3;

/** All near misses, including those whose setting is also set under its own name. */
export function findNearMisses(env: Readonly<Record<string, string | undefined>>): NearMiss[] {
  const found = Object.keys(env)
    .filter((variable) => env[variable]?.trim() && /^\w{1,80}$/.test(variable) && !KNOWN.has(variable))
    .flatMap((variable): NearMiss[] => {
      const name = variable.toUpperCase();
      const rest = /^(?:GRAFANA_)?LOKI_(\w+)$/.exec(name)?.[1];
      if (rest === undefined) {
        // A typing error in the first letters.
        const meant = /^L\w{1,4}_/.test(name) ? nearest(name, 2) : undefined;
        return meant === undefined ? [] : [{ variable, meant }];
      }
      const meant = known(rest) ?? known(rest.replace(REFERENCE, '')) ?? nearest(`LOKI_${rest}`, MAX_DISTANCE);
      return [{ variable, meant }];
    });
  const bare = BARE_COUSINS.flatMap(([besides, cousins]) =>
    env[besides]?.trim() ? Object.entries(cousins).filter(([variable]) => env[variable]?.trim()) : [],
  );
  return [...found, ...bare.map(([variable, meant]) => ({ variable, meant }))];
}

/** Others use a separate variable for the ARN. */
const REFERENCE = /_(?:SECRET_|SSM_|PARAMETER_)?(?:ARN|NAME)$/;

/** The setting with this name, in our spelling or another tool's. */
function known(rest: string): SettingName | undefined {
  const own = SETTINGS.find((setting) => setting.name === `LOKI_${rest}`)?.name;
  return own ?? (Object.hasOwn(COUSINS, rest) ? COUSINS[rest] : undefined);
}

/** The ones to report at runtime: if the setting is set too, the other variable may belong to somebody else. */
export function unknownSettings(env: Readonly<Record<string, string | undefined>>): SandboxSymptom[] {
  return findNearMisses(env)
    .filter(({ meant }) => meant === undefined || !env[meant]?.trim())
    .slice(0, MOST_TOLD)
    .map(({ variable, meant }) => ({ kind: 'unknown_setting', variable, meant }));
}

function nearest(name: string, maxDistance: number): SettingName | undefined {
  const near = SETTINGS.map((setting) => [distance(name, setting.name), setting.name] as const)
    .filter(([letters]) => letters <= maxDistance)
    .sort(([one], [other]) => one - other);
  return near[0]?.[1];
}

/** The edit distance: how many letters have to be added, removed or changed. */
function distance(one: string, other: string): number {
  /** The distances from the letters read so far to each beginning of the other name. */
  let row = [...other, ''].map((_, length) => length);
  for (const [read, letter] of [...one].entries()) {
    let diagonal = read;
    let left = read + 1;
    row = row.map((above, length) => {
      if (length > 0) left = Math.min(above + 1, left + 1, diagonal + (letter === other[length - 1] ? 0 : 1));
      diagonal = above;
      return left;
    });
  }
  return row[other.length] as number;
}
