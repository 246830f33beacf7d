// What happens in the demo: seven invocations of one function, two sandboxes, two shutdowns.

import { randomUUID } from 'node:crypto';
import { generateLines } from '../../test/fakes/generate.ts';
import type { InvokeOptions, ShutdownResult } from '../../test/fakes/lambda/options.ts';
import type { LambdaEmulator } from '../../test/fakes/lambda-emulator.ts';

/** One line of the story: the start of a sandbox, an invocation, or a shutdown. */
export interface Chapter {
  readonly requestId?: string;
  readonly what: string;
  readonly lines?: number;
  readonly functionMs?: number;
  /** How long the extension kept the sandbox after the function was done; undefined where nobody waits for it. */
  readonly heldMs?: number | undefined;
  readonly shutdown?: ShutdownResult;
}

interface Invocation extends InvokeOptions {
  readonly what: string;
  readonly lines: readonly string[];
  readonly requestId: string;
}

const TIMEOUT_MS = 1_200;
const BURST_LINES = 5_000;

type Write = (requestId: string) => Omit<Invocation, 'requestId'>;

const beforeTimeout: readonly Write[] = [
  (id) => ({
    what: 'the first, after a cold start',
    lines: [text(id, 'INFO', 'loading configuration'), text(id, 'DEBUG', 'cache is empty'), 'plain print, no level'],
    durationMs: 80,
  }),
  (id) => ({
    what: 'text lines, two equal in one millisecond',
    lines: [text(id, 'INFO', 'order 4711 received'), 'retrying', 'retrying', text(id, 'WARN', 'took 3 attempts')],
    durationMs: 20,
  }),
  (id) => ({
    what: 'JSON lines',
    lines: [json(id, 'info', 'order 4712 received'), json(id, 'debug', 'stock checked'), json(id, 'info', 'paid')],
    durationMs: 20,
    tracing: 'Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1',
  }),
  (id) => ({
    what: 'an error with a stack trace',
    lines: [text(id, 'INFO', 'order 4713 received'), stackTrace(id)],
    durationMs: 20,
    outcome: 'error',
  }),
  (id) => ({
    what: `a burst of ${BURST_LINES.toLocaleString('en')} lines`,
    lines: generateLines(BURST_LINES, { requestId: id }),
    durationMs: 50,
  }),
  (id) => ({
    what: `runs into its timeout of ${TIMEOUT_MS.toLocaleString('en')} ms`,
    lines: [text(id, 'INFO', 'order 4714 received'), text(id, 'INFO', 'waiting for the bank, which does not answer')],
    deadlineInMs: TIMEOUT_MS,
    outcome: 'timeout',
  }),
];

const afterTimeout: readonly Write[] = [
  (id) => ({ what: 'the next, in a new sandbox', lines: [text(id, 'INFO', 'order 4715 received')], durationMs: 20 }),
];

export async function runScenario(emulator: LambdaEmulator): Promise<readonly Chapter[]> {
  const story: Chapter[] = [];
  for (const sandbox of [beforeTimeout, afterTimeout]) {
    const { registeredAfterMs } = await emulator.start();
    story.push({ what: `a sandbox starts; the extension has registered after ${Math.round(registeredAfterMs)} ms` });
    for (const write of sandbox) {
      const requestId = randomUUID();
      const { what, ...options } = write(requestId);
      const { heldMs, shutdown } = await emulator.invoke({ ...options, requestId });
      const functionMs = options.durationMs ?? options.deadlineInMs ?? 0;
      story.push({ requestId, what, lines: options.lines.length, functionMs, heldMs });
      if (shutdown) story.push(ending('timeout', shutdown));
    }
  }
  const shutdown = await emulator.shutdown({ reason: 'spindown' });
  return [...story, ending('spindown', shutdown)];
}

function ending(reason: string, shutdown: ShutdownResult): Chapter {
  return { what: `shutdown (${reason}); the extension exits after ${Math.round(shutdown.tookMs)} ms`, shutdown };
}

/** A line as the Node.js runtime of Lambda writes it. */
function text(requestId: string, level: string, message: string): string {
  return `${new Date().toISOString()}\t${requestId}\t${level}\t${message}`;
}

function json(requestId: string, level: string, msg: string): string {
  return JSON.stringify({ level, time: Date.now(), requestId, msg });
}

function stackTrace(requestId: string): string {
  const frames = [
    'handler (/var/task/index.js:42:17)',
    'async Runtime.handleOnce (file:///var/runtime/index.mjs:1173:29)',
  ];
  return text(requestId, 'ERROR', ['Error: card declined', ...frames.map((frame) => `    at ${frame}`)].join('\n'));
}
