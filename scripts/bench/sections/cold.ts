// The first start in a new sandbox: nothing of the executable is in the page cache, and the disk is slower than this machine's. The
// executables lie on a disk of their own (disk.ts), out of whose cache they are dropped before each start. How much a kernel reads
// around what is touched is a setting of the machine, so two of them are measured; and a disk as a small volume of EBS is, by
// throttling.

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { type Disk, mountDisk } from '../disk.ts';
import { atMost, atMostTimesFloor, type Figure, median, toFigure } from '../figures.ts';
import { dropFromCache, readThrough } from '../page-cache.ts';
import { startSandbox } from '../sandbox.ts';

const READAHEADS_KB = [128, 32];
const JUDGED_KB = 128;
const MAX_RUNS = 10;
const DISK_MB = 600;
/** A volume of the type gp3 without more. */
const SLOW_REQUESTS_PER_S = 3_000;
const SLOW_BYTES_PER_S = 125_000_000;

const MAX_NEXT_RATIO = 0.6;
const MAX_NEXT_TO_WARM = 1.7;
const MAX_READ_MB = 30;

interface ColdStart {
  readonly nextMs: number;
  readonly readMb: number;
}

export async function measureCold(bench: Bench): Promise<Figure[]> {
  const workDir = mkdtempSync(path.join(tmpdir(), 'bench-cold-'));
  let disk: Disk;
  try {
    disk = mountDisk(workDir, DISK_MB);
  } catch (error) {
    rmSync(workDir, { recursive: true });
    console.warn(
      `warning: no disk can be mounted here, which takes root: no cold starts (${String(error).split('\n')[0]})`,
    );
    return [];
  }
  try {
    return await measureOn(disk, bench, workDir);
  } finally {
    disk.unmount();
    rmSync(workDir, { recursive: true });
  }
}

async function measureOn(disk: Disk, bench: Bench, workDir: string): Promise<Figure[]> {
  const candidates = bench.all.map(({ subject, executable }) => {
    const copy = path.join(disk.folder, subject);
    copyFileSync(executable, copy);
    return { subject, executable: copy };
  });
  const runs = Math.min(bench.runs, MAX_RUNS);
  const warm = await alternate(candidates, runs, ({ executable }) => {
    readThrough(executable);
    return startOnce(disk, bench, executable);
  });
  const warmMs = median(warm.pick(({ nextMs }) => nextMs).ours ?? []);
  const figures: Figure[] = [];
  for (const kilobytes of READAHEADS_KB) {
    disk.setReadahead(kilobytes);
    const cold = await alternate(candidates, runs, (candidate) =>
      startCold(disk, bench, candidate, candidate.executable),
    );
    const judged = kilobytes === JUDGED_KB;
    const where = `readahead ${kilobytes} KB`;
    const next = cold.pick(({ nextMs }) => nextMs);
    figures.push(
      toFigure(`exec to first next, ${where}`, 'ms', next, judged ? { judge: atMostTimesFloor(MAX_NEXT_RATIO) } : {}),
    );
    if (judged) {
      const ratio = { ours: (next.ours ?? []).map((ms) => ms / warmMs) };
      const note = 'the warm one from the same disk, in the same run';
      figures.push(toFigure('the same to a warm start', 'times', ratio, { judge: atMost(MAX_NEXT_TO_WARM), note }));
    }
    figures.push(
      cold.figure(
        `read from the disk, ${where}`,
        'MB',
        ({ readMb }) => readMb,
        judged ? { judge: atMost(MAX_READ_MB) } : {},
      ),
    );
  }
  return [...figures, ...(await measureSlow(disk, bench, candidates, workDir, runs))];
}

async function measureSlow(disk: Disk, bench: Bench, candidates: readonly Candidate[], workDir: string, runs: number) {
  using group = disk.openSlowGroup(SLOW_REQUESTS_PER_S, SLOW_BYTES_PER_S);
  if (group === undefined) {
    console.warn('warning: no control group may limit reading here: no cold starts from a slow disk');
    return [];
  }
  const figures: Figure[] = [];
  for (const kilobytes of READAHEADS_KB) {
    disk.setReadahead(kilobytes);
    const cold = await alternate(candidates, runs, (candidate) => {
      const script = path.join(workDir, candidate.subject);
      writeFileSync(script, `#!/bin/sh\necho $$ > ${group.processes}\nexec ${candidate.executable}\n`, {
        mode: 0o755,
      });
      return startCold(disk, bench, candidate, script);
    });
    const note = `${SLOW_REQUESTS_PER_S.toLocaleString('en')} requests and ${SLOW_BYTES_PER_S / 1e6} MB a second, as a small volume of EBS`;
    figures.push(
      cold.figure(`exec to first next, slow disk, readahead ${kilobytes} KB`, 'ms', ({ nextMs }) => nextMs, { note }),
    );
  }
  return figures;
}

/** @param started the executable itself, or what starts it */
function startCold(disk: Disk, bench: Bench, { executable }: Candidate, started: string): Promise<ColdStart> {
  if (!dropFromCache(executable)) throw new Error('the executable is still in the page cache');
  return startOnce(disk, bench, started);
}

async function startOnce(disk: Disk, bench: Bench, started: string): Promise<ColdStart> {
  const before = disk.bytesRead();
  await using sandbox = await startSandbox(started, settings(bench));
  const nextMs = (await sandbox.asked()) - sandbox.spawnedMs;
  return { nextMs, readMb: (disk.bytesRead() - before) / 1e6 };
}
