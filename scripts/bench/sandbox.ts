// A lean stand-in for the platform: starts one executable, answers register, subscribe and next, and notes when each came.
// It serves the benchmarks alone and checks nothing; what is right and wrong is tested against test/fakes/lambda-emulator.ts.
// Times are those of the monotonic clock, in milliseconds, which all processes of a machine share.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { freePort } from '../../test/fakes/extension.ts';
import { monotonicMs } from './proc.ts';
import type { LambdaRecord } from './records.ts';

const EXTENSION_ID = '2f1c1f4e-9a0b-4a58-8a2e-6d6a3f1b7c55';
const REGISTERED = '{"functionName":"orders-api","functionVersion":"$LATEST","handler":"index.handler"}';
const SUBSCRIBE_PATHS = ['/2020-08-15/logs', '/2022-07-01/telemetry'];
const ANSWER_LIMIT_MS = 20_000;

export interface Sandbox {
  readonly pid: number;
  readonly spawnedMs: number;
  /** When register was received. */
  registeredMs(): number;
  /** Resolves with the moment at which the next event was asked for, of the request that is open or the one to come. */
  asked(): Promise<number>;
  /** Answers the open request with an INVOKE. */
  invoke(requestId: string): void;
  /** Posts records, or a body of them, to the extension's listener. Resolves when it was answered. */
  deliver(body: string | readonly LambdaRecord[]): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** SHUTDOWN; resolves when the process has ended. */
  shutDown(): Promise<void>;
  /** Ends the process at once, in whatever state it is. */
  [Symbol.asyncDispose](): Promise<void>;
  /** What it has printed. */
  output(): string;
}

export type Settings = Readonly<Record<string, string>>;

export async function startSandbox(executable: string, settings: Settings = {}): Promise<Sandbox> {
  const api = await startRuntimeApi();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const env = environment(api.port, await freePort(), settings);
  let output = '';
  const spawnedMs = monotonicMs();
  const child = spawn(executable, [], { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));

  async function close(): Promise<void> {
    await withLimit(ended, 'the end of the process');
    agent.destroy();
    api.close();
  }

  return {
    pid: pidOf(child, executable),
    spawnedMs,
    registeredMs: api.registeredMs,
    asked() {
      const died = ended.then(() => {
        throw new Error(`the extension has ended: ${output.slice(-2_000)}`);
      });
      return withLimit(Promise.race([api.asked(), died]), 'the next event to be asked for');
    },
    invoke: (requestId) => api.answer(invokeEvent(requestId)),
    deliver(body) {
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      return withLimit(post(api.listenerPort(), agent, bytes), 'the listener');
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async shutDown() {
      api.answer({ eventType: 'SHUTDOWN', deadlineMs: Date.now() + 2_000, shutdownReason: 'spindown' });
      await close();
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await close();
    },
    output: () => output,
  };
}

interface RuntimeApi {
  readonly port: number;
  registeredMs(): number;
  listenerPort(): number | undefined;
  asked(): Promise<number>;
  /** Answers the open request for the next event. */
  answer(event: object): void;
  close(): void;
}

async function startRuntimeApi(): Promise<RuntimeApi> {
  let registeredMs = Number.NaN;
  let listenerPort: number | undefined;
  let open: { response: ServerResponse; askedMs: number } | undefined;
  let onAsked: ((ms: number) => void) | undefined;

  const server = createServer(async (incoming, response) => {
    const nowMs = monotonicMs();
    const path = incoming.url ?? '';
    if (path.endsWith('/event/next')) {
      open = { response, askedMs: nowMs };
      onAsked?.(nowMs);
    } else if (path.endsWith('/register')) {
      registeredMs = nowMs;
      incoming.resume();
      response.setHeader('Lambda-Extension-Identifier', EXTENSION_ID);
      answer(response, 200, REGISTERED);
    } else if (SUBSCRIBE_PATHS.includes(path)) {
      listenerPort = Number(/sandbox\.localdomain:(\d+)/.exec(await text(incoming))?.[1]);
      answer(response, 200, '"OK"');
    } else {
      incoming.resume();
      answer(response, 404, '');
    }
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    registeredMs: () => registeredMs,
    listenerPort: () => listenerPort,
    asked: () =>
      new Promise((resolve) => {
        if (open) resolve(open.askedMs);
        else onAsked = resolve;
      }),
    answer(event) {
      if (!open) throw new Error('the extension has not asked for the next event');
      const { response } = open;
      open = undefined;
      answer(response, 200, JSON.stringify(event));
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function invokeEvent(requestId: string): object {
  return {
    eventType: 'INVOKE',
    deadlineMs: Date.now() + 60_000,
    requestId,
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:orders-api',
    tracing: {
      type: 'X-Amzn-Trace-Id',
      value: 'Root=1-6957b2de-0f3c2b1a4d5e6f7081920a1b;Parent=53995c3f42cd8ad8;Sampled=1',
    },
  };
}

function environment(apiPort: number, listenerPort: number, settings: Settings): Settings {
  return {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${apiPort}`,
    AWS_LAMBDA_FUNCTION_NAME: 'orders-api',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_REGION: 'eu-central-1',
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64:/var/runtime:/var/task:/opt/lib',
    // Several run at once: the usual port could be taken.
    LOKI_EXTENSION_PORT: String(listenerPort),
    ...settings,
  };
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
}

async function post(port: number | undefined, agent: Agent, body: Buffer): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const sent = request({ host: '127.0.0.1', port, agent, method: 'POST', path: '/', headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`listener: ${response.statusCode}`);
}

function pidOf(child: ChildProcess, executable: string): number {
  if (child.pid === undefined) throw new Error(`${executable} cannot be started`);
  return child.pid;
}

async function withLimit<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), ANSWER_LIMIT_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
