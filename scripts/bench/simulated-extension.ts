// The extension in a simulated sandbox: its own lifecycle and pipeline, between a platform and a network that are made up.

import type { Config } from '../../src/config/config.ts';
import { runLifecycle } from '../../src/extension.ts';
import type { NextEvent } from '../../src/lambda/extensions-api.ts';
import { createLog } from '../../src/log.ts';
import { createLedger, type Ledger } from '../../src/losses.ts';
import { createPipeline, type Pipeline, type PipelineParts } from '../../src/pipeline.ts';
import { createPace } from '../../src/time.ts';
import { TARGET } from '../../test/fakes/doubles.ts';
import { gatherRecords, type LambdaRecord } from './records.ts';
import type { SimulatedSandbox } from './simulated-time.ts';

/** What Lambda gives an extension at the end of a sandbox. */
export const SHUTDOWN_MS = 2_000;

interface Platform {
  readonly nextEvent: () => Promise<NextEvent>;
  /** Whether the extension waits for an event. */
  readonly isAsked: () => boolean;
  /** Calls back when the extension has asked for the next event, at once if it has. */
  onAsked(run: () => void): void;
  /** Thaws the sandbox for an invocation that may take so long. */
  invoke(requestId: string, timeoutMs: number): void;
  /** Thaws the sandbox for its end. */
  shutDown(): void;
  /** A record is made; it is delivered with what else there is a buffering period later, if the sandbox is awake. */
  record(record: LambdaRecord): void;
}

export interface SimulatedExtension {
  readonly platform: Platform;
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  /** Resolves when it has dealt with SHUTDOWN. */
  readonly ended: Promise<unknown>;
}

export function startExtension(
  config: Config,
  functionName: string,
  sandbox: SimulatedSandbox,
  parts: Pick<PipelineParts, 'client' | 'random' | 'drawInstanceId'>,
): SimulatedExtension {
  const { clock } = sandbox;
  const log = createLog('silent', () => Promise.reject(new Error('nothing is printed')), clock.now);
  const ledger = createLedger();
  const pipeline = createPipeline({
    ...parts,
    config,
    identity: { functionName, functionVersion: '$LATEST', accountId: '123456789012', region: 'eu-central-1' },
    concurrent: false,
    ledger,
    log,
    target: () => TARGET,
    mask: (text) => text,
    clock,
    isOwnLine: () => false,
    defer: (run) => void clock.after(0, run),
  });
  const platform = createPlatform(sandbox, (body) => pipeline.receive(body));
  const ended = runLifecycle({
    nextEvent: platform.nextEvent,
    deliverer: () => Promise.resolve(pipeline),
    terminated: new Promise(() => {}),
    strategy: config.flushStrategy,
    onlyShutdown: false,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: 1 / 3,
    pace: createPace(1, clock.now, () => 0),
    clock,
    log,
  });
  return { platform, pipeline, ledger, ended };
}

function createPlatform(sandbox: SimulatedSandbox, receive: (body: Buffer) => void): Platform {
  const { clock } = sandbox;
  let answer: ((event: NextEvent) => void) | undefined;
  let asked: (() => void) | undefined;

  function send(event: NextEvent): void {
    const resolve = answer;
    if (!resolve) throw new Error('an event before it was asked for');
    answer = undefined;
    sandbox.thaw();
    resolve(event);
  }

  return {
    nextEvent: () =>
      new Promise((resolve) => {
        answer = resolve;
        const run = asked;
        asked = undefined;
        run?.();
      }),
    isAsked: () => answer !== undefined,
    onAsked(run) {
      if (answer) run();
      else asked = run;
    },
    invoke(requestId, timeoutMs) {
      const deadlineMs = clock.now() + timeoutMs;
      send({ kind: 'invoke', requestId, deadlineMs, traceHeader: undefined, invokedArn: undefined });
    },
    shutDown: () => send({ kind: 'shutdown', reason: 'spindown', deadlineMs: clock.now() + SHUTDOWN_MS }),
    record: gatherRecords(clock.after, (body) => receive(Buffer.from(body))),
  };
}
