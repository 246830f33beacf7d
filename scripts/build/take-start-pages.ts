// Takes start-pages/<arch>.txt: starts the executable on a disk of its own that reads no page but those that are touched, and asks the
// kernel which ones it has read by the first request for the next event. To be run, as root and with the loop device and ext4 of Linux,
// when the version of Node.js changes. A foreign architecture runs under QEMU, which touches the same pages.
// usage: node scripts/build/take-start-pages.ts [x86_64|arm64]...

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mountDisk } from '../bench/disk.ts';
import { dropFromCache } from '../bench/page-cache.ts';
import { startSandbox } from '../bench/sandbox.ts';
import { type ElfMachine, readElf, SEGMENT_LOAD } from './elf.ts';
import { PAGE_BYTES, type PageRange } from './front/pages.ts';
import { residentPages } from './front/resident-pages.ts';
import { mergeRanges, startPagesFile } from './start-pages.ts';
import { ARCHITECTURES, lockedPackage, nodePackageName, parseArchitecture, root, runner } from './toolchain.ts';

/** Starts differ in a few pages: where the heap lies, which thread comes first. */
const RUNS = 5;
const NAME = 'aws-lambda-loki-extension';
const DISK_MB = 400;
const LINE_CHARACTERS = 110;

const chosen = process.argv.slice(2).map(parseArchitecture);
for (const arch of chosen.length > 0 ? chosen : ARCHITECTURES) {
  const workDir = mkdtempSync(path.join(tmpdir(), 'start-pages-'));
  const disk = mountDisk(workDir, DISK_MB);
  disk.setReadahead(0);
  try {
    const executable = path.join(disk.folder, NAME);
    const sea = path.join(root, 'scripts/build/sea.ts');
    const args = [sea, arch, path.join(root, 'src'), executable, '--without-start-pages'];
    execFileSync(process.execPath, args, { stdio: 'inherit' });
    await take(arch, executable, workDir);
  } finally {
    disk.unmount();
    rmSync(workDir, { recursive: true });
  }
}

async function take(arch: ElfMachine, executable: string, workDir: string): Promise<void> {
  // The scripts behind Node.js change with every commit, and are asked for as a whole.
  const scripts = readElf(readFileSync(executable))
    .segments.filter(({ type }) => type === SEGMENT_LOAD)
    .at(-2);
  const end = Math.floor((scripts?.offset ?? 0) / PAGE_BYTES);
  const touched = new Set<number>();
  for (let run = 0; run < RUNS; run++) {
    const pages = await touchedByStart(executable, startable(arch, executable, workDir));
    console.log(`${arch}: ${pages.length} pages`);
    for (const page of pages) if (page < end) touched.add(page);
  }
  const { version } = lockedPackage(nodePackageName(arch));
  const text = `# Pages of the stripped Node.js that a start touches, as first+more: see ../take-start-pages.ts
node ${version}${print([...touched])}
`;
  mkdirSync(path.dirname(startPagesFile(arch)), { recursive: true });
  writeFileSync(startPagesFile(arch), text);
}

async function touchedByStart(executable: string, started: string): Promise<number[]> {
  if (!dropFromCache(executable)) throw new Error('the page cache cannot be emptied of the executable');
  const sandbox = await startSandbox(started, { LOKI_PUSH_ENDPOINT: 'https://127.0.0.1:9' });
  try {
    await sandbox.asked();
    return residentPages(executable);
  } finally {
    await sandbox.kill();
  }
}

/** The file to start: for a foreign architecture a script, beside the disk, that runs the emulator. */
function startable(arch: ElfMachine, executable: string, workDir: string): string {
  const command = runner(arch);
  if (command === undefined) throw new Error(`no emulator for ${arch} here`);
  if (command.length === 0) return executable;
  const file = path.join(workDir, NAME);
  writeFileSync(file, `#!/bin/sh\nexec ${command.join(' ')} ${executable}\n`, { mode: 0o755 });
  return file;
}

function print(pages: readonly number[]): string {
  const ranges = mergeRanges(pages.map((page): PageRange => [page, 1]));
  const words = ranges.map(([first, count]) => (count === 1 ? `${first}` : `${first}+${count - 1}`));
  let column = LINE_CHARACTERS;
  return words
    .map((word) => {
      column += word.length + 1;
      if (column <= LINE_CHARACTERS) return ` ${word}`;
      column = word.length;
      return `\n${word}`;
    })
    .join('');
}
