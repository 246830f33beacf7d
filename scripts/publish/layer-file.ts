// Is this zip a layer that Lambda can start? What would otherwise show in the first function that uses it is found before
// anything is published: a file for the other architecture, of another version, or that is not executable.

import { readFileSync } from 'node:fs';
import { constants, inflateRawSync } from 'node:zlib';

export interface WantedLayer {
  readonly arch: 'x86_64' | 'arm64';
  readonly version: string;
}

/** What Lambda takes in one call. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ZIP_BYTES = 50 * 1024 * 1024;
const EXECUTABLE = 'extensions/aws-lambda-loki-extension';
const BILL = 'aws-lambda-loki-extension/bom.cdx.json';
/** e_machine of an ELF file: two bytes at 18. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'arm64' };

interface ZipEntry {
  readonly name: string;
  readonly mode: number;
  /** Its first bytes, unpacked; all of a small file. */
  readonly head: Buffer;
}

/** What is wrong with the file, or undefined. */
export function problemOfLayer(file: string, { arch, version }: WantedLayer): string | undefined {
  let zip: Buffer;
  try {
    zip = readFileSync(file);
  } catch {
    return `there is no ${file}: make zip ARCH=${arch} makes it`;
  }
  if (zip.length > MAX_ZIP_BYTES) return `${file} has ${zip.length} bytes, and Lambda takes ${MAX_ZIP_BYTES}`;
  const entries = zipEntries(zip);
  if (entries === undefined) return `${file} is no zip file, or not a whole one: make it again`;
  const extensions = entries.filter(({ name }) => name.startsWith('extensions/') && !name.endsWith('/'));
  const [executable] = extensions;
  if (executable?.name !== EXECUTABLE || extensions.length !== 1) {
    return `${file} must hold ${EXECUTABLE} and nothing else in that folder`;
  }
  if ((executable.mode & 0o777) !== 0o755)
    return `${EXECUTABLE} in ${file} cannot be run by everybody: mode 0755 is missing`;
  const machine =
    executable.head.subarray(0, 4).toString('latin1') === '\x7fELF' ? executable.head.readUInt16LE(18) : 0;
  if (MACHINES[machine] !== arch)
    return `${file} is for ${MACHINES[machine] ?? 'no known architecture'}, not for ${arch}`;
  const packed = versionIn(entries.find(({ name }) => name === BILL)?.head);
  return packed === version
    ? undefined
    : `${file} is of version ${packed ?? 'unknown'}, package.json of ${version}: make zip ARCH=${arch}`;
}

function versionIn(bill: Buffer | undefined): string | undefined {
  return bill?.toString('utf8').match(/"component":\s*\{[^}]*?"version":\s*"([^"]+)"/)?.[1];
}

/** The files that the central directory names; undefined if there is none. */
function zipEntries(zip: Buffer): ZipEntry[] | undefined {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0) return;
  try {
    const entries: ZipEntry[] = [];
    let at = zip.readUInt32LE(end + 16);
    for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
      if (zip.toString('latin1', at, at + 4) !== 'PK\x01\x02') return;
      const nameLength = zip.readUInt16LE(at + 28);
      entries.push({
        name: zip.toString('utf8', at + 46, at + 46 + nameLength),
        mode: zip.readUInt32LE(at + 38) >>> 16,
        head: headOf(zip, zip.readUInt32LE(at + 42), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 10)),
      });
      at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    }
    return entries;
  } catch {
    // A number that points out of the file.
    return;
  }
}

function headOf(zip: Buffer, at: number, packedBytes: number, method: number): Buffer {
  const start = at + 30 + zip.readUInt16LE(at + 26) + zip.readUInt16LE(at + 28);
  const packed = zip.subarray(start, start + Math.min(packedBytes, 65_536));
  return method === 0 ? packed : inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
}
