// Turns environment variables into one checked value. An invalid setting falls back to its default with a warning, and
// all problems are found in one run. No message contains a secret: no credentials, no header values, and no part of the
// endpoint, which may hold user info.

import type { Reference } from '../aws/reference.ts';
import type { FlushStrategy } from '../flush-strategy.ts';
import type { LogType, SubscriptionApi } from '../lambda/subscription.ts';
import type { LogLevel } from '../log.ts';
import {
  cutToBytes,
  isLabelName,
  MAX_LABEL_NAMES,
  MAX_LABEL_VALUE_BYTES,
  METADATA_NAMES,
  OWN_LABELS,
} from '../loki/labels.ts';
import { type Endpoint, isBareHost, parseEndpoint } from './endpoint.ts';
import { isPath } from './file-path.ts';
import { type FilterSettings, readFilterSettings } from './filter-settings.ts';
import { parseQuantity } from './quantity.ts';
import { type Environment, quoted, readPairs, type SettingReader, trimmed } from './reader.ts';
import { type RouteSettings, readRoute, routeBefore } from './route.ts';
import { createReader, readSwitch } from './setting-reader.ts';
import { SETTINGS, type SettingName, settingOf } from './settings.ts';

export interface Config {
  /**
   * Undefined if no logs can be sent: an error among the problems says why. Also undefined while the endpoint is not
   * known yet; then `byReference` is set.
   */
  readonly endpoint: Endpoint | undefined;
  readonly byReference?: ByReference;
  /** Undefined if nothing is set, as is usual. */
  readonly route?: RouteSettings;
  /** The user's own stream labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: the function's name. */
  readonly serviceName: string | undefined;
  readonly structuredMetadata: boolean;
  readonly enabled: boolean;
  readonly api: SubscriptionApi;
  readonly port: number;
  readonly logLevel: LogLevel;
  /** The values of all secret settings as they were typed, valid or not: none may ever be printed. */
  readonly secrets: readonly string[];
  readonly logTypes: readonly LogType[];
  /** The settings that filter and redact, as they were typed; undefined if none is set. */
  readonly filters: FilterSettings | undefined;
  readonly batchMaxBytes: number;
  readonly batchMaxWaitMs: number;
  readonly bufferMaxBytes: number;
  readonly maxLineBytes: number;
  readonly flushStrategy: FlushStrategy;
  readonly flushTimeoutMs: number;
  readonly pushTimeoutMs: number;
  readonly retryMinBackoffMs: number;
  readonly retryMaxBackoffMs: number;
  /** The function's memory, which we share. */
  readonly memoryBytes: number | undefined;
  readonly region: string | undefined;
  /** The answer to register takes precedence. */
  readonly functionName: string | undefined;
  readonly functionVersion: string | undefined;
  /** `on-demand`, `snap-start` and others; not set in every environment. */
  readonly initializationType: string | undefined;
}

/** Settings that refer to secrets: endpoint and route are known only once these have been fetched. */
export interface ByReference {
  readonly references: readonly Reference[];
  /** Pairs of a setting and the text of its reference. */
  readonly variables: readonly (readonly [SettingName, string])[];
  /** The part of the route that is known without the secrets: it leads to them. */
  readonly route?: RouteSettings;
  /** The environment in which AWS SDKs find credentials and endpoints. */
  readonly env: Environment;
  /** Reads the settings again, and reports only new problems. @param values by the text of their reference */
  readonly resolve: (values: ReadonlyMap<string, string>) => ConfigResult;
}

export interface ConfigProblem {
  /** `error`: no logs are sent. `warn`: the setting is not used as it was typed. */
  readonly level: 'error' | 'warn';
  readonly variable: SettingName | 'NODE_EXTRA_CA_CERTS';
  /** A sentence that names the variable. */
  readonly message: string;
}

export interface ConfigResult {
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
}

type NumberName = Extract<(typeof SETTINGS)[number], { kind: 'number' }>['name'];

/** The platform's own port. The Logs API refuses it as a destination. */
const RUNTIME_API_PORT = 9001;
const MIB = 1024 * 1024;
/** The front of the executable renames the variable to this if its file cannot be read (build/front/environment.ts). */
const UNREADABLE_AUTHORITIES = 'LOST_EXTRA_CA_CERTS';
const LOG_TYPES = ['platform', 'function', 'extension'] as const;

export function parseConfig(env: Environment): ConfigResult {
  return parse(env, undefined);
}

