// The late half of the program: what the first record needs, and nothing that registering needs. It is loaded once the first next event has
// been asked for; see the order of the start in main.ts.
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { createOwnLineTest, type Log, type LogSink } from '../log.ts';
import { createPushClient } from '../loki/push-client.ts';
import { createLedger } from '../losses.ts';
import { createPipeline, type FunctionIdentity, type Pipeline } from '../pipeline.ts';
import { createRandom, drawHex } from '../random.ts';
import { systemClock } from '../time.ts';
import { version } from '../version.ts';

/** Puts the pipeline together from its real parts. */
export function openPipeline(
  config: Config,
  endpoint: Endpoint,
  identity: FunctionIdentity,
  concurrent: boolean,
  log: Log,
): Pipeline {
  return createPipeline({
    config,
    identity,
    concurrent,
    client: createPushClient(endpoint, config.pushTimeoutMs, `aws-lambda-loki-extension/${version}`, systemClock),
    ledger: createLedger(),
    log,
    clock: systemClock,
    random: createRandom(),
    drawInstanceId: drawHex,
    isOwnLine: createOwnLineTest(process.pid),
    defer: setImmediate,
  });
}

/** Loads pino: only when there is something to print. */
export async function openLogSink(): Promise<LogSink> {
  const { createPinoSink } = await import('../log-pino.ts');
  return createPinoSink();
}
