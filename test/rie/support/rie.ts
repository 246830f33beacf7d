// Drives AWS's Runtime Interface Emulator with our executable in /opt/extensions: start, invoke, end, and what was seen.
// Works only inside the mount namespace that test/rie/run.ts makes; outside of it every test fails and says so.
// https://docs.aws.amazon.com/lambda/latest/dg/images-test.html

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../fakes/extension.ts';

/** What the function is to do: see bootstrap.cjs. */
export type FunctionEvent = {
  readonly lines?: readonly string[];
  readonly bytes?: number;
  readonly sleepMs?: number;
  readonly fail?: string;
  readonly exit?: number;
};

export type Invocation = { readonly status: number; readonly text: string; readonly tookMs: number };

export type RieOptions = {
  /** Settings of the function: the extension sees these and the usual Lambda variables, nothing of this machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Invocations at once; given, the emulator plays Lambda Managed Instances. */
  readonly concurrency?: number;
  /** The function's timeout. */
  readonly timeoutSeconds?: number;
};

export type Rie = {
  invoke(event: FunctionEvent, requestId?: string): Promise<Invocation>;
  /** SIGTERM to the emulator; resolves when it has ended. */
  stop(): Promise<void>;
  /** Everything that emulator, function and extension printed. */
  output(): string;
  /** Exit codes of the extension's processes so far, in order. Killed by a signal: nothing is recorded. */
  extensionExits(): readonly number[];
};

const EXTENSION = '/opt/rie/aws-lambda-loki-extension';
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;
const ASK_AGAIN_MS = 10;

/** Starts the emulator on free loopback ports; it ends with the test. */
export async function startRie(t: TestContext, options: RieOptions): Promise<Rie> {
  const exits = installExtension();
  const [apiPort, invokePort] = [await freePort(), await freePort()];
  const args = [
    '--log-level=warn',
    `--runtime-api-address=127.0.0.1:${apiPort}`,
    `--runtime-interface-emulator-address=127.0.0.1:${invokePort}`,
  ];
  // For managed instances the emulator looks for /var/runtime/bootstrap by itself.
  if (options.concurrency === undefined) args.push('/var/runtime/bootstrap', 'index.handler');
  const child = spawn(process.env['RIE_BINARY'] ?? '', args, {
    cwd: '/var/task',
    env: environment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A session of its own: it gives each of its children a process group, but no session.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    const overdue = setTimeout(() => killSession(child.pid), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(overdue);
  };
  t.after(stop);
  await listening(child, invokePort, () => output);
  const url = `http://127.0.0.1:${invokePort}/2015-03-31/functions/function/invocations`;
  return {
    async invoke(event, requestId) {
      const headers: Record<string, string> = requestId === undefined ? {} : { 'x-amzn-RequestId': requestId };
      for (;;) {
        const startedMs = performance.now();
        const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
        const text = await answer.text();
        // For managed instances it queues nothing: while no runtime asks for work it says so, and the function saw no event.
        if (options.concurrency === undefined || answer.status !== 400 || !text.includes('Runtime.Unavailable')) {
          return { status: answer.status, text, tookMs: performance.now() - startedMs };
        }
        await sleep(ASK_AGAIN_MS);
      }
    },
    async stop() {
      await stop();
      if (child.signalCode === 'SIGKILL') throw new Error(`the emulator did not end on SIGTERM:\n${output}`);
    },
    output: () => output,
    extensionExits: () => readFileSync(exits, 'utf8').split('\n').filter(Boolean).map(Number),
  };
}

/** Ends a hung emulator with its runtime and its extension: an extension that it leaves behind would hold its port. */
function killSession(session: number | undefined): void {
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    try {
      // Behind the name, which may hold anything: state, parent, group, session.
      const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?!.*\) )/);
      if (Number(rest.split(' ')[3]) === session) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

// The platform knows an extension by its file name, and only its parent learns how it ended: a front of the same name
// starts the real one and writes that down, in a file of this start's own. It stands in for the platform, which can do both.
function installExtension(): string {
  if (!existsSync(EXTENSION) || readlinkSync('/proc/self/ns/mnt') === process.env['RIE_OUTER_NAMESPACE']) {
    throw new Error('these tests need their own mount namespace: run them with make test-rie');
  }
  const exits = join(mkdtempSync('/opt/rie/run-'), 'exits');
  writeFileSync(exits, '');
  // Extensions of managed instances run as another user, who must get to this file.
  chmodSync(dirname(exits), 0o755);
  chmodSync(exits, 0o666);
  const front = ['#!/bin/sh', EXTENSION, 'code=$?', `echo $code >> ${exits}`, 'exit $code', ''].join('\n');
  writeFileSync('/opt/extensions/aws-lambda-loki-extension', front, { mode: 0o755 });
  return exits;
}

function environment(options: RieOptions): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    AWS_REGION: 'eu-west-1',
    AWS_LAMBDA_FUNCTION_NAME: 'orders',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_FUNCTION_TIMEOUT: String(options.timeoutSeconds ?? 30),
    ...(options.concurrency === undefined
      ? {}
      : {
          AWS_LAMBDA_MAX_CONCURRENCY: String(options.concurrency),
          AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
        }),
    ...options.env,
  };
}

async function listening(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < giveUpAtMs && child.exitCode === null) {
    // Any answer will do: the emulator has one path alone, and an invocation is not to be spent on this.
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`the emulator did not start (exit ${child.exitCode}):\n${output()}`);
}
