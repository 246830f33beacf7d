// The subscription call of the Logs API (2020-08-15) and of the Telemetry API (2022-07-01): what Lambda takes, what it
// refuses, in its words. https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html

export type SubscriptionApi = 'logs' | 'telemetry';

/** A subscription as it was accepted, defaults filled in. */
export interface Subscription {
  readonly api: SubscriptionApi;
  readonly schemaVersion: string;
  readonly types: readonly string[];
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Where the records go: always 127.0.0.1, whatever name the sandbox has. */
  readonly port: number;
  readonly path: string;
  readonly method: 'POST' | 'PUT';
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly fallback: number;
}

const ranges: Readonly<Record<'maxItems' | 'maxBytes' | 'timeoutMs', Range>> = {
  maxItems: { least: 1_000, most: 10_000, fallback: 10_000 },
  maxBytes: { least: 262_144, most: 1_048_576, fallback: 262_144 },
  timeoutMs: { least: 25, most: 30_000, fallback: 1_000 },
};

/** The schema versions of each API, newest last. */
export const schemaVersions: Readonly<Record<SubscriptionApi, readonly string[]>> = {
  logs: ['2020-08-15', '2021-03-18'],
  telemetry: ['2022-07-01', '2022-12-13', '2025-01-29'],
};

/** The subscription that a body asks for, or every complaint about it, joined as Lambda joins them. */
export function readSubscription(
  api: SubscriptionApi,
  body: string,
  versions: readonly string[] = schemaVersions[api],
): Subscription | { readonly problem: string } {
  const request = parseObject(body);
  if (request === undefined) return { problem: 'request body is not a JSON object' };
  const problems: string[] = [];
  const types = readTypes(request['types'], problems);
  const buffering = isObject(request['buffering']) ? request['buffering'] : {};
  const limit = (name: keyof typeof ranges) => readLimit(name, buffering[name], problems);
  const limits = { maxItems: limit('maxItems'), maxBytes: limit('maxBytes'), timeoutMs: limit('timeoutMs') };
  const destination = readDestination(request['destination'], problems);
  const schemaVersion = request['schemaVersion'] ?? (api === 'logs' ? '2020-08-15' : undefined);
  if (typeof schemaVersion !== 'string' || !versions.includes(schemaVersion)) {
    problems.push(`schemaVersion "${String(schemaVersion)}" is not supported`);
  }
  if (problems.length > 0 || destination === undefined) return { problem: problems.join(';') };
  return { api, schemaVersion: String(schemaVersion), types, ...limits, ...destination };
}

function readTypes(value: unknown, problems: string[]): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    problems.push('types: must not be empty');
    return [];
  }
  const known = value.filter((type) => ['platform', 'function', 'extension'].includes(type));
  if (known.length < value.length) problems.push(`types: ${JSON.stringify(value)} has an unknown type`);
  return known;
}

function readLimit(name: keyof typeof ranges, value: unknown, problems: string[]): number {
  const { least, most, fallback } = ranges[name];
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  problems.push(`buffering.${name}: ${JSON.stringify(value)} is not an integer from ${least} to ${most}`);
  return fallback;
}

function readDestination(
  value: unknown,
  problems: string[],
): Pick<Subscription, 'port' | 'path' | 'method'> | undefined {
  const destination = isObject(value) ? value : {};
  const { protocol, URI: uri, method = 'POST', encoding = 'JSON' } = destination;
  if (protocol === 'TCP') problems.push('destination.protocol: this emulator delivers over HTTP only');
  else if (protocol !== 'HTTP')
    problems.push(`destination.protocol: ${JSON.stringify(protocol)} is neither HTTP nor TCP`);
  if (method !== 'POST' && method !== 'PUT') problems.push(`destination.method: ${JSON.stringify(method)}`);
  if (encoding !== 'JSON') problems.push(`destination.encoding: ${JSON.stringify(encoding)}`);
  const url = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined || url.protocol !== 'http:') {
    problems.push(`destination.URI: ${JSON.stringify(uri)} is not an http URL`);
    return undefined;
  }
  if (!['sandbox.localdomain', 'sandbox'].includes(url.hostname)) {
    problems.push(`destination.URI: host "${url.hostname}" is not allowed, use sandbox.localdomain`);
  }
  if (url.port === '' || url.port === '9001')
    problems.push(`destination.URI: port "${url.port}" is missing or reserved`);
  return { port: Number(url.port), path: url.pathname + url.search, method: method === 'PUT' ? 'PUT' : 'POST' };
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
