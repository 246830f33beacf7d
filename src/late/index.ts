// The late half of the program: what the first record needs, and nothing that registering needs. It is loaded once the first next event has
// been asked for; see the order of the start in main.ts.
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { FilterSettings } from '../config/filter-settings.ts';
import { diagnoseSandbox } from '../diagnosis.ts';
import type { Filters } from '../filters/filters.ts';
import { createOwnLineTest, type Log, type LogFields, type LogSink, type Words } from '../log.ts';
import { createPushClient } from '../loki/push-client.ts';
import { createLedger } from '../losses.ts';
import { createMask } from '../mask.ts';
import { createPipeline, type FunctionIdentity, type Pipeline } from '../pipeline.ts';
import { createRandom, drawHex } from '../random.ts';
import { targetOf, whoOf } from '../target.ts';
import { systemClock } from '../time.ts';
import { version } from '../version.ts';

/** Puts the pipeline together from its real parts. */
export function openPipeline(
  config: Config,
  endpoint: Endpoint,
  identity: FunctionIdentity,
  concurrent: boolean,
  log: Log,
  filters?: Filters,
): Pipeline {
  const mask = createMask(secretsOf(config));
  log.equip({ mask, diagnose: diagnoseSandbox });
  return createPipeline({
    config,
    target: targetOf(endpoint, mask.outside),
    mask,
    identity,
    concurrent,
    client: createPushClient(endpoint, config.pushTimeoutMs, `aws-lambda-loki-extension/${version}`, systemClock),
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
