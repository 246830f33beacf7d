// A disk of its own in a file, with a readahead of its own: no other process reads from it, and nothing else on the machine changes.
// It takes root, the loop device and ext4.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ControlGroup, openControlGroup } from '../../test/fakes/control-group.ts';

const SECTOR_BYTES = 512;

export interface Disk {
  readonly folder: string;
  setReadahead(kilobytes: number): void;
  /** All that was read from it so far. */
  bytesRead(): number;
  /** Processes of the group read no faster than this. Undefined where the machine does not let us limit them. */
  openSlowGroup(requestsPerSecond: number, bytesPerSecond: number): ControlGroup | undefined;
  unmount(): void;
}

/** Makes it in `workDir`. Throws where it is not to be had. */
export function mountDisk(workDir: string, megabytes: number): Disk {
  const [image, folder] = [path.join(workDir, 'image'), path.join(workDir, 'disk')];
  execFileSync('truncate', [`--size=${megabytes}M`, image]);
  execFileSync('mkfs.ext4', ['-q', '-F', image], { stdio: 'pipe' });
  const attach = ['--direct-io=on', '--show', '--find', image];
  const device = execFileSync('losetup', attach, { encoding: 'utf8', stdio: 'pipe' }).trim();
  const block = `/sys/block/${path.basename(device)}`;
  const unmount = () => {
    spawnSync('umount', [folder]);
    spawnSync('losetup', ['--detach', device]);
  };
  try {
    mkdirSync(folder);
    execFileSync('mount', [device, folder], { stdio: 'pipe' });
  } catch (error) {
    unmount();
    throw error;
  }
  return {
    folder,
    setReadahead: (kilobytes) => writeFileSync(`${block}/queue/read_ahead_kb`, String(kilobytes)),
    bytesRead: () => Number(readFileSync(`${block}/stat`, 'latin1').trim().split(/\s+/)[2]) * SECTOR_BYTES,
    openSlowGroup: (requestsPerSecond, bytesPerSecond) => {
      const number = readFileSync(`${block}/dev`, 'latin1').trim();
      const requests = ['blkio.throttle.read_iops_device', `${number} ${requestsPerSecond}`] as const;
      const bytes = ['blkio.throttle.read_bps_device', `${number} ${bytesPerSecond}`] as const;
      return openControlGroup('disk', {
        one: ['blkio', [requests, bytes]],
        two: ['io', [['io.max', `${number} riops=${requestsPerSecond} rbps=${bytesPerSecond}`]]],
      });
    },
    unmount,
  };
}
