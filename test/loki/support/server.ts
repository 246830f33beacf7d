// Runs a real Loki on free loopback ports, all its data in a temporary directory, for one test or one file of tests.
// Promises: `start` resolves when Loki answers /ready; a Loki that cannot start says why in one readable error;
// `stop` and `start` keep ports and data, so that an outage or a restart can be staged; `remove` leaves nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../fakes/extension.ts';
import { type LokiPlace, type LokiSettings, mergeSettings, minimalConfig, multiTenantOverrides } from './config.ts';

/** A Loki of our own. `stop` ends it in order (its data is kept), `kill` with SIGKILL. */
export type LokiServer = {
  readonly url: string;
  readonly pushUrl: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  remove(): Promise<void>;
  /** The last lines that Loki itself logged, for a failing test's message. */
  log(): string;
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const KEPT_LOG_CHARS = 20_000;

/**
 * Starts `binary` with the minimal configuration and the given changes (see `lokiVariants`).
 * Call `remove` when done with it. Throws an error with Loki's own words when it does not get ready.
 */
export async function startLoki(binary: string, ...changes: readonly LokiSettings[]): Promise<LokiServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'loki-test-'));
  const place = { dataDir, httpPort: await freePort(), grpcPort: await freePort() };
  const loki = new LokiProcess(binary, place);
  try {
    await loki.writeConfig(changes);
    await loki.start();
    return loki;
  } catch (error) {
    await loki.remove();
    throw error;
  }
}

/** Invariant: `#child` is set exactly while a Loki of this place runs or starts. */
class LokiProcess implements LokiServer {
  readonly url: string;
  readonly pushUrl: string;
  readonly #binary: string;
  readonly #place: LokiPlace;
  readonly #configFile: string;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(binary: string, place: LokiPlace) {
    this.#binary = binary;
    this.#place = place;
    this.#configFile = join(place.dataDir, 'loki.yaml');
    this.url = `http://127.0.0.1:${place.httpPort}`;
    this.pushUrl = `${this.url}/loki/api/v1/push`;
  }

  async writeConfig(changes: readonly LokiSettings[]): Promise<void> {
    const overridesFile = join(this.#place.dataDir, 'overrides.yaml');
    const config = mergeSettings(minimalConfig(this.#place, overridesFile), ...changes);
    await writeFile(overridesFile, JSON.stringify(config['auth_enabled'] === true ? multiTenantOverrides : {}));
    await writeFile(this.#configFile, JSON.stringify(config, null, 1));
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = spawn(this.#binary, [`-config.file=${this.#configFile}`], {
      cwd: this.#place.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let ended: string | undefined;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (code, signal) => {
      ended = `exit ${code ?? signal}`;
      this.#child = undefined;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-KEPT_LOG_CHARS);
      });
    }
    const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
    while (ended === undefined && Date.now() < giveUpAtMs) {
      if (await isReady(this.url)) return;
      await sleep(50);
    }
    await this.kill();
    throw new Error(`Loki did not get ready (${ended ?? `${START_TIMEOUT_MS} ms went by`}): ${this.#lastWords()}`);
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#place.dataDir, { recursive: true, force: true });
  }

  log(): string {
    return this.#log;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(overdue);
  }

  #lastWords(): string {
    const lines = this.#log.trim().split('\n');
    const telling = lines.findIndex((line) => /level=error|fail|error/i.test(line));
    return (telling >= 0 ? lines.slice(telling, telling + 3) : lines.slice(-3)).join(' | ') || 'it said nothing';
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
