// Reads what the kernel knows of a process: memory, CPU time, context switches, pages; and its clock. Nothing here disturbs the process
// but `memoryOf` and `mappedBytesOf`, which walk its page tables while it waits; sample with `anonymousBytesOf` instead.
// https://docs.kernel.org/filesystems/proc.html

import { readdirSync, readFileSync } from 'node:fs';

const KB = 1024;

export interface Memory {
  /** Private and written: cannot be dropped and read again from a file. The figure that does not depend on the page cache. */
  readonly privateDirtyBytes: number;
  readonly privateBytes: number;
  /** Private pages, and of each shared page this process's share. */
  readonly proportionalBytes: number;
}

export function memoryOf(pid: number): Memory {
  const fields = fieldsOf(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  const bytes = (name: string) => (fields.get(name) ?? Number.NaN) * KB;
  return {
    privateDirtyBytes: bytes('Private_Dirty'),
    privateBytes: bytes('Private_Dirty') + bytes('Private_Clean'),
    proportionalBytes: bytes('Pss'),
  };
}

/** Anonymous memory: within 0.1 MB of private-dirty for a program that maps no file to write to it, and cheap to ask for. */
export function anonymousBytesOf(pid: number): number {
  return (fieldsOf(readFileSync(`/proc/${pid}/status`, 'latin1')).get('RssAnon') ?? Number.NaN) * KB;
}

/** Bytes of a file that are mapped into the process and were touched; the kernel maps the pages around a fault as well. */
export function mappedBytesOf(pid: number, file: string): number {
  let bytes = 0;
  let inFile = false;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) inFile = line.endsWith(` ${file}`);
    else if (inFile && line.startsWith('Rss:')) bytes += Number(/\d+/.exec(line)?.[0]) * KB;
  }
  return bytes;
}

export interface Activity {
  readonly cpuNs: number;
  /** Times that a thread was put on a processor. */
  readonly contextSwitches: number;
}

/** Over all threads that are alive: none of Node.js's ends before the process does. */
export function activityOf(pid: number): Activity {
  let cpuNs = 0;
  let contextSwitches = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${thread}`;
    cpuNs += Number(readFileSync(`${path}/schedstat`, 'latin1').split(' ')[0]);
    const fields = fieldsOf(readFileSync(`${path}/status`, 'latin1'));
    contextSwitches += (fields.get('voluntary_ctxt_switches') ?? 0) + (fields.get('nonvoluntary_ctxt_switches') ?? 0);
  }
  return { cpuNs, contextSwitches };
}

/** Faults that had to wait for the disk. */
export function majorFaultsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Counted from behind the name, which may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[9]);
}

/** Monotonic milliseconds: the same clock for all processes of a machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** `name: number` on each line; what is behind the number is left out. */
function fieldsOf(text: string): Map<string, number> {
  const fields = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(\w+):\s+(\d+)/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], Number(match[2]));
  }
  return fields;
}
