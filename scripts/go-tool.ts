// Builds a Go main package at a pinned module version into a cache outside the tree, once.
// The module's source is copied and built as the main module, so that its own `replace` and `exclude` lines
// are in force: `go install module@version` refuses such modules (https://go.dev/ref/mod#go-install).
// Nothing of the built code enters the tree; only the Go module proxy that `go` is set up for is asked.

import { spawn } from 'node:child_process';
import { access, constants, cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './build/toolchain.ts';

/** One program to build. `packagePath` is the main package inside the module ('.' or './cmd/x'). */
export type GoTool = {
  readonly name: string;
  readonly modulePath: string;
  readonly version: string;
  readonly packagePath: string;
  /** Said before a build, for example how long it takes. */
  readonly note?: string;
};

/** The program's path, or one line that says what is missing. */
export type GoToolResult =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };
type Download = { readonly Dir?: string; readonly Error?: string };
type GoMod = {
  readonly Require?: readonly { readonly Path: string; readonly Version: string }[];
  readonly Replace?: readonly {
    readonly Old: { readonly Path: string };
    readonly New: { readonly Path: string; readonly Version?: string };
  }[];
};

/** Where built programs are kept: `$XDG_CACHE_HOME` or `~/.cache`, then this project's name. */
export function toolCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(base, 'aws-lambda-loki-extension');
}

/**
 * Finds the program in the cache, or builds it there. Safe to run several times at once: each build has its own
 * directory and the finished file is moved into place. Prints one line through `say`; never throws for what the
 * machine lacks (no Go, no network, no such version, no compiling): that is the `reason`.
 */
export async function buildGoTool(tool: GoTool, say: (line: string) => void): Promise<GoToolResult> {
  const title = `${tool.name} ${tool.version}`;
  const cacheDir = join(toolCacheDir(), `${tool.name}-${tool.version}`);
  const target = join(cacheDir, tool.name);
  if (await isExecutable(target)) {
    say(`${title}: already built, ${target}`);
    return { ok: true, path: target };
  }
  const fail = (why: string): GoToolResult => ({ ok: false, reason: `${title}: ${why}` });
  if (findProgram('go') === undefined) return fail('cannot be built: Go is not installed (no `go` on the PATH)');
  say(`${title}: building from the Go module proxy into ${cacheDir}${tool.note ? ` (${tool.note})` : ''}`);
  await mkdir(toolCacheDir(), { recursive: true });
  const buildDir = await mkdtemp(join(toolCacheDir(), 'build-'));
  try {
    const sourceDir = join(buildDir, 'src');
    const missing = await copyModule(tool.modulePath, tool.version, sourceDir);
    if (missing !== undefined) return fail(missing);
    const lacking = await fillLocalReplacements(sourceDir);
    if (lacking !== undefined) return fail(lacking);
    const built = join(buildDir, 'out');
    const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', built, tool.packagePath];
    const run = await runGo(args, sourceDir);
    if (run.code !== 0) return fail(`does not build: ${lastLine(run.stderr)}`);
    await mkdir(cacheDir, { recursive: true });
    await rename(built, target);
    return { ok: true, path: target };
  } finally {
    await rm(buildDir, { recursive: true, force: true });
  }
}

async function copyModule(modulePath: string, version: string, to: string): Promise<string | undefined> {
  const run = await runGo(['mod', 'download', '-json', `${modulePath}@${version}`], toolCacheDir());
  const answer = parseDownload(run.stdout);
  if (answer.Dir === undefined) {
    const why = lastLine(answer.Error ?? run.stderr);
    return `module ${modulePath}@${version} cannot be had from the Go module proxy: ${why}`;
  }
  // The module cache is read-only, the copy must not be: its go.mod may be completed and the copy is removed later.
  await cp(answer.Dir, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await makeWritable(to);
  return undefined;
}

// A `replace X => ./dir` names a nested module, which a module zip leaves out (https://go.dev/ref/mod#zip-files):
// it is fetched at the version that go.mod requires and put where the line points.
async function fillLocalReplacements(sourceDir: string): Promise<string | undefined> {
  const run = await runGo(['mod', 'edit', '-json'], sourceDir);
  if (run.code !== 0) return `its go.mod cannot be read: ${lastLine(run.stderr)}`;
  const goMod: GoMod = JSON.parse(run.stdout);
  for (const { Old, New } of goMod.Replace ?? []) {
    if (New.Version !== undefined || !New.Path.startsWith('./')) continue;
    const dir = join(sourceDir, New.Path);
    if (await exists(join(dir, 'go.mod'))) continue;
    const required = goMod.Require?.find((one) => one.Path === Old.Path);
    if (required === undefined) continue;
    const missing = await copyModule(Old.Path, required.Version, dir);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

// Low priority: such a build takes minutes and must not starve what else runs.
function runGo(args: readonly string[], cwd: string): Promise<Run> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
  return new Promise((resolve) => {
    const child = spawn('nice', ['-n', '10', 'go', ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

function parseDownload(stdout: string): Download {
  try {
    return JSON.parse(stdout);
  } catch {
    return {};
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() || 'no reason given';
}

async function makeWritable(dir: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn('chmod', ['-R', 'u+w', dir], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', () => resolve());
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
