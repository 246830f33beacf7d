// The settings: name, default, unit, limits, meaning. One table serves the parser (config.ts), the README and the
// `check` command, so they cannot disagree.

import { FILTER_SETTINGS } from './filter-settings.ts';

interface Described {
  readonly name: string;
  /** The default as the README shows it; empty if there is none. */
  readonly default: string;
  /** What it does, and the cost of changing it. */
  readonly meaning: string;
  /** Whether the value is secret and must never be shown. */
  readonly secret?: true;
  /** Whether the value may be the ARN of a secret or parameter that holds it. */
  readonly byReference?: true;
}

export interface TextSetting extends Described {
  readonly kind: 'text';
}

export interface SwitchSetting extends Described {
  readonly kind: 'switch';
}

export interface ChoiceSetting extends Described {
  readonly kind: 'choice';
  readonly choices: readonly string[];
}

export interface NumberSetting extends Described {
  readonly kind: 'number';
  readonly unit: 'bytes' | 'ms' | 'port';
  readonly min: number;
  readonly max: number;
  /** A bound in words that replaces `max`, if it depends on the function. */
  readonly bound?: string;
}

export type Setting = TextSetting | SwitchSetting | ChoiceSetting | NumberSetting;

/** The longest that an invocation can last. No time of ours can sensibly be longer. */
const LONGEST_INVOCATION_MS = 15 * 60 * 1000;

