// One sandbox of the fleet: the extension's own lifecycle, pipeline and push client, with a simulated clock, platform and
// network. It is called now and then, prints some lines each time, is frozen between, and is shut down in the end.

import { parseConfig } from '../../../src/config/config.ts';
import { runLifecycle } from '../../../src/extension.ts';
import { createLog } from '../../../src/log.ts';
import { createPushClient } from '../../../src/loki/push-client.ts';
import { createLedger } from '../../../src/losses.ts';
import { createPipeline } from '../../../src/pipeline.ts';
import { createRandom } from '../../../src/random.ts';
import { createPace } from '../../../src/time.ts';
import { TARGET } from '../../../test/fakes/doubles.ts';
import { functionRecord, reportRecord, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { createPlatform } from '../simulated-platform.ts';
import type { SimulatedTime } from '../simulated-time.ts';
import { connectorTo } from './network.ts';
import type { Tenant } from './tenant.ts';

/** What a sandbox does in its life. Moments are those of the simulated time. */
export interface Life {
  readonly number: number;
  readonly functionName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly startMs: number;
  readonly endMs: number;
  /** On average between the starts of two invocations. */
  readonly intervalMs: number;
  readonly linesPerInvocation: number;
  readonly lineBytes: number;
}

/** What became of the entries of one sandbox. */
export interface Account {
  readonly received: number;
  readonly accepted: number;
  readonly dropped: number;
  readonly held: number;
  /** How long the function waited for its logs, in all. */
  readonly heldMs: number;
  readonly invocations: number;
}

const MAX_INVOCATIONS = 100_000;
const HANDLER_MS = 200;
const SHUTDOWN_MS = 2_000;
const FUNCTION_TIMEOUT_MS = 30_000;

/** @returns what became of it, to be asked when all is over */
export function openSandbox(life: Life, time: SimulatedTime, tenant: Tenant): () => Account {
  const random = createRandom(() => (0x9e3779b1 * (life.number + 1)).toString(16).padStart(8, '0').slice(-8));
  const sandbox = time.openSandbox();
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: 'http://loki.example', ...life.environment });
  if (!config.endpoint) throw new Error('no endpoint');
  const log = createLog('silent', () => Promise.reject(new Error('nothing is printed')), time.now);
  const ledger = createLedger();
  const way = { connector: connectorTo(tenant, time, sandbox) };
  const pipeline = createPipeline({
    config,
    identity: {
      functionName: life.functionName,
      functionVersion: '$LATEST',
      accountId: '123456789012',
      region: 'eu-central-1',
    },
    concurrent: false,
    client: createPushClient(config.endpoint, config.pushTimeoutMs, 'fleet', sandbox.clock, way),
    ledger,
    log,
    target: () => TARGET,
    mask: (text) => text,
    clock: sandbox.clock,
    random,
    drawInstanceId: () => `sandbox-${life.number}`,
    isOwnLine: () => false,
    defer: (run) => void sandbox.clock.after(0, run),
  });
  const platform = createPlatform(sandbox, (body) => pipeline.receive(body));
  let invocations = 0;
  let heldMs = 0;
  let ended = false;
  const over = runLifecycle({
    nextEvent: platform.nextEvent,
    deliverer: () => Promise.resolve(pipeline),
    terminated: new Promise(() => {}),
    strategy: config.flushStrategy,
    onlyShutdown: false,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: 1 / 3,
    pace: createPace(1, time.now, () => 0),
    clock: sandbox.clock,
    log,
  });
  void over.then(() => {
    ended = true;
  });

  function nextInvocation(): void {
    const gapMs = life.intervalMs * (0.5 + random());
    time.at(Math.min(life.endMs, time.now() + gapMs), () => (time.now() >= life.endMs ? end() : invoke()));
  }

  /** No two of the fleet have the same. */
  const requestIdAt = (invocation: number) => requestIdOf(life.number * MAX_INVOCATIONS + invocation);

  function invoke(): void {
    const startMs = time.now();
    const requestId = requestIdAt(invocations);
    platform.send({
      kind: 'invoke',
      requestId,
      deadlineMs: startMs + FUNCTION_TIMEOUT_MS,
      traceHeader: undefined,
      invokedArn: undefined,
    });
    if (invocations > 0) platform.record(reportRecord(requestIdAt(invocations - 1), startMs));
    invocations++;
    platform.record(startRecord(requestId, startMs));
    for (let line = 0; line < life.linesPerInvocation; line++) {
      const text = `${life.number} ${requestId} line ${line} `;
      platform.record(functionRecord(text + filler(random, life.lineBytes - text.length), startMs));
    }
    time.at(startMs + HANDLER_MS, () => {
      platform.record(runtimeDoneRecord(requestId, time.now()));
      const doneMs = time.now();
      platform.onAsked(() => {
        heldMs += time.now() - doneMs;
        sandbox.freeze();
        nextInvocation();
      });
    });
  }

  function end(): void {
    platform.send({ kind: 'shutdown', reason: 'spindown', deadlineMs: time.now() + SHUTDOWN_MS });
  }

  time.at(life.startMs, () => {
    platform.onAsked(() => invoke());
  });
  return () => {
    if (!ended) throw new Error(`sandbox ${life.number} has not ended`);
    const { received, accepted, dropped } = ledger.totals();
    const sum = Object.values(dropped).reduce((total, count) => total + count, 0);
    return { received, accepted, dropped: sum, held: pipeline.heldEntries(), heldMs, invocations };
  };
}

const WORDS =
  'order stored paid shipped failed retried user cart item cache miss took status 200 201 404 503 in ms'.split(' ');

/** Words as a log has them: they compress, but not to nothing. */
function filler(random: () => number, length: number): string {
  let text = '';
  while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} ${Math.floor(random() * 1_000)} `;
  return text.slice(0, length);
}
