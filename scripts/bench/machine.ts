// Under which conditions a run was taken: what a reader needs to judge the figures, and nothing that names the machine.

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { hostArchitecture, lockedPackage, nodePackageName, root } from '../build/toolchain.ts';

export interface Run {
  /** As in 2026-01-31. */
  readonly date: string;
  readonly startedAt: string;
  readonly command: string;
  readonly revision: string;
  readonly base: string | undefined;
  /** The Node.js inside the executables. */
  readonly node: string;
  readonly architecture: string;
  readonly processor: string;
  readonly kernel: string;
  readonly memoryGb: number;
  /** Of the minute before the end of the run; the run itself is part of it. */
  readonly load: number;
  readonly samples: number;
}

export interface RunOptions {
  readonly runs: number;
  readonly base: string | undefined;
}

export function describeRun(startedAt: Date, { runs, base }: RunOptions): Run {
  const processors = cpus();
  const iso = startedAt.toISOString();
  const settings = ['ONLY', 'RUNS', 'QUICK', 'BASE'].flatMap((name) =>
    process.env[name] ? [`${name}=${process.env[name]}`] : [],
  );
  return {
    date: iso.slice(0, 10),
    startedAt: iso,
    command: ['make', 'bench', ...settings].join(' '),
    revision: revision(),
    base,
    node: lockedPackage(nodePackageName(hostArchitecture)).version,
    architecture: hostArchitecture,
    processor: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    kernel: `Linux ${release().split('-')[0]}`,
    memoryGb: Math.round(totalmem() / 1e9),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    samples: runs,
  };
}

function revision(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
