// Bytes: on the wire per MB (10^6 bytes) of log text, and of what is shipped. The layer is made here if it is not there or
// older than the executable.

import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { executablePath, hostArchitecture, layerPath, root } from '../../build/toolchain.ts';
import { alternate, type Bench, type Candidate, settings } from '../bench.ts';
import { atMost, type Figure, toFigure } from '../figures.ts';
import { playFlood, playInit } from '../invocations.ts';
import { flood } from '../records.ts';
import { startSandbox } from '../sandbox.ts';

const MAX_EXECUTABLE_MB = 110;
const MAX_LAYER_MB = 40;

export async function measureSize(bench: Bench): Promise<Figure[]> {
  const wire = await alternate(bench.extensions, 1, (candidate) => measureWire(bench, candidate));
  const sizes = Object.fromEntries(
    bench.all.map(({ subject, executable }) => [subject, [statSync(executable).size / 1e6]]),
  );
  return [
    wire.figure('on the wire per MB of log text', 'KB', ({ wireBytes }) => wireBytes / 1e3, {
      note: 'HTTP headers and metadata included; 10,000 mixed lines in one invocation',
    }),
    wire.figure('pushes for them', '', ({ pushes }) => pushes),
    toFigure('executable', 'MB', sizes, { judge: atMost(MAX_EXECUTABLE_MB) }),
    toFigure('layer', 'MB', { ours: [layerBytes() / 1e6] }, { judge: atMost(MAX_LAYER_MB) }),
  ];
}

async function measureWire(bench: Bench, { executable }: Candidate): Promise<{ wireBytes: number; pushes: number }> {
  await bench.sink.reset();
  await using sandbox = await startSandbox(executable, settings(bench, { LOKI_FLUSH_STRATEGY: 'end' }));
  await playInit(sandbox);
  const text = flood(2, 5_000);
  await playFlood(sandbox, text);
  await bench.sink.settled();
  const { wireBytes, pushes } = await bench.sink.reportOf(text.lines);
  return { wireBytes: wireBytes / (text.textBytes / 1e6), pushes: pushes.length };
}

function layerBytes(): number {
  const layer = layerPath(hostArchitecture);
  if (!existsSync(layer) || statSync(layer).mtimeMs < statSync(executablePath(hostArchitecture)).mtimeMs) {
    execFileSync('make', ['--no-print-directory', 'zip', `ARCH=${hostArchitecture}`], { cwd: root, stdio: 'inherit' });
  }
  return statSync(layer).size;
}
