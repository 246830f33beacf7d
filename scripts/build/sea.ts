// Builds bin/<arch>/extensions/aws-lambda-loki-extension, a Node.js single executable: the official Node.js binary without
// its symbols, and in it the boot script with its code cache, and the late script with its own and the script of `check` as assets. Same input, same bytes.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
// usage: node scripts/build/sea.ts <x86_64|arm64> [source folder] [output file] [--without-start-pages]

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { bundle } from '../../esbuild.config.mjs';
import { readElf } from './elf.ts';
import { attachFront } from './front/attach.ts';
import type { Pages } from './front/pages.ts';
import { SEA_DEFAULTS, writeExecutable } from './single-executable.ts';
import { pagesToAskFor, readStartPages } from './start-pages.ts';
import { executablePath, nodePackage, parseArchitecture, root, runner } from './toolchain.ts';
import { V8_FLAGS } from './v8-flags.ts';

/**
 * V8 draws its hash seed at random, and the order in a code cache follows from the hashes. Of the flags that fix the seed,
 * `--hash-seed`, `--predictable` and `--no-flush-bytecode` make a cache that V8 rejects when it runs without them; this does not.
 */
const SAME_CACHE = '--random-seed=1';

/**
 * Puts all functions of the boot script into its code cache, and not those alone that V8 compiles before they are called:
 * compiled one by one, they take 2.4 of the 34 ms of CPU until the first next.
 */
const ALL_FUNCTIONS = '--no-lazy';
/** Where a code cache has the hash of V8's flags; before it are a magic number and the hashes of version and source. */
const FLAG_HASH = [12, 16] as const;

/**
 * V8 reads a code cache where it lies if its address is a multiple of this, and makes a copy of any other. That of the late
 * half takes 590 KB, and once it has been given back the allocator keeps 0.7 MB that it would have returned to the system.
 */
const CACHE_ALIGNMENT_BYTES = 8;

/** An openssl.cnf that OpenSSL cannot read, be it the function's or the base image's, would end Node.js before its first line. */
const NO_OPENSSL_FILE = '--openssl-config=/dev/null';

// Whoever builds may keep files to himself; the function's user must get at those that are copied into an image.
process.umask(0o022);
const arch = parseArchitecture(process.argv[2]);
const sourceDir = path.resolve(process.argv[3] ?? path.join(root, 'src'));
const output = path.resolve(process.argv[4] ?? executablePath(arch));
mkdirSync(path.join(root, '.cache/build'), { recursive: true });
const workDir = mkdtempSync(path.join(root, '.cache/build', `${arch}-`));
const node = path.join(nodePackage(arch), 'bin/node');
const run = runner(arch);
if (run === undefined) {
  console.warn(`warning: no emulator for ${arch} found here, so this executable is built without code caches:`);
  console.warn('warning: it works the same but starts slower. "make qemu-arm64" installs the one for arm64 on Debian.');
}

mkdirSync(path.dirname(output), { recursive: true });
const { boot, late, check } = await bundle(sourceDir);
writeFileSync(path.join(workDir, 'late.js'), late.text);
// Read by people's command alone, and not at a start.
writeFileSync(path.join(workDir, 'check.js.br'), brotliCompressSync(check.text));
const executable = path.join(workDir, 'executable');
await writeAligned();
// The last change to the file: whatever moves segments afterwards would break it.
writeFileSync(executable, attachFront(readFileSync(executable), startPages()));
// Removed first: an executable that runs cannot be written to.
rmSync(output, { force: true });
copyFileSync(executable, output);
rmSync(workDir, { recursive: true });

function startPages(): Pages {
  const none = { start: [], push: [] };
  if (process.argv.includes('--without-start-pages')) return none;
  const pages = readStartPages(arch);
  if (pages !== undefined) return pagesToAskFor(readElf(readFileSync(executable)), pages);
  console.warn(
    `warning: scripts/build/start-pages/${arch}.txt is not of this Node.js: "make start-pages" takes it anew;`,
  );
  console.warn('warning: without it the executable works the same but starts slower from a cold disk.');
  return none;
}

