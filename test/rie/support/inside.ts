// The inner half of run.ts: started in a new mount namespace, it lays out /opt, /var/runtime and /var/task as Lambda has
// them, on tmpfs, and runs the tests. It refuses to mount anything unless the namespace is really a private one.
// When the last process in it ends, the kernel drops the namespace and every mount with it.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runTests } from '../../tools/run-tests.ts';

/** Why nothing may be mounted here, if so. */
function unsafe(): string | undefined {
  const outer = process.env['RIE_OUTER_NAMESPACE'];
  if (outer === undefined) return 'it was not started by run.ts';
  if (readlinkSync('/proc/self/ns/mnt') === outer) return 'it runs in the mount namespace of the machine';
  // The seventh field on, up to a dash, tells about propagation: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  const shared = mounts.find((line) => line.split(' - ')[0]?.includes(' shared:'));
  return shared === undefined ? undefined : `a mount would be seen outside (${shared.split(' ')[4]})`;
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function mountTmpfs(dir: string): void {
  mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', dir);
}

// /var/runtime and /var/task seldom exist, and may not be made on the machine's disk: a tmpfs takes the place of /var, with
// everything that was in /var bound into it.
function layOutVar(stage: string): void {
  mkdirSync(stage);
  mountTmpfs(stage);
  for (const name of readdirSync('/var')) {
    const from = join('/var', name);
    const to = join(stage, name);
    const status = lstatSync(from);
    if (status.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else if (name !== 'runtime' && name !== 'task') {
      if (status.isDirectory()) mkdirSync(to);
      else writeFileSync(to, '');
      mount('--rbind', from, to);
    }
  }
  for (const name of ['runtime', 'task']) mkdirSync(join(stage, name));
  mount('--move', stage, '/var');
}

function layOut(extension: string): void {
  mountTmpfs('/opt');
  layOutVar('/opt/var');
  mkdirSync('/opt/extensions');
  // Children of the emulator run as another user (uid 993), who may not be able to enter the tree: what they run is here.
  mkdirSync('/opt/rie');
  for (const [from, name] of [
    [extension, 'aws-lambda-loki-extension'],
    [process.execPath, 'node'],
  ] as const) {
    copyFileSync(from, join('/opt/rie', name));
    chmodSync(join('/opt/rie', name), 0o755);
  }
  const bootstrap = readFileSync(join(import.meta.dirname, 'bootstrap.cjs'), 'utf8');
  writeFileSync('/var/runtime/bootstrap', `#!/opt/rie/node\n${bootstrap}`, { mode: 0o755 });
}

// What is laid out here is for other users too.
process.umask(0o022);
const refusal = unsafe();
const extension = process.env['RIE_EXTENSION'] ?? '';
if (refusal !== undefined || !existsSync(extension)) {
  console.error(`test-rie does not run: ${refusal ?? `there is no executable ${extension}`}`);
  process.exitCode = 1;
} else {
  layOut(extension);
  runTests('rie');
}
