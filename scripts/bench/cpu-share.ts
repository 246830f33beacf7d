// Gives a process the share of a CPU that an invocation of a function of so much memory has, through a control group of its own. Lambda
// counts in periods of 20 ms as well: a process that has used up its share stands still until the next one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html, https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A function of so much memory has one whole CPU. */
export const MB_OF_ONE_CPU = 1_769;

const PERIOD_US = 20_000;

export interface CpuShare {
  /** All threads that the process has and will have. */
  add(pid: number): void;
  /** Call it when the processes have ended. */
  close(): void;
}

/** Undefined where this machine does not let us make the group. */
export function openCpuShare(memoryMb: number): CpuShare | undefined {
  const quotaUs = Math.round((PERIOD_US * memoryMb) / MB_OF_ONE_CPU);
  for (const { folder, limits } of [...versionOne(quotaUs), ...versionTwo(quotaUs)]) {
    const group = path.join(folder, `loki-extension-bench-${process.pid}-${memoryMb}`);
    try {
      mkdirSync(group, { recursive: true });
      for (const [file, value] of limits) writeFileSync(path.join(group, file), value);
      return {
        add: (pid) => writeFileSync(path.join(group, 'cgroup.procs'), String(pid)),
        close: () => remove(group),
      };
    } catch {
      remove(group);
    }
  }
  return undefined;
}

interface Place {
  readonly folder: string;
  readonly limits: readonly (readonly [file: string, value: string])[];
}

function versionOne(quotaUs: number): Place[] {
  return mountsOf('cgroup', 'cpu').map((folder) => ({
    folder,
    limits: [
      ['cpu.cfs_period_us', String(PERIOD_US)],
      ['cpu.cfs_quota_us', String(quotaUs)],
    ],
  }));
}

function versionTwo(quotaUs: number): Place[] {
  return mountsOf('cgroup2').map((folder) => {
    try {
      writeFileSync(path.join(folder, 'cgroup.subtree_control'), '+cpu');
    } catch {
      // The controller may be handed down already; if it is not, the limit cannot be written.
    }
    return { folder, limits: [['cpu.max', `${quotaUs} ${PERIOD_US}`]] };
  });
}

function mountsOf(type: string, option?: string): string[] {
  return readFileSync('/proc/mounts', 'latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , found, options]) => found === type && (option === undefined || options?.split(',').includes(option)))
    .flatMap(([, folder]) => (folder === undefined ? [] : [folder]));
}

function remove(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // It never came to be, or somebody is still in it: then it goes with the machine.
  }
}