/** Blanks behind the boot script move its cache, and bytes in front of the late half's move that. */
async function writeAligned(): Promise<void> {
  const cache = makeLateCache();
  let script = boot.text;
  let padding = 1;
  // Where they are is seen in an executable: what was missing in the first is there in the second.
  for (let attempt = 0; attempt < 3; attempt++) {
    // The first byte says where the cache begins.
    const padded = Buffer.concat([Buffer.alloc(padding, padding), cache]);
    const blob = makeBlob(script, padded);
    await writeExecutable(executable, node, blob);
    if (run === undefined) return;
    const blobAt = readFileSync(executable).indexOf(blob);
    const missing = missingToAlignment(blobAt + codeCacheAt(blob, script));
    const missingLate = missingToAlignment(blobAt + blob.indexOf(padded) + padding);
    if (missing === 0 && missingLate === 0) return;
    script += ' '.repeat(missing);
    padding = 1 + ((padding - 1 + missingLate - missing) & (CACHE_ALIGNMENT_BYTES - 1));
  }
  throw new Error('the code caches are not aligned');
}

function missingToAlignment(at: number): number {
  return -at & (CACHE_ALIGNMENT_BYTES - 1);
}

/** Empty where the Node.js of the target cannot be run. */
function makeLateCache(): Buffer {
  if (run === undefined) return Buffer.alloc(0);
  runNode([path.join(root, 'scripts/build/code-cache.ts'), 'late.js', 'late.cache']);
  return readFileSync(path.join(workDir, 'late.cache'));
}

function makeBlob(script: string, lateCache: Buffer): Buffer {
  writeFileSync(path.join(workDir, 'boot.js'), script);
  writeFileSync(path.join(workDir, 'late.cache'), lateCache);
  const config = {
    ...SEA_DEFAULTS,
    main: 'boot.js',
    output: 'sea.blob',
    useCodeCache: run !== undefined,
    execArgv: [...V8_FLAGS, NO_OPENSSL_FILE],
    assets: { 'late.js': 'late.js', 'late.cache': 'late.cache', 'check.js.br': 'check.js.br' },
  };
  writeFileSync(path.join(workDir, 'sea.json'), JSON.stringify(config));
  const blobOf = (...flags: string[]) => {
    runNode([...flags, '--experimental-sea-config', 'sea.json']);
    return readFileSync(path.join(workDir, 'sea.blob'));
  };
  const blob = blobOf();
  return run === undefined ? blob : withFlagHashOf(blob, blobOf(ALL_FUNCTIONS), script);
}

/** V8 refuses a code cache that was made under other flags, also under one that changes nothing of what is in it but how much. */
function withFlagHashOf(blob: Buffer, other: Buffer, script: string): Buffer {
  const [from, to] = [blob, other].map((each) => each.subarray(codeCacheAt(each, script))) as [Buffer, Buffer];
  const [start, end] = FLAG_HASH;
  if (!from.subarray(0, start).equals(to.subarray(0, start))) throw new Error('a code cache is not as it was');
  from.copy(to, start, start, end);
  return other;
}

/** Behind the boot script and eight bytes of length. */
function codeCacheAt(blob: Buffer, script: string): number {
  const at = blob.indexOf(script, 0, 'latin1');
  if (at < 0) throw new Error('the boot script is not in ASCII alone');
  return at + script.length + 8;
}

/** Runs the Node.js of the target, under an emulator if need be; where there is none, this machine's own of the same version. */
function runNode(args: readonly string[]): void {
  const command = [...(run ?? []), run === undefined ? process.execPath : node, SAME_CACHE, ...args];
  const { status, stderr } = spawnSync(command[0] ?? node, command.slice(1), {
    cwd: workDir,
    env: {},
    encoding: 'utf8',
  });
  if (status === 0) return;
  // Node.js quotes the line that failed, and a line of a minified script is the script.
  throw new Error(`${command.join(' ')}\n${stderr.replaceAll(/^.{500,}$/gm, '[one long line]')}`);
}