export const SETTINGS = [
  {
    name: 'LOKI_PUSH_ENDPOINT',
    kind: 'text',
    default: '',
    secret: true, // it may hold user info
    byReference: true,
    meaning:
      'Required. `http(s)` URL of Loki. Without a path, `/loki/api/v1/push` is added; any other path is used as it is. User info in it is basic auth.',
  },
  {
    name: 'LOKI_USERNAME',
    kind: 'text',
    default: '',
    byReference: true,
    meaning: 'User name for basic auth. Grafana Cloud: the numeric id of the Loki instance.',
  },
  {
    name: 'LOKI_PASSWORD',
    kind: 'text',
    default: '',
    secret: true,
    byReference: true,
    meaning: 'Password for basic auth. Grafana Cloud: an access policy token that may write logs.',
  },
  {
    name: 'LOKI_BEARER_TOKEN',
    kind: 'text',
    default: '',
    secret: true,
    byReference: true,
    meaning: 'Token for bearer auth. Wins over basic auth.',
  },
  {
    name: 'LOKI_TENANT_ID',
    kind: 'text',
    default: '',
    meaning: 'Tenant, sent as `X-Scope-OrgID`. Not needed for Grafana Cloud.',
  },
  {
    name: 'LOKI_HEADERS',
    kind: 'text',
    default: '',
    secret: true,
    meaning:
      'More request headers: `Name=value,Name2=value2`, or a JSON object if a value contains a comma. A value may be an ARN.',
  },
  {
    name: 'LOKI_LOG_LABELS',
    kind: 'text',
    default: '',
    meaning:
      'More stream labels: `k=v,k2=v2`, or a JSON object if a value contains a comma. At most 10, each with few values: every combination of values is a stream of its own.',
  },
  {
    name: 'LOKI_SERVICE_NAME',
    kind: 'text',
    default: "the function's name",
    meaning: 'Label `service_name`.',
  },
  {
    name: 'LOKI_PROXY_URL',
    kind: 'text',
    default: '',
    secret: true, // it may hold user info
    meaning:
      '`http(s)` URL of a proxy for Loki and AWS, never for the Lambda APIs; user info in it is basic auth. Else `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count. `none`: no proxy, whatever those say. See [docs/tls-and-proxies.md](docs/tls-and-proxies.md).',
  },
  {
    name: 'LOKI_TLS_CA',
    kind: 'text',
    default: '',
    byReference: true,
    meaning: 'Authorities to trust beside the built-in ones: PEM text or the path of such a file.',
  },
  {
    name: 'LOKI_TLS_CERT',
    kind: 'text',
    default: '',
    byReference: true,
    meaning: 'Client certificate, with the intermediate ones behind it: PEM text or a path. It may hold the key too.',
  },
  {
    name: 'LOKI_TLS_KEY',
    kind: 'text',
    default: '',
    secret: true,
    byReference: true,
    meaning: 'Its key, not encrypted: PEM text or a path.',
  },
  {
    name: 'LOKI_TLS_SERVER_NAME',
    kind: 'text',
    default: '',
    meaning:
      "Name that has to be in Loki's certificate, if it is not the host of the endpoint (PrivateLink, an IP address).",
  },
  {
    name: 'LOKI_TLS_INSECURE_SKIP_VERIFY',
    kind: 'switch',
    default: 'false',
    meaning: "`true` takes any certificate of Loki's: whoever is on the way can read all. For trying things out.",
  },
  {
    name: 'LOKI_STRUCTURED_METADATA',
    kind: 'switch',
    default: 'true',
    meaning:
      '`false` sends none, for a Loki that refuses it. Request id, level and the rest can then not be searched for.',
  },
  {
    name: 'LOKI_EXTENSION_ENABLED',
    kind: 'switch',
    default: 'true',
    meaning: '`false` sends nothing: the extension registers, as it must, and stays out of the way.',
  },
  {
    name: 'LOKI_EXTENSION_API',
    kind: 'choice',
    choices: ['auto', 'logs', 'telemetry'],
    default: 'auto',
    meaning: 'Where the logs come from. `auto`: the Logs API where it exists, the Telemetry API where it does not.',
  },
  {
    name: 'LOKI_EXTENSION_PORT',
    kind: 'number',
    unit: 'port',
    min: 1,
    max: 65_535, // but 9001, which is the platform's
    default: '1234',
    meaning: 'Port on which Lambda delivers the logs. If it is taken, another one is used.',
  },
  {
    name: 'LOKI_EXTENSION_LOG_LEVEL',
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'warn',
    meaning: "The extension's own log, on stdout. A healthy run prints nothing at the default.",
  },
  {
    name: 'LOKI_LOG_TYPES',
    kind: 'text',
    default: 'platform,function',
    meaning:
      'What is sent: any of `platform`, `function` and `extension`. `extension` is the output of other extensions.',
  },
  ...FILTER_SETTINGS,
  {
    name: 'LOKI_BATCH_MAX_BYTES',
    kind: 'number',
    unit: 'bytes',
    min: 1024, // below, the headers of a request outweigh its body
    max: 3 * 1024 * 1024, // Loki takes 4 MiB
    default: '1048576',
    meaning: 'Size of one request before compression. Smaller: more requests, less lost when one is refused.',
  },
  {
    name: 'LOKI_BATCH_MAX_WAIT_MS',
    kind: 'number',
    unit: 'ms',
    min: 1,
    max: LONGEST_INVOCATION_MS,
    default: '1000',
    meaning:
      'Age of the oldest entry at which a batch leaves during an invocation. Longer: fewer requests, later logs.',
  },
  {
    name: 'LOKI_BUFFER_MAX_BYTES',
    kind: 'number',
    unit: 'bytes',
    min: 64 * 1024, // below, a single burst of lines or one long line would already be dropped
    max: 1024 * 1024 * 1024,
    bound: "half of the function's memory",
    default: "an eighth of the function's memory, 4 to 64 MiB",
    meaning: "Bound on everything held for Loki. Larger: outages are bridged for longer, with the function's memory.",
  },
  {
    name: 'LOKI_MAX_LINE_BYTES',
    kind: 'number',
    unit: 'bytes',
    min: 1024, // below, the metadata of the parts outweighs their text
    max: 262_144, // Loki refuses, or cuts, longer lines
    default: '262144',
    meaning: 'Longer lines are split into numbered parts. Lower it only if your Loki has a lower `max_line_size`.',
  },
  {
    name: 'LOKI_FLUSH_STRATEGY',
    kind: 'choice',
    choices: ['end', 'continuous', 'adaptive'],
    default: 'adaptive',
    meaning:
      '`end`: each invocation waits until its own logs are sent. `continuous`: none ever waits; logs may stay behind until the next invocation. `adaptive`: `end` for functions that are called rarely, else `continuous`.',
  },
  {
    name: 'LOKI_FLUSH_TIMEOUT_MS',
    kind: 'number',
    unit: 'ms',
    min: 1,
    max: LONGEST_INVOCATION_MS,
    default: '2000',
    meaning: 'The longest that one invocation is held for a flush. That time is billed.',
  },
  {
    name: 'LOKI_PUSH_TIMEOUT_MS',
    kind: 'number',
    unit: 'ms',
    min: 1,
    max: LONGEST_INVOCATION_MS,
    default: '5000',
    meaning: 'The longest that one HTTP request may take.',
  },
  {
    name: 'LOKI_RETRY_MIN_BACKOFF_MS',
    kind: 'number',
    unit: 'ms',
    min: 1,
    max: LONGEST_INVOCATION_MS,
    default: '100',
    meaning: 'Longest wait before the first retry. It doubles with each one, and is drawn at random up to that bound.',
  },
  {
    name: 'LOKI_RETRY_MAX_BACKOFF_MS',
    kind: 'number',
    unit: 'ms',
    min: 1,
    max: LONGEST_INVOCATION_MS,
    default: '10000',
    meaning: 'The bound on that wait.',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];

/** The row of this setting. */
export function settingOf<N extends SettingName>(name: N): Extract<(typeof SETTINGS)[number], { name: N }> {
  return SETTINGS.find((setting) => setting.name === name) as Extract<(typeof SETTINGS)[number], { name: N }>;
}
