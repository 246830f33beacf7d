// Packs the executable as a Lambda layer: bin/aws-lambda-loki-extension-<arch>.zip. Lambda starts every file that it finds in
// extensions/, so the executable is alone there; licences and bill of materials stand beside it. bin/<arch> holds the same
// files unpacked, for container images. Same input, same bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
// usage: node scripts/build/package-layer.ts <x86_64|arm64> [output file]

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { bundle } from '../../esbuild.config.mjs';
import { billOfMaterials, licensesText, thirdParties } from './licenses.ts';
import { sevenZip } from './seven-zip.ts';
import { executablePath, layerPath, parseArchitecture, root } from './toolchain.ts';

/**
 * 7-Zip searches for the cheapest way to say the same bytes, where zlib takes the first good one. For the x86_64 executable
 * (109.4 MB) on a machine of two cores:
 *   zlib -9            12 s  40.0 MB   over the bound of 40 MB
 *   7-Zip -mx=5        10 s  38.9 MB
 *   7-Zip -mx=7        23 s  38.4 MB   in use
 *   7-Zip -mx=9        52 s  38.1 MB   twice the wait for 0.9 %
 */
const EFFORT = '-mx=7';
/** The first day that the format knows, the same whenever a file was made. */
const FIRST_DAY = new Date('1980-01-01T00:00:00Z');
const EXECUTABLE = 'extensions/aws-lambda-loki-extension';

// Whoever builds may keep files to himself; the function's user must get at those in the layer.
process.umask(0o022);
const arch = parseArchitecture(process.argv[2]);
const output = path.resolve(process.argv[3] ?? layerPath(arch));
const unpacked = path.join(root, 'bin', arch);
const beside = writeBeside(path.join(unpacked, 'aws-lambda-loki-extension'), await describe());
// Nothing else in it, whatever lies in bin/.
mkdirSync(path.join(root, '.cache/build'), { recursive: true });
const stage = mkdtempSync(path.join(root, '.cache/build', `layer-${arch}-`));
copyDated(executablePath(arch), path.join(stage, EXECUTABLE));
for (const file of beside) copyDated(path.join(unpacked, file), path.join(stage, file));
sevenZip(['a', '-tzip', EFFORT, '-mtc=off', 'layer.zip', EXECUTABLE, ...beside], stage);
sevenZip(['t', 'layer.zip'], stage);
copyFileSync(path.join(stage, 'layer.zip'), `${output}.part`);
renameSync(`${output}.part`, output);
rmSync(stage, { recursive: true });

async function describe(): Promise<Readonly<Record<string, string>>> {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { boot, late } = await bundle();
  const parties = thirdParties(arch, [...new Set([...boot.packages, ...late.packages])].sort());
  return {
    LICENSE: readFileSync(path.join(root, 'LICENSE'), 'utf8'),
    'THIRD-PARTY-LICENSES': licensesText(parties),
    'bom.cdx.json': billOfMaterials(version, parties),
  };
}

/** @returns their paths within the layer */
function writeBeside(folder: string, texts: Readonly<Record<string, string>>): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text);
  return Object.keys(texts).map((name) => `${path.basename(folder)}/${name}`);
}

function copyDated(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
  utimesSync(to, FIRST_DAY, FIRST_DAY);
}
