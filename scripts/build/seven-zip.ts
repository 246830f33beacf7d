// Runs 7-Zip, which npm installs, without a shell's or the machine's own. The format zip has no time zone: 7-Zip writes and reads
// the hour that it is here.

import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { path7za } from '7zip-bin';

/** @returns what it prints, or unpacks to its output. @throws when it fails, with its words */
export function sevenZip(args: readonly string[], cwd?: string): Buffer {
  // npm packs it without the permission to run.
  chmodSync(path7za, 0o755);
  const maxBuffer = Number.POSITIVE_INFINITY;
  return execFileSync(path7za, args, { cwd, env: { TZ: 'UTC' }, maxBuffer, stdio: ['ignore', 'pipe', 'pipe'] });
}
