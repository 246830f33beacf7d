// The tools of the recipes' ecosystems, installed where they are pinned: under .cache/examples, by pip and npm, and by Go
// (test/tools). Where one cannot be had, the test that needs it says so aloud and is no failure.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { findProgram, root } from '../../scripts/build/toolchain.ts';

export const examples = path.join(root, 'examples');
const cache = path.join(root, '.cache/examples');

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Run {
  const { status, stdout, stderr, error } = spawnSync('nice', command, {
    ...options,
    env: { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, ...options.env },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return { status, stdout: stdout ?? '', stderr: error?.message ?? stderr ?? '' };
}

/** Skips the test, and says so where nobody overlooks it. */
export function notRun(t: TestContext, reason: string): void {
  console.error(`NOT RUN: ${t.name}: ${reason}`);
  t.skip(`NOT RUN: ${reason}`);
}

/** Path of a program of a Python package that requirements.txt pins, or why there is none. */
export function pythonTool(name: string): { ok: true; path: string } | { ok: false; reason: string } {
  if (findProgram('python3') === undefined) return { ok: false, reason: 'there is no python3' };
  const requirements = path.join(import.meta.dirname, 'requirements.txt');
  const folder = path.join(cache, 'python');
  const file = { ok: true, path: path.join(folder, 'bin', name) } as const;
  if (!isCurrent(folder, requirements)) {
    rmSync(folder, { recursive: true, force: true });
    const made = run(['python3', '-m', 'venv', folder]);
    if (made.status !== 0)
      return { ok: false, reason: `python3 makes no venv: ${made.stderr.trim() || made.stdout.trim()}` };
    const pip = [path.join(folder, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--no-input'];
    const installed = run([...pip, '--disable-pip-version-check', '--requirement', requirements]);
    const trouble = `pip cannot install ${requirements}: ${installed.stderr.trim()}`;
    // Where all is to be had, as in CI, a pin that no longer is must not go unnoticed.
    if (installed.status !== 0 && process.env['CI']) throw new Error(trouble);
    if (installed.status !== 0) return { ok: false, reason: trouble };
    markCurrent(folder, requirements);
  }
  return file;
}

/** A copy of the examples in which this one's packages are installed as its lockfile pins them. */
export function npmCopy(name: string): string {
  const copy = path.join(cache, name);
  const folder = path.join(copy, name);
  const lockfile = path.join(examples, name, 'package-lock.json');
  if (!isCurrent(folder, lockfile)) rmSync(copy, { recursive: true, force: true });
  for (const part of [name, 'functions']) cpSync(path.join(examples, part), path.join(copy, part), { recursive: true });
  if (!isCurrent(folder, lockfile)) {
    const installed = run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
    if (installed.status !== 0) throw new Error(`npm ci: ${installed.stderr}`);
    markCurrent(folder, lockfile);
  }
  return folder;
}

/** An empty folder that goes with the test. */
export function scratch(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'examples-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A program of this text on a PATH of its own, before all others. */
export function withProgram(folder: string, name: string, text: string): NodeJS.ProcessEnv {
  writeFileSync(path.join(folder, name), text);
  chmodSync(path.join(folder, name), 0o755);
  return { PATH: `${folder}:${process.env['PATH']}` };
}

const stamp = (folder: string) => path.join(folder, '.installed-from');
const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

function isCurrent(folder: string, pins: string): boolean {
  return existsSync(stamp(folder)) && readFileSync(stamp(folder), 'utf8') === hashOf(pins);
}

function markCurrent(folder: string, pins: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(stamp(folder), hashOf(pins));
}
