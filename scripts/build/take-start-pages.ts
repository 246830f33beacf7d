// Takes start-pages/<arch>.txt: starts the executable on a disk of its own that reads no page but those that are touched, and asks the
// kernel which ones it has read by the first request for the next event, and after a push over TLS. To be run, as root and with the loop device and ext4 of Linux,
// when the version of Node.js changes. A foreign architecture runs under QEMU, which touches the same pages.
// usage: node scripts/build/take-start-pages.ts [x86_64|arm64]...

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startFakeLoki } from '../../test/fakes/fake-loki.ts';
import { createLambdaEmulator } from '../../test/fakes/lambda-emulator.ts';
import { certificatePath, startTlsRelay } from '../../test/fakes/tls-relay.ts';
import { mountDisk } from '../bench/disk.ts';
import { dropFromCache } from '../bench/page-cache.ts';
import { type ElfMachine, readElf, SEGMENT_LOAD } from './elf.ts';
import { PAGE_BYTES, type PageRange } from './front/pages.ts';
import { residentPages } from './front/resident-pages.ts';
import { mergeRanges, startPagesFile } from './start-pages.ts';
import { ARCHITECTURES, lockedPackage, nodePackageName, parseArchitecture, root, runner } from './toolchain.ts';

/** Starts differ in a few pages: where the heap lies, which thread comes first. */
const RUNS = 5;
const NAME = 'aws-lambda-loki-extension';
const DISK_MB = 400;
/** An emulator of another architecture is slow. */
const PATIENCE_MS = 120_000;
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
  const start = new Set<number>();
  const push = new Set<number>();
  for (let run = 0; run < RUNS; run++) {
    const touched = await touchedByRun(executable, startable(arch, executable, workDir));
    console.log(`${arch}: ${touched.start.length} pages until the first next, ${touched.push.length} with a push`);
    for (const page of touched.start) if (page < end) start.add(page);
    for (const page of touched.push) if (page < end) push.add(page);
  }
  const { version } = lockedPackage(nodePackageName(arch));
  const text = `# Pages of the stripped Node.js that are touched, as first+more: see ../take-start-pages.ts
node ${version}
start${print([...start])}
push${print([...push].filter((page) => !start.has(page)))}
`;
  mkdirSync(path.dirname(startPagesFile(arch)), { recursive: true });
  writeFileSync(startPagesFile(arch), text);
}

async function touchedByRun(executable: string, started: string): Promise<{ start: number[]; push: number[] }> {
  if (!dropFromCache(executable)) throw new Error('the page cache cannot be emptied of the executable');
  const loki = await startFakeLoki();
  const relay = await startTlsRelay(loki.port);
  const emulator = await createLambdaEmulator({
    executable: started,
    environment: {
      LOKI_PUSH_ENDPOINT: relay.url,
      LOKI_FLUSH_STRATEGY: 'end',
      LOKI_FLUSH_TIMEOUT_MS: String(PATIENCE_MS),
      NODE_EXTRA_CA_CERTS: certificatePath,
    },
    initTimeoutMs: PATIENCE_MS,
  });
  try {
    await emulator.start();
    const start = residentPages(executable);
    await emulator.invoke({ lines: ['one', '{"level":"info","message":"two"}'], deadlineInMs: PATIENCE_MS });
    if (loki.lines('function').length === 0) throw new Error('nothing was pushed');
    return { start, push: residentPages(executable) };
  } finally {
    await emulator.stop();
    await relay.close();
    await loki.close();
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
