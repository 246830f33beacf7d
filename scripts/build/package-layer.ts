// Packs the executable as a Lambda layer: bin/aws-lambda-loki-extension-<arch>.zip. Lambda starts every file that it finds in
// extensions/, so the executable is alone there; licences and bill of materials stand beside it. bin/<arch> holds the same
// files unpacked, for container images. Same input, same bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
// usage: node scripts/build/package-layer.ts <x86_64|arm64> [output file]

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { bundle } from '../../esbuild.config.mjs';
import { deflateWell } from './deflate.ts';
import { billOfMaterials, licensesText, thirdParties } from './licenses.ts';
import { executablePath, layerPath, parseArchitecture, root } from './toolchain.ts';
import { writeZip, type ZipEntry } from './zip.ts';

const arch = parseArchitecture(process.argv[2]);
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const { boot, late } = await bundle();
const parties = thirdParties(arch, [...new Set([...boot.packages, ...late.packages])].sort());

const executable: ZipEntry = {
  name: 'extensions/aws-lambda-loki-extension',
  mode: 0o755,
  content: readFileSync(executablePath(arch)),
};
const beside = [
  { name: 'LICENSE', content: readFileSync(path.join(root, 'LICENSE')) },
  { name: 'THIRD-PARTY-LICENSES', content: Buffer.from(licensesText(parties)) },
  { name: 'bom.cdx.json', content: Buffer.from(billOfMaterials(version, parties)) },
].map(({ name, content }) => ({ name: `aws-lambda-loki-extension/${name}`, mode: 0o644, content }));

const archive = writeZip([
  { ...executable, deflated: deflateWell(executable.content) },
  ...beside.map((entry) => ({ ...entry, deflated: deflateRawSync(entry.content, { level: 9 }) })),
]);
for (const { name, content } of beside) {
  const file = path.join(root, 'bin', arch, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}
const output = path.resolve(process.argv[3] ?? layerPath(arch));
writeFileSync(`${output}.part`, archive);
renameSync(`${output}.part`, output);
