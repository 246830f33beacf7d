// Is this zip a layer that Lambda can start? What would otherwise show in the first function that uses it is found before
// anything is published: a file for the other architecture, of another version, or that is not executable.

import { statSync } from 'node:fs';
import { machineOf } from '../build/elf.ts';
import { sevenZip } from '../build/seven-zip.ts';

export interface WantedLayer {
  readonly arch: 'x86_64' | 'arm64';
  readonly version: string;
}

/** What Lambda takes in one call. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ZIP_BYTES = 50 * 1024 * 1024;
const EXECUTABLE = 'extensions/aws-lambda-loki-extension';
const BILL = 'aws-lambda-loki-extension/bom.cdx.json';

/** What is wrong with the file, or undefined. */
export function problemOfLayer(file: string, { arch, version }: WantedLayer): string | undefined {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) return `there is no ${file}: make zip ARCH=${arch} makes it`;
  if (bytes > MAX_ZIP_BYTES) return `${file} has ${bytes} bytes, and Lambda takes ${MAX_ZIP_BYTES}`;
  const attributes = attributesIn(file);
  if (attributes === undefined) return `${file} is no zip file, or not a whole one: make it again`;
  const extensions = [...attributes.keys()].filter((name) => name.startsWith('extensions/'));
  if (extensions.join() !== EXECUTABLE) return `${file} must hold ${EXECUTABLE} and nothing else in that folder`;
  if (!attributes.get(EXECUTABLE)?.endsWith('-rwxr-xr-x')) {
    return `${EXECUTABLE} in ${file} cannot be run by everybody: mode 0755 is missing`;
  }
  const machine = machineIn(unpacked(file, EXECUTABLE));
  if (machine !== arch) return `${file} is for ${machine ?? 'no known architecture'}, not for ${arch}`;
  const packed = attributes.has(BILL) ? versionIn(unpacked(file, BILL)) : undefined;
  return packed === version
    ? undefined
    : `${file} is of version ${packed ?? 'unknown'}, package.json of ${version}: make zip ARCH=${arch}`;
}

/** The attributes of each file, which end with its permissions; undefined if it is no whole zip file. */
function attributesIn(zip: string): Map<string, string> | undefined {
  try {
    sevenZip(['t', '-tzip', zip]);
  } catch {
    return undefined;
  }
  const [, list = ''] = sevenZip(['l', '-slt', zip]).toString().split('----------\n');
  const field = (file: string, name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(file)?.[1] ?? '';
  const files = list.split('\n\n').filter((file) => field(file, 'Folder') === '-');
  return new Map(files.map((file) => [field(file, 'Path'), field(file, 'Attributes')]));
}

function unpacked(zip: string, name: string): Buffer {
  return sevenZip(['e', '-so', zip, name]);
}

function machineIn(executable: Buffer): string | undefined {
  return executable.toString('latin1', 0, 4) === '\x7fELF' ? machineOf(executable) : undefined;
}

function versionIn(bill: Buffer): string | undefined {
  return bill.toString('utf8').match(/"component":\s*\{[^}]*?"version":\s*"([^"]+)"/)?.[1];
}
