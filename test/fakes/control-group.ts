// A control group of its own for processes that are to have less than this machine gives: of either version, where the machine lets us.
// https://docs.kernel.org/admin-guide/cgroup-v1/, https://docs.kernel.org/admin-guide/cgroup-v2.html

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What is written into the group's files. */
export type Limits = readonly (readonly [file: string, value: string])[];

export interface ControlGroup {
  /** A process that writes its own number there is in the group. */
  readonly processes: string;
  /** All threads that the process has and will have. */
  add(pid: number): void;
  /** To be called when the processes have ended. */
  [Symbol.dispose](): void;
}

/** The controller by its name in either version, with the same limits as each of them has them. */
export interface Controller {
  readonly one: readonly [name: string, limits: Limits];
  readonly two: readonly [name: string, limits: Limits];
}

/** So that two of one name are two. */
let made = 0;

/** Undefined where this machine does not let us make the group. */
export function openControlGroup(name: string, { one, two }: Controller): ControlGroup | undefined {
  const places = [...versionOne(one[0]), ...versionTwo(two[0])];
  for (const { folder, version } of places) {
    const group = path.join(folder, `loki-extension-${process.pid}-${name}-${made++}`);
    const processes = path.join(group, 'cgroup.procs');
    try {
      mkdirSync(group, { recursive: true });
      for (const [file, value] of version === 1 ? one[1] : two[1]) writeFileSync(path.join(group, file), value);
      return { processes, add: (pid) => writeFileSync(processes, String(pid)), [Symbol.dispose]: () => remove(group) };
    } catch {
      remove(group);
    }
  }
  return undefined;
}

interface Place {
  readonly folder: string;
  readonly version: 1 | 2;
}

function versionOne(controller: string): Place[] {
  return mountsOf('cgroup', controller).map((folder) => ({ folder, version: 1 }));
}

function versionTwo(controller: string): Place[] {
  return mountsOf('cgroup2').map((folder) => {
    try {
      writeFileSync(path.join(folder, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // The controller may be handed down already; if it is not, the limit cannot be written.
    }
    return { folder, version: 2 };
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
