// The part of the front that looks at the process's limits (ulimit), which a wrapper script or a base image may have set. Below these
// Node.js ends before its first line, or in the middle of an invocation. What may be raised is raised; else the front steps aside.
// https://man7.org/linux/man-pages/man2/prlimit.2.html

import type { MachineCode } from './machine-code.ts';

interface Limit {
  readonly resource: bigint;
  readonly least: bigint;
  readonly name: string;
}

const MIB = 1024n * 1024n;
/** Tried with Node.js 24: 22 files and 1.2 GB of addresses for a start, and twice the files for a listener, DNS and pushes. */
const LIMITS: readonly Limit[] = [
  { resource: 7n, least: 40n, name: 'open files (ulimit -n), which is below 40' },
  { resource: 9n, least: 1536n * MIB, name: 'address space (ulimit -v), which is below 1.5 GiB' },
  { resource: 2n, least: 128n * MIB, name: 'data (ulimit -d), which is below 128 MiB' },
  { resource: 6n, least: 16n, name: 'processes and threads (ulimit -u), which is below 16' },
  { resource: 3n, least: 1n * MIB, name: 'the stack (ulimit -s), which is below 1 MiB' },
];

/** Goes to `step aside` if a limit is too low for good. Where a limit cannot be read, it counts as none. */
export function raiseLimits(code: MachineCode): void {
  code.reserve('limit', 16);
  for (const { resource, least } of LIMITS) {
    code.store(8, least, 'limit');
    code.store(8, least, 'limit', 8n);
    code.systemCall('ignored', 'prlimit64', 0n, resource, 0n, 'limit');
    code.load('soft limit', 8, 'limit');
    code.load('hard limit', 8, 'limit', 8n);
    code.when('soft limit', '<', least, () => {
      code.addressOf('reason', `limit ${resource}`);
      code.jumpIf('hard limit', '<', least, 'step aside');
      code.store(8, least, 'limit');
      code.systemCall('ignored', 'prlimit64', 0n, resource, 'limit', 0n);
    });
  }
}

/** Defines the texts that say why. */
export function writeLimits(code: MachineCode): void {
  for (const { resource, name } of LIMITS)
    code.text(`limit ${resource}`, `Node.js cannot start under the limit of ${name}`);
}
