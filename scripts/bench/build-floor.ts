// Builds the executables of the floors in the way the extension's is built: the same Node.js, stripped in the same way, the
// program minified into one script with its code cache. It is kept in .cache/bench until something in it changes.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { packagePlugins } from '../../esbuild.config.mjs';
import { SEA_DEFAULTS, writeExecutable } from '../build/single-executable.ts';
import { hostArchitecture, lockedPackage, nodePackage, nodePackageName, root } from '../build/toolchain.ts';
import { V8_FLAGS } from '../build/v8-flags.ts';

const CONFIG = { ...SEA_DEFAULTS, main: 'floor.js', output: 'floor.blob', useCodeCache: true };

/** The least that an extension can do, as Node.js is; or the least that sends logs, with our packages and flags. */
export type Floor = 'floor' | 'throughput-floor';

/** @returns the path of the executable */
export async function buildFloor(floor: Floor): Promise<string> {
  const script = await bundleFloor(floor);
  const config = { ...CONFIG, execArgv: floor === 'floor' ? [] : V8_FLAGS };
  const { version } = lockedPackage(nodePackageName(hostArchitecture));
  const key = createHash('sha256')
    .update(script)
    .update(version)
    .update(JSON.stringify(config))
    .update(readFileSync(path.join(root, 'scripts/build/elf.ts')))
    .digest('hex')
    .slice(0, 12);
  const output = path.join(root, '.cache/bench', `${floor}-${hostArchitecture}-${key}`);
  if (existsSync(output)) return output;

  const workDir = `${output}.work`;
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  writeFileSync(path.join(workDir, CONFIG.main), script);
  writeFileSync(path.join(workDir, 'sea.json'), JSON.stringify(config));
  const node = path.join(nodePackage(hostArchitecture), 'bin/node');
  const made = spawnSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: workDir, env: {}, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`the floor cannot be built: ${made.stderr}`);
  const executable = path.join(workDir, 'floor');
  await writeExecutable(executable, node, readFileSync(path.join(workDir, CONFIG.output)));
  renameSync(executable, output);
  rmSync(workDir, { recursive: true });
  return output;
}

async function bundleFloor(floor: Floor): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, `${floor}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    charset: 'ascii',
    minify: true,
    plugins: packagePlugins,
    write: false,
    logLevel: 'warning',
  });
  const script = outputFiles[0]?.text;
  if (script === undefined) throw new Error('the floor has no script');
  return script;
}
