// The late half of the program: what the first record needs, and nothing that registering needs. It is loaded after the
// next event has been asked for the first time; serve.ts describes the order.
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { Environment } from '../config/reader.ts';
import { diagnoseSandbox } from '../diagnosis/diagnosis.ts';
import { createMask, secretsOf } from '../diagnosis/mask.ts';
import { unknownSettings } from '../diagnosis/near-misses.ts';
import type { SandboxSymptom } from '../diagnosis/symptoms.ts';
import { targetOf, unknownTarget, whoOf } from '../diagnosis/target.ts';
import type { Filters } from '../filters/filters.ts';
import type { FilterConfig } from '../filters/open.ts';
import type { FunctionIdentity } from '../identity.ts';
import { createOwnLineTest, type Log, type LogFields, type LogSink, type Words } from '../log.ts';
import { createPushClient, type PushClient } from '../loki/push-client.ts';
import { createLedger } from '../losses.ts';
import { createPipeline, type Pipeline } from '../pipeline.ts';
import { createRandom, drawHex } from '../random.ts';
import { systemClock } from '../time.ts';
import { version } from '../version.ts';
import type { Tools } from './tools.ts';

/** Assembles the pipeline from its real parts. Undefined if there is nowhere to send to. */
export async function openPipeline(
  config: Config,
  identity: FunctionIdentity,
  concurrent: boolean,
  log: Log,
): Promise<Pipeline | undefined> {
  const { endpoint } = config;
  const mask = createMask(secretsOf(config));
  const filters = await openFilters(config, log);
  const words = wordsFor(mask, filters);
  log.equip(words);
  let target = unknownTarget(mask.outside);
  const aimed = (at: Endpoint) => {
    target = targetOf(at, mask.outside, config);
  };
  let client: PushClient | undefined;
  if (config.byReference || config.route) {
    const { openClient } = await import('./client.ts');
    client = openClient({ config, userAgent: USER_AGENT, mask, log, clock: systemClock, aimed });
  } else if (endpoint) {
    client = createPushClient(endpoint, config.pushTimeoutMs, USER_AGENT, systemClock);
    aimed(endpoint);
  }
  if (!client) return undefined;
  return createPipeline({
    config,
    target: () => target,
    mask: words.mask,
    identity,
    concurrent,
    client,
    ledger: createLedger(),
    filters,
    log,
    clock: systemClock,
    random: createRandom(),
    drawInstanceId: drawHex,
    isOwnLine: createOwnLineTest(process.pid),
    defer: setImmediate,
  });
}

const USER_AGENT = `aws-lambda-loki-extension/${version}`;

/** Loaded only when a setting asks for it. */
export async function openFilters(config: FilterConfig, log: Pick<Log, 'tellSymptom'>): Promise<Filters | undefined> {
  return config.filters && (await import('../filters/open.ts')).openFilters(config, log);
}

/** Loads pino, only when there is something to print. */
export async function openLogSink(config: Config): Promise<LogSink> {
  const words = wordsFor(createMask(secretsOf(config)), await openFilters(config, SILENT));
  const { createPinoPrint } = await import('../log-pino.ts');
  return { print: createPinoPrint(), words };
}

/** Whatever is redacted in the function's lines is redacted in our own as well. */
function wordsFor(mask: (text: string) => string, filters: Filters | undefined): Words {
  return { mask: filters ? (text) => filters.redactOwn(mask(text)) : mask, diagnose: diagnoseSandbox };
}

/** Problems with these settings are reported by the filters that use them. */
const SILENT = { tellSymptom() {} };

/** Variables that may be meant for us, but are none of our settings. */
export function findUnknownSettings(env: Environment): readonly SandboxSymptom[] {
  return unknownSettings(env);
}

/** Used by `check` only. */
export async function openTools(): Promise<Tools> {
  return (await import('./tools.ts')).tools;
}

/** Where logs are sent, under which identity and how: for the line at the start. */
export function describeStart(config: Config, api: string | undefined): LogFields {
  const { endpoint, flushStrategy } = config;
  if (!endpoint) return { version };
  const { host, path, secure } = targetOf(endpoint, (text) => text, config);
  const to = `${secure ? 'https:' : 'http:'}//${host}${path}`;
  return { version, to, as: whoOf(endpoint.authorization, endpoint.tenantId), api, strategy: flushStrategy };
}
