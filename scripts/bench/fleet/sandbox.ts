// One sandbox of the fleet: the extension's own lifecycle, pipeline and push client, with a simulated clock, platform and
// network. It is called now and then, prints some lines each time, is frozen between, and is shut down in the end.

import { parseConfig } from '../../../src/config/config.ts';
import { createPushClient } from '../../../src/loki/push-client.ts';
import { createRandom } from '../../../src/random.ts';
import { functionRecord, reportRecord, requestIdOf, runtimeDoneRecord, startRecord } from '../records.ts';
import { type SimulatedExtension, startExtension } from '../simulated-extension.ts';
import type { SimulatedSandbox, SimulatedTime } from '../simulated-time.ts';
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
const FUNCTION_TIMEOUT_MS = 30_000;

/** @returns what became of it, to be asked when all is over */
export function openSandbox(life: Life, time: SimulatedTime, tenant: Tenant): () => Account {
  const random = createRandom(() => (0x9e3779b1 * (life.number + 1)).toString(16).padStart(8, '0').slice(-8));
  const sandbox = time.openSandbox();
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: 'http://loki.example', ...life.environment });
  if (!config.endpoint) throw new Error('no endpoint');
  const way = { connector: connectorTo(tenant, time, sandbox) };
  const extension = startExtension(config, life.functionName, sandbox, {
    client: createPushClient(config.endpoint, config.pushTimeoutMs, 'fleet', sandbox.clock, way),
    random,
    drawInstanceId: () => `sandbox-${life.number}`,
  });
  let hasEnded = false;
  void extension.ended.then(() => {
    hasEnded = true;
  });
  const calls = live(life, time, sandbox, extension, random);
  return () => {
    if (!hasEnded) throw new Error(`sandbox ${life.number} has not ended`);
    const { received, accepted, dropped } = extension.ledger.totals();
    const sum = Object.values(dropped).reduce((total, count) => total + count, 0);
    return { received, accepted, dropped: sum, held: extension.pipeline.heldEntries(), ...calls() };
  };
}

/** Is called from the start of the life to its end. @returns how often, and how long that was held, so far */
function live(
  life: Life,
  time: SimulatedTime,
  sandbox: SimulatedSandbox,
  { platform }: SimulatedExtension,
  random: () => number,
): () => Pick<Account, 'heldMs' | 'invocations'> {
  let invocations = 0;
  let heldMs = 0;
  /** No two of the fleet have the same. */
  const requestIdAt = (invocation: number) => requestIdOf(life.number * MAX_INVOCATIONS + invocation);

  function invoke(): void {
    const startMs = time.now();
    const requestId = requestIdAt(invocations);
    platform.invoke(requestId, FUNCTION_TIMEOUT_MS);
    if (invocations > 0) platform.record(reportRecord(requestIdAt(invocations - 1), startMs));
    invocations++;
    platform.record(startRecord(requestId, startMs));
    for (let line = 0; line < life.linesPerInvocation; line++) {
      const text = `${life.number} ${requestId} line ${line} `;
      platform.record(functionRecord(text + filler(random, life.lineBytes - text.length), startMs));
    }
    time.at(startMs + HANDLER_MS, () => finish(requestId));
  }

  function finish(requestId: string): void {
    const doneMs = time.now();
    platform.record(runtimeDoneRecord(requestId, doneMs));
    platform.onAsked(() => {
      heldMs += time.now() - doneMs;
      sandbox.freeze();
      waitForNext();
    });
  }

  function waitForNext(): void {
    const gapMs = life.intervalMs * (0.5 + random());
    const nextMs = Math.min(life.endMs, time.now() + gapMs);
    time.at(nextMs, () => (time.now() >= life.endMs ? platform.shutDown() : invoke()));
  }

  time.at(life.startMs, () => platform.onAsked(invoke));
  return () => ({ heldMs, invocations });
}

const WORDS =
  'order stored paid shipped failed retried user cart item cache miss took status 200 201 404 503 in ms'.split(' ');

/** Words as a log has them: they compress, but not to nothing. */
function filler(random: () => number, length: number): string {
  let text = '';
  while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} ${Math.floor(random() * 1_000)} `;
  return text.slice(0, length);
}
