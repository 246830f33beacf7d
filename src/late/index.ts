// The late half of the program: what the first record needs, and nothing that registering needs. It is loaded once the first next event has
// been asked for; see the order of the start in main.ts.
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { FilterSettings } from '../config/filter-settings.ts';
import type { Environment } from '../config/reader.ts';
import { diagnoseSandbox } from '../diagnosis.ts';
import type { Filters } from '../filters/filters.ts';
import { createOwnLineTest, type Log, type LogFields, type LogSink, type Words } from '../log.ts';
import { createPushClient, type PushClient } from '../loki/push-client.ts';
import { createLedger } from '../losses.ts';
import { createMask } from '../mask.ts';
import { unknownSettings } from '../near-misses.ts';
import { createPipeline, type FunctionIdentity, type Pipeline } from '../pipeline.ts';
import { createRandom, drawHex } from '../random.ts';
import type { SandboxSymptom } from '../symptoms.ts';
import { targetOf, unknownTarget, whoOf } from '../target.ts';
import { systemClock } from '../time.ts';
import { version } from '../version.ts';

/** Puts the pipeline together from its real parts. Undefined if there is nowhere to send to. */
export async function openPipeline(
  config: Config,
  identity: FunctionIdentity,
  concurrent: boolean,
  log: Log,
  filters?: Filters,
): Promise<Pipeline | undefined> {
  const { endpoint } = config;
  const mask = createMask(secretsOf(config));
  log.equip({ mask, diagnose: diagnoseSandbox });
  let target = unknownTarget(mask.outside);
  const aimed = (at: Endpoint) => {
    target = targetOf(at, mask.outside, config.port);
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
    mask,
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

/** Loads what filters, and says what is wrong with the settings of it: only where one is set. */
export async function openFilters(settings: FilterSettings, log: Log): Promise<Filters> {
  const [{ createFilters }, { readRules }] = await Promise.all([
    import('../filters/filters.ts'),
    import('../filters/rules.ts'),
  ]);
  return createFilters(
    readRules(settings, (variable, message) =>
      log.tellSymptom({ kind: 'setting', level: 'warn', message: `${variable} ${message}` }),
    ),
  );
}

/** Loads pino: only when there is something to print. */
export async function openLogSink(config: Config): Promise<LogSink> {
  const words: Words = { mask: createMask(secretsOf(config)), diagnose: diagnoseSandbox };
  const { createPinoPrint } = await import('../log-pino.ts');
  return { print: createPinoPrint(), words };
}

/** Variables that may be meant for us, and are none of ours. */
export function findUnknownSettings(env: Environment): readonly SandboxSymptom[] {
  return unknownSettings(env);
}

/** Where logs are sent, as whom and how, for the line at the start. */
export function describeStart(config: Config, api: string | undefined): LogFields {
  const { endpoint, flushStrategy } = config;
  if (!endpoint) return { version };
  const { host, path, secure } = targetOf(endpoint, (text) => text);
  const to = `${secure ? 'https:' : 'http:'}//${host}${path}`;
  return { version, to, as: whoOf(endpoint.authorization, endpoint.tenantId), api, strategy: flushStrategy };
}

/** Beside what was typed the header that is made of it. */
function secretsOf({ secrets, endpoint }: Config): string[] {
  return endpoint?.authorization === undefined ? [...secrets] : [...secrets, endpoint.authorization];
}
