// The late half of the program: what the first record needs, and nothing that registering needs. It is loaded once the first next event has
// been asked for; see the order of the start in main.ts.
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { createOwnLineTest, type Log, type LogSink } from '../log.ts';
import { createPushClient } from '../loki/push-client.ts';
import { createLedger } from '../losses.ts';
import { createPipeline, type FunctionIdentity, type Pipeline } from '../pipeline.ts';
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
    random: () => Number.parseInt(drawRandomHex().slice(0, 8), 16) / 2 ** 32,
    drawInstanceId: drawRandomHex,
    isOwnLine: createOwnLineTest(process.pid),
    defer: setImmediate,
  });
}

/** Loads pino: only when there is something to print. */
export async function openLogSink(): Promise<LogSink> {
  const { createPinoSink } = await import('../log-pino.ts');
  return createPinoSink();
}

/**
 * Sixteen hexadecimal digits from the kernel, at the moment they are asked for: a snapshot is restored many times, and a generator inside
 * the process would go on alike in all the copies. It also spares us node:crypto.
 */
function drawRandomHex(): string {
  return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').replaceAll('-', '').slice(0, 16);
}
