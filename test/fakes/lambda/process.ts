// The extension's process as Lambda runs it: own process group, working directory `/`, a bare environment, no arguments,
// output captured, frozen and thawed as a group. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** The kernel stops a process within a millisecond. */
const stopLimitMs = 10_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly executable: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line that the process prints, on either stream. */
  readonly onLine: (line: string) => void;
  readonly onExit: (exit: Exit) => void;
}

/** Invariant: the process group is killed at the latest when this program ends. */
export class ExtensionProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  constructor(options: ProcessOptions) {
    const { executable, environment, onLine } = options;
    this.#child = spawn(executable, [], { cwd: '/', env: { ...environment }, detached: true });
    this.#child.stdin.end();
    const killAtExit = () => this.signal('SIGKILL');
    process.once('exit', killAtExit);
    eachLine(this.#child.stdout, onLine, (text) => {
      this.#stdout += text;
    });
    eachLine(this.#child.stderr, onLine, (text) => {
      this.#stderr += text;
    });
    this.#child.on('error', (error) => {
      this.#stderr += `${error.message}\n`;
    });
    this.#child.on('close', (code, signal) => {
      process.removeListener('exit', killAtExit);
      this.#exit = { code, signal };
      options.onExit(this.#exit);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Stops every thread of the group and returns when the kernel shows them stopped. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    const endMs = performance.now() + stopLimitMs;
    while (this.#exit === undefined && !this.#allThreadsStopped()) {
      // Somebody has let it go on meanwhile, most likely: a test that has failed must not turn in here for ever.
      if (performance.now() > endMs) throw new Error(`the process did not stop within ${stopLimitMs} ms`);
      await setImmediate();
    }
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  /** Sends a signal to the whole group; a group that is gone is no error. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || this.#exit !== undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  #allThreadsStopped(): boolean {
    try {
      const tasks = `/proc/${this.pid}/task`;
      return readdirSync(tasks).every((thread) => /\) [TXZ]/.test(readFileSync(`${tasks}/${thread}/stat`, 'utf8')));
    } catch {
      return true;
    }
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void, onText: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    onText(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
