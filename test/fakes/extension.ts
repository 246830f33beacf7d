// The built extension in a test: finds the executable, starts a fake Loki and an emulator around it, cleans up.
// It fails loudly when there is no executable: an end-to-end test that tests nothing must not pass.

import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { arch } from 'node:process';
import type { TestContext } from 'node:test';
import { type FakeLoki, type FakeLokiOptions, startFakeLoki } from './fake-loki.ts';
import type { EmulatorOptions } from './lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from './lambda-emulator.ts';

/** Path of the executable: `EXTENSION_EXECUTABLE`, else where `make build` puts the one of this machine. */
export function extensionExecutable(): string {
  const folder = arch === 'arm64' ? 'arm64' : 'x86_64';
  const built = `../../bin/${folder}/extensions/aws-lambda-loki-extension`;
  const { EXTENSION_EXECUTABLE: chosen = resolve(import.meta.dirname, built) } = process.env;
  try {
    accessSync(chosen, constants.X_OK);
  } catch {
    throw new Error(`no executable at ${chosen}: run "make build", or set EXTENSION_EXECUTABLE`);
  }
  return chosen;
}

export interface Bench {
  readonly loki: FakeLoki;
  readonly emulator: LambdaEmulator;
}

export interface BenchOptions extends EmulatorOptions {
  readonly loki?: FakeLokiOptions;
  /** Where the extension pushes, if not straight to the fake Loki. */
  readonly endpoint?: (loki: FakeLoki) => string | Promise<string>;
}

/**
 * The executable between an emulator and a fake Loki, not started yet; everything is stopped when the test ends.
 * The listener gets a port of its own, because tests run side by side. The flush strategy is `end` unless told otherwise:
 * with it an invocation is over when its lines are in Loki.
 */
export async function createBench(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const executable = options.executable ?? extensionExecutable();
  const loki = await startFakeLoki(options.loki);
  t.after(() => loki.close());
  const variables = {
    LOKI_PUSH_ENDPOINT: (await options.endpoint?.(loki)) ?? loki.url,
    LOKI_EXTENSION_PORT: String(await freePort()),
    LOKI_FLUSH_STRATEGY: 'end',
    ...options.environment,
  };
  const emulator = await createLambdaEmulator({ ...options, executable, environment: variables });
  t.after(() => emulator.stop());
  return { loki, emulator };
}

/**
 * A port that was free a moment ago on all interfaces. It lies below those that the kernel gives to clients, so that no
 * connection of a neighbour takes it before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((settle) => {
      server.once('error', () => settle(false));
      server.listen(port, () => settle(true));
    });
    if (!free) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

/** The line that Loki must hold for a record's text: the text without one line end. */
export function lineOf(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Whether a line is what was expected, or the same JSON with the blanks of the body that it was cut out of. */
export function isLine(line: string, expected: string): boolean {
  return line === expected || compact(line) === expected;
}

function compact(json: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return undefined;
  }
}