function parse(env: Environment, values: ReadonlyMap<string, string> | undefined): ConfigResult {
  const problems: ConfigProblem[] = [];
  const references = new Map<string, Reference>();
  const variables = new Map<string, [SettingName, string]>();
  const reader = createReader(env, values, {
    problem: (level, variable, message) => problems.push({ level, variable, message }),
    reference(reference, variable) {
      references.set(reference.text, reference);
      variables.set(`${variable} ${reference.text}`, [variable, reference.text]);
    },
  });

  const enabled = readSwitch(reader, 'LOKI_EXTENSION_ENABLED');
  const memoryBytes = Number(trimmed(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'])) * MIB || undefined;
  const retryMinBackoffMs = readNumber(reader, 'LOKI_RETRY_MIN_BACKOFF_MS');
  const endpoint = enabled ? parseEndpoint(reader) : undefined;
  const route = enabled ? readRoute(reader, env) : undefined;
  if (trimmed(env[UNREADABLE_AUTHORITIES]) !== undefined) {
    const variable = 'NODE_EXTRA_CA_CERTS';
    const message = `${variable} names a file that cannot be read; the built-in authorities alone are trusted`;
    problems.push({ level: 'warn', variable, message });
  }
  const isYetToCome = values === undefined && references.size > 0 && endpoint !== undefined;
  const config: Config = {
    endpoint: isYetToCome ? undefined : endpoint,
    ...(isYetToCome && {
      byReference: {
        references: [...references.values()],
        variables: [...variables.values()],
        ...(route && { route: routeBefore(route) }),
        env,
        resolve: (fetched: ReadonlyMap<string, string>) => newsOf(parse(env, fetched), problems),
      },
    }),
    ...(route && !isYetToCome && { route }),
    labels: readLabels(reader),
    serviceName: readServiceName(reader),
    structuredMetadata: readSwitch(reader, 'LOKI_STRUCTURED_METADATA'),
    enabled,
    api: readChoice(reader, settingOf('LOKI_EXTENSION_API')),
    port: readPort(reader),
    logLevel: readChoice(reader, settingOf('LOKI_EXTENSION_LOG_LEVEL'), {
      warning: 'warn',
      off: 'silent',
      none: 'silent',
    }),
    secrets: readSecrets(reader, route),
    logTypes: readLogTypes(reader),
    filters: readFilterSettings(reader.text),
    batchMaxBytes: readNumber(reader, 'LOKI_BATCH_MAX_BYTES'),
    batchMaxWaitMs: readNumber(reader, 'LOKI_BATCH_MAX_WAIT_MS'),
    bufferMaxBytes: readBufferMaxBytes(reader, memoryBytes),
    maxLineBytes: readNumber(reader, 'LOKI_MAX_LINE_BYTES'),
    flushStrategy: readChoice(reader, settingOf('LOKI_FLUSH_STRATEGY')),
    flushTimeoutMs: readNumber(reader, 'LOKI_FLUSH_TIMEOUT_MS'),
    pushTimeoutMs: readNumber(reader, 'LOKI_PUSH_TIMEOUT_MS'),
    retryMinBackoffMs,
    retryMaxBackoffMs: readMaxBackoffMs(reader, retryMinBackoffMs),
    memoryBytes,
    region: trimmed(env['AWS_REGION']) ?? trimmed(env['AWS_DEFAULT_REGION']),
    functionName: trimmed(env['AWS_LAMBDA_FUNCTION_NAME']),
    functionVersion: trimmed(env['AWS_LAMBDA_FUNCTION_VERSION']),
    initializationType: trimmed(env['AWS_LAMBDA_INITIALIZATION_TYPE']),
  };
  return { config, problems };
}

/** Drops the problems that are known already. */
function newsOf({ config, problems }: ConfigResult, known: readonly ConfigProblem[]): ConfigResult {
  const isKnown = ({ message }: ConfigProblem) => known.some((problem) => problem.message === message);
  return { config, problems: problems.filter((problem) => !isKnown(problem)) };
}

const ARNS = /\barn:[\w-]+:(?:secretsmanager|ssm):[^,"}\s]+/g;

/** A numeric user, as Grafana Cloud has, is no secret; any other user may be one. */
function readSecrets(reader: SettingReader, route: RouteSettings | undefined): readonly string[] {
  const user = reader.text('LOKI_USERNAME');
  const proxies = [route?.proxy.own, route?.proxy.https, route?.proxy.http];
  const typed = SETTINGS.flatMap(({ name, ...setting }) => {
    const text = 'secret' in setting && name !== 'LOKI_PROXY_URL' ? reader.text(name) : undefined;
    return name === 'LOKI_PUSH_ENDPOINT' && text !== undefined && isBareHost(text) ? [] : [text];
  });
  return [
    // Not secret: the path of a key, the ARN of a secret, a host without a scheme.
    ...typed.filter((text) => text !== undefined && !isPath(text)).map((text) => text?.replaceAll(ARNS, '')),
    ...proxies.filter((url) => url?.includes('@')),
    ...(user === undefined || /^\d+$/.test(user) ? [] : [user]),
  ].filter((text) => text !== undefined);
}

/** @param aliases other words that people use for a choice */
function readChoice<Choice extends string>(
  reader: SettingReader,
  setting: { readonly name: SettingName; readonly choices: readonly Choice[]; readonly default: Choice },
  aliases: Readonly<Record<string, Choice>> = {},
): Choice {
  const text = reader.text(setting.name);
  if (text === undefined) return setting.default;
  const value = text.toLowerCase();
  const choice =
    setting.choices.find((known) => known === value) ?? (Object.hasOwn(aliases, value) ? aliases[value] : undefined);
  if (choice !== undefined) return choice;
  const choices = setting.choices.join(', ');
  reader.warn(setting.name, `is not one of ${choices}: ${quoted(text)}; using ${setting.default}`);
  return setting.default;
}

/** @param fallback, max override those of the table */
function readNumber(
  reader: SettingReader,
  name: NumberName,
  fallback = Number(settingOf(name).default),
  max: number = settingOf(name).max,
): number {
  const { min, unit } = settingOf(name);
  const value = reader.text(name);
  if (value === undefined) return fallback;
  const number = parseQuantity(value, unit);
  if (number >= min && number <= max) return number;
  const what = unit === 'port' ? '' : ` ${unit}`;
  reader.warn(name, `is not a whole number from ${min} to ${max}${what}: ${quoted(value)}; using ${fallback}`);
  return fallback;
}

function readPort(reader: SettingReader): number {
  const port = readNumber(reader, 'LOKI_EXTENSION_PORT');
  if (port !== RUNTIME_API_PORT) return port;
  const fallback = Number(settingOf('LOKI_EXTENSION_PORT').default);
  reader.warn('LOKI_EXTENSION_PORT', `must not be ${port}, which is the platform's own port; using ${fallback}`);
  return fallback;
}

/** If the memory is unknown, that of the smallest function is assumed: 128 MB. */
function readBufferMaxBytes(reader: SettingReader, memoryBytes = 128 * MIB): number {
  const fallback = Math.floor(Math.min(Math.max(memoryBytes / 8, 4 * MIB), 64 * MIB));
  const max = Math.min(settingOf('LOKI_BUFFER_MAX_BYTES').max, Math.max(Math.floor(memoryBytes / 2), fallback));
  return readNumber(reader, 'LOKI_BUFFER_MAX_BYTES', fallback, max);
}

function readMaxBackoffMs(reader: SettingReader, minBackoffMs: number): number {
  const maxBackoffMs = readNumber(reader, 'LOKI_RETRY_MAX_BACKOFF_MS');
  if (maxBackoffMs >= minBackoffMs) return maxBackoffMs;
  reader.warn('LOKI_RETRY_MAX_BACKOFF_MS', `is less than LOKI_RETRY_MIN_BACKOFF_MS; using ${minBackoffMs} for both`);
  return minBackoffMs;
}

function readLogTypes(reader: SettingReader): readonly LogType[] {
  const name = 'LOKI_LOG_TYPES';
  const fallback = settingOf(name).default;
  const words = (reader.text(name) ?? fallback).toLowerCase().split(/[\s,;]+/);
  const types = LOG_TYPES.filter((type) => words.includes(type));
  const unknown = words.filter((word) => word !== '' && !LOG_TYPES.some((type) => type === word));
  const used = types.length > 0 ? types.join(',') : fallback;
  if (unknown.length > 0 || types.length === 0) {
    reader.warn(name, `may hold ${LOG_TYPES.join(', ')}, not ${quoted(unknown.join(','))}; using ${used}`);
  }
  return types.length > 0 ? types : LOG_TYPES.filter((type) => fallback.includes(type));
}

function readServiceName(reader: SettingReader): string | undefined {
  const value = reader.text('LOKI_SERVICE_NAME');
  return value && cutLabelValue(reader, 'LOKI_SERVICE_NAME', value);
}

function readLabels(reader: SettingReader): Readonly<Record<string, string>> {
  const variable = 'LOKI_LOG_LABELS';
  const labels = new Map<string, string>();
  const skip = (name: string, why: string) => reader.warn(variable, `label ${quoted(name)} ${why}; it is left out`);
  for (const { key, value } of readPairs(reader, variable, isLabelName)) {
    if (value === undefined) skip(key, 'is not of the form name=value');
    else if (key === 'service_name') skip(key, 'has a setting of its own, LOKI_SERVICE_NAME');
    else if (OWN_LABELS.includes(key)) skip(key, 'is set by the extension itself');
    else if (METADATA_NAMES.includes(key)) skip(key, 'is structured metadata of every line');
    else if (!isLabelName(key)) skip(key, 'must be made of a-z, A-Z, 0-9 and _, and begin with a letter or one _');
    else if (value === '') skip(key, 'has no value');
    else if (!labels.has(key) && labels.size === MAX_LABEL_NAMES - OWN_LABELS.length) {
      skip(key, `is one too many: Loki takes ${MAX_LABEL_NAMES}, and ${OWN_LABELS.length} are the extension's`);
    } else {
      if (labels.has(key)) reader.warn(variable, `label ${quoted(key)} is there twice; the last value is used`);
      labels.set(key, cutLabelValue(reader, variable, value, `label ${quoted(key)} `));
    }
  }
  return Object.fromEntries(labels);
}

/** @param which the part of the value that is meant, if not all of it */
function cutLabelValue(reader: SettingReader, variable: SettingName, value: string, which = ''): string {
  const cut = cutToBytes(value, MAX_LABEL_VALUE_BYTES);
  if (cut !== value) reader.warn(variable, `${which}is too long; the first ${cut.length} characters are used`);
  return cut;
}
